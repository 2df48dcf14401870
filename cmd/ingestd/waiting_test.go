package main

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/sandbox"
)

// says runs a command that must end with a code and print a text.
func (r *room) says(code int, text string, args ...string) {
	r.t.Helper()
	p := r.start(args...)
	if got := p.wait(time.Minute); got != code || !strings.Contains(p.stdout.String()+p.stderr.String(), text) {
		r.t.Errorf("%s: exit code %d, want %d and %q\n%s%s", strings.Join(args, " "), got, code, text, p.stdout.String(), p.stderr.String())
	}
}

// TestRequestsWhileWaiting asks a daemon that waits for Tenovos at its start for
// everything: the journal's part is done at once, what needs Tenovos says so, and a
// changed file is loaded.
func TestRequestsWhileWaiting(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	r := newRoom(t, s)
	r.ownConfig()
	r.env["SETTLE"] = "20ms"
	// One is held, one filed, and one on its way when the daemon dies.
	r.write("hooli/held.jpg", "held")
	r.write("acme/filed.jpg", "filed")
	first := r.start("run")
	first.says(`"running"`)
	eventually(t, "one is held, one filed", func() bool { b := r.books(); return b.Held == 1 && b.Filed == 1 })
	if err := s.Queue(sandbox.Fault{Operation: sandbox.PutObject, Kind: sandbox.FaultStall, Delay: 10 * time.Minute}); err != nil {
		t.Fatal(err)
	}
	r.write("acme/sent.jpg", "sent")
	eventually(t, "one is on its way", func() bool { return len(s.UnusedFaults()) == 0 && r.books().Uploading == 1 })
	first.kill()
	held, sent := fmt.Sprint(r.id("hooli/held.jpg")), fmt.Sprint(r.id("acme/sent.jpg"))

	right := r.edit("${TENOVOS_URL}", "http://"+reserve(t).addr+"/v1")
	systemd := r.systemd()
	daemon := r.start("run")
	daemon.says("waiting for it before anything else")
	const waits = "Tenovos cannot be reached at"
	r.says(0, "requeued  drop/hooli/held.jpg  (it goes on when Tenovos answers: "+waits, "retry", held)
	r.says(0, "cancelled", "cancel", held)
	r.says(3, "cancelling  drop/acme/sent.jpg  (its upload is ended and its empty asset removed when Tenovos answers again: "+waits, "cancel", sent)
	r.says(1, "verify needs Tenovos, which is waited for: ask again when it answers: "+waits, "verify")
	r.says(1, "update needs Tenovos, which is waited for", "update")
	r.says(1, "withdraw needs Tenovos, which is waited for", "withdraw", "--folder", "drop", "--yes")
	r.says(1, "restore needs Tenovos, which is waited for", "withdraw", "--folder", "drop", "--yes", "--undo")
	r.says(1, "is ingested without this command as soon as Tenovos answers, which is waited for: "+waits, "backfill")
	r.says(0, "everything waits: Tenovos is waited for since the start: "+waits, "status")

	// Reloads: of the same file, of a wrong one, of one that is refused, of another that
	// does not help either, and at last of the right one.
	stdout, _ := r.reload(0, "nothing to reload\nTenovos is still waited for: "+waits)
	if !strings.Contains(stdout, "it says the same as before") {
		t.Error(stdout)
	}
	undo := r.edit("parts: 2", "parts: many")
	r.reload(2, `parts must be a whole number, not "many"`)
	eventually(t, "systemd knows what is waited for, after the reload as before", func() bool {
		said := systemd.String()
		return strings.HasPrefix(said[strings.LastIndex(said, "STATUS="):], "STATUS=waiting for Tenovos: "+waits) &&
			strings.LastIndex(said, "READY=1") > strings.LastIndex(said, "RELOADING=1")
	})
	undo()
	undo = r.edit("/state/journal.db", "/elsewhere/journal.db")
	daemon.signal(syscall.SIGHUP)
	daemon.says("journal cannot be changed from " + r.journal)
	undo()
	r.edit("parts: 2", "parts: 3")
	stdout, _ = r.reload(0, "reloaded: upload\nTenovos is still waited for: "+waits)
	if code, out, _ := r.run("reload", "--json"); code != 0 || !strings.Contains(out, `"waiting":"`+waits) {
		t.Errorf("reload --json: exit code %d, %s after %s", code, out, stdout)
	}
	r.says(1, "verify needs Tenovos", "verify")
	right()
	undo = r.edit("${TENOVOS_PASSWORD}", "wrong-pa55word")
	r.reload(2, "the credentials were refused")
	undo()
	r.reload(0, "reloaded: tenovos, upload\n")
	daemon.says(`"running"`)
	eventually(t, "the cancelled upload is ended", func() bool { b := r.books(); return b.Cancelled == 2 && b.Uploading == 0 })
	r.says(0, "ok  drop/acme/filed.jpg", "verify")
	daemon.terminate()
	s.complain(t)
}

// systemd collects what the processes of the room that are started from now on notify.
func (r *room) systemd() *buffer {
	r.t.Helper()
	name := filepath.Join(r.dir, "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: name})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = l.Close() })
	r.env["NOTIFY_SOCKET"] = name
	said := new(buffer)
	go func() { // ends with the socket
		for b := make([]byte, 64<<10); ; {
			n, err := l.Read(b)
			if err != nil {
				return
			}
			_, _ = said.Write(append(b[:n:n], '\n')) // it takes everything
		}
	}()
	return said
}

// TestReloadBesideSilence has a daemon log in at a server that takes connections and
// says nothing. The right address is loaded at once, and a signal ends such a wait.
func TestReloadBesideSilence(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	connected := make(chan struct{}, 10)
	go func() {
		var all []net.Conn // which nobody reads, and no finalizer closes
		for {
			c, err := l.Accept()
			if err != nil {
				break
			}
			all = append(all, c)
			connected <- struct{}{}
		}
		for _, c := range all {
			_ = c.Close()
		}
	}()
	s := newStand(t, "1.5", nil)
	r := newRoom(t, s)
	r.ownConfig()
	r.env["SETTLE"] = "20ms"
	r.write("acme/a.jpg", "a")
	right := r.edit("${TENOVOS_URL}", "http://"+l.Addr().String()+"/v1")
	daemon := r.start("run")
	<-connected
	right()
	daemon.signal(syscall.SIGHUP)
	eventually(t, "the file is in", func() bool { return len(s.named("a.jpg")) == 1 })
	daemon.terminate()

	r.edit("${TENOVOS_URL}", "http://"+l.Addr().String()+"/v1")
	daemon = r.start("run")
	<-connected
	r.says(1, "verify needs Tenovos, which is waited for: ask again when it answers: it has not answered yet", "verify") // after answerAfter
	daemon.terminate()
	s.complain(t)
}

// TestRequestsBesideAWaitingBackfill asks a backfill that waits for Tenovos.
func TestRequestsBesideAWaitingBackfill(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	r := newRoom(t, s)
	r.ownConfig()
	r.write("hooli/held.jpg", "held")
	if code, _, _ := r.run("backfill"); code != 3 {
		t.Fatalf("backfill: exit code %d", code)
	}
	r.edit("${TENOVOS_URL}", "http://"+reserve(t).addr+"/v1")
	r.start("backfill").says("waiting for it before anything else")
	r.says(0, "requeued", "retry", "--held")
	r.says(1, "verify needs Tenovos", "verify")
	r.reload(1, "a backfill owns the journal")
}

// silent stops a daemon that holds an entry back, as SIGSTOP or a hung disk do.
func silent(t *testing.T) (*stand, *room, *process) {
	s := newStand(t, "1.5", nil)
	r := newRoom(t, s)
	r.ownConfig()
	r.env["SETTLE"], r.env["GRACE"] = "20ms", "1s"
	r.write("hooli/held.jpg", "held")
	daemon := r.start("run")
	daemon.says(`"running"`)
	eventually(t, "one is held", func() bool { return r.books().Held == 1 })
	daemon.signal(syscall.SIGSTOP)
	t.Cleanup(func() { _ = daemon.cmd.Process.Signal(syscall.SIGCONT) })
	return s, r, daemon
}

// TestSilentDaemon asks a daemon that does not answer at all: the command gives up
// after a time that it names, and what it asked for is not done later.
func TestSilentDaemon(t *testing.T) {
	t.Parallel()
	_, r, daemon := silent(t)
	owner := fmt.Sprintf("(process %d) has shown no sign of life for 3s: the request was withdrawn, and nothing of it was done. `kill -CONT %[1]d`", daemon.cmd.Process.Pid)
	asked := []*process{r.start("cancel", "--all", "--timeout", "3s"), r.start("reload", "--timeout", "3s"), r.start("backfill", "--timeout", "3s"), r.start("retry", "--held", "--timeout", "3s")}
	for _, p := range asked {
		if code := p.wait(time.Minute); code != 1 || !strings.Contains(p.stderr.String(), owner) {
			t.Errorf("exit code %d, want %q\n%s", code, owner, p.stderr.String())
		}
	}
	r.says(2, "--timeout must be at least 3s", "retry", "--held", "--timeout", "1s")
	daemon.signal(syscall.SIGCONT)
	r.reload(0, "it says the same as before") // so that it was at the others, were they still there
	if b := r.books(); b.Held != 1 {
		t.Errorf("the request was carried out after all: %+v", b)
	}
	daemon.terminate()
}

// TestLongRequestIsNotCut carries out a request that takes longer than the time for a
// sign of life, and then stops the daemon in the middle of one.
func TestLongRequestIsNotCut(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	r := newRoom(t, s)
	r.env["SETTLE"] = "20ms"
	r.write("acme/a.jpg", "a")
	daemon := r.start("run")
	daemon.says(`"running"`)
	eventually(t, "it is filed", func() bool { return r.books().Filed == 1 })
	stall := func(delay time.Duration) {
		if err := s.Queue(sandbox.Fault{Operation: "GetAsset", Kind: sandbox.FaultStall, Delay: delay}); err != nil {
			t.Fatal(err)
		}
	}
	stall(4 * time.Second)
	r.says(0, "ok  drop/acme/a.jpg", "verify", "--timeout", "3s")

	stall(time.Minute)
	verify := r.start("verify", "--timeout", "3s")
	eventually(t, "the daemon is at it", func() bool { return len(s.UnusedFaults()) == 0 })
	daemon.signal(syscall.SIGSTOP)
	if code, says := verify.wait(time.Minute), verify.stderr.String(); code != 1 || !strings.Contains(says, "but the daemon was at it, and some of it may have been done") {
		t.Errorf("exit code %d\n%s", code, says)
	}
	daemon.signal(syscall.SIGCONT)
	daemon.terminate()
	s.complain(t)
}

// TestBackfillSaysWhatItWaitsFor follows a daemon whose pool waits, and which then shows
// no sign of life.
func TestBackfillSaysWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	r := newRoom(t, s)
	r.env["SETTLE"] = "20ms"
	daemon := r.start("run")
	daemon.says(`"running"`)
	for _, op := range []string{"CreateAsset", "GetCurrentUser"} {
		if err := s.Queue(sandbox.Fault{Operation: op, Kind: sandbox.FaultStatus, Status: 503, Times: 10_000}); err != nil {
			t.Fatal(err)
		}
	}
	r.write("acme/a.jpg", "a")
	following, lost := r.start("backfill"), r.start("backfill", "--timeout", "3s")
	for _, p := range []*process{following, lost} {
		p.says("everything waits: ")
	}
	daemon.signal(syscall.SIGSTOP)
	if code := lost.wait(time.Minute); code != 1 || !strings.Contains(lost.stderr.String(), "has shown no sign of life for 3s") {
		t.Errorf("exit code %d\n%s", code, lost.stderr.String())
	}
	daemon.signal(syscall.SIGCONT)
	s.ClearFaults()
	if code := following.wait(time.Minute); code != 0 {
		t.Errorf("exit code %d\n%s", code, following.stderr.String())
	}
	daemon.terminate()
	s.complain(t)
}
