package uploader

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/secret"
)

// refuse answers as S3 does, without reading the body.
func refuse(status int, code, message string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>%s</Code><Message>%s</Message><Resource>%s</Resource><RequestId>1</RequestId></Error>`, code, message, r.URL.Path)
		return true
	}
}

// reset reads some of the body and then breaks the connection, as a store does
// that crashes, or that refuses without reading.
func reset(t testing.TB, after int64) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		_, _ = io.CopyN(io.Discard, r.Body, after)
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return true
		}
		_ = conn.(*net.TCPConn).SetLinger(0) // RST
		_ = conn.Close()
		return true
	}
}

func TestRefusals(t *testing.T) {
	html := func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusBadGateway)
		fmt.Fprint(w, "<html><body>"+strings.Repeat("sorry ", 1<<16))
		return true
	}
	slow := func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Retry-After", "7")
		return refuse(503, "SlowDown", "Please reduce your request rate.")(w, r)
	}
	redirect := func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Location", "http://127.0.0.1:1/elsewhere?"+r.URL.RawQuery)
		return refuse(307, "TemporaryRedirect", "Please re-send this request to the specified temporary endpoint.")(w, r)
	}
	src, _ := opened(t, random(3<<20))
	for _, tc := range []struct {
		name   string
		answer func(http.ResponseWriter, *http.Request) bool
		is     error // nil: only a *StoreError
		want   StoreError
	}{
		{"expired", refuse(403, "AccessDenied", "Request has expired"), ErrURLExpired, StoreError{Status: 403, Code: "AccessDenied", Message: "Request has expired"}},
		{"token expired", refuse(400, "ExpiredToken", "The provided token has expired."), ErrURLExpired, StoreError{Status: 400, Code: "ExpiredToken", Message: "The provided token has expired."}},
		{"denied", refuse(403, "AccessDenied", "Access Denied"), nil, StoreError{Status: 403, Code: "AccessDenied", Message: "Access Denied"}},
		{"signature", refuse(403, "SignatureDoesNotMatch", "No."), nil, StoreError{Status: 403, Code: "SignatureDoesNotMatch", Message: "No."}},
		{"clock", refuse(403, "RequestTimeTooSkewed", "Too large."), ErrClockSkew, StoreError{Status: 403, Code: "RequestTimeTooSkewed", Message: "Too large."}},
		{"no upload", refuse(404, "NoSuchUpload", "Gone."), ErrNoSuchUpload, StoreError{Status: 404, Code: "NoSuchUpload", Message: "Gone."}},
		{"no bucket", refuse(404, "NoSuchBucket", "Gone."), nil, StoreError{Status: 404, Code: "NoSuchBucket", Message: "Gone."}},
		{"internal", refuse(500, "InternalError", "Oops.\n Try  again."), nil, StoreError{Status: 500, Code: "InternalError", Message: "Oops. Try again."}},
		{"slow down", slow, nil, StoreError{Status: 503, Code: "SlowDown", Message: "Please reduce your request rate.", RetryAfter: 7 * time.Second}},
		{"timeout", refuse(400, "RequestTimeout", "Idle."), ErrStalled, StoreError{Status: 400, Code: "RequestTimeout", Message: "Idle."}},
		{"redirect", redirect, nil, StoreError{Status: 307, Location: "http://127.0.0.1:1", Code: "TemporaryRedirect", Message: "Please re-send this request to the specified temporary endpoint."}},
		{"a proxy's page", html, nil, StoreError{Status: 502, Message: "Bad Gateway"}},
		{"quotes the query", refuse(400, "X", "bad: X-Amz-Signature=5f7e5f7e"), nil, StoreError{Status: 400, Code: "X", Message: secret.Redacted}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStore(t, httptest.NewServer, func(w http.ResponseWriter, r *http.Request) bool {
				return strings.Contains(r.RequestURI, "partNumber=2&") && tc.answer(w, r)
			})
			tc.want.Part = 2
			o := upload(t.Context(), t, New(Config{Parts: 1}), Job{Source: src, Parts: cut(s.URL, src, 1<<20)})
			var got *StoreError
			if !errors.As(o.err, &got) || *got != tc.want {
				t.Fatalf("got %v, want %+v", o.err, tc.want)
			}
			for _, sentinel := range []error{ErrURLExpired, ErrClockSkew, ErrNoSuchUpload, ErrStalled, ErrUnreachable, ErrChecksum} {
				if errors.Is(o.err, sentinel) != (sentinel == tc.is) {
					t.Errorf("%v: errors.Is %v is %v", o.err, sentinel, sentinel != tc.is)
				}
			}
			if !slices.Equal(o.numbers(), []int{1}) || len(s.seen()) != 2 {
				t.Errorf("parts %v were reported after %d requests, want part 1 after 2", o.numbers(), len(s.seen()))
			}
		})
	}
}

// TestRefusalMidway refuses as proxies and some stores do: the body is asked for,
// and then answered and reset after its first bytes.
func TestRefusalMidway(t *testing.T) {
	src, _ := opened(t, random(8<<20))
	for name, start := range map[string]func(http.Handler) *httptest.Server{"plain": httptest.NewServer, "TLS": httptest.NewTLSServer} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t, start, func(w http.ResponseWriter, r *http.Request) bool {
				_, _ = io.CopyN(io.Discard, r.Body, 1<<10)
				conn, out, err := w.(http.Hijacker).Hijack()
				if err != nil {
					t.Error(err)
					return true
				}
				const answer = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
				fmt.Fprintf(out, "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(answer), answer)
				_ = out.Flush()
				_ = conn.Close() // what was not read makes it a reset
				return true
			})
			transport := newTransport()
			if s.TLS != nil {
				transport.TLSClientConfig = s.Client().Transport.(*http.Transport).TLSClientConfig
			}
			for range 20 {
				o := upload(t.Context(), t, New(Config{HTTP: &http.Client{Transport: transport}}), Job{Source: src, Parts: cut(s.URL, src, 8<<20)})
				if !errors.Is(o.err, ErrURLExpired) {
					t.Fatalf("got %v, want %v", o.err, ErrURLExpired)
				}
			}
		})
	}
}

func TestSignatureThatWantsAHeader(t *testing.T) {
	const with = "?X-Amz-SignedHeaders=host%3Bx-amz-meta-objectid&x-amz-meta-objectid=7a-1"
	for _, tc := range []struct {
		query    string
		accepts  bool
		requests int
	}{
		{with, true, 2},
		{with, false, 2},
		{"?X-Amz-SignedHeaders=host", true, 1},
	} {
		s := newStore(t, httptest.NewServer, func(w http.ResponseWriter, r *http.Request) bool {
			if tc.accepts && r.Header.Get("x-amz-meta-objectid") == "7a-1" {
				return false
			}
			return refuse(403, "SignatureDoesNotMatch", "The request signature we calculated does not match.")(w, r)
		})
		src, _ := opened(t, []byte("content"))
		o := upload(t.Context(), t, New(Config{}), Job{Source: src, Parts: []Part{{Number: 1, Size: 7, URL: secret.URL(s.URL + "/f" + tc.query)}}})
		if ok := tc.accepts && tc.query == with; ok != (o.err == nil) || len(s.seen()) != tc.requests {
			t.Errorf("%+v: %v after %d requests", tc, o.err, len(s.seen()))
		}
		if h := s.seen()[0]; h.Get("x-amz-meta-objectid") != "" {
			t.Errorf("%+v: the header was sent unasked", tc)
		}
	}
}

func TestExpiryByOurClock(t *testing.T) {
	signed := time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)
	const life = "&X-Amz-Date=20260304T050000Z&X-Amz-Expires=100" // until 05:01:40
	for _, tc := range []struct {
		name     string
		age      time.Duration // of the URL when its part starts
		takes    time.Duration // until the answer
		answer   func(http.ResponseWriter, *http.Request) bool
		want     error
		requests int
	}{
		{"alive", 89 * time.Second, 0, nil, nil, 1},
		{"about to die", 90 * time.Second, 0, nil, ErrURLExpired, 0},
		{"dead", 100 * time.Second, 0, nil, ErrURLExpired, 0},
		{"dies and is stored all the same", 0, time.Hour, nil, nil, 1},
		{"dies and is denied", 0, time.Hour, refuse(403, "AccessDenied", "Access Denied"), ErrURLExpired, 1},
		{"dies and is reset", 0, time.Hour, reset(t, 10), ErrURLExpired, 1},
		{"dies while a clock is wrong", 0, time.Hour, refuse(403, "RequestTimeTooSkewed", "Too large."), ErrClockSkew, 1},
		{"lives and is reset", 0, time.Second, reset(t, 10), ErrUnreachable, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var now atomic.Int64
			now.Store(int64(tc.age))
			s := newStore(t, httptest.NewServer, func(w http.ResponseWriter, r *http.Request) bool {
				now.Add(int64(tc.takes))
				return tc.answer != nil && tc.answer(w, r)
			})
			src, _ := opened(t, random(1<<20))
			u := New(Config{Clock: func() time.Time { return signed.Add(time.Duration(now.Load())) }})
			parts := cut(s.URL, src, 1<<20)
			parts[0].URL += life
			o := upload(t.Context(), t, u, Job{Source: src, Parts: parts})
			if !errors.Is(o.err, tc.want) || len(s.seen()) != tc.requests {
				t.Errorf("got %v after %d requests, want %v after %d", o.err, len(s.seen()), tc.want, tc.requests)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	closed := listener.Addr().String()
	check(t, listener.Close())
	tls := httptest.NewUnstartedServer(http.NotFoundHandler())
	tls.Config.ErrorLog = log.New(io.Discard, "", 0)
	tls.StartTLS() // with a certificate that we do not know
	defer tls.Close()
	mid := newStore(t, httptest.NewServer, reset(t, 1<<20))

	src, _ := opened(t, random(16<<20))
	for name, base := range map[string]string{
		"refused": "http://" + closed, "no such host": "http://store.invalid", "certificate": tls.URL, "reset mid-body": mid.URL,
	} {
		t.Run(name, func(t *testing.T) {
			o := upload(t.Context(), t, New(Config{}), Job{Source: src, Parts: []Part{{Number: 1, Size: 16 << 20, URL: secret.URL(base + "/f?" + signature)}}})
			if !errors.Is(o.err, ErrUnreachable) || len(o.done) != 0 {
				t.Errorf("got %v with %d parts done", o.err, len(o.done))
			}
		})
	}
	o := upload(t.Context(), t, New(Config{}), Job{Source: src, Parts: []Part{{Number: 1, Size: 1, URL: "http://store.example:port/f?" + signature}}})
	if o.err == nil || errors.Is(o.err, ErrUnreachable) {
		t.Errorf("a URL that does not parse: %v", o.err)
	}
}

// A store that has closed a kept-alive connection is no failure.
func TestClosedKeepAlive(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	var served sync.WaitGroup
	t.Cleanup(served.Wait)
	t.Cleanup(func() { _ = listener.Close() })
	var conns atomic.Int32
	served.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conns.Add(1)
			r := bufio.NewReader(conn)
			if req, err := http.ReadRequest(r); err == nil {
				fmt.Fprint(conn, "HTTP/1.1 100 Continue\r\n\r\n")
				_, _ = io.Copy(io.Discard, req.Body)
				fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nETag: \"opaque\"\r\nContent-Length: 0\r\n\r\n")
				// The next request is read and dropped: it crossed with our close.
				_, _ = http.ReadRequest(r)
			}
			_ = conn.Close()
		}
	})
	src, _ := opened(t, []byte("content"))
	u := New(Config{})
	for i := range 3 {
		o := upload(t.Context(), t, u, Job{Source: src, Parts: []Part{{Number: 1, Size: 7, URL: secret.URL("http://" + listener.Addr().String())}}})
		if o.err != nil {
			t.Fatalf("upload %d: %v", i, o.err)
		}
	}
	if conns.Load() != 3 {
		t.Errorf("%d connections, want 3", conns.Load())
	}
	u.http.(*http.Transport).CloseIdleConnections()
}

func TestStalls(t *testing.T) {
	for name, read := range map[string]int64{"mid-body": 1 << 20, "before the first byte": 0, "no answer": 64 << 20} {
		t.Run(name, func(t *testing.T) {
			over := make(chan struct{})
			defer close(over)
			s := newStore(t, httptest.NewServer, func(_ http.ResponseWriter, r *http.Request) bool {
				_, _ = io.CopyN(io.Discard, r.Body, read)
				<-over
				return true
			})
			folder := place(t, nil)
			check(t, os.Truncate(filepath.Join(folder, "f"), 64<<20))
			src, err := openIn(folder, "f")
			check(t, err)
			defer src.Close()
			u := New(Config{StallAfter: 150 * time.Millisecond})
			o := upload(t.Context(), t, u, Job{Source: src, Parts: cut(s.URL, src, 64<<20)})
			if !errors.Is(o.err, ErrStalled) || errors.Is(o.err, context.Canceled) {
				t.Errorf("got %v, want ErrStalled", o.err)
			}
		})
	}
}

func TestSourceChangesUnderTheUpload(t *testing.T) {
	for name, tc := range changes {
		for _, when := range []int{1, 2, 3} { // the part during which it happens
			t.Run(fmt.Sprintf("%s in part %d", name, when), func(t *testing.T) {
				src, path := opened(t, random(900))
				s := newStore(t, httptest.NewServer, func(_ http.ResponseWriter, r *http.Request) bool {
					if strings.Contains(r.RequestURI, fmt.Sprintf("partNumber=%d&", when)) {
						tick(t, src)
						tc.do(t, path)
					}
					return false
				})
				o := upload(t.Context(), t, New(Config{Parts: 1}), Job{Source: src, Parts: cut(s.URL, src, 300)})
				if !errors.Is(o.err, tc.want) {
					t.Errorf("got %v, want %v", o.err, tc.want)
				}
				if n := len(s.seen()); n != when {
					t.Errorf("%d parts were sent after the file changed during part %d", n-when, when)
				}
			})
		}
	}
	t.Run("before the first part", func(t *testing.T) {
		src, path := opened(t, random(900))
		s := newStore(t, httptest.NewServer, nil)
		check(t, os.Remove(path))
		o := upload(t.Context(), t, New(Config{}), Job{Source: src, Parts: cut(s.URL, src, 300)})
		if !errors.Is(o.err, ErrSourceGone) || len(s.seen()) != 0 {
			t.Errorf("got %v after %d requests", o.err, len(s.seen()))
		}
	})
	t.Run("prevails over a refusal", func(t *testing.T) {
		src, path := opened(t, random(900))
		s := newStore(t, httptest.NewServer, func(w http.ResponseWriter, r *http.Request) bool {
			check(t, os.Remove(path))
			return refuse(500, "InternalError", "Oops.")(w, r)
		})
		o := upload(t.Context(), t, New(Config{}), Job{Source: src, Parts: cut(s.URL, src, 900)})
		if !errors.Is(o.err, ErrSourceGone) {
			t.Errorf("got %v, want ErrSourceGone", o.err)
		}
	})
}

// The store answers 200 before it has the bytes: nothing is proved.
func TestSuccessTooEarly(t *testing.T) {
	s := newStore(t, httptest.NewServer, func(w http.ResponseWriter, r *http.Request) bool {
		_, _ = io.CopyN(io.Discard, r.Body, 1000)
		w.Header().Set("ETag", `"opaque"`)
		return true
	})
	src, _ := opened(t, random(16<<20))
	o := upload(t.Context(), t, New(Config{}), Job{Source: src, Parts: cut(s.URL, src, 16<<20)})
	if o.err == nil || len(o.done) != 0 {
		t.Errorf("got %v with %d parts done", o.err, len(o.done))
	}
}

// The first error ends the parts on their way; what is stored stays reported.
func TestFirstErrorCancelsTheRest(t *testing.T) {
	over := make(chan struct{})
	defer close(over)
	hanging := make(chan struct{})
	s := newStore(t, httptest.NewServer, func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case strings.Contains(r.RequestURI, "partNumber=1&"):
			return false
		case strings.Contains(r.RequestURI, "partNumber=2&"):
			close(hanging)
			<-over
			return true
		default:
			<-hanging
			return refuse(500, "InternalError", "Oops.")(w, r)
		}
	})
	src, _ := opened(t, random(400))
	o := upload(t.Context(), t, New(Config{Parts: 2}), Job{Source: src, Parts: cut(s.URL, src, 100)})
	var refused *StoreError
	if !errors.As(o.err, &refused) || refused.Part != 3 || !slices.Equal(o.numbers(), []int{1}) || len(s.seen()) != 3 {
		t.Errorf("got %v with parts %v after %d requests", o.err, o.numbers(), len(s.seen()))
	}
}
