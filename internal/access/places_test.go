package access

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

// short are limits that a test can wait for.
var short = func() limits {
	l := usual
	l.header, l.read, l.write, l.stalled, l.idle = 200*time.Millisecond, 400*time.Millisecond, time.Minute, 300*time.Millisecond, 400*time.Millisecond
	return l
}()

// dial opens a connection and sends something.
func (r *rig) dial(send string) net.Conn {
	r.t.Helper()
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, send); err != nil {
		r.t.Fatal(err)
	}
	return c
}

// closes waits until the server has closed a connection, and returns what came of it.
func closes(t *testing.T, c net.Conn) string {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	got, err := io.ReadAll(c)
	if e, ok := err.(net.Error); ok && e.Timeout() {
		t.Error("the connection is open for ever")
	}
	return string(got)
}

// TestEndlessRequests ends what never ends: a head, a body and a reader, also where something
// comes, or goes, now and then.
func TestEndlessRequests(t *testing.T) {
	t.Parallel()
	given := make(chan error, 1)
	r := serve(t, Config{}, short, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		_, err := io.Copy(io.Discard, req.Body)
		for err == nil && req.URL.Path == "/much" {
			_, err = w.Write(make([]byte, 64<<10))
		}
		if req.URL.Path == "/much" {
			given <- err
		}
	}))
	drip := func(c net.Conn, what string) {
		for {
			if _, err := io.WriteString(c, what); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	post := "POST / HTTP/1.1\r\nHost: localhost\r\nX-CSRF-Token: " + r.Token(nil) + "\r\n"
	for _, c := range []struct{ what, send, drip string }{
		{"a connection that says nothing", "", ""},
		{"half a line", "GET / HT", ""},
		{"a head without an end", "GET / HTTP/1.1\r\nHost: localhost\r\n", ""},
		{"a head that drips", "GET / HTTP/1.1\r\nHost: localhost\r\n", "X: y\r\n"},
		{"a body that does not come", post + "Content-Length: 10\r\n\r\n", ""},
		{"a body that drips", post + "Content-Length: 10000\r\n\r\n", "x"},
		{"a body in pieces that drips", post + "Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"},
		{"a form that drips", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 10000\r\n\r\n", "x"},
		{"one that waits after a reply", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			conn := r.dial(c.send)
			if c.drip != "" {
				go drip(conn, c.drip)
			}
			if got := closes(t, conn); strings.HasPrefix(got, "HTTP/1.1 200") != (c.what == "one that waits after a reply" || strings.HasPrefix(c.what, "a body")) {
				t.Errorf("answered: %q", got)
			}
		})
	}
	conn := r.dial("GET /much HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if err := <-given; err == nil {
		t.Error("a reader that reads nothing has taken everything")
	}
	closes(t, conn)
}

// TestLongAnswer takes more time for an answer than a request may take to come.
func TestLongAnswer(t *testing.T) {
	t.Parallel()
	r := serve(t, Config{}, short, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		select {
		case <-time.After(2 * short.read):
			fmt.Fprint(w, "late")
		case <-req.Context().Done():
		}
	}))
	resp := r.ask(http.MethodGet, "/", "")
	if resp.text != "late" {
		t.Errorf("%s %q", resp.Status, resp.text)
	}
}

// TestIdleConnections opens 2,000 connections of each kind that asks for nothing, while each
// page is answered, and looks at what they cost.
func TestIdleConnections(t *testing.T) {
	hold := make(chan bool)
	lim := usual
	lim.fairBusy = 200 * time.Millisecond
	r := serve(t, Config{}, lim, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/slow" {
			select {
			case <-req.Context().Done():
			case <-hold:
			}
		}
		fmt.Fprint(w, "text")
	}))
	defer close(hold)
	for what, send := range map[string]string{
		"silent":                            "",
		"in a head":                         "GET / HTTP/1.1\r\nHost: localhost\r\n",
		"in a long head":                    "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 8<<10),
		"idle":                              "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"in the body of what is refused":    "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n",
		"with a reply that takes very long": "GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n",
	} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		began := time.Now()
		conns := make([]net.Conn, 0, 2000)
		for len(conns) < 2000 {
			c, err := net.Dial("tcp", r.addr)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(c, send) // its place may have gone to another
			conns = append(conns, c)
		}
		opened := time.Since(began)
		for _, path := range []string{"/healthz", "/", "/readyz"} {
			asked := time.Now()
			if resp := r.ask(http.MethodGet, path, ""); resp.StatusCode != http.StatusOK {
				t.Errorf("%s: %s: %s", what, path, resp.Status)
			}
			t.Logf("2,000 connections, %s, opened in %v: %s answers after %v", what, opened.Round(time.Millisecond), path, time.Since(asked).Round(time.Millisecond))
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		used := int64(after.HeapAlloc+after.StackInuse) - int64(before.HeapAlloc+before.StackInuse)
		t.Logf("2,000 connections, %s: %d KiB, of both ends", what, used>>10)
		if used > 32<<20 {
			t.Errorf("2,000 connections, %s, take %d KiB", what, used>>10)
		}
		for _, c := range conns {
			_ = c.Close()
		}
	}
}

// TestPlaces has more clients than places: all are answered, and never too many are there.
func TestPlaces(t *testing.T) {
	t.Parallel()
	lim := usual
	lim.places = 4
	release, busy := make(chan bool), make(chan bool, 100)
	r := serve(t, Config{}, lim, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		busy <- true
		<-release
		fmt.Fprint(w, "text")
	}))
	const ask = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
	conns := make([]net.Conn, 12)
	for i := range conns {
		conns[i] = r.dial(ask)
	}
	for range lim.places {
		<-busy
	}
	select {
	case <-busy:
		t.Error("there are more than the places allow")
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	for i, c := range conns {
		if got := closes(t, c); !strings.HasSuffix(got, "text") {
			t.Errorf("%d: %q", i, got)
		}
	}
}

// TestWhoGivesWay has places short: whose time was over first goes, and an event stream never.
func TestWhoGivesWay(t *testing.T) {
	l := newPlaces(nil, usual)
	at := time.Now().Add(-time.Minute)
	idle := &place{all: l, since: at, idle: true}
	young := &place{all: l, since: at}
	slow := &place{all: l, since: at, busy: true}
	stream := &place{all: l, since: at, busy: true, stays: true}
	for _, p := range []*place{slow, stream, idle, young} {
		l.taken[p] = true
	}
	for i, want := range []*place{idle, young, slow, nil} {
		got, _ := l.next()
		if got != want {
			t.Errorf("the %d. to give way is another", i+1)
		}
		delete(l.taken, want)
	}
}

// TestStreams opens event streams: as many as there may be, for longer than another reply may
// take, until the server has something else to show, and until it ends.
func TestStreams(t *testing.T) {
	t.Parallel()
	lim := short
	lim.write = 200 * time.Millisecond
	lim.places = maxStreams + 2
	lim.fairBusy = 0
	var r *rig
	stream := func(w http.ResponseWriter, req *http.Request) {
		r.Stream(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			for {
				_, _ = fmt.Fprint(w, "data: x\n\n")
				_ = http.NewResponseController(w).Flush()
				select {
				case <-req.Context().Done():
					return
				case <-time.After(50 * time.Millisecond):
				}
			}
		})).ServeHTTP(w, req)
	}
	ready := make(chan bool)
	r = serve(t, Config{}, lim, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		<-ready
		if req.URL.Path == "/events" {
			stream(w, req)
			return
		}
		fmt.Fprint(w, "text")
	}))
	close(ready)
	open := func() (conns []net.Conn) {
		for range maxStreams {
			c := r.dial("GET /events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
			read := bufio.NewReader(c)
			for range 8 { // more than lim.write
				line, err := read.ReadString('\n')
				if err != nil {
					t.Fatal(err)
				}
				if strings.HasPrefix(line, "HTTP/1.1") && !strings.Contains(line, "200") {
					t.Fatal(line)
				}
			}
			conns = append(conns, c)
		}
		return conns
	}
	conns := open()
	if resp := r.ask(http.MethodGet, "/events", ""); resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("one stream too many: %s", resp.Status)
	}
	for range 10 { // and connections that idle take nobody's stream
		r.dial("")
	}
	if resp := r.ask(http.MethodGet, "/", ""); resp.StatusCode != http.StatusOK {
		t.Error(resp.Status)
	}
	for range 8 {
		if _, err := conns[0].Read(make([]byte, 100)); err != nil {
			t.Fatalf("a stream is cut: %v", err)
		}
	}
	r.EndStreams()
	for _, c := range conns {
		closes(t, c)
	}
	conns = open()
	r.end() // at once: a stream has no end of its own
	for _, c := range conns {
		closes(t, c)
	}
}

// TestServeWaits returns when the last handler has returned, and not before.
func TestServeWaits(t *testing.T) {
	t.Parallel()
	begun, over := make(chan bool), false
	r := serve(t, Config{}, usual, http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		close(begun)
		<-req.Context().Done()
		time.Sleep(50 * time.Millisecond)
		over = true
	}))
	r.dial("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	<-begun
	r.end()
	if !over {
		t.Error("a handler is at work after the end")
	}
}

// TestListenSays names who has the port, and what to try.
func TestListenSays(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for listen, want := range map[string]string{
		l.Addr().String(): "is in use: the process ",
		"192.0.2.1:1":     "is no address of this machine",
	} {
		a, err := New(Config{Listen: listen})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Listen(context.Background()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", listen, err)
		}
	}
	if sockets := listening("/proc/net/no such table", ":1"); sockets != nil {
		t.Error(sockets)
	}
	if !bytes.Contains([]byte(fmt.Sprint(holder("none"))), []byte("0")) {
		t.Error("a port that is none is held")
	}
}
