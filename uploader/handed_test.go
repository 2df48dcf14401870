package uploader

import (
	"crypto/md5"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/secret"
)

func TestHandedOutURLs(t *testing.T) {
	const far, farHTTP, here, link = "https://api.invalid/v1", "http://api.invalid/v1", "http://127.0.0.1:1/v1", "http://169.254.1.1/v1"
	for _, tc := range []struct {
		host string // scheme, host and port of the URL
		api  string
		ok   bool
	}{
		{"https://bucket.s3.eu-west-1.amazonaws.com", far, true},
		{"https://10.0.0.7:9000", far, true}, // an endpoint in a private network
		{"https://[fd00::7]", far, true},
		{"https://134744072", far, true}, // 8.8.8.8
		{"http://bucket.s3.amazonaws.com", far, false},
		{"HTTP://bucket.s3.amazonaws.com", far, false},
		{"http://bucket.s3.amazonaws.com", farHTTP, true},
		{"https://bucket.s3.amazonaws.com", farHTTP, true},
		{"http://127.0.0.1:1", farHTTP, false},
		{"ftp://bucket.s3.amazonaws.com", far, false},
		{"file://bucket", far, false},
		{"https://", far, false},
		{"//bucket.s3.amazonaws.com", far, false},
		{"https://user:key@bucket.s3.amazonaws.com", far, false},
		{"https://s3.amazonaws.com@127.0.0.1", far, false},
		{"https://127.0.0.1", far, false},
		{"https://127.9.9.9:443", far, false},
		{"https://localhost", far, false},
		{"https://LocalHost.", far, false},
		{"https://bucket.localhost", far, false},
		{"https://0.0.0.0", far, false},
		{"https://0.1.2.3", far, false},
		{"https://[::]", far, false},
		{"https://[::1]:8443", far, false},
		{"https://[::ffff:127.0.0.1]", far, false},
		{"https://[::127.0.0.1]", far, false},
		{"https://[64:ff9b::169.254.169.254]", far, false},
		{"https://[::ffff:a9fe:a9fe]", far, false},
		{"https://[fe80::1%25eth0]", far, false},
		{"https://169.254.169.254", far, false},
		{"https://169.254.170.2", far, false},
		{"https://2130706433", far, false},
		{"https://0x7f.1", far, false},
		{"https://0177.0.0.1", far, false},
		{"https://127.1", far, false},
		{"https://0xa9fea9fe", far, false},
		{"https://１２７.0.0.1", far, false},
		{"http://127.0.0.1:9000", here, true},
		{"http://localhost:9000", here, true},
		{"https://bucket.s3.amazonaws.com", here, true},
		{"https://169.254.169.254", here, false},
		{"http://169.254.169.254", link, true},
		{"http://127.0.0.1", link, false},
	} {
		err := newHandOuts(tc.api).check(t.Context(), secret.URL(tc.host+"/masters/1?"+signature))
		if (err == nil) != tc.ok || err != nil && (!errors.Is(err, ErrForeignHost) || strings.Contains(err.Error(), "5f7e") || strings.Contains(err.Error(), "key@")) {
			t.Errorf("%s by %s: %v, want it used: %v", tc.host, tc.api, err, tc.ok)
		}
		if err != nil && strings.Contains(tc.host, "bucket.s3") && !strings.HasPrefix(tc.host, "//") && !strings.Contains(err.Error(), "bucket.s3.amazonaws.com") {
			t.Errorf("%s: the host is not named: %v", tc.host, err)
		}
	}
}

// No byte leaves for any part when one URL is refused, nor is content read from one.
func TestNothingLeavesForAForeignHost(t *testing.T) {
	s := newStore(t, httptest.NewServer, nil)
	src, _ := opened(t, random(300))
	u := New(Config{API: "https://api.invalid/v1", Parts: 1})
	parts := cut("https://bucket.invalid", src, 100)
	parts[2].URL = cut(s.URL, src, 100)[2].URL
	if o := upload(t.Context(), t, u, Job{Source: src, Parts: parts}); !errors.Is(o.err, ErrForeignHost) || !strings.Contains(o.err.Error(), s.URL) {
		t.Errorf("upload: %v", o.err)
	}
	if _, err := u.ContentMD5(t.Context(), secret.URL(s.URL+"/f"), 100); !errors.Is(err, ErrForeignHost) {
		t.Errorf("content: %v", err)
	}
	if n := len(s.seen()); n > 0 {
		t.Errorf("%d requests", n)
	}
}

// What a name turns out to be is judged when it is dialled, but for a proxy's.
func TestNamesAreJudgedWhenDialled(t *testing.T) {
	s := newStore(t, httptest.NewServer, nil)
	address := strings.TrimPrefix(s.URL, "http://")
	get := func(h *handOuts) error {
		transport := newTransport()
		h.watch(transport)
		defer transport.CloseIdleConnections()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, http.NoBody)
		check(t, err)
		resp, err := transport.RoundTrip(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		return err
	}
	if err := get(newHandOuts("https://api.invalid")); !errors.Is(err, ErrForeignHost) || !strings.Contains(err.Error(), address) || len(s.seen()) > 0 {
		t.Errorf("got %v and %d requests", err, len(s.seen()))
	}
	if err := get(newHandOuts("http://localhost:1")); err != nil {
		t.Errorf("the API is there: %v", err)
	}
	proxied := newHandOuts("https://api.invalid")
	proxied.proxies.Store(address, struct{}{})
	if err := get(proxied); err != nil {
		t.Errorf("a proxy of the operator's: %v", err)
	}
}

func TestContentMD5(t *testing.T) {
	content := random(100_000)
	sum := fmt.Sprintf("%x", md5.Sum(content))
	own := func(w http.ResponseWriter, length int) {
		for key, value := range map[string]string{"ETag": `"5f1b"`, "X-Amz-Request-Id": "1", "Content-Type": "image/jpeg", "Content-Length": strconv.Itoa(length)} {
			w.Header().Set(key, value)
		}
	}
	for _, tc := range []struct {
		name   string
		answer func(w http.ResponseWriter)
		same   bool
		want   error
	}{
		{"whole", func(w http.ResponseWriter) { _, _ = w.Write(content) }, true, ErrIntermediary}, // which is the same MD5 all the same
		{"whole, the store's own", func(w http.ResponseWriter) { own(w, len(content)); _, _ = w.Write(content) }, true, nil},
		{"longer", func(w http.ResponseWriter) { own(w, len(content)+1); _, _ = w.Write(append(content, 1)) }, false, nil},
		{"much longer", func(w http.ResponseWriter) {
			own(w, 1000*len(content))
			for range 1000 {
				_, _ = w.Write(content)
			}
		}, false, nil},
		{"shorter", func(w http.ResponseWriter) { own(w, 10); _, _ = w.Write(content[:10]) }, false, nil},
		{"empty", func(w http.ResponseWriter) { own(w, 0) }, false, nil},
		{"other bytes", func(w http.ResponseWriter) {
			own(w, len(content))
			w.Header().Del("X-Amz-Request-Id")
			_, _ = w.Write(make([]byte, len(content)))
		}, false, nil},
		{"other bytes without an ETag", func(w http.ResponseWriter) { _, _ = w.Write(make([]byte, len(content))) }, false, ErrIntermediary},
		{"a page", func(w http.ResponseWriter) { _, _ = w.Write([]byte("<html>please log in</html>")) }, false, ErrIntermediary},
		{"a page with an ETag", func(w http.ResponseWriter) {
			w.Header().Set("ETag", `"5f1b-62a"`)
			_, _ = w.Write([]byte("<html>please log in</html>"))
		}, false, ErrIntermediary},
		{"a page in the store's headers", func(w http.ResponseWriter) {
			own(w, 26)
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<html>please log in</html>"))
		}, false, ErrIntermediary},
		{"a page of the content's size", func(w http.ResponseWriter) {
			w.Header().Set("ETag", `"5f1b-62a"`)
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write(make([]byte, len(content)))
		}, false, ErrIntermediary},
		{"nothing at all", func(w http.ResponseWriter) { w.Header().Set("Content-Length", "0") }, false, ErrIntermediary},
		{"altered on the way", func(w http.ResponseWriter) {
			own(w, 10)
			w.Header().Set("ETag", `W/"5f1b"`)
			_, _ = w.Write(content[:10])
		}, false, ErrIntermediary},
		{"breaks off", func(w http.ResponseWriter) { w.Header().Set("Content-Length", "100000"); _, _ = w.Write(content[:10]) }, false, ErrUnreachable},
		{"ends early and does not say whether that is all", func(w http.ResponseWriter) {
			_, _ = w.Write(content[:10])
			_ = http.NewResponseController(w).Flush()
		}, false, ErrUnreachable},
		{"redirect", func(w http.ResponseWriter) {
			w.Header().Set("Location", "https://elsewhere.invalid/")
			w.WriteHeader(http.StatusFound)
		}, false, ErrRedirected},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStore(t, httptest.NewServer, func(w http.ResponseWriter, _ *http.Request) bool { tc.answer(w); return true })
			got, err := New(Config{}).ContentMD5(t.Context(), secret.URL(s.URL+"/f?"+signature), int64(len(content)))
			if !errors.Is(err, tc.want) || (tc.want == nil || tc.want == ErrIntermediary) && (fmt.Sprintf("%x", got) == sum) != tc.same {
				t.Errorf("got %x, %v", got, err)
			}
			if err != nil && strings.Contains(err.Error(), "5f7e") {
				t.Errorf("the error shows the signature: %v", err)
			}
		})
	}
}
