package watcher

import (
	"os"
	"testing"
	"time"
)

// Where nobody knows whether events come, none is waited for, and nothing is left in the
// folder to find out.
func TestUnknownFileSystemIsPolled(t *testing.T) {
	t.Parallel()
	r := newRig(t, Folder{Path: "in", Patience: quiet, PollInterval: 200 * time.Millisecond})
	r.pretend(unknown, false)
	r.mkdir("in/sub")
	r.started()
	r.until("polling", func() bool { return r.state("drop").Watch == ModePoll })
	r.write("in/sub/a", "x")
	r.await("sub/a")
	r.unwatched("in", "in/sub")
	if n := r.logged("its file system is not known"); n != 1 {
		t.Errorf("said %d times", n)
	}
	entries, err := os.ReadDir(r.path("in"))
	if must(t, err); len(entries) != 1 {
		t.Errorf("in the folder lie %v", entries)
	}
}

func TestModeByKindOfFileSystem(t *testing.T) {
	for _, tt := range []struct {
		kind kind
		mode Mode
		want Mode
	}{
		{local, ModeAuto, ModeNotify},
		{share, ModeAuto, ModePoll},
		{unknown, ModeAuto, ModePoll},
		{unknown, ModeNotify, ModeNotify},
		{share, ModeNotify, ModeNotify},
		{local, ModePoll, ModePoll},
	} {
		f := newFolder(Folder{Mode: tt.mode}, Options{})
		f.watches = newWatches(nil)
		f.root = root{path: "/proc", kind: tt.kind}
		if got := f.mode(); got != tt.want {
			t.Errorf("%+v: %s", tt, got)
		}
	}
	at, err := inspect(Folder{Path: "/proc"})
	if err != nil || at.kind != unknown || at.leases {
		t.Errorf("/proc: %+v, %v", at, err)
	}
}
