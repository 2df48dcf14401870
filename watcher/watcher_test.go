package watcher

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/charlievieth/fastwalk"
	"github.com/fsnotify/fsnotify"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

func event(name string) fsnotify.Event { return fsnotify.Event{Name: name, Op: fsnotify.Create} }
func write(name string) fsnotify.Event { return fsnotify.Event{Name: name, Op: fsnotify.Write} }

// In a bubble the clock stands in the year 2000, so that every real ctime is in
// the future and each file has to be seen holding still.
func TestWalkWaitsForTheUnsettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Folder{Path: "in", Settle: time.Minute}, Folder{Path: "missing", Name: "m"}, Folder{Path: "too", Name: "too"})
		r.write("in/a/quiet", "x")
		r.write("in/growing", "x")
		r.write("in/vanishing", "x")
		r.write("too/b", "x")
		start := time.Now()
		grown := make(chan struct{})
		go func() {
			defer close(grown)
			time.Sleep(50 * time.Second)
			r.write("in/growing", "more")
			_ = os.Remove(r.path("in/vanishing"))
		}()
		err := r.w.Walk(t.Context())
		<-grown
		if !errors.Is(err, ErrPaused) || !strings.Contains(err.Error(), `folder "m"`) || strings.Contains(err.Error(), `"too"`) {
			t.Errorf("Walk: %v, want an error naming the missing folder alone", err)
		}
		if got, want := r.emitted(), []string{"a/quiet", "b", "growing"}; !slices.Equal(got, want) {
			t.Errorf("emitted %q, want %q", got, want)
		}
		if d := r.when["a/quiet"].Sub(start); d != time.Minute {
			t.Errorf("the quiet file took %v", d)
		}
		if d := r.when["growing"].Sub(start); d != 2*time.Minute {
			t.Errorf("the growing file took %v", d)
		}
		if s := r.state("drop"); s.Settling != 0 || s.Watch != ModePoll {
			t.Errorf("state at the end: %+v", s)
		}
		if err := r.w.Walk(t.Context()); err == nil {
			t.Error("a second Walk was not refused")
		}
		if err := r.w.WaitScan(t.Context(), ""); err == nil {
			t.Error("WaitScan after the end was not refused")
		}
	})
}

func TestWalkEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Folder{Path: "in", Settle: time.Hour})
		r.write("in/a", "x")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := r.w.Walk(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Walk: %v", err)
		}
		if got := r.emitted(); got != nil {
			t.Errorf("emitted %q", got)
		}
	})
}

// Old files pass at once, in batches of one directory, and leave nothing behind
// in memory.
func TestWalkOfOldFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const files = 1200
	for i := range files {
		must(t, os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), []byte("x"), 0o600))
	}
	seen := 0
	w, err := New([]Folder{{Name: "f", Path: dir, Settle: time.Minute}}, Options{
		Emit: func(_ context.Context, files []file.File) error {
			if len(files) > batchSize {
				t.Errorf("a batch of %d", len(files))
			}
			seen += len(files)
			return nil
		},
		Report: func(s State) {
			if s.Settling != 0 {
				t.Errorf("old files are settling: %+v", s)
			}
		},
		Clock: func() time.Time { return time.Now().Add(time.Hour) },
	})
	must(t, err)
	must(t, w.Walk(t.Context()))
	if seen != files || len(w.folders[0].settle.pending) != 0 {
		t.Errorf("%d emitted, %d pending", seen, len(w.folders[0].settle.pending))
	}
}

func TestEmitErrorEndsAll(t *testing.T) {
	broken := errors.New("journal broken")
	for name, call := range map[string]func(*Watcher, context.Context) error{"Run": (*Watcher).Run, "Walk": (*Watcher).Walk} {
		t.Run(name, func(t *testing.T) {
			dirs := []string{t.TempDir(), t.TempDir()}
			must(t, os.WriteFile(filepath.Join(dirs[0], "a"), []byte("x"), 0o600))
			must(t, os.WriteFile(filepath.Join(dirs[1], "b"), []byte("x"), 0o600))
			w, err := New([]Folder{
				{Name: "one", Path: dirs[0]},
				{Name: "two", Path: dirs[1], Settle: time.Hour},
			}, Options{Emit: func(context.Context, []file.File) error { return broken }})
			must(t, err)
			if err := call(w, t.Context()); !errors.Is(err, broken) || !strings.Contains(err.Error(), `"one"`) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A folder whose goroutine hangs stops neither the others nor the end.
func TestHangingFolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		folders := make([]Folder, 2)
		for i, name := range []string{"hangs", "fine"} {
			folders[i] = Folder{Name: name, Path: filepath.Join(dir, name), Mode: ModePoll, Settle: time.Duration(i) * time.Minute}
			must(t, os.Mkdir(folders[i].Path, 0o700))
			must(t, os.WriteFile(filepath.Join(folders[i].Path, "file"), []byte("x"), 0o600))
		}
		hanging, fine, release := make(chan struct{}), make(chan struct{}), make(chan struct{})
		w, err := New(folders, Options{Emit: func(_ context.Context, files []file.File) error {
			if files[0].Folder == "hangs" {
				close(hanging)
				<-release // ctx or not, as a system call does
				return nil
			}
			close(fine)
			return nil
		}})
		must(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.Run(ctx) }()
		<-hanging
		<-fine
		cancel()
		stopped := time.Now()
		if err := <-done; err != nil || time.Since(stopped) != abandonAfter {
			t.Errorf("Run ended %v after its context: %v", time.Since(stopped), err)
		}
		close(release)
	})
}

func TestUnreadableDirectory(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root reads everything")
	}
	r := newRig(t, Folder{Path: "in"})
	r.write("in/closed/a", "x")
	r.write("in/open/b", "x")
	must(t, os.Chmod(r.path("in/closed"), 0))
	t.Cleanup(func() { _ = os.Chmod(r.path("in/closed"), 0o700) })
	if err := r.w.Walk(t.Context()); !errors.Is(err, ErrUnreadable) || !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "closed") {
		t.Errorf("Walk: %v", err)
	}
	r.await("open/b")
	if s := r.state("drop"); s.Unreadable != 1 || s.Unread != "closed (permission denied)" {
		t.Errorf("reported %d unreadable: %s", s.Unreadable, s.Unread)
	}
}

// A directory that is watched, and whose mode was changed for a while, is read again
// when it may be.
func TestUnreadableForAWhile(t *testing.T) {
	r := newRig(t, Folder{Path: "in"})
	r.write("in/closed/a", "x")
	r.write("in/closed-not/b", "x")
	f := r.w.folders[0]
	f.watches = newSet(t)
	must(t, f.step(t.Context()))
	for len(f.scan.todo) > 0 {
		must(t, f.step(t.Context()))
	}
	must(t, f.step(t.Context()))
	changed := func(rel string, want ...string) {
		t.Helper()
		must(t, f.handle(t.Context(), fsnotify.Event{Name: r.path("in/" + rel), Op: fsnotify.Chmod}))
		if !slices.Equal(f.scan.todo, want) {
			t.Errorf("to be read are %q, want %q", f.scan.todo, want)
		}
	}
	changed("closed")
	f.cannotRead("closed/a", &fs.PathError{Op: "lstat", Err: fs.ErrPermission})
	changed("closed-not")
	changed("closed", "closed")
	if f.tell(); r.state("drop").Unreadable != 0 {
		t.Errorf("reported: %+v", r.state("drop"))
	}
}

// What cannot be read is reported with the end of a scan, or at once where an event
// told of it, and until a scan could read it.
func TestUnreadableIsReported(t *testing.T) {
	r := newRig(t, Folder{Path: "in"})
	f := r.w.folders[0]
	denied := &fs.PathError{Op: "open", Path: "/in/locked", Err: fs.ErrPermission}
	check := func(when string, n int, first string) {
		t.Helper()
		f.tell()
		if s := r.state("drop"); s.Unreadable != n || s.Unread != first {
			t.Errorf("%s: %d unreadable, %q; want %d, %q", when, s.Unreadable, s.Unread, n, first)
		}
	}
	f.beginScan()
	f.cannotRead("locked", denied)
	f.cannotRead("closed", denied)
	check("during the first scan", 0, "")
	f.endScan()
	check("after it", 2, "closed (permission denied)")
	f.cannotRead("new", denied)
	f.cannotRead("new", denied)
	check("after an event", 3, "closed (permission denied)")
	f.beginScan()
	check("during the next scan", 3, "closed (permission denied)")
	f.cannotRead("locked", denied)
	f.endScan()
	check("after that", 1, "locked (permission denied)")
	f.beginScan()
	f.endScan()
	check("when all was read", 0, "")
}

// Where the whole folder is away, that is said, not each file that cannot be read.
func TestUnreadableBecauseTheFolderIsAway(t *testing.T) {
	r := newRig(t, Folder{Path: "in"})
	r.write("in/a", "x")
	f := r.w.folders[0]
	away := &fs.PathError{Op: "lstat", Path: "/in/a", Err: syscall.ENOTCONN}
	there, failing := f.inspect, false
	f.inspect = func(conf Folder) (root, error) {
		if failing {
			return root{}, away
		}
		return there(conf)
	}
	step := func() {
		t.Helper()
		if err := f.step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	step()
	f.cannotRead("a", away) // its folder is there: it is this file
	f.troubles.countUnread()
	if f.tell(); r.state("drop").Unreadable != 1 {
		t.Errorf("a file that cannot be read: %+v", r.state("drop"))
	}
	failing = true
	f.cannotRead("b", away)
	failing = false // it comes back before anyone looks: what was passed over is scanned
	before := f.scan.number
	step()
	if s := r.state("drop"); s.Paused != "" || f.scan.number == before {
		t.Errorf("a folder that came back: %+v, not scanned", s)
	}
	failing = true
	f.cannotRead("c", away)
	f.cannotRead("d", away)
	step()
	if s := r.state("drop"); s.Paused == "" || s.Unreadable > 1 {
		t.Errorf("a folder that is away: %+v", s)
	}
}

// A share that flaps while a directory is read has its scan begun anew: neither a walk
// nor those who wait are told that all was read.
func TestScanIsNotOverWhereTheFolderWasAway(t *testing.T) {
	r := newRig(t, Folder{Path: "in"})
	r.write("in/sub/a", "x")
	r.mkdir("in/empty")
	f := r.w.folders[0]
	there, failing := f.inspect, false
	f.inspect = func(conf Folder) (root, error) {
		if failing {
			failing = false
			return root{}, &fs.PathError{Op: "lstat", Path: "/in", Err: syscall.EHOSTDOWN}
		}
		return there(conf)
	}
	if err := f.step(t.Context()); err != nil {
		t.Fatal(err)
	}
	wt := &waiter{done: make(chan error, 1), scan: f.scan.number}
	f.waiters = append(f.waiters, wt)
	f.scan.todo, failing = []string{"empty", strings.Repeat("x", 300)}, true // in the place of sub: it cannot be read
	incomplete, err := f.walk(t.Context())
	if err != nil || incomplete != nil || !slices.Equal(r.emitted(), []string{"sub/a"}) {
		t.Errorf("the walk ended with %v, %v, and emitted %q", incomplete, err, r.emitted())
	}
	select {
	case err := <-wt.done:
		if err != nil {
			t.Error(err)
		}
	default:
		t.Error("those who wait are not answered")
	}
}

// A share that is unmounted leaves another file system in its place.
func TestOtherFileSystemIsSaid(t *testing.T) {
	for marker, want := range map[string]int{"": 1, "a": 0} {
		r := newRig(t, Folder{Path: "in", Marker: marker})
		r.write("in/a", "x")
		f := r.w.folders[0]
		there, moved := f.inspect, uint64(0)
		f.inspect = func(conf Folder) (root, error) {
			at, err := there(conf)
			at.id.dev += moved
			return at, err
		}
		f.check()
		f.check()
		moved = 1
		f.check()
		f.check()
		if n := r.logged("another file system"); n != want {
			t.Errorf("marker %q: said %d times, want %d", marker, n, want)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	emit := func(context.Context, []file.File) error { return nil }
	good := Folder{Name: "a", Path: "/x"}
	for name, folders := range map[string][]Folder{
		"no name":         {{Path: "/x"}},
		"no path":         {{Name: "a"}},
		"two of one name": {good, good},
		"bad pattern":     {{Name: "a", Path: "/x", Include: []string{"[a"}}},
		"bad exclude":     {{Name: "a", Path: "/x", Exclude: []string{"{a"}}},
		"bad mode":        {{Name: "a", Path: "/x", Mode: "fanotify"}},
		"negative settle": {{Name: "a", Path: "/x", Settle: -1}},
	} {
		if _, err := New(folders, Options{Emit: emit}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := New([]Folder{good}, Options{}); err == nil {
		t.Error("no Emit: accepted")
	}
}

// BenchmarkWalk walks old files, beside a bare fastwalk with Info of the same
// tree.
func BenchmarkWalk(b *testing.B) {
	dir := b.TempDir()
	const dirs, files = 200, 100
	for d := range dirs {
		sub := filepath.Join(dir, fmt.Sprint(d%10), fmt.Sprint(d))
		if err := os.MkdirAll(sub, 0o700); err != nil {
			b.Fatal(err)
		}
		for i := range files {
			if err := os.WriteFile(filepath.Join(sub, fmt.Sprintf("IMG_%05d.jpg", i)), []byte("x"), 0o600); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("watcher", func(b *testing.B) {
		for b.Loop() {
			seen := 0
			w, err := New([]Folder{{Name: "f", Path: dir}}, Options{
				Emit:  func(_ context.Context, files []file.File) error { seen += len(files); return nil },
				Clock: func() time.Time { return time.Now().Add(time.Hour) },
			})
			if err != nil {
				b.Fatal(err)
			}
			if err := w.Walk(b.Context()); err != nil || seen != dirs*files {
				b.Fatal(seen, err)
			}
		}
	})
	b.Run("fastwalk", func(b *testing.B) {
		for b.Loop() {
			err := fastwalk.Walk(nil, dir, func(_ string, d fs.DirEntry, err error) error {
				if err == nil {
					_, err = d.Info()
				}
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}
