package watcher

import (
	"io/fs"
	"os"
	"slices"
	"sync"
	"testing"
	"time"
)

// TestScanned has a receiver told of each scan that came to its end, and of nothing
// that the scan could not read.
func TestScanned(t *testing.T) {
	r := newRig(t, Folder{Path: "in"})
	f := r.w.folders[0]
	var unread []func(string) bool
	f.whole = func(folder string, fn func(string) bool) {
		if folder != "drop" {
			t.Errorf("told of folder %q", folder)
		}
		unread = append(unread, fn)
	}
	want := func(n int, blind bool) {
		t.Helper()
		if len(unread) != n {
			t.Fatalf("told of %d scans, want %d", len(unread), n)
		}
		if n == 0 {
			return
		}
		for path, below := range map[string]bool{"locked": true, "locked/a": true, "locked/a/b": true, "lock": false, "a": false, "a/locked": false} {
			if got := unread[n-1](path); got != (blind && below) {
				t.Errorf("scan %d: unread %s: %v", n, path, got)
			}
		}
	}
	denied := &fs.PathError{Op: "open", Path: "/in/locked", Err: fs.ErrPermission}
	r.mkdir("in")
	must(t, f.step(t.Context()))
	want(1, false)
	f.beginScan()
	f.cannotRead("locked", denied)
	want(1, false)
	f.endScan()
	want(2, true)
	f.beginScan() // the one before keeps what it said
	want(2, true)
	f.endScan()
	want(3, false)

	must(t, os.Remove(r.path("in"))) // what is not there is not scanned
	f.checkAt, f.scan.asked = time.Time{}, true
	must(t, f.step(t.Context()))
	want(3, false)
	r.mkdir("in/locked")
	f.checkAt = time.Time{}
	must(t, f.step(t.Context()))
	want(3, false) // a directory of it is still to be read
	for len(f.scan.todo) > 0 {
		must(t, f.step(t.Context()))
	}
	want(4, false)
}

// TestRemoved has a receiver told of what events say to be gone.
func TestRemoved(t *testing.T) {
	t.Parallel()
	r := newRig(t, Folder{Path: "in", Mode: ModeNotify})
	var mu sync.Mutex
	var gone []string
	r.w.folders[0].removed = func(folder string, paths []string) {
		mu.Lock()
		defer mu.Unlock()
		if folder != "drop" {
			t.Errorf("told of folder %q", folder)
		}
		gone = append(gone, paths...)
	}
	for _, name := range []string{"in/a", "in/b", "in/sub/c", "in/sub/d", "in/stays"} {
		r.write(name, "x")
	}
	r.started()
	r.await("a", "b", "sub/c", "sub/d", "stays")
	must(t, os.Remove(r.path("in/a")))
	r.rename("in/b", "b")
	must(t, os.Remove(r.path("in/sub/c")))
	r.rename("in/sub", "sub")
	r.write("in/last", "x")
	r.await("last") // events come in order
	mu.Lock()
	defer mu.Unlock()
	for _, path := range []string{"a", "b", "sub/c", "sub"} {
		if !slices.Contains(gone, path) {
			t.Errorf("not told of %s: %q", path, gone)
		}
	}
	if slices.Contains(gone, "stays") || slices.Contains(gone, "last") {
		t.Errorf("told of %q", gone)
	}
}
