package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/sandbox"
)

// What the daemon is held to: a file is in within settle and two seconds. Where
// many tests share two processors it gets more.
const (
	settle   = time.Second
	promised = settle + 2*time.Second
	allowed  = promised + 12*time.Second
)

func TestDaemon(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	r := newRoom(t, s)
	r.write("acme/there before.jpg", "before")
	daemon := r.start("run")
	defer watchBooks(t, r, daemon)()

	// There before.
	r.ingested(time.Now(), "there before.jpg", "before")

	// Junk, at the side of all that follows.
	r.write(".DS_Store", "junk")
	r.write("acme/._x", "junk")
	r.write("acme/x.part", "junk")
	r.write("acme/~$doc", "junk")

	var arrivals sync.WaitGroup
	arrivals.Go(func() { // written slowly, never quiet for as long as settle
		f, err := os.Create(filepath.Join(r.drop, "acme", "slow.tif"))
		if err != nil {
			t.Error(err)
			return
		}
		for range 10 {
			fmt.Fprint(f, "a piece of it, ")
			time.Sleep(200 * time.Millisecond)
		}
		done := time.Now()
		_ = f.Close()
		r.ingested(done, "slow.tif", strings.Repeat("a piece of it, ", 10))
	})
	arrivals.Go(func() { // renamed in
		outside := filepath.Join(r.dir, "outside.jpg")
		if err := os.WriteFile(outside, []byte("renamed"), 0o600); err != nil {
			t.Error(err)
		}
		if err := os.Rename(outside, filepath.Join(r.drop, "acme", "renamed.jpg")); err != nil {
			t.Error(err)
		}
		r.ingested(time.Now(), "renamed.jpg", "renamed")
	})
	arrivals.Go(func() { // in folders that did not exist
		r.write("globex/one/two/three/deep.jpg", "deep")
		r.ingested(time.Now(), "deep.jpg", "deep")
	})
	arrivals.Wait()

	// New content under a known path.
	r.write("acme/there before.jpg", "after")
	changed := time.Now()
	eventually(t, "the changed file is a version", func() bool { return len(s.named("there before.jpg")) == 2 })
	r.inTime(changed, "there before.jpg")
	v1, v2 := s.named("there before.jpg")[0], s.named("there before.jpg")[1]
	if v2.OriginalFileID != v1.FileID || !v2.Current || v1.Current || content(t, v2) != "after" || content(t, v1) != "before" {
		t.Errorf("versions are %s and %s", s.describe(v1), s.describe(v2))
	}

	// Each once, and nothing else.
	eventually(t, "everything is filed", func() bool { return r.books().Filed == 5 })
	if b := r.books(); b.Seen != 5 || b.Watch != "notify" {
		t.Errorf("books are %+v", b)
	}
	for _, a := range s.State().Assets {
		if a.PutsStored != 1 {
			t.Errorf("%s was sent %d times", a.Filename, a.PutsStored)
		}
	}

	// A backfill beside it asks it, and waits until it is done.
	r.write("acme/beside.jpg", "beside")
	code, _, stderr := r.run("backfill")
	if code != 0 || !strings.Contains(stderr, "a daemon owns the journal") {
		t.Errorf("backfill beside the daemon: exit code %d", code)
	}
	if got := s.named("beside.jpg"); len(got) != 1 || content(t, got[0]) != "beside" {
		t.Errorf("beside.jpg is %d assets when the backfill ends", len(got))
	}

	// Another daemon cannot have the journal.
	code, stdout, stderr := r.run("run")
	if code != 1 || stdout != "" || !strings.Contains(stderr, "journal") || !strings.Contains(stderr, "another ingestd") {
		t.Errorf("a second daemon: exit code %d, %s", code, stderr)
	}

	daemon.terminate()
	if out := daemon.stdout.String(); out != "" {
		t.Errorf("run printed %q; stdout is for data", out)
	}
	if texts, err := journalTexts(r.journal); err != nil || s.leaked(texts) != "" {
		t.Errorf("the journal's texts hold %s (%v)", s.leaked(texts), err)
	}
	s.complain(t)
}

// ingested waits for the one asset of a filename, given when its file was
// complete.
func (r *room) ingested(complete time.Time, filename, want string) {
	r.t.Helper()
	deadline := time.Now().Add(patience)
	for len(r.stand.named(filename)) == 0 {
		if time.Now().After(deadline) {
			r.t.Errorf("%s is not ingested after %v", filename, patience)
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	r.inTime(complete, filename)
	got := r.stand.named(filename)
	if len(got) != 1 || content(r.t, got[0]) != want {
		r.t.Errorf("%s is %d assets, the first with %d bytes", filename, len(got), got[0].ContentSize)
	}
}

// inTime holds the daemon to its promise for the latest asset of a filename.
func (r *room) inTime(complete time.Time, filename string) {
	r.t.Helper()
	all := r.stand.named(filename)
	latest := all[len(all)-1]
	took := latest.ContentAt.Sub(complete)
	r.t.Logf("%s: in %v after it was complete (promised: %v)", filename, took.Round(time.Millisecond), promised)
	if took > allowed {
		r.t.Errorf("%s took %v, want at most %v", filename, took, allowed)
	}
}

// watchBooks looks again and again whether the books balance while the daemon
// runs, until the function that it returns is called.
func watchBooks(t *testing.T, r *room, daemon *process) (stop func()) {
	t.Helper()
	daemon.says("running")
	ctx, cancel := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	looks := 0
	watching.Go(func() {
		for ctx.Err() == nil {
			s, err := r.status()
			if err == nil {
				err = s.balance()
			}
			if err != nil {
				t.Error(err)
				return
			}
			looks++
			select {
			case <-time.After(300 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	})
	return func() {
		cancel()
		watching.Wait()
		if looks < 5 {
			t.Errorf("looked at the books only %d times", looks)
		}
	}
}

// TestDaemonWaitsForTenovos starts while nobody listens at the API's address.
func TestDaemonWaitsForTenovos(t *testing.T) {
	t.Parallel()
	port := reserve(t)
	o, err := sandbox.Preset("1.0")
	if err != nil {
		t.Fatal(err)
	}
	away := newStand(t, "1.0", nil) // only for its account
	away.url = "http://" + port.addr + o.BasePath()
	r := newRoom(t, away)
	r.write("acme/patient.jpg", "patient")
	daemon := r.start("run")
	daemon.says("waiting for it before anything else")

	s, err := openStand(o, t.TempDir(), port.listen(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	daemon.says("Tenovos answers")
	eventually(t, "the file is ingested", func() bool { return len(s.named("patient.jpg")) == 1 })
	if n := strings.Count(daemon.stderr.String(), "cannot be reached"); n != 1 {
		t.Errorf("it said %d times that Tenovos cannot be reached", n)
	}
	daemon.terminate()
	s.complain(t)
}

// TestDaemonStopsWhileWaiting ends a daemon that has never reached Tenovos.
func TestDaemonStopsWhileWaiting(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	s.url = "http://" + reserve(t).addr + "/v1"
	daemon := newRoom(t, s).start("run")
	daemon.says("waiting for it before anything else")
	daemon.terminate()
}

// port is an address that refuses connections until it is listened to, and that
// nobody else can get meanwhile.
type port struct {
	fd   int
	addr string
}

func reserve(t *testing.T) *port {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err == nil {
		err = syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	}
	if err != nil {
		t.Fatal(err)
	}
	at, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	p := &port{fd: fd, addr: fmt.Sprintf("127.0.0.1:%d", at.(*syscall.SockaddrInet4).Port)}
	t.Cleanup(func() {
		if p.fd >= 0 {
			_ = syscall.Close(p.fd)
		}
	})
	return p
}

func (p *port) listen(t *testing.T) net.Listener {
	t.Helper()
	if err := syscall.Listen(p.fd, 128); err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(p.fd), p.addr)
	p.fd = -1
	defer f.Close() // the listener has a copy of it
	l, err := net.FileListener(f)
	if err != nil {
		t.Fatal(err)
	}
	return l
}
