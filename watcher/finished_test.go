package watcher

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// pretend has the folders take their file system for one of this kind.
func (r *rig) pretend(k kind, leases bool) {
	for _, f := range r.w.folders {
		f.inspect = func(conf Folder) (root, error) {
			at, err := inspect(conf)
			at.kind, at.leases = k, leases
			return at, err
		}
	}
}

func requireLeases(t *testing.T, dir string) {
	t.Helper()
	at, err := inspect(Folder{Path: dir})
	must(t, err)
	if !at.leases {
		t.Skip("the temporary directory's file system has no leases to rely on")
	}
}

func TestProbe(t *testing.T) {
	dir := t.TempDir()
	requireLeases(t, dir)
	path := filepath.Join(dir, "f")
	must(t, os.WriteFile(path, []byte("0123456789"), 0o600))
	is := func(what string, want verdict) {
		t.Helper()
		st, err := lstat(path)
		must(t, err)
		if got, err := probe(path, fingerprintOf(&st)); got != want || err != nil {
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
	is("mapped", busy)
	must(t, unix.Munmap(shared))
	is("unmapped", free)

	// It holds nothing back: a writer that will not wait gets in.
	w, err := os.OpenFile(path, os.O_WRONLY|unix.O_NONBLOCK, 0)
	must(t, err)
	must(t, w.Close())

	if got, _ := probe(path, fingerprint{size: 10}); got != changed {
		t.Errorf("another file than before: verdict %d", got)
	}
	must(t, os.Remove(path))
	if got, err := probe(path, fingerprint{}); got != changed || err != nil {
		t.Errorf("no file: verdict %d, %v", got, err)
	}
	must(t, os.Symlink("/etc/passwd", path))
	if got, err := probe(path, fingerprint{}); got != changed || err != nil {
		t.Errorf("a link: verdict %d, %v", got, err)
	}
	must(t, os.Remove(path))
	must(t, syscall.Mkfifo(path, 0o600))
	if got, _ := probe(path, fingerprint{}); got == free {
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
	file := f.file("theirs", fingerprintOf(&st))

	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the thread ends with this goroutine
		if err := dropCapability(unix.CAP_LEASE); err != nil {
			t.Error(err)
			return
		}
		if got, err := probe(r.path("in/theirs"), file.fingerprint()); got != unsure || !errors.Is(err, unix.EACCES) {
			t.Errorf("verdict %d, %v, want unsure", got, err)
		}
		for range 2 {
			if f.finished(file) {
				t.Error("finished at once, though nobody could tell")
			}
		}
	}()
	<-done
	if n := r.logged("CAP_LEASE"); n != 1 {
		t.Errorf("the remedy was said %d times", n)
	}
	if !f.finished(file) { // with the capability
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

// A writer that pauses for ten seconds is what the lease is for.
func TestPausingWriter(t *testing.T) {
	t.Parallel()
	r := newRig(t, Folder{Path: "in", Settle: time.Second})
	r.mkdir("in")
	requireLeases(t, r.dir)
	r.started()
	pause := 10 * time.Second
	if testing.Short() {
		pause = 3 * time.Second
	}
	f, err := os.Create(r.path("in/slow"))
	must(t, err)
	_, err = f.WriteString("the first half ")
	must(t, err)
	time.Sleep(pause)
	if got := r.emitted(); got != nil {
		t.Errorf("emitted %q while a writer had it open", got)
	}
	r.until("the writer seen", func() bool { return r.state("drop").Open == 1 })
	must(t, f.Close())
	closed := time.Now()
	r.await("slow")
	r.mu.Lock()
	took := r.when["slow"].Sub(closed)
	r.mu.Unlock()
	if took < 0 || took > 2*time.Second {
		t.Errorf("taken %v after it was closed", took)
	}
	t.Logf("paused %v, taken %v after it was closed", pause, took)
	r.until("nothing open", func() bool { s := r.state("drop"); return s.Open == 0 && s.Settling == 0 })

	// The same, and the rest is written at last.
	f, err = os.OpenFile(r.path("in/slow"), os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteString("and ")
	must(t, err)
	time.Sleep(2 * time.Second)
	_, err = f.WriteString("the second")
	must(t, err)
	must(t, f.Close())
	closed = time.Now()
	r.until("the whole", func() bool { return len(r.files["slow"]) > 1 })
	r.mu.Lock()
	defer r.mu.Unlock()
	if got := r.files["slow"][1:]; len(got) != 1 || got[0].Size != 29 || r.when["slow"].Sub(closed) > 2*time.Second {
		t.Errorf("emitted %+v %v after it was closed", got, r.when["slow"].Sub(closed))
	}
}

func TestWithoutLeasesPatienceRules(t *testing.T) {
	for _, k := range []kind{local, share} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, Folder{Path: "in", Settle: time.Second, Patience: 15 * time.Second, Mode: ModePoll, PollInterval: time.Second})
			r.pretend(k, false)
			r.write("in/done", "x")
			f, err := os.Create(r.path("in/slow"))
			must(t, err)
			_, err = f.WriteString("half")
			must(t, err)
			start := time.Now()
			r.run()
			time.Sleep(10 * time.Second)
			_, err = f.WriteString("half")
			must(t, err)
			must(t, f.Close())
			time.Sleep(4 * time.Second)
			synctest.Wait()
			if got := r.emitted(); got != nil {
				t.Errorf("emitted %q after 14 s", got)
			}
			r.await("done", "slow")
			if d := r.when["done"].Sub(start); d < 15*time.Second || d > 16*time.Second {
				t.Errorf("the quiet file took %v", d)
			}
			if d := r.when["slow"].Sub(start); d < 25*time.Second || d > 27*time.Second || r.files["slow"][0].Size != 8 {
				t.Errorf("the slow file took %v: %+v", d, r.files["slow"])
			}
		})
	}
}

// The same on a real file system that is not on the list of those whose leases
// can be relied on.
func TestPausingWriterWithoutLeases(t *testing.T) {
	t.Parallel()
	r := newRig(t, Folder{Path: "in", Settle: time.Second, Patience: 4 * time.Second})
	r.mkdir("in")
	if err := unix.Mount("none", r.path("in"), "ramfs", 0, ""); err != nil {
		t.Skipf("no mount here: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(r.path("in"), unix.MNT_DETACH) })
	r.started()
	f, err := os.Create(r.path("in/slow"))
	must(t, err)
	_, err = f.WriteString("half")
	must(t, err)
	time.Sleep(3 * time.Second)
	_, err = f.WriteString("half")
	must(t, err)
	must(t, f.Close())
	closed := time.Now()
	r.await("slow")
	r.mu.Lock()
	defer r.mu.Unlock()
	if d := r.when["slow"].Sub(closed); d < 3900*time.Millisecond || len(r.files["slow"]) != 1 || r.files["slow"][0].Size != 8 {
		t.Errorf("taken %v after it was closed: %+v", d, r.files["slow"])
	}
}

// A copy whose space was reserved at once, on a share that does not show each
// write in size and times: only the bytes tell that it grows.
func TestPreallocatedCopy(t *testing.T) {
	const size, patience = 4 * endSize, 10 * time.Second
	r := newRig(t, Folder{Path: "in", Settle: time.Second, Patience: patience, Mode: ModePoll, PollInterval: time.Hour})
	r.pretend(share, false)
	for _, name := range []string{"copy", "late", "blank"} {
		r.write("in/"+name, strings.Repeat("\x00", size))
	}
	r.write("in/small", strings.Repeat("\x00", 10))
	f, now := r.w.folders[0], time.Now()
	f.now = func() time.Time { return now }
	after := func(d time.Duration, want ...string) {
		t.Helper()
		for end := now.Add(d); now.Before(end); now = now.Add(500 * time.Millisecond) {
			must(t, f.step(t.Context()))
		}
		if got := r.emitted(); !slices.Equal(got, want) {
			t.Errorf("emitted %q, want %q", got, want)
		}
	}
	fill := func(name string, at, n int64) {
		t.Helper()
		w, err := os.OpenFile(r.path("in/"+name), os.O_WRONLY, 0)
		must(t, err)
		_, err = w.WriteAt(bytes.Repeat([]byte("x"), int(n)), at)
		must(t, err)
		must(t, w.Close())
		st, err := lstat(r.path("in/" + name))
		must(t, err)
		f.settle.pending[name].fp = fingerprintOf(&st) // as if it were the same
	}
	after(3 * time.Second)
	fill("copy", 0, size/2) // half of it
	after(patience, "small")
	fill("copy", size/2, size/2) // the rest
	after(patience, "small")
	after(patience, "copy", "small")
	fill("late", size-1, 1) // its middle was never written: what is said is only that nobody goes on
	after(2*patience+time.Second, "copy", "late", "small")
	after(blankFactor*patience-5*patience, "blank", "copy", "late", "small")
}

func TestEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	read := func(content []byte) ends {
		must(t, os.WriteFile(path, content, 0o600))
		return readEnds(path, int64(len(content)))
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
	if readEnds(filepath.Join(path, "no"), 1) != (ends{}) {
		t.Error("what cannot be read has ends")
	}
}

func TestReadySentinel(t *testing.T) {
	t.Parallel()
	r := newRig(t, Folder{Path: "in", Ready: "{name}.done", Settle: time.Hour},
		Folder{Path: "stems", Name: "stems", Ready: ".{stem}.ok", Settle: time.Hour})
	r.write("in/old/a.jpg", "x")
	r.write("in/old/a.jpg.done", "")
	r.write("in/old/waits.jpg", "x")
	r.mkdir("stems")
	r.started()
	r.await("old/a.jpg")
	r.until("one waiting", func() bool { s := r.state("drop"); return s.Waiting == 1 && s.Settling == 0 })

	r.write("in/live/b.jpg", "x")
	r.write("in/live/b.jpg.done", "")
	r.await("live/b.jpg")
	r.write("in/old/waits.jpg.done", "")
	r.await("old/waits.jpg")

	// Announced, but a writer has it open.
	if at, err := inspect(r.w.folders[0].conf); err == nil && at.leases {
		f, err := os.Create(r.path("in/open.jpg"))
		must(t, err)
		r.write("in/open.jpg.done", "")
		r.until("the writer seen", func() bool { return r.state("drop").Open == 1 })
		must(t, f.Close())
		r.await("open.jpg")
	}

	r.write("stems/d/p.jpg", "x")
	r.write("stems/d/p.xmp", "x")
	r.write("stems/d/q.jpg", "x")
	r.write("stems/d/.p.ok", "")
	r.await("d/p.jpg", "d/p.xmp")

	// New content under an old sentinel: the settle time decides.
	r.write("in/old/a.jpg", "other")
	later := time.Now().Add(time.Minute)
	must(t, os.Chtimes(r.path("in/old/a.jpg"), later, later))
	r.until("it settles", func() bool { return r.state("drop").Settling == 1 })

	must(t, r.w.WaitScan(t.Context(), "stems")) // what waits for its sentinel is not waited for
	for _, p := range r.emitted() {
		if strings.HasSuffix(p, ".done") || strings.HasSuffix(p, ".ok") || p == "d/q.jpg" {
			t.Errorf("emitted %q", p)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.files["old/a.jpg"]); n != 1 {
		t.Errorf("a.jpg emitted %d times", n)
	}
}

func TestSentinelNames(t *testing.T) {
	for _, tt := range []struct{ pattern, file, want string }{
		{"{name}.done", "a/b.jpg", "a/b.jpg.done"},
		{"{stem}.done", "a/b.tar.gz", "a/b.tar.done"},
		{"{stem}.done", "b", "b.done"},
		{".{name}", "a/b", "a/.b"},
		{"ok-{stem}", ".hidden", "ok-.hidden"},
	} {
		s, err := parseSentinel(tt.pattern)
		must(t, err)
		if got := s.of(tt.file); got != tt.want || !s.is(got) || s.is(tt.file) {
			t.Errorf("%s of %s: %s, is %v", tt.pattern, tt.file, got, s.is(got))
		}
		if got, one := s.file(tt.want); one && got != tt.file {
			t.Errorf("%s is for %s, want %s", tt.want, got, tt.file)
		}
	}
	for _, p := range []string{"done", "{name}", "{stem}", "ready/{name}", "{name}{stem}", "{name}.{ext}", "{name}{name}"} {
		if _, err := parseSentinel(p); err == nil {
			t.Errorf("%q is accepted", p)
		}
	}
}
