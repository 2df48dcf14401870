package uploader

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/secret"
)

// What answers on the way to the store is told from the store, whatever it says.
func TestAnswersThatAreNotTheStores(t *testing.T) {
	for name, body := range map[string]string{
		"HTML": "<html><title>Blocked</title></html>", "JSON": `{"error":"blocked"}`, "text": "blocked", "nothing": "",
		"other XML": "<Blocked><Code>AccessDenied</Code><Message>Request has expired</Message></Blocked>",
	} {
		for _, status := range []int{200, 302, 400, 403, 407, 413, 451, 502, 503} {
			s := newStore(t, httptest.NewServer, func(w http.ResponseWriter, _ *http.Request) bool {
				w.WriteHeader(status)
				fmt.Fprint(w, body)
				return true
			})
			src, _ := opened(t, random(1<<10))
			o := upload(t.Context(), t, New(Config{}), Job{Source: src, Parts: cut(s.URL, src, 1<<10)})
			var refused *StoreError
			if !errors.Is(o.err, ErrIntermediary) || !errors.As(o.err, &refused) || refused.Status != status {
				t.Errorf("%d with %s: %v", status, name, o.err)
			} else if !strings.Contains(o.err.Error(), "the content store 127.0.0.1 ") || !strings.Contains(o.err.Error(), fmt.Sprint(status)) {
				t.Errorf("%d with %s: it is not named: %v", status, name, o.err)
			}
		}
	}
}

// A proxy that refuses the tunnel to a store is named as one.
func TestTunnelRefused(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = http.ReadRequest(bufio.NewReader(conn))
			fmt.Fprint(conn, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
			_ = conn.Close()
		}
	}()
	transport := newTransport()
	transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: listener.Addr().String()})
	src, _ := opened(t, []byte("content"))
	o := upload(t.Context(), t, New(Config{HTTP: &http.Client{Transport: transport}}), Job{Source: src, Parts: cut("https://store.example", src, 7)})
	if !errors.Is(o.err, ErrIntermediary) || !strings.Contains(o.err.Error(), "store.example refuses uploads with 407") {
		t.Errorf("got %v", o.err)
	}
}

// A URL is dead when its dates and its age agree on it.
func TestLifeByTwoReckonings(t *testing.T) {
	signed := time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)
	const life = "&X-Amz-Date=20260304T050000Z&X-Amz-Expires=100" // until 05:01:40
	for _, tc := range []struct {
		name   string
		now    time.Duration // since it was signed, by our clock
		handed time.Duration // when it was handed out, by our clock; 0: unknown
		ahead  time.Duration
		want   error
	}{
		{"our clock is a day ahead", 25*time.Hour + 50*time.Second, 25 * time.Hour, 0, nil},
		{"and it is known", 25*time.Hour + 50*time.Second, 0, 25 * time.Hour, nil},
		{"and the URL is old", 25*time.Hour + 95*time.Second, 25 * time.Hour, 25 * time.Hour, ErrURLExpired},
		{"our clock was put forward since", 50 * time.Second, -25 * time.Hour, 0, nil},
		{"our clock was put back since", 50 * time.Second, 25 * time.Hour, 0, nil},
		{"old by both", 95 * time.Second, time.Second, 0, ErrURLExpired},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStore(t, httptest.NewServer, nil)
			src, _ := opened(t, []byte("content"))
			parts := cut(s.URL, src, 7)
			parts[0].URL += secret.URL(life)
			if tc.handed != 0 {
				parts[0].Handed = signed.Add(tc.handed)
			}
			u := New(Config{Clock: func() time.Time { return signed.Add(tc.now) }, Ahead: func() time.Duration { return tc.ahead }})
			if o := upload(t.Context(), t, u, Job{Source: src, Parts: parts}); !errors.Is(o.err, tc.want) {
				t.Errorf("got %v, want %v", o.err, tc.want)
			}
		})
	}
}

// A URL that the store calls dead while it is young is no matter of bandwidth.
func TestExpiredEarly(t *testing.T) {
	refused := &StoreError{Status: 403, Code: "AccessDenied", Message: "Request has expired"}
	for _, tc := range []struct {
		e    ExpiredError
		want bool
	}{
		{ExpiredError{Life: 24 * time.Hour, Age: time.Second, Cause: refused}, true},
		{ExpiredError{Life: 24 * time.Hour, Age: time.Second, Took: time.Hour, Cause: refused}, false},
		{ExpiredError{Life: 6 * time.Second, Age: 4 * time.Second, Cause: refused}, false},
		{ExpiredError{Life: 24 * time.Hour, Age: time.Second}, false},
		{ExpiredError{Age: time.Second, Cause: refused}, true},
	} {
		if got := tc.e.Early(); got != tc.want {
			t.Errorf("%v: early is %v", &tc.e, got)
		}
	}
}
