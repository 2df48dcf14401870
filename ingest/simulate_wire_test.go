package ingest_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"

	"github.com/tenovos-ingest/ingestd/internal/sandbox"
)

// simWire carries the calls of a life to the sandbox's handler, in the caller's own
// goroutine and without a socket, for time stands still in a bubble while a goroutine
// waits for one.
type simWire struct{ life *simLife }

// RoundTrip passes a point before and after each call, at which the life may end.
func (w simWire) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer req.Body.Close()
	}
	op := sandbox.Operation(req)
	w.life.s.dawdle(req.Context())
	w.life.pass("before", op)
	w.life.sends(req)
	resp, err := w.serve(req)
	w.life.s.dawdle(req.Context())
	w.life.pass("after", op)
	return resp, err
}

// serve has the handler answer as a server would.
func (w simWire) serve(req *http.Request) (*http.Response, error) {
	in := req.Clone(req.Context())
	in.RequestURI, in.Host = req.URL.RequestURI(), req.URL.Host
	if in.Body == nil {
		in.Body = http.NoBody
	}
	if in.ContentLength > 0 || in.Method != http.MethodGet && in.Method != http.MethodDelete {
		in.Header.Set("Content-Length", strconv.FormatInt(in.ContentLength, 10))
	}
	out := &simReply{header: make(http.Header)}
	aborted := func() (aborted bool) {
		defer func() {
			if v := recover(); v != nil {
				if err, ok := v.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
					panic(v)
				}
				aborted = true
			}
		}()
		w.life.s.sandbox.Handler().ServeHTTP(out, in)
		return false
	}()
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	if aborted || out.hijacked && out.body.Len() == 0 {
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	}
	return out.response(req)
}

// simReply is what a handler answers.
type simReply struct {
	header   http.Header
	status   int
	body     bytes.Buffer
	hijacked bool // body is what was written to the connection itself
}

// Header implements http.ResponseWriter.
func (r *simReply) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter.
func (r *simReply) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

// Write implements http.ResponseWriter.
func (r *simReply) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(p)
}

// Hijack implements http.Hijacker.
func (r *simReply) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	r.hijacked = true
	r.body.Reset()
	return simConn{r: r}, nil, nil
}

// simConn is the connection that a handler took over to break it.
type simConn struct {
	net.Conn
	r *simReply
}

// Write implements net.Conn.
func (c simConn) Write(p []byte) (int, error) { return c.r.body.Write(p) }

// Close implements net.Conn.
func (simConn) Close() error { return nil }

func (r *simReply) response(req *http.Request) (*http.Response, error) {
	if r.hijacked {
		resp, err := http.ReadResponse(bufio.NewReader(&r.body), req)
		if err != nil {
			return nil, fmt.Errorf("read the reply: %w", err)
		}
		return resp, nil
	}
	r.WriteHeader(http.StatusOK)
	return &http.Response{
		Status: strconv.Itoa(r.status) + " " + http.StatusText(r.status), StatusCode: r.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: r.header, Body: io.NopCloser(&r.body), ContentLength: int64(r.body.Len()), Request: req,
	}, nil
}
