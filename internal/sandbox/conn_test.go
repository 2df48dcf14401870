package sandbox

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"testing"
)

// rawConn is a connection for requests that net/http would not send.
type rawConn struct {
	net.Conn
	u *url.URL
}

func dial(t *testing.T, raw string) rawConn {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return rawConn{conn, u}
}

// write sends a request; its two verbs are the request URI and the host.
func (c rawConn) write(t *testing.T, format string) {
	t.Helper()
	if _, err := fmt.Fprintf(c, format, c.u.RequestURI(), c.u.Host); err != nil {
		t.Fatal(err)
	}
}

func (c rawConn) read(t *testing.T) string {
	t.Helper()
	b, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
