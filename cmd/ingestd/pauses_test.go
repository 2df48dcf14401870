package main

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestPausesThatLast has folders wait for a moment, for long, and again and again.
func TestPausesThatLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var told []string
		p := newPauses(10*time.Second, []string{"before", "still"}, func(folder, why string) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, folder+": "+why)
		})
		want := func(want ...string) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			slices.Sort(told)
			if !slices.Equal(told, want) {
				t.Errorf("told is %q, want %q", told, want)
			}
			told = nil
		}
		p.set("still", "away") // as before the restart
		p.set("a", "away")
		time.Sleep(9 * time.Second)
		p.set("a", "")
		time.Sleep(time.Minute)
		want("before: ")

		p.set("a", "away")
		p.set("", "Tenovos does not answer")
		time.Sleep(9 * time.Second)
		p.set("a", "still away") // another reason is the same wait
		time.Sleep(2 * time.Second)
		want(": Tenovos does not answer", "a: still away")

		for range 20 { // it comes and goes
			p.set("a", "")
			time.Sleep(5 * time.Second)
			p.set("a", "away")
			time.Sleep(5 * time.Second)
		}
		want()
		p.set("a", "")
		p.set("still", "")
		time.Sleep(11 * time.Second)
		want("a: ", "still: ")

		p.set("a", "away")
		p.stop()
		time.Sleep(time.Minute)
		want()
		(*pauses)(nil).set("a", "away")
	})
}

// TestPausesEnd stops in the middle of telling: that is waited for, and nothing is told after it.
func TestPausesEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release, stopped := make(chan struct{}), make(chan struct{})
		told := 0
		p := newPauses(10*time.Second, nil, func(string, string) {
			told++
			<-release
		})
		p.set("a", "away")
		time.Sleep(11 * time.Second)
		go func() {
			p.stop()
			close(stopped)
		}()
		synctest.Wait()
		if closed(stopped) {
			t.Error("it ended while a wait was being told")
		}
		p.set("b", "away")
		close(release)
		<-stopped
		p.set("c", "away")
		time.Sleep(time.Minute)
		if told != 1 {
			t.Errorf("%d waits were told", told)
		}
	})
}
