package uploader

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/secret"
)

// random returns n bytes, the same for each n.
func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(n)}).Read(b)
	return b
}

// store is a content store on loopback. Unless a test answers a request itself,
// it keeps the bytes and answers with their MD5.
type store struct {
	*httptest.Server
	t testing.TB

	// answer may answer a request itself; false leaves it to the store.
	answer func(w http.ResponseWriter, r *http.Request) bool

	mu       sync.Mutex
	objects  map[string][]byte // by request URI
	requests []http.Header
	now, top int // requests in hand, and the most at once
}

func newStore(t testing.TB, start func(http.Handler) *httptest.Server, answer func(http.ResponseWriter, *http.Request) bool) *store {
	s := &store{t: t, answer: answer, objects: map[string][]byte{}}
	s.Server = start(s)
	t.Cleanup(s.Close)
	return s
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, r.Header.Clone())
	s.now++
	s.top = max(s.top, s.now)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.now--
		s.mu.Unlock()
	}()
	if s.answer != nil && s.answer(w, r) {
		return
	}
	if r.Method != http.MethodPut || r.ContentLength < 0 || r.Header.Get("Content-Length") == "" && len(r.TransferEncoding) > 0 {
		http.Error(w, "a PUT with Content-Length is wanted", http.StatusLengthRequired)
		return
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	s.objects[r.RequestURI] = b
	s.mu.Unlock()
	w.Header().Set("ETag", fmt.Sprintf(`"%x"`, md5.Sum(b)))
}

func (s *store) object(uri string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.objects[uri]
}

func (s *store) seen() []http.Header {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// signature is in every URL of these tests, and must be in no error.
const signature = "X-Amz-Signature=5f7e5f7e"

// cut cuts the file into parts of size bytes and gives each a URL below base.
func cut(base string, src *Source, size int64) []Part {
	var parts []Part
	for at, total := int64(0), src.Hint().Size; at < total || len(parts) == 0; at += size {
		n := len(parts) + 1
		parts = append(parts, Part{Number: n, Offset: at, Size: min(size, total-at),
			URL: secret.URL(fmt.Sprintf("%s/masters/1/f?partNumber=%d&%s", base, n, signature))})
	}
	return parts
}

func uri(part int) string { return fmt.Sprintf("/masters/1/f?partNumber=%d&%s", part, signature) }

// outcome is what an upload reported.
type outcome struct {
	done  []Done
	moved atomic.Int64
	err   error
}

func (o *outcome) numbers() []int {
	var n []int
	for _, d := range o.done {
		n = append(n, d.Number)
	}
	slices.Sort(n)
	return n
}

// upload runs a job and checks what holds for every upload: progress adds up to
// what was stored, and no error shows a signature.
func upload(ctx context.Context, t testing.TB, u *Uploader, job Job) *outcome {
	t.Helper()
	var o outcome
	size := map[int]int64{}
	for _, p := range job.Parts {
		size[p.Number] = p.Size
	}
	given := job.Done
	job.Done = func(ctx context.Context, d Done) error {
		if given != nil {
			if err := given(ctx, d); err != nil {
				return err
			}
		}
		o.done = append(o.done, d) // unguarded: the race detector sees to the promise
		return nil
	}
	job.Progress = func(n int64) { o.moved.Add(n) }
	o.err = u.Upload(ctx, job)
	var stored int64
	for _, d := range o.done {
		stored += size[d.Number]
	}
	if given == nil && o.moved.Load() != stored {
		t.Errorf("progress came to %d bytes, and %d are stored", o.moved.Load(), stored)
	}
	if o.err != nil && strings.Contains(o.err.Error(), "5f7e") {
		t.Errorf("the error shows the signature: %v", o.err)
	}
	return &o
}

func TestUpload(t *testing.T) {
	for name, start := range map[string]func(http.Handler) *httptest.Server{
		"plain": httptest.NewServer, "tls": httptest.NewTLSServer,
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t, start, nil)
			u := New(Config{Parts: 3})
			if name == "tls" {
				tr := newTransport()
				tr.TLSClientConfig = s.Client().Transport.(*http.Transport).TLSClientConfig
				u = New(Config{Parts: 3, HTTP: &http.Client{Transport: tr}})
			}
			for _, size := range []int{0, 1, 32 << 10, 100_000, 100_001, 1_234_567} {
				content := random(size)
				src, _ := opened(t, content)
				parts := cut(s.URL, src, 100_000)
				o := upload(t.Context(), t, u, Job{Source: src, Parts: parts})
				if o.err != nil {
					t.Fatalf("%d bytes: %v", size, o.err)
				}
				if len(o.done) != len(parts) {
					t.Fatalf("%d bytes: %d parts reported of %d", size, len(o.done), len(parts))
				}
				for _, d := range o.done {
					p := parts[d.Number-1]
					want := content[p.Offset : p.Offset+p.Size]
					if !bytes.Equal(s.object(uri(d.Number)), want) {
						t.Errorf("%d bytes: part %d holds other bytes", size, d.Number)
					}
					sum := md5.Sum(want)
					if !d.Comparable || !bytes.Equal(d.MD5, sum[:]) || d.ETag != fmt.Sprintf(`"%x"`, sum) {
						t.Errorf("%d bytes: reported %+v, want MD5 %x", size, d, sum)
					}
					if whole := sha256.Sum256(content); len(parts) == 1 && !bytes.Equal(d.SHA256, whole[:]) || len(parts) > 1 && d.SHA256 != nil {
						t.Errorf("%d bytes: SHA-256 %x", size, d.SHA256)
					}
				}
			}
			if s.top > 3 {
				t.Errorf("%d parts were in flight at once, want 3 at most", s.top)
			}
			for _, h := range s.seen() {
				for key := range h {
					if !slices.Contains([]string{"Content-Length", "Expect", "User-Agent"}, key) {
						t.Errorf("the store was sent the header %s", key)
					}
				}
			}
		})
	}
}

// The URL goes out byte for byte, for its signature covers each.
func TestURLIsSentAsItIs(t *testing.T) {
	s := newStore(t, httptest.NewServer, nil)
	src, _ := opened(t, []byte("x"))
	for _, uri := range []string{
		"/masters/1/a%20b%2Fc%c3%bc+(1)'!*~$,;:@&=[x].jpg?X-Amz-SignedHeaders=host%3Bx&b=%2f%20+&&a",
		"/masters//1/../%F0%9F%8E%9E%23%25?z=1;y&z=1",
	} {
		o := upload(t.Context(), t, New(Config{}), Job{Source: src, Parts: []Part{{Number: 1, Size: 1, URL: secret.URL(s.URL + uri)}}})
		if o.err != nil || s.object(uri) == nil {
			t.Errorf("%s: %v, the store has %v", uri, o.err, s.objects)
		}
	}
}

func TestETags(t *testing.T) {
	content := []byte("content")
	sum := md5.Sum(content)
	for _, tc := range []struct {
		name, etag, encryption string
		comparable             bool
		fails                  bool
	}{
		{"quoted", fmt.Sprintf(`"%x"`, sum), "", true, false},
		{"unquoted", fmt.Sprintf(`%x`, sum), "", true, false},
		{"upper case", fmt.Sprintf(`"%X"`, sum), "AES256", true, false},
		{"wrong", `"00000000000000000000000000000000"`, "", false, true},
		{"wrong under AES256", `"00000000000000000000000000000000"`, "AES256", false, true},
		{"KMS", `"00000000000000000000000000000000"`, "aws:kms", false, false},
		{"opaque", `"abc-3"`, "", false, false},
		{"none", "", "", false, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStore(t, httptest.NewServer, func(w http.ResponseWriter, r *http.Request) bool {
				_, _ = io.Copy(io.Discard, r.Body)
				if tc.etag != "" {
					w.Header().Set("ETag", tc.etag)
				}
				if tc.encryption != "" {
					w.Header().Set("x-amz-server-side-encryption", tc.encryption)
				}
				return true
			})
			src, _ := opened(t, content)
			o := upload(t.Context(), t, New(Config{}), Job{Source: src, Parts: cut(s.URL, src, 100)})
			var refused *StoreError
			switch {
			case tc.fails && tc.etag == "" && !errors.As(o.err, &refused),
				tc.fails && tc.etag != "" && !errors.Is(o.err, ErrChecksum),
				tc.fails && len(o.done) > 0:
				t.Errorf("got %v and %d parts done", o.err, len(o.done))
			case !tc.fails && (o.err != nil || o.done[0].Comparable != tc.comparable || o.done[0].ETag != tc.etag):
				t.Errorf("got %+v, %v", o.done, o.err)
			}
		})
	}
}

func TestStopDrains(t *testing.T) {
	stop, release := make(chan struct{}), make(chan struct{})
	arrived := make(chan struct{}, 10)
	s := newStore(t, httptest.NewServer, func(http.ResponseWriter, *http.Request) bool {
		arrived <- struct{}{}
		<-release
		return false
	})
	src, _ := opened(t, random(1000))
	parts := cut(s.URL, src, 100)
	go func() {
		<-arrived
		<-arrived
		close(stop)
		close(release)
	}()
	u := New(Config{Parts: 2})
	o := upload(t.Context(), t, u, Job{Source: src, Parts: parts, Stop: stop})
	if !errors.Is(o.err, ErrStopped) || !slices.Equal(o.numbers(), []int{1, 2}) {
		t.Fatalf("got %v with parts %v, want ErrStopped with parts 1 and 2", o.err, o.numbers())
	}
	rest := upload(t.Context(), t, u, Job{Source: src, Parts: parts[2:]})
	if rest.err != nil || len(rest.done) != 8 {
		t.Errorf("the rest: %v with parts %v", rest.err, rest.numbers())
	}
	last := upload(t.Context(), t, u, Job{Source: src, Stop: stop})
	if last.err != nil {
		t.Errorf("stopped with nothing left: %v, want nil", last.err)
	}
}

func TestCancelCutsOff(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	hang := make(chan struct{})
	defer close(hang)
	s := newStore(t, httptest.NewServer, func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.RequestURI, "partNumber=1&") {
			return false
		}
		<-hang
		return true
	})
	src, _ := opened(t, random(300))
	o := upload(ctx, t, New(Config{Parts: 2}), Job{Source: src, Parts: cut(s.URL, src, 100), Done: func(inner context.Context, _ Done) error {
		cancel()
		return inner.Err() // a stored part is recorded even now
	}})
	if !errors.Is(o.err, context.Canceled) || errors.Is(o.err, ErrUnreachable) || !slices.Equal(o.numbers(), []int{1}) {
		t.Errorf("got %v with parts %v, want context.Canceled with part 1", o.err, o.numbers())
	}
}

func TestDoneFails(t *testing.T) {
	s := newStore(t, httptest.NewServer, nil)
	src, _ := opened(t, random(300))
	full := errors.New("journal disk full")
	o := upload(t.Context(), t, New(Config{Parts: 1}), Job{Source: src, Parts: cut(s.URL, src, 100),
		Done: func(context.Context, Done) error { return full }})
	if !errors.Is(o.err, full) || len(s.seen()) != 1 {
		t.Errorf("got %v after %d parts, want the journal's error after one", o.err, len(s.seen()))
	}
}
