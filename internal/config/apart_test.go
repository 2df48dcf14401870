package config

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestAskAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		defer close(hang)
		start := time.Now()
		got := askAll([]string{"slow", "a", "b", "c"}, func(s string) string {
			if s == "slow" {
				time.Sleep(answerTime - 1)
			} else if s != "b" {
				<-hang
			}
			return "/" + s
		}, func(s string) string { return s })
		if len(got) != 4 || got[0] != "/slow" || got[1] != "a" || got[2] != "/b" || got[3] != "c" {
			t.Errorf("got %q", got)
		}
		if d := time.Since(start); d != answerTime {
			t.Errorf("it took %v", d)
		}
	})
}
