package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// ask asks a page, and returns the status with the body; 0 is that nobody answers
// within a minute.
func ask(t *testing.T, addr, path string, turn func(*http.Request)) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	if turn != nil {
		turn(req)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return resp.StatusCode, string(body)
}

// TestPageWhileWaiting asks a daemon that waits for Tenovos since its start, then one that
// has it, then one without a folder, and then one whose Tenovos is gone.
func TestPageWhileWaiting(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	r := newRoom(t, s)
	addr := r.listens("")
	right := r.edit("${TENOVOS_URL}", "http://"+reserve(t).addr+"/v1")
	daemon := r.start("run", "--pprof")
	eventually(t, "the page is there", func() bool { return healthy(t, addr) })
	if code, body := ask(t, addr, "/status.json", nil); code != http.StatusOK {
		t.Error(code, body)
	}
	if code, body := ask(t, addr, "/debug/pprof/cmdline", nil); code != http.StatusOK || !strings.Contains(body, "--pprof") {
		t.Error(code, body)
	}
	ready := func(code int, text string) func() bool {
		return func() bool {
			got, body := ask(t, addr, "/readyz", nil)
			return got == code && strings.Contains(body, text)
		}
	}
	eventually(t, "Tenovos is missing", ready(http.StatusServiceUnavailable, "Tenovos: Tenovos cannot be reached at"))
	if _, body := ask(t, addr, "/readyz", nil); !strings.Contains(body, "drop: it is not looked at meanwhile") {
		t.Error(body)
	}
	right()
	r.reload(0, "reloaded: tenovos")
	eventually(t, "all is well", ready(http.StatusOK, "ready\n"))

	if err := os.Rename(r.drop, r.drop+".away"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a folder is missing", ready(http.StatusServiceUnavailable, "drop: "+r.drop+" does not exist"))
	code, body := ask(t, addr, "/readyz", func(req *http.Request) { req.Header.Set("Accept", "application/json") })
	if code != http.StatusServiceUnavailable || !strings.Contains(body, `{"name":"drop","ready":false,"reason":"`+r.drop+" does not exist") {
		t.Error(code, body)
	}
	if !healthy(t, addr) {
		t.Error("a missing folder is no reason to start the daemon anew")
	}
	if err := os.Rename(r.drop+".away", r.drop); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all is well again", ready(http.StatusOK, "ready\n"))

	s.close() // and nothing is under way that would notice
	eventually(t, "Tenovos is gone", ready(http.StatusServiceUnavailable, "Tenovos: Tenovos cannot be reached at"))
	daemon.terminate()
}

// TestPageStays keeps the connections of an address across a reload that leaves it as it is, and
// answers during the whole of it.
func TestPageStays(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	r := newRoom(t, s)
	addr := r.listens("")
	daemon := r.start("run")
	eventually(t, "the page is there", func() bool { return healthy(t, addr) })
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	read := bufio.NewReader(conn)
	for i, edit := range [][2]string{{"settle: ${SETTLE}", "settle: 30ms"}, {"settle: 30ms", "settle: 40ms"}, {"parts: 2", "parts: 3"}} {
		if _, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(read, nil)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("before the %d. reload: %v, %v", i+1, resp, err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		r.edit(edit[0], edit[1])
		r.reload(0, "reloaded: ")
	}
	daemon.terminate()
}

// TestIdleConnectionsOfTheDaemon holds 2,000 connections to a daemon that say nothing, and
// looks at what they cost it in memory and in files while it is asked and ingests.
func TestIdleConnectionsOfTheDaemon(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	r := newRoom(t, s)
	addr := r.listens("")
	daemon := r.start("run")
	eventually(t, "the page is there", func() bool { return healthy(t, addr) })
	daemon.says(`"running"`)
	before := daemon.resident(t)
	for range 2000 {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	for _, path := range []string{"/healthz", "/readyz", "/status.json"} {
		if code, body := ask(t, addr, path, nil); code != http.StatusOK {
			t.Errorf("%s beside 2,000 connections: %d %s", path, code, body)
		}
	}
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", daemon.cmd.Process.Pid))
	if err != nil || len(files) > 400 {
		t.Errorf("the daemon has %d files open (%v)", len(files), err)
	}
	took := daemon.resident(t) - before
	t.Logf("2,000 connections take %d KiB of the daemon, which has %d files open", took, len(files))
	if took > mostOfIdle {
		t.Errorf("2,000 connections take %d KiB", took)
	}
	r.write("acme/beside.jpg", "beside")
	eventually(t, "a file is in beside them", func() bool { return r.books().Filed == 1 })
	daemon.terminate()
}

// mostOfIdle is what 2,000 connections may take of the daemon's memory, in KiB.
var mostOfIdle = 24 << 10

// resident returns the memory that a process has, in KiB.
func (p *process) resident(t *testing.T) (kib int) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		t.Fatal(err)
	}
	return kib
}

// TestPageLogin asks a daemon that has a password, which changes.
func TestPageLogin(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	r := newRoom(t, s)
	name := filepath.Join(r.dir, "token")
	write := func(token string) {
		if err := os.WriteFile(name, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first-0123456789abcdef")
	addr := r.listens("listen_auth: {token_file: " + name + "}")
	daemon := r.start("run")
	eventually(t, "the page is there", func() bool { return healthy(t, addr) })
	with := func(token string) int {
		code, _ := ask(t, addr, "/status.json", func(req *http.Request) { req.Header.Set("Authorization", "Bearer "+token) })
		return code
	}
	if a, b := with("first-0123456789abcdef"), with("other-0123456789abcdef"); a != http.StatusOK || b != http.StatusUnauthorized {
		t.Error(a, b)
	}
	if code, _ := ask(t, addr, "/status.json", nil); code != http.StatusUnauthorized {
		t.Error(code)
	}
	write("other-0123456789abcdef")
	r.reload(0, "reloaded: listen_auth")
	if a, b := with("other-0123456789abcdef"), with("first-0123456789abcdef"); a != http.StatusOK || b != http.StatusUnauthorized {
		t.Error(a, b)
	}
	daemon.terminate()
	if log := daemon.stderr.String(); strings.Contains(log, "0123456789abcdef") || !strings.Contains(log, "a wrong login") {
		t.Error("the log holds a token, or no wrong login")
	}
}

// TestPortInUse starts a daemon whose port another program has: it says which, and ingests.
func TestPortInUse(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	r := newRoom(t, s)
	r.ownConfig()
	r.edit(`listen: ""`, "listen: "+s.http.Listener.Addr().String())
	r.write("acme/a.jpg", "a")
	daemon := r.start("run")
	daemon.says(" is in use: the process ")
	daemon.says("end that program")
	eventually(t, "the file is in", func() bool { return r.books().Filed == 1 })
	daemon.terminate()
}
