package watcher

import (
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Of what is mounted below a root, that is polled whose changes may cause no event
// here. None comes in this test.
func TestMountBelowIsPolled(t *testing.T) {
	r := newRig(t, Folder{Path: "in", PollInterval: 10 * time.Second})
	r.write("in/here/a", "")
	r.mkdir("in/disk")
	r.mkdir("in/brand/nas")
	mountAt(t, r.path("in/disk"), "ramfs", "")
	mountAt(t, r.path("in/brand/nas"), "hugetlbfs", "") // not on the list, as good as a share
	r.mkdir("in/brand/nas/deep")
	r.w.folders[0].arrivals.emptyWait = 0
	f, now := r.w.folders[0], time.Now().Add(time.Minute)
	f.now = func() time.Time { return now }
	f.watches = newSet(t)
	steps := func() {
		t.Helper()
		must(t, f.step(t.Context()))
		for len(f.scan.todo) > 0 {
			must(t, f.step(t.Context()))
		}
	}
	steps()
	r.await("here/a")
	if s := r.state("drop"); s.Watch != ModePoll || s.Polled != 0 || len(f.mounts) != 1 {
		t.Fatalf("%+v, polled are %v", s, f.mounts)
	}
	scanned := f.scan.number
	r.write("in/here/b", "")
	r.write("in/disk/c", "")
	d, err := os.Create(r.path("in/brand/nas/deep/d")) // that file system knows no writing
	must(t, err)
	must(t, d.Close())
	now = now.Add(10 * time.Second)
	steps()
	if s := r.state("drop"); s.Settling != 1 {
		t.Errorf("%+v, want the new file settling: the clock there may be behind", s)
	}
	for range 2 {
		now = now.Add(10 * time.Second)
		steps()
	}
	r.await("brand/nas/deep/d")
	if got := r.emitted(); len(got) != 2 || f.scan.number != scanned || len(f.mounts) != 1 {
		t.Errorf("emitted %q in %d scans, polled are %v", got, f.scan.number, f.mounts)
	}
	if n := r.logged("mounted here"); n != 1 {
		t.Errorf("said %d times", n)
	}
	must(t, unix.Unmount(r.path("in/brand/nas"), unix.MNT_DETACH))
	now = now.Add(10 * time.Second)
	steps()
	if s := r.state("drop"); s.Watch != ModeNotify {
		t.Errorf("%+v after all was unmounted", s)
	}
}
