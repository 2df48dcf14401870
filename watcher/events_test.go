package watcher

import (
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// within checks that path was emitted once, not before it was settled and at
// most two seconds later.
func (r *rig) within(path string, last time.Time) {
	r.t.Helper()
	r.await(path)
	r.mu.Lock()
	defer r.mu.Unlock()
	// The kernel's ctime clock ticks up to 10 ms behind ours.
	if d := r.when[path].Sub(last); d < quiet-10*time.Millisecond || d > quiet+2*time.Second {
		r.t.Errorf("%s emitted %v after its last change, want %v to %v", path, d, quiet, quiet+2*time.Second)
	}
	if n := len(r.files[path]); n != 1 {
		r.t.Errorf("%s emitted %d times", path, n)
	}
}

func TestRunEmitsEachOnce(t *testing.T) {
	r := newRig(t, Folder{Path: "in"})
	r.write("in/there before", "x")
	before := time.Now()
	r.started()

	r.write("away/renamed", "0123456789")
	r.rename("away/renamed", "in/renamed in")
	renamed := time.Now()
	r.write("in/1/2/3/4/deep", "x")
	deep := time.Now()
	for _, junk := range []string{".DS_Store", "._x", "x.part", "~$doc", "1/2/Thumbs.db"} {
		r.write("in/"+junk, "x")
	}
	f, err := os.Create(r.path("in/slow"))
	must(t, err)
	slow, pause := time.Now(), time.Duration(0)
	for range 30 {
		time.Sleep(50 * time.Millisecond) // a slow writer is what is tested
		_, err := f.WriteString("0123456789")
		must(t, err)
		pause = max(pause, time.Since(slow))
		slow = time.Now()
	}
	must(t, f.Close())
	if pause >= quiet {
		t.Skipf("the machine is too busy: the writer came to a halt for %v", pause)
	}

	r.within("there before", before)
	r.within("renamed in", renamed)
	r.within("1/2/3/4/deep", deep)
	r.within("slow", slow)
	if got, want := r.emitted(), []string{"1/2/3/4/deep", "renamed in", "slow", "there before"}; !slices.Equal(got, want) {
		t.Errorf("emitted %q, want %q", got, want)
	}
	r.mu.Lock()
	got := r.files["slow"][0]
	r.mu.Unlock()
	st, err := lstat(r.path("in/slow"))
	must(t, err)
	if want := r.w.folders[0].file("slow", file.StatOfSys(&st)); got != want || got.Size != 300 {
		t.Errorf("emitted %+v, want %+v of 300 bytes", got, want)
	}
	r.until("nothing settling", func() bool { return r.state("drop").Settling == 0 })

	r.write("in/slow", "changed")
	r.until("the changed file", func() bool { return len(r.files["slow"]) == 2 && r.files["slow"][1].Size == 7 })
}

func TestRenamedDirectories(t *testing.T) {
	t.Parallel()
	r := newRig(t, Folder{Path: "in"}, Folder{Path: "other", Name: "other"})
	r.mkdir("in/a/deep")
	r.mkdir("in/c/deep")
	r.mkdir("in/gone/deep")
	r.mkdir("in/across/deep")
	r.mkdir("in/left/deep")
	r.mkdir("other")
	r.started()

	// Renamed: fsnotify would keep the old path and then drop the watch.
	r.rename("in/a", "in/b")
	r.write("in/b/file1", "x")
	r.write("in/b/deep/file2", "x")
	r.await("b/file1", "b/deep/file2")
	r.write("in/b/file3", "x")
	r.write("in/b/deep/file4", "x")
	r.await("b/file3", "b/deep/file4")

	// Moved into a directory that is as new, so that no event tells of it.
	r.mkdir("in/new")
	r.rename("in/c", "in/new/c")
	r.write("in/new/c/file5", "x")
	r.await("new/c/file5")
	r.write("in/new/c/deep/file6", "x")
	r.await("new/c/deep/file6")

	// Renamed and removed at once: fsnotify reports that under its own lock.
	for i := range 20 {
		from, to := fmt.Sprintf("in/r%d", i), fmt.Sprintf("in/s%d", i)
		r.mkdir(from)
		r.rename(from, to)
		must(t, os.Remove(r.path(to)))
	}

	// Out of the tree, and an empty one in its place.
	r.rename("in/gone", "gone")
	r.mkdir("in/gone/deep")
	r.write("gone/deep/outside", "x")
	r.write("in/gone/deep/file7", "x")
	r.await("gone/deep/file7")

	// From one drop folder to another: one inotify watch, two owners.
	r.rename("in/across", "other/across")
	r.write("other/across/file8", "x")
	r.await("across/file8")
	r.write("other/across/deep/file9", "x")
	r.await("across/deep/file9")

	// Out of the tree for good: what happens there is not ours any more.
	r.rename("in/left", "left")
	r.write("in/b/sign", "x")
	r.await("b/sign")
	r.unwatched("in/left", "in/left/deep")

	// And in from outside, filled before.
	r.rename("gone", "in/back")
	r.write("in/back/deep/file10", "x")
	r.await("back/deep/outside", "back/deep/file10")

	want := []string{
		"across/deep/file9", "across/file8", "b/deep/file2", "b/deep/file4", "b/file1", "b/file3", "b/sign",
		"back/deep/file10", "back/deep/outside", "gone/deep/file7", "new/c/deep/file6", "new/c/file5",
	}
	if got := r.emitted(); !slices.Equal(got, want) {
		t.Errorf("emitted %q, want %q", got, want)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if f := r.files["across/file8"][0]; f.Folder != "other" {
		t.Errorf("a file of the other folder came from %q", f.Folder)
	}
}

// queueLimit is how many events the kernel keeps for a process.
func queueLimit(t *testing.T) int {
	t.Helper()
	raw, err := os.ReadFile("/proc/sys/fs/inotify/max_queued_events")
	must(t, err)
	var limit int
	if _, err := fmt.Sscan(string(raw), &limit); err != nil {
		t.Fatal(err)
	}
	return limit
}

func TestKernelOverflow(t *testing.T) {
	t.Parallel()
	limit := queueLimit(t)
	if limit > 50_000 {
		t.Skipf("the queue of %d events takes too long to fill", limit)
	}
	r := newRig(t, Folder{Path: "in"})
	r.mkdir("in/sub")
	r.mkdir("in/left/deep")
	r.started()
	set := r.w.folders[0].watches
	set.mu.Lock() // now the dispatcher stands still, as in a stopped process
	r.write("in/sub/file", "x")
	r.write("in/sub/file2", "x")
	for range limit { // no two events in a row alike, or the kernel merges them
		must(t, os.Chmod(r.path("in/sub/file"), 0o600))
		must(t, os.Chmod(r.path("in/sub/file2"), 0o600))
	}
	r.write("in/lost/1/2/file", "x")
	r.rename("in/left", "left")
	set.mu.Unlock()
	r.await("lost/1/2/file", "sub/file")
	r.write("in/lost/1/2/later", "x")
	r.await("lost/1/2/later")
	r.unwatched("in/left", "in/left/deep")
	if r.logged("max_queued_events") == 0 {
		t.Error("the overflow was not said")
	}
}

// unwatched checks that these directories consume no watch.
func (r *rig) unwatched(dirs ...string) {
	r.t.Helper()
	for _, dir := range dirs {
		if r.w.folders[0].watches.has(r.path(dir)) {
			r.t.Errorf("%s is still watched", dir)
		}
	}
}

func TestInboxIsBounded(t *testing.T) {
	r := newRig(t, Folder{Path: "in"})
	b := r.w.folders[0].inbox
	for i := range 2*inboxLimit + 10 {
		b.put(event(fmt.Sprint(i)))
	}
	if m := b.take(); !m.rescan || len(m.events) > inboxLimit {
		t.Errorf("%d events, rescan %v", len(m.events), m.rescan)
	}
	for range 3 {
		b.put(write("same"))
	}
	if m := b.take(); m.rescan || len(m.events) != 1 {
		t.Errorf("%d events of one write, rescan %v", len(m.events), m.rescan)
	}
}

func TestOnlyRegularFilesAndWantedDirectories(t *testing.T) {
	t.Parallel()
	r := newRig(t, Folder{Path: "in", Exclude: []string{"**/work/**"}, Skip: []string{"_ingested"}, Include: []string{"**/*.jpg"}})
	r.write("outside/secret.jpg", "x")
	for _, dir := range []string{"", "live/"} {
		if dir != "" {
			r.started()
		}
		r.write("in/"+dir+"yes.jpg", "x")
		r.write("in/"+dir+"no.png", "x")
		r.write("in/"+dir+"work/no.jpg", "x")
		r.write("in/"+dir+"@eaDir/no.jpg", "x")
		r.write("in/_ingested/"+dir+"no.jpg", "x")
		must(t, os.Symlink(r.path("outside/secret.jpg"), r.path("in/"+dir+"link.jpg")))
		must(t, os.Symlink(r.path("outside"), r.path("in/"+dir+"linked")))
		must(t, syscall.Mkfifo(r.path("in/"+dir+"pipe.jpg"), 0o600))
		l, err := net.Listen("unix", r.path("in/"+dir+"s.jpg"))
		must(t, err)
		t.Cleanup(func() { _ = l.Close() })
	}
	r.write("in/live/last.jpg", "x")
	r.await("yes.jpg", "live/yes.jpg", "live/last.jpg")
	if got := r.emitted(); len(got) != 3 {
		t.Errorf("emitted %q", got)
	}
	set := r.w.folders[0].watches
	set.mu.Lock()
	defer set.mu.Unlock()
	if len(set.byPath) != 2 {
		t.Errorf("watched: %v, want the root and live", slices.Collect(maps.Keys(set.byPath)))
	}
}
