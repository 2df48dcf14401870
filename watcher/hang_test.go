package watcher

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/sharefs"
)

func TestHangingShare(t *testing.T) {
	t.Parallel()
	r := newRig(t, Folder{Path: "share", Name: "share"}, Folder{Path: "in"})
	r.mkdir("share")
	r.mkdir("in")
	release := sharefs.Hang(t, r.path("share"))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.w.Run(ctx) }()

	r.write("in/a/b", "x")
	r.await("a/b")
	must(t, r.w.WaitScan(ctx, "drop"))
	r.w.folders[0].checkPulse(time.Now().Add(hangAfter))
	r.until("the hang said", func() bool { return strings.Contains(r.state("share").Paused, "not answered") })
	if err := r.w.WaitScan(ctx, ""); !errors.Is(err, ErrPaused) || !strings.Contains(err.Error(), `"share"`) {
		t.Errorf("WaitScan: %v", err)
	}
	r.write("in/c", "x")
	r.await("c")

	cancel()
	start := time.Now()
	must(t, <-done)
	if d := time.Since(start); d > abandonAfter+time.Second {
		t.Errorf("Run ended %v after its context", d)
	}
	release() // lets the goroutine end

	// Nothing tells of that, so that until would not look.
	for end := time.Now().Add(40 * time.Second); !r.w.folders[0].ended.Load(); {
		if time.Now().After(end) {
			t.Fatalf("its goroutine goes on; log:\n%s", r.log.String())
		}
		time.Sleep(time.Millisecond)
	}
}

func TestWatchdog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Folder{Path: "in", Mode: ModePoll, PollInterval: time.Minute})
		r.mkdir("in")
		release := make(chan struct{})
		f := r.w.folders[0]
		f.inspect = func(conf Folder) (root, error) {
			if f.scan.number == 1 {
				<-release
			}
			return inspect(conf)
		}
		start := time.Now()
		r.run()
		r.until("the first scan", func() bool { return !r.state("drop").LastScan.IsZero() })
		r.until("the hang said", func() bool {
			s := r.state("drop")
			return strings.Contains(s.Paused, "not answered") && !s.LastScan.Before(start)
		})
		if d := time.Since(start); d < hangAfter || d > hangAfter+rootCheck+2*hangCheck {
			t.Errorf("said after %v", d)
		}
		close(release)
		r.until("an answer", func() bool { return r.state("drop").Paused == "" })
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := r.logged("not answered"); n != 1 {
			t.Errorf("said %d times", n)
		}
	})
}
