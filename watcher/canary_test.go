package watcher

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"golang.org/x/sync/errgroup"
)

func TestCanary(t *testing.T) {
	t.Parallel()
	r := newRig(t, Folder{Path: "in"})
	r.pretend(unknown, false)
	r.mkdir("in")
	r.write("in/"+canaryName, "of a process that was killed")
	r.started()
	r.until("the canary heard", func() bool { return strings.Contains(r.log.String(), "events come") })
	r.mu.Lock()
	if got := r.state("drop").Watch; got != ModeNotify {
		t.Errorf("watch is %q although events come", got)
	}
	r.mu.Unlock()
	if _, err := os.Lstat(r.path("in/" + canaryName)); !os.IsNotExist(err) {
		t.Errorf("the canary is still there: %v", err)
	}
}

func TestCanaryThatIsNotHeard(t *testing.T) {
	t.Parallel()
	r := newRig(t, Folder{Path: "in", Patience: quiet, PollInterval: 200 * time.Millisecond})
	r.pretend(unknown, false)
	r.mkdir("in/sub")
	fsn, err := fsnotify.NewWatcher()
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var g errgroup.Group
	g.Go(func() error {
		for range fsn.Events { // none comes to the folder
		}
		return nil
	})
	f := r.w.folders[0]
	f.watches = newWatches(fsn)
	f.canaryTime = quiet
	g.Go(func() error { return f.run(ctx) })
	defer func() {
		cancel()
		must(t, fsn.Close())
		must(t, g.Wait())
	}()
	r.until("polling", func() bool { return r.state("drop").Watch == ModePoll })
	r.write("in/sub/a", "x")
	r.await("sub/a")
	r.unwatched("in", "in/sub")
	if n := r.logged("no file system events come"); n != 1 {
		t.Errorf("said %d times", n)
	}
}

func TestCanaryIsForUnknownFileSystems(t *testing.T) {
	for _, tt := range []struct {
		kind kind
		mode Mode
		dead bool
		want Mode
	}{
		{local, ModeAuto, false, ModeNotify},
		{share, ModeAuto, false, ModePoll},
		{unknown, ModeAuto, false, ModeNotify},
		{unknown, ModeAuto, true, ModePoll},
		{share, ModeNotify, false, ModeNotify},
		{local, ModePoll, false, ModePoll},
	} {
		f := newFolder(Folder{Mode: tt.mode}, Options{})
		f.watches = newWatches(nil)
		f.root = root{path: "/proc", kind: tt.kind}
		f.canary.dead = tt.dead
		if got := f.mode(); got != tt.want {
			t.Errorf("%+v: %s", tt, got)
		}
	}
	at, err := inspect(Folder{Path: "/proc"})
	if err != nil || at.kind != unknown || at.leases {
		t.Errorf("/proc: %+v, %v", at, err)
	}
}
