package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// ask asks a page, and returns the status with the body; 0 is that nobody answers.
func ask(t *testing.T, addr, path string, turn func(*http.Request)) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+path, nil)
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
	r.ownConfig()
	addr := reserve(t)
	_ = addr.listen(t).Close()
	r.edit(`listen: ""`, "listen: "+addr.addr)
	right := r.edit("${TENOVOS_URL}", "http://"+reserve(t).addr+"/v1")
	daemon := r.start("run", "--pprof")
	eventually(t, "the page is there", func() bool { return healthy(t, addr.addr) })
	if code, body := ask(t, addr.addr, "/status.json", nil); code != http.StatusOK {
		t.Error(code, body)
	}
	if code, body := ask(t, addr.addr, "/debug/pprof/cmdline", nil); code != http.StatusOK || !strings.Contains(body, "--pprof") {
		t.Error(code, body)
	}
	ready := func(code int, text string) func() bool {
		return func() bool {
			got, body := ask(t, addr.addr, "/readyz", nil)
			return got == code && strings.Contains(body, text)
		}
	}
	eventually(t, "Tenovos is missing", ready(http.StatusServiceUnavailable, "Tenovos: Tenovos cannot be reached at"))
	right()
	r.reload(0, "reloaded: tenovos")
	eventually(t, "all is well", ready(http.StatusOK, "ready\n"))

	if err := os.Rename(r.drop, r.drop+".away"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a folder is missing", ready(http.StatusServiceUnavailable, "drop: "+r.drop+" does not exist"))
	code, body := ask(t, addr.addr, "/readyz", func(req *http.Request) { req.Header.Set("Accept", "application/json") })
	if code != http.StatusServiceUnavailable || !strings.Contains(body, `{"name":"drop","ready":false,"reason":"`+r.drop+" does not exist") {
		t.Error(code, body)
	}
	if !healthy(t, addr.addr) {
		t.Error("a missing folder is no reason to start the daemon anew")
	}
	if err := os.Rename(r.drop+".away", r.drop); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all is well again", ready(http.StatusOK, "ready\n"))
	daemon.terminate()
}

// TestPageLogin asks a daemon that has a password, which changes.
func TestPageLogin(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	r := newRoom(t, s)
	r.ownConfig()
	addr := reserve(t)
	_ = addr.listen(t).Close()
	name := filepath.Join(r.dir, "token")
	write := func(token string) {
		if err := os.WriteFile(name, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first-0123456789abcdef")
	r.edit(`listen: ""`, "listen: "+addr.addr+"\nlisten_auth: {token_file: "+name+"}")
	daemon := r.start("run")
	eventually(t, "the page is there", func() bool { return healthy(t, addr.addr) })
	with := func(token string) int {
		code, _ := ask(t, addr.addr, "/status.json", func(req *http.Request) { req.Header.Set("Authorization", "Bearer "+token) })
		return code
	}
	if a, b := with("first-0123456789abcdef"), with("other-0123456789abcdef"); a != http.StatusOK || b != http.StatusUnauthorized {
		t.Error(a, b)
	}
	if code, _ := ask(t, addr.addr, "/status.json", nil); code != http.StatusUnauthorized {
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
