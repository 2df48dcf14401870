package dashboard

import (
	"context"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"testing"
)

// TestHosts asks the page in the name of hosts, as a browser does for a web site whose
// name resolves to this machine.
func TestHosts(t *testing.T) {
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		listen, host string
		want         bool
	}{
		{"127.0.0.1:9470", "127.0.0.1:9470", true},
		{"127.0.0.1:9470", "127.0.0.1", true},
		{"127.0.0.1:9470", "localhost:8080", true}, // a tunnel
		{"127.0.0.1:9470", "LocalHost.", true},
		{"127.0.0.1:9470", "page.localhost:9470", true},
		{"127.0.0.1:9470", "[::1]:9470", true},
		{"127.0.0.1:9470", "[::1]", true},
		{"127.0.0.1:9470", "", true},
		{"127.0.0.1:9470", "evil.example:9470", false},
		{"127.0.0.1:9470", "evil.example", false},
		{"127.0.0.1:9470", "localhost.evil.example", false},
		{"127.0.0.1:9470", "127.0.0.1.nip.example", false},
		{"127.0.0.1:9470", "evil", false},
		{"127.0.0.1:9470", "192.0.2.7:9470", false},
		{"127.0.0.1:9470", "0.0.0.0:9470", false},
		{"127.0.0.1:9470", ":9470", true},
		{"[::1]:9470", "[::1]:9470", true},
		{"[::1]:9470", "evil.example", false},
		{"localhost:9470", "127.0.0.1:9470", true},
		{"localhost:9470", "evil.example", false},
		{"0.0.0.0:9470", "192.0.2.7:9470", true},
		{"0.0.0.0:9470", "[2001:db8::1]:9470", true},
		{"0.0.0.0:9470", "localhost:9470", true},
		{"0.0.0.0:9470", name + ":9470", true},
		{"0.0.0.0:9470", "ingestd:9470", true}, // a container's name
		{"0.0.0.0:9470", "evil.example:9470", false},
		{":9470", "evil.example:9470", false},
		{"[::]:9470", "evil.example:9470", false},
		{"dam.example:9470", "DAM.example:9470", true},
		{"dam.example:9470", "evil.example:9470", false},
		{"dam.example:9470", "dam.example.evil.example", false},
	} {
		if got := hostsOf(c.listen).answers(c.host); got != c.want {
			t.Errorf("listening on %s, a request to %q is answered: %t, want %t", c.listen, c.host, got, c.want)
		}
	}
}

// TestRebinding shows the refusal of every page over a real connection.
func TestRebinding(t *testing.T) {
	j := books(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, l, l.Addr().String(), j.Reader(), j.Reader(), http.NotFoundHandler()) }()
	for _, path := range []string{"/", "/healthz", "/status.json"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addr().String()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = "evil.example:9470"
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusMisdirectedRequest {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// TestServerIsBounded holds the server to having every bound on a client's time.
func TestServerIsBounded(t *testing.T) {
	s := newServer("127.0.0.1:0", http.NotFoundHandler())
	if s.ReadHeaderTimeout <= 0 || s.ReadTimeout <= 0 || s.WriteTimeout <= 0 || s.IdleTimeout <= 0 || s.MaxHeaderBytes <= 0 {
		t.Errorf("something is without end: %+v", s)
	}
}

// TestLimit has more clients than places: all come in, never too many at once, and who
// waits for a place does not keep the listener from closing.
func TestLimit(t *testing.T) {
	const places, clients = 2, 6
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := limit(inner, places)
	for range clients {
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	var open atomic.Int32
	accepted := make(chan net.Conn, clients)
	ended := make(chan error)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				ended <- err
				return
			}
			if n := open.Add(1); n > places {
				t.Errorf("%d connections are open", n)
			}
			accepted <- c
		}
	}()
	for i := range clients {
		c := <-accepted
		if i >= clients-places {
			defer c.Close()
			continue // all places are taken from here on
		}
		open.Add(-1)
		_ = c.Close()
		_ = c.Close() // which frees no second place
	}
	_ = l.Close()
	if err := <-ended; err == nil {
		t.Error("a closed listener accepts")
	}
}
