package ingest_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/ingest"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/watcher"
)

// looks counts the looks that a pipeline takes at its journal.
type looks struct{ n atomic.Int64 }

// rest returns when there was none for a while.
func (l *looks) rest(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for before := int64(-1); l.n.Load() != before; {
		if time.Now().After(deadline) {
			t.Fatalf("the journal was looked at %d times, and no end", l.n.Load())
		}
		before = l.n.Load()
		time.Sleep(3 * time.Second)
	}
}

// wantIdle fails if a pipeline with nothing to do looks at its journal more than once in
// ten seconds.
func (l *looks) wantIdle(t *testing.T) {
	t.Helper()
	l.rest(t)
	before := l.n.Load()
	time.Sleep(10 * time.Second)
	if n := l.n.Load() - before; n > 1 {
		t.Errorf("the journal was looked at %d times in ten seconds", n)
	}
}

// noDrops is a watcher in whose folder nothing is on its way.
type noDrops struct{}

func (noDrops) Drop(string) watcher.Drop   { return watcher.Drop{} }
func (noDrops) Announced(string) time.Time { return time.Time{} }

// goOn runs a pipeline until the test ends.
func (r *rig) goOn(t *testing.T) *process {
	t.Helper()
	p := r.start()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx, nil, nil) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		r.close(p)
	})
	return p
}

func TestIdle(t *testing.T) {
	t.Parallel()
	t.Run("ten empty folders", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, nil)
		var l looks
		r.look = func() { l.n.Add(1) }
		one := r.config.Folders[0]
		one.Companions, one.Drops, one.After, one.Done, one.Failed = manifests{}, noDrops{}, ingest.AfterMove, "_ingested", "_failed"
		r.config.Folders = nil
		for i := range 10 {
			one.Name = fmt.Sprint("drop", i)
			r.config.Folders = append(r.config.Folders, one)
		}
		p := r.goOn(t)
		l.wantIdle(t)
		for i := range 10 { // a folder that is polled is scanned again and again
			p.Resting().Scanned(fmt.Sprint("drop", i), func(string) bool { return false })
		}
		l.rest(t)
		before := l.n.Load()
		for i := range 10 {
			p.Resting().Scanned(fmt.Sprint("drop", i), func(string) bool { return false })
			if err := p.Resting().Wait(t.Context(), fmt.Sprint("drop", i)); err != nil {
				t.Fatal(err)
			}
		}
		if n := l.n.Load() - before; n > 1 {
			t.Errorf("ten more scans looked at the journal %d times, though nothing had changed", n)
		}
	})
	// What waits for people, or for a time that is far away, is no work either.
	t.Run("all is waiting", func(t *testing.T) {
		t.Parallel()
		r := newBatchRig(t)
		var l looks
		r.look = func() { l.n.Add(1) }
		r.write("spring/unmappable.jpg", 10, 1)
		r.write("spring/fits.jpg", 10, 1)
		r.write("unmappable.jpg", 10, 1)
		r.begin()
		r.waitHeldBack("1 of 2 files are held", "spring/fits.jpg")
		r.waitStatus(journal.Held, "unmappable.jpg")
		l.wantIdle(t)
		r.corrected.Store(true) // and it is not asleep
		for _, rules := range []string{"those that there were", "others"} {
			if _, err := r.process.Release(t.Context(), "drop", rules); err != nil {
				t.Fatal(err)
			}
		}
		r.waitStatus(journal.Filed, "spring/fits.jpg", "spring/unmappable.jpg", "unmappable.jpg")
	})
}

// What was to wait for an hour goes on when the clock is set.
func TestClockIsSet(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	var ahead atomic.Int64
	r.clock = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	f := &r.config.Folders[0]
	f.After, f.Done, f.Failed, f.Resume = ingest.AfterMove, "_ingested", "_failed", time.Hour
	later := f.Map
	f.Map = func(file watcher.File, at string) (ingest.Mapped, error) {
		if ahead.Load() == 0 {
			return ingest.Mapped{}, &ingest.LaterError{Err: context.DeadlineExceeded, After: time.Hour}
		}
		return later(file, at)
	}
	r.write("a.jpg", 10, 1)
	p := r.goOn(t)
	if err := r.scan(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	until := func(what string, so func(journal.Entry) bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); !so(r.entry("a.jpg")); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: it is %+v", what, r.entry("a.jpg"))
			}
		}
	}
	until("it does not wait", func(e journal.Entry) bool { return e.NotBefore.After(time.Now().Add(time.Minute)) })
	ahead.Store(int64(2 * time.Hour))
	until("it waits on", func(e journal.Entry) bool { return e.Status == journal.Filed })
	ahead.Store(int64(4 * time.Hour))
	until("its file stays", func(e journal.Entry) bool { return e.MovedTo == filepath.Join("_ingested", "a.jpg") })
}
