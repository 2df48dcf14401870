package watcher

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/sharefs"
)

const shareQuiet = 1500 * time.Millisecond // patience on the shares of the tests

// shareRig is a rig whose folder is a share.
func shareRig(t *testing.T) (*rig, *sharefs.Share) {
	t.Helper()
	r := newRig(t, Folder{Path: "in", Patience: shareQuiet, PollInterval: 200 * time.Millisecond})
	r.mkdir("in")
	return r, sharefs.Mount(t, r.path("in"))
}

// grow has a file of the share grow, with pauses that are shorter than the patience
// and longer than the settle time.
func grow(s *sharefs.Share, name string) (size int64) {
	for range 6 {
		s.Append(name, strings.Repeat("x", 100))
		size += 100
		time.Sleep(500 * time.Millisecond)
	}
	return size
}

// wantWhole fails unless a file was emitted, and never of another size.
func (r *rig) wantWhole(name string, size int64) {
	r.t.Helper()
	r.await(name)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, got := range r.files[name] {
		if got.Size != size {
			r.t.Errorf("emitted %s of %d bytes, want %d", name, got.Size, size)
		}
	}
}

// A file that grows on a server is not taken before it is whole, whatever the
// server's clock shows: one that lay there before us, and one that comes later.
func TestClockOfServer(t *testing.T) {
	for name, clock := range map[string]time.Duration{
		"right": 0, "two hours behind": -2 * time.Hour, "years behind": -20 * 365 * 24 * time.Hour, "ahead": 2 * time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, s := shareRig(t)
			s.SetClock(clock)
			s.Write("old", "x")
			s.Age("old", 10*24*time.Hour)
			s.Append("early", "half ")
			r.started()
			later := make(chan int64)
			go func() { later <- grow(s, "sub/later") }()
			size := grow(s, "early")
			r.wantWhole("sub/later", <-later)
			r.wantWhole("early", size+5)
			r.wantWhole("old", 1)
		})
	}
}

// A server whose clock is set while we run.
func TestClockOfServerIsSet(t *testing.T) {
	for name, step := range map[string]time.Duration{"back": -3 * time.Hour, "forward": 3 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, s := shareRig(t)
			s.Write("first", "x")
			r.started()
			s.Append("file", "half ")
			s.SetClock(step)
			size := grow(s, "file")
			r.wantWhole("file", size+5)
		})
	}
}

// The client of a share may tell for a minute what it remembers of a file. Reading the
// file would have it ask the server, but an old one is not read.
func TestGrowthBehindACache(t *testing.T) {
	t.Parallel()
	r, s := shareRig(t)
	s.Cache(time.Hour)
	s.SetClock(-2 * time.Hour)
	s.Append("file", "half ")
	r.started()
	r.wantWhole("file", grow(s, "file")+5)
}

// A backfill waits as the daemon does.
func TestWalkOfAServerBehind(t *testing.T) {
	t.Parallel()
	r, s := shareRig(t)
	s.SetClock(-2 * time.Hour)
	s.Append("file", "half ")
	done := make(chan error, 1)
	go func() { done <- r.w.Walk(t.Context()) }()
	size := grow(s, "file") + 5
	must(t, <-done)
	r.wantWhole("file", size)
}

// A share below a local root has a clock of its own, too.
func TestClockOfAShareBelow(t *testing.T) {
	t.Parallel()
	r := newRig(t, Folder{Path: "in", Patience: shareQuiet, PollInterval: 200 * time.Millisecond})
	r.mkdir("in/nas")
	s := sharefs.Mount(t, r.path("in/nas"))
	s.SetClock(-2 * time.Hour)
	r.started()
	r.wantWhole("nas/file", grow(s, "file"))
}

// Of an archive that lay there before, no byte is read to know that it is quiet.
func TestOldFilesOfAShareAreNotRead(t *testing.T) {
	t.Parallel()
	r, s := shareRig(t)
	const files = 3000
	for i := range files {
		name := fmt.Sprintf("%d/%d", i%3, i)
		s.Write(name, "x")
		s.Age(name, 24*time.Hour)
	}
	must(t, r.w.Walk(t.Context()))
	if n := len(r.emitted()); n != files || s.Opens() != 0 {
		t.Errorf("%d files emitted, %d opened", n, s.Opens())
	}
}

// What another client has locked is not quiet, because nobody can say what its bytes
// are. It is said, and taken when it is released.
func TestLockedFileIsBusy(t *testing.T) {
	for name, lock := range map[string]func(*sharefs.Share, syscall.Errno){
		"a range": func(s *sharefs.Share, on syscall.Errno) { s.RefuseRead("file", on&syscall.EACCES) },
		"whole":   func(s *sharefs.Share, on syscall.Errno) { s.RefuseOpen("file", on&syscall.EBUSY) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, s := shareRig(t)
			s.Write("file", "content")
			lock(s, ^syscall.Errno(0))
			r.started()
			r.until("the lock said", func() bool {
				return strings.Contains(r.state("drop").Unread, "file (another program has the file locked)")
			})
			time.Sleep(2 * shareQuiet)
			if got := r.emitted(); got != nil {
				t.Fatalf("emitted %q", got)
			}
			lock(s, 0)
			r.wantWhole("file", 7)
			r.until("nothing more said", func() bool { return r.state("drop").Unread == "" })
			if n := r.logged("has the file locked"); n != 1 {
				t.Errorf("logged %d times", n)
			}
		})
	}
}

// Inode numbers that change neither keep a file from settling nor are another root.
func TestInodeNumbersThatChange(t *testing.T) {
	t.Parallel()
	r, s := shareRig(t)
	s.Renumber()
	s.Write("a", "x")
	r.started()
	r.await("a")
	s.Write("sub/b", "xx")
	r.wantWhole("sub/b", 2)
	if n := r.logged("is there (again)"); n != 0 {
		t.Errorf("the folder was begun anew %d times", n)
	}
	if r.state("drop").Watch != ModePoll {
		t.Error("it is not polled")
	}
}
