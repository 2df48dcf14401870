package watcher

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

func TestRootComesAndGoes(t *testing.T) {
	t.Parallel()
	r := newRig(t, Folder{Path: "in", Marker: "mounted"}, Folder{Path: "fine", Name: "fine"})
	r.mkdir("fine")
	r.run()
	paused := func(why string) func() bool {
		return func() bool { return strings.Contains(r.state("drop").Paused, why) }
	}
	r.until("pause", paused("does not exist"))
	if err := r.w.WaitScan(t.Context(), "drop"); !errors.Is(err, ErrPaused) {
		t.Errorf("WaitScan of a paused folder: %v", err)
	}
	r.write("fine/other", "x")
	r.await("other") // another folder's trouble

	r.write("in/early", "x")
	r.w.Rescan("drop") // looks at once
	r.until("the marker missed", paused("marker"))
	r.write("in/mounted", "")
	r.w.Rescan("")
	r.await("early")
	r.until("back", func() bool { return r.state("drop").Paused == "" })

	// Deleted and made anew, with nothing that tells of the new one.
	must(t, os.RemoveAll(r.path("in")))
	r.until("pause", paused("does not exist"))
	r.write("in/mounted", "")
	r.write("in/sub/anew", "x")
	r.await("sub/anew")
	r.write("in/sub/live", "x")
	r.await("sub/live")

	// Moved away and back: the same directory, but its watch is lost.
	r.rename("in", "elsewhere")
	r.rename("elsewhere", "in")
	r.write("in/after", "x")
	r.await("after")
	r.write("in/sub/after", "x")
	r.await("sub/after")
}

func TestMissingRootIsSaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Folder{Path: "in", Mode: ModePoll})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		must(t, r.w.Run(ctx))
		if n := r.logged("folder paused"); n != 1 || len(r.states["drop"]) != 1 {
			t.Errorf("said %d times, reported as %v", n, r.states["drop"])
		}
	})
}

func TestPolling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Folder{Path: "in", Mode: ModePoll, Settle: 10 * time.Second, PollInterval: time.Minute})
		r.mkdir("in")
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.w.Run(ctx) }()
		time.Sleep(30 * time.Second)
		r.write("in/a/b", "x")
		time.Sleep(40*time.Second - 1) // the next poll and the settle time
		synctest.Wait()
		if got := r.emitted(); got != nil {
			t.Errorf("emitted %q before it had settled", got)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if got := r.emitted(); len(got) != 1 {
			t.Errorf("emitted %q, want the file", got)
		}
		cancel()
		must(t, <-done)
	})
}

func TestRootIsALink(t *testing.T) {
	t.Parallel()
	r := newRig(t, Folder{Path: "link"})
	r.write("one/a", "x")
	r.write("two/b", "x")
	must(t, os.Symlink("one", r.path("link")))
	r.started()
	r.await("a")
	r.write("one/sub/c", "x")
	r.await("sub/c")
	must(t, os.Symlink("two", r.path("link2")))
	r.rename("link2", "link")
	r.await("b") // found by the check of the root
}

func TestRescanAndWaitScan(t *testing.T) {
	t.Parallel()
	r := newRig(t, Folder{Path: "in", Mode: ModePoll, PollInterval: time.Hour})
	r.mkdir("in")
	r.started()
	if got := r.state("drop").Watch; got != ModePoll {
		t.Errorf("watch is %q", got)
	}
	r.write("in/a/b", "x")
	must(t, r.w.WaitScan(t.Context(), "drop"))
	if got := r.emitted(); len(got) != 1 {
		t.Errorf("emitted %q when the scan was over", got)
	}
	r.write("in/c", "x")
	r.w.Rescan("")
	r.await("c")
	if err := r.w.WaitScan(t.Context(), "nobody"); err == nil {
		t.Error("an unknown folder was scanned")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.w.WaitScan(ctx, ""); !errors.Is(err, context.Canceled) && err != nil {
		t.Errorf("WaitScan: %v", err)
	}
}

// What is no file does not tell that a share is mounted.
func TestMarkerIsAFile(t *testing.T) {
	t.Parallel()
	r := newRig(t, Folder{Path: "in", Marker: "mounted"})
	r.write("in/a", "x")
	marker := r.path("in/mounted")
	for what, put := range map[string]func() error{
		"a pipe":      func() error { return unix.Mkfifo(marker, 0o600) },
		"a directory": func() error { return os.Mkdir(marker, 0o700) },
		"a link":      func() error { return os.Symlink("none", marker) },
	} {
		must(t, put())
		if _, err := inspect(r.w.folders[0].conf); err == nil || !strings.Contains(err.Error(), "in the place of the marker lies "+what) {
			t.Errorf("%s: %v", what, err)
		}
		must(t, os.Remove(marker))
	}
	r.write("in/mounted", "")
	if _, err := inspect(r.w.folders[0].conf); err != nil {
		t.Error(err)
	}
}
