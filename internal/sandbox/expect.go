package sandbox

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
)

// What stands between a client and the store may not know Expect: 100-continue.

func (c *call) expects() bool {
	return (c.op == PutPart || c.op == PutObject) && c.r.Header.Get("Expect") != "" && c.r.ContentLength > 0
}

// refuseExpect answers 417 where the knob wants it, and reports whether it did.
func (c *call) refuseExpect(out *reply) bool {
	late := c.o.Expect == "refuse-late"
	if !c.expects() || !late && c.o.Expect != "refuse" {
		return false
	}
	if late { // to read is what says 100
		_, _ = io.CopyN(io.Discard, c.r.Body, c.r.ContentLength/2)
	}
	out.status, out.body = http.StatusExpectationFailed, []byte("<html><title>417 Expectation Failed</title></html>")
	out.set("Content-Type", "text/html")
	return true
}

// ignoreExpect takes the connection over where the knob wants nothing said before the
// reply, for net/http says 100 by itself. What it returns ends that.
func (c *call) ignoreExpect() (end func()) {
	if !c.expects() || c.o.Expect != "ignore" && c.o.Expect != "http10" {
		return func() {}
	}
	conn, in, err := http.NewResponseController(c.w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // no connection to take over
	}
	version := "HTTP/1.1"
	if c.o.Expect == "http10" {
		version = "HTTP/1.0"
	}
	c.w = &bareWriter{conn: conn, in: in, version: version, header: http.Header{}}
	c.r.Body = io.NopCloser(io.LimitReader(in, c.r.ContentLength))
	return func() { _ = conn.Close() } // what was to be said was said
}

// bareWriter answers on a connection that was taken over.
type bareWriter struct {
	conn    net.Conn
	in      *bufio.ReadWriter
	version string
	header  http.Header
}

// Header implements http.ResponseWriter.
func (w *bareWriter) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *bareWriter) WriteHeader(status int) {
	w.header.Set("Connection", "close")
	_, _ = fmt.Fprintf(w.conn, "%s %d %s\r\n", w.version, status, http.StatusText(status))
	_ = w.header.Write(w.conn) // a client that left is its own affair
	_, _ = io.WriteString(w.conn, "\r\n")
}

// Write implements http.ResponseWriter.
func (w *bareWriter) Write(b []byte) (int, error) { return w.conn.Write(b) }

// Hijack implements http.Hijacker.
func (w *bareWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) { return w.conn, w.in, nil }
