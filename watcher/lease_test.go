package watcher

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

func requireLeases(t *testing.T, dir string) {
	t.Helper()
	at, err := inspect(Folder{Path: dir})
	must(t, err)
	if !at.leases {
		t.Skip("the temporary directory's file system has no leases to rely on")
	}
}

func TestProbe(t *testing.T) {
	t.Run("temporary directory", func(t *testing.T) { testProbe(t, t.TempDir(), false) })
	for name, options := range map[string]string{"tmpfs": "", "overlay": "lowerdir=LOWER,upperdir=UPPER/up,workdir=UPPER/work"} {
		t.Run(name, func(t *testing.T) {
			dir, lower, upper := t.TempDir(), t.TempDir(), t.TempDir()
			if name == "overlay" { // of two file systems
				mountAt(t, lower, "tmpfs", "")
				must(t, os.WriteFile(filepath.Join(lower, "f"), []byte("from below"), 0o600))
				must(t, os.Mkdir(filepath.Join(upper, "up"), 0o700))
				must(t, os.Mkdir(filepath.Join(upper, "work"), 0o700))
			}
			mountAt(t, dir, name, strings.NewReplacer("LOWER", lower, "UPPER", upper).Replace(options))
			if st, err := lstat(filepath.Join(dir, "f")); err == nil {
				if got, err := probe(filepath.Join(dir, "f"), file.StatOfSys(&st)); got != free || err != nil {
					t.Errorf("a file of the lower layer: verdict %d, %v", got, err)
				}
			}
			testProbe(t, dir, name == "overlay")
		})
	}
}

// TestProbeOfAMountBelow has a file system without reliable leases mounted below a
// folder of one with them.
func TestProbeOfAMountBelow(t *testing.T) {
	dir := t.TempDir()
	requireLeases(t, dir)
	below := filepath.Join(dir, "nas")
	must(t, os.Mkdir(below, 0o700))
	mountAt(t, below, "ramfs", "")
	path := filepath.Join(below, "f")
	must(t, os.WriteFile(path, []byte("0123456789"), 0o600))
	st, err := lstat(path)
	must(t, err)
	if got, err := probe(path, file.StatOfSys(&st)); got != unsure || err != nil {
		t.Errorf("verdict %d, %v, want that nothing tells", got, err)
	}
}

func mountAt(t *testing.T, dir, kind, options string) {
	t.Helper()
	if err := unix.Mount("test", dir, kind, 0, options); err != nil {
		t.Skipf("no mount here: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
}

func testProbe(t *testing.T, dir string, overlaid bool) {
	requireLeases(t, dir)
	path := filepath.Join(dir, "f")
	must(t, os.WriteFile(path, []byte("0123456789"), 0o600))
	is := func(what string, want verdict) {
		t.Helper()
		st, err := lstat(path)
		must(t, err)
		if got, err := probe(path, file.StatOfSys(&st)); got != want || err != nil {
			t.Errorf("%s: verdict %d, %v, want %d", what, got, err, want)
		}
	}
	is("closed", free)
	for name, flag := range map[string]int{"read": os.O_RDONLY, "write": os.O_WRONLY, "both": os.O_RDWR, "append": os.O_APPEND | os.O_WRONLY} {
		f, err := os.OpenFile(path, flag, 0)
		must(t, err)
		want := busy
		if name == "read" {
			want = free
		}
		is("open to "+name, want)
		must(t, f.Close())
		is("closed after "+name, free)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	shared, err := unix.Mmap(int(f.Fd()), 0, 10, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	must(t, err)
	must(t, f.Close())
	if overlaid {
		is("mapped", free) // see kindOf
	} else {
		is("mapped", busy)
	}
	must(t, unix.Munmap(shared))
	is("unmapped", free)

	// It holds nothing back: a writer that will not wait gets in.
	w, err := os.OpenFile(path, os.O_WRONLY|unix.O_NONBLOCK, 0)
	must(t, err)
	must(t, w.Close())

	// Nor does it disturb writers that come while it looks.
	var g errgroup.Group
	stop := make(chan struct{})
	g.Go(func() error {
		defer close(stop)
		for range 500 {
			w, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			if err := w.Close(); err != nil {
				return err
			}
		}
		return nil
	})
	for asking := true; asking; {
		select {
		case <-stop:
			asking = false
		default:
			_, err := probe(path, file.Stat{})
			must(t, err)
		}
	}
	must(t, g.Wait())

	if got, _ := probe(path, file.Stat{Size: 10}); got != changed {
		t.Errorf("another file than before: verdict %d", got)
	}
	must(t, os.Remove(path))
	if got, err := probe(path, file.Stat{}); got != changed || err != nil {
		t.Errorf("no file: verdict %d, %v", got, err)
	}
	must(t, os.Symlink("/etc/passwd", path))
	if got, err := probe(path, file.Stat{}); got != changed || err != nil {
		t.Errorf("a link: verdict %d, %v", got, err)
	}
	must(t, os.Remove(path))
	must(t, syscall.Mkfifo(path, 0o600))
	if got, _ := probe(path, file.Stat{}); got == free {
		t.Error("a pipe is free")
	}
}

// The kernel gives leases on files of others to CAP_LEASE alone.
func TestProbeOfAnothersFile(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make a file of another user")
	}
	r := newRig(t, Folder{Path: "in", Settle: time.Second})
	requireLeases(t, r.dir)
	r.write("in/theirs", "x")
	must(t, os.Chown(r.path("in/theirs"), 12345, 12345))
	f := r.w.folders[0]
	f.check()
	st, err := lstat(r.path("in/theirs"))
	must(t, err)
	file := f.file("theirs", file.StatOfSys(&st))

	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the thread ends with this goroutine
		if err := dropCapability(unix.CAP_LEASE); err != nil {
			t.Error(err)
			return
		}
		if got, err := probe(r.path("in/theirs"), file.Stat); got != unsure || !errors.Is(err, unix.EACCES) {
			t.Errorf("verdict %d, %v, want unsure", got, err)
		}
		for range 2 {
			if f.gates.finished(file) {
				t.Error("finished at once, though nobody could tell")
			}
		}
	}()
	<-done
	if n := r.logged("CAP_LEASE"); n != 1 {
		t.Errorf("the remedy was said %d times", n)
	}
	if !f.gates.finished(file) { // with the capability
		t.Error("not finished")
	}
}

// dropCapability takes a capability from this thread.
func dropCapability(c int) error {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&head, &data[0]); err != nil {
		return err
	}
	data[c/32].Effective &^= 1 << (c % 32)
	return unix.Capset(&head, &data[0])
}

func TestEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	read := func(content []byte) ends {
		must(t, os.WriteFile(path, content, 0o600))
		got, err := readEnds(path, int64(len(content)))
		must(t, err)
		return got
	}
	long := bytes.Repeat([]byte("abcdefgh"), endSize)
	base := read(long)
	for _, at := range []int{0, endSize - 1, len(long) - endSize, len(long) - 1} {
		other := bytes.Clone(long)
		other[at] = 'X'
		if read(other) == base {
			t.Errorf("a change at %d is not seen", at)
		}
	}
	for n, blank := range map[int]bool{0: false, 1: false, endSize: false, endSize + 1: true, 3 * endSize: true} {
		if got := read(make([]byte, n)); got.blank != blank {
			t.Errorf("%d zeros: blank %v", n, got.blank)
		}
	}
	if got, err := readEnds(filepath.Join(path, "no"), 1); got != (ends{}) || err != nil {
		t.Errorf("what cannot be read has ends %v, %v", got, err)
	}
}
