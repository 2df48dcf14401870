package uploader

import (
	"bufio"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/secret"
)

// asked counts the requests that came with Expect, and without.
func (s *store) asked() (with, without int) {
	for _, h := range s.seen() {
		if h.Get("Expect") != "" {
			with++
		} else {
			without++
		}
	}
	return with, without
}

// byHand takes a request's connection over, before anything was said on it.
func byHand(t testing.TB, w http.ResponseWriter) (net.Conn, *bufio.ReadWriter) {
	conn, rw, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
	}
	return conn, rw
}

// stored reads the body without a word and answers in an HTTP version.
func stored(t testing.TB, version string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		conn, rw := byHand(t, w)
		defer conn.Close()
		sum := md5.New()
		if _, err := io.CopyN(sum, rw, r.ContentLength); err != nil {
			t.Error(err)
		}
		fmt.Fprintf(conn, "%s 200 OK\r\nETag: \"%x\"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", version, sum.Sum(nil))
		return true
	}
}

// A proxy that does not know the question, or never answers it, is asked once.
func TestExpect(t *testing.T) {
	t.Parallel()
	refuse := func(before int64, header string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("Expect") == "" {
				return false
			}
			_, _ = io.CopyN(io.Discard, r.Body, before) // which says 100 first
			w.Header().Set("Connection", header)
			http.Error(w, "<html>Expectation Failed</html>", http.StatusExpectationFailed)
			return true
		}
	}
	for _, tc := range []struct {
		name          string
		size          int
		answer        func(http.ResponseWriter, *http.Request) bool
		with, without int // of four parts
	}{
		{"understood", expectFrom, nil, 4, 0},
		{"small", expectFrom - 1, nil, 0, 4},
		{"refused", expectFrom, refuse(0, "keep-alive"), 1, 4},
		{"refused with the connection", expectFrom, refuse(0, "close"), 1, 4},
		{"refused after 100", expectFrom, refuse(expectFrom/2, "close"), 1, 4},
		{"never answered", expectFrom, stored(t, "HTTP/1.1"), 1, 3},
		{"HTTP/1.0", expectFrom, stored(t, "HTTP/1.0"), 1, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t, httptest.NewServer, tc.answer)
			u := New(Config{Parts: 1})
			src, _ := opened(t, random(4*tc.size))
			o := upload(t.Context(), t, u, Job{Source: src, Parts: cut(s.URL, src, int64(tc.size))})
			if with, without := s.asked(); o.err != nil || len(o.done) != 4 || with != tc.with || without != tc.without {
				t.Errorf("%v, %d parts done; %d requests asked and %d did not, want %d and %d", o.err, len(o.done), with, without, tc.with, tc.without)
			}
			// Another host is another matter.
			other := newStore(t, httptest.NewServer, nil)
			o = upload(t.Context(), t, u, Job{Source: src, Parts: cut(other.URL, src, int64(tc.size))[:1]})
			if with, _ := other.asked(); o.err != nil || (with == 1) != (tc.size >= expectFrom) {
				t.Errorf("another host: %v, asked %d times", o.err, with)
			}
		})
	}
}

// A 417 to a part that asked nothing is a refusal like any other.
func TestExpectationFailedUnasked(t *testing.T) {
	s := newStore(t, httptest.NewServer, func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusExpectationFailed)
		return true
	})
	src, _ := opened(t, random(2*expectFrom))
	o := upload(t.Context(), t, New(Config{}), Job{Source: src, Parts: cut(s.URL, src, 2*expectFrom)})
	var refused *StoreError
	if !errors.As(o.err, &refused) || refused.Status != 417 || len(s.seen()) != 2 {
		t.Errorf("got %v after %d requests", o.err, len(s.seen()))
	}
}

// Where the question is of no use, a refusal in the middle of a part is heard all the
// same: it is not taken for a broken connection.
func TestRefusalIsHeardWithoutExpect(t *testing.T) {
	s := newStore(t, httptest.NewServer, func(w http.ResponseWriter, r *http.Request) bool {
		conn, rw := byHand(t, w)
		_, _ = io.CopyN(io.Discard, rw, 1<<10)
		const answer = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
		fmt.Fprintf(conn, "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(answer), answer)
		_ = conn.Close() // what was not read makes it a reset
		return true
	})
	u := New(Config{})
	u.expect.drop(strings.TrimPrefix(s.URL, "http://"))
	for _, size := range []int{expectFrom / 2, 8 << 20} {
		src, _ := opened(t, random(size))
		for range 20 {
			if o := upload(t.Context(), t, u, Job{Source: src, Parts: cut(s.URL, src, 8<<20)}); !errors.Is(o.err, ErrURLExpired) {
				t.Fatalf("%d bytes: got %v, want %v", size, o.err, ErrURLExpired)
			}
		}
	}
	if with, _ := s.asked(); with > 0 {
		t.Errorf("%d requests asked", with)
	}
}

// What a proxy did to an ETag is undone: only so can the store know it again.
func TestETagsThroughProxies(t *testing.T) {
	content := []byte("content")
	sum := fmt.Sprintf("%x", md5.Sum(content))
	for sent, want := range map[string]string{
		`W/"` + sum + `"`:                  `"` + sum + `"`,
		`w/"` + sum + `"`:                  `"` + sum + `"`,
		` W/ "` + sum + `" `:               `"` + sum + `"`,
		`W/` + sum:                         sum,
		`"` + sum + `-gzip"`:               `"` + sum + `"`,
		`W/"` + sum + `--gzip"`:            `"` + sum + `"`,
		`"` + sum + `;gzip"`:               `"` + sum + `"`,
		sum + `-br`:                        sum,
		`W/"opaque"`:                       `"opaque"`,
		`"abc-3"`:                          `"abc-3"`,
		`""`:                               "",
		`W/""`:                             "",
		`W/"` + strings.ToUpper(sum) + `"`: `"` + strings.ToUpper(sum) + `"`,
	} {
		s := newStore(t, httptest.NewServer, func(w http.ResponseWriter, r *http.Request) bool {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("ETag", sent)
			return true
		})
		src, _ := opened(t, content)
		o := upload(t.Context(), t, New(Config{}), Job{Source: src, Parts: cut(s.URL, src, 100)})
		switch refused := (*StoreError)(nil); {
		case want == "" && !errors.As(o.err, &refused):
			t.Errorf("%s: got %v, want it taken for none", sent, o.err)
		case want != "" && (o.err != nil || o.done[0].ETag != want || o.done[0].Comparable != strings.Contains(strings.ToLower(sent), sum)):
			t.Errorf("%s: got %+v, %v, want %s", sent, o.done, o.err, want)
		}
	}
}

// An ETag that looks like another MD5 is an error once, and proves nothing after that.
func TestContradictingETag(t *testing.T) {
	s := newStore(t, httptest.NewServer, func(w http.ResponseWriter, r *http.Request) bool {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("ETag", `"00000000000000000000000000000000"`)
		return true
	})
	src, _ := opened(t, []byte("content"))
	if o := upload(t.Context(), t, New(Config{}), Job{Source: src, Parts: cut(s.URL, src, 100)}); !errors.Is(o.err, ErrChecksum) {
		t.Errorf("got %v", o.err)
	}
	o := upload(t.Context(), t, New(Config{}), Job{Source: src, Parts: cut(s.URL, src, 100), AnyETag: true})
	if o.err != nil || !o.done[0].Contradicts || o.done[0].Comparable {
		t.Errorf("got %+v, %v", o.done, o.err)
	}
}

// A redirect is named with its host, before the bytes and after them, and nobody goes
// there.
func TestRedirectIsNamed(t *testing.T) {
	elsewhere := newStore(t, httptest.NewServer, nil)
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, size := range []int{7, expectFrom} {
			for _, read := range []int64{0, 1 << 30} {
				s := newStore(t, httptest.NewServer, func(w http.ResponseWriter, r *http.Request) bool {
					_, _ = io.CopyN(io.Discard, r.Body, read)
					w.Header().Set("Location", elsewhere.URL+"/masters/1/f?"+r.URL.RawQuery)
					return refuse(status, "TemporaryRedirect", "Please re-send this request to the specified temporary endpoint.")(w, r)
				})
				src, _ := opened(t, random(size))
				o := upload(t.Context(), t, New(Config{}), Job{Source: src, Parts: cut(s.URL, src, expectFrom)})
				if !errors.Is(o.err, ErrRedirected) || !strings.Contains(o.err.Error(), "redirects to "+elsewhere.URL+",") ||
					!strings.Contains(o.err.Error(), fmt.Sprint(status)) {
					t.Errorf("%d for %d bytes: got %v", status, size, o.err)
				}
			}
		}
	}
	if n := len(elsewhere.seen()); n > 0 {
		t.Errorf("%d redirects were followed", n)
	}
	s := newStore(t, httptest.NewServer, func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusTemporaryRedirect)
		return true
	})
	src, _ := opened(t, []byte("content"))
	o := upload(t.Context(), t, New(Config{}), Job{Source: src, Parts: []Part{{Number: 1, Size: 7, URL: secret.URL(s.URL)}}})
	if !errors.Is(o.err, ErrRedirected) {
		t.Errorf("to nowhere: got %v", o.err)
	}
}
