package watcher

import (
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A directory that becomes a link while a file in it settles: the file has gone, and
// what is seen by way of the link is no file of the folder.
func TestParentThatBecomesALink(t *testing.T) {
	for name, folder := range map[string]Folder{
		"events": {Settle: time.Second, Path: "in"}, "poll": {Settle: time.Second, Path: "in", Mode: ModePoll, PollInterval: 200 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, folder)
			r.write("outside/b/a.jpg", "foreign")
			r.write("in/acme/b/a.jpg", "ours")
			r.run()
			r.until("it settles", func() bool { return r.state("drop").Settling == 1 })
			must(t, os.Symlink("../outside", r.path("in/link")))
			must(t, unix.Renameat2(unix.AT_FDCWD, r.path("in/link"), unix.AT_FDCWD, r.path("in/acme"), unix.RENAME_EXCHANGE))
			r.rename("in/link", "away")
			must(t, os.WriteFile(r.path("outside/b/new.jpg"), nil, 0o600)) // where a watch may have followed
			r.until("it is gone", func() bool { return r.state("drop").Settling == 0 })
			r.write("in/last.jpg", "ours")
			r.until("what comes afterwards is taken", func() bool { return len(r.files) > 0 })
			if got := r.emitted(); len(got) != 1 || got[0] != "last.jpg" {
				t.Errorf("emitted %q", got)
			}
		})
	}
}
