package tenovos

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	testKey      = "key-7c1f0a"
	testPassword = "pass-word-91"
)

// fake is an API that knows sessions. What else it answers is up to the test.
type fake struct {
	*httptest.Server
	t *testing.T

	mu        sync.Mutex
	now       time.Time
	life      time.Duration
	issued    int // tokens so far; the last one is valid until expires
	expires   time.Time
	logins    int
	refreshes int
	auth      http.HandlerFunc             // replaces POST /auth/token
	refuse    func(body string) (int, any) // refuses some of POST /auth/token
	noRefresh bool                         // refresh replies without a refresh token
	routes    map[string]http.HandlerFunc  // "METHOD /path"
	seen      []seen
}

type seen struct {
	method, path, body string
	header             http.Header
}

func newFake(t *testing.T) *fake {
	f := &fake{t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), life: time.Hour, routes: map[string]http.HandlerFunc{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fake) clock() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *fake) sleep(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}

func (f *fake) counts() (logins, refreshes int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.logins, f.refreshes
}

func (f *fake) last(method, path string) seen {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range slices.Backward(f.seen) {
		if s.method == method && s.path == path {
			return s
		}
	}
	f.t.Fatalf("no %s %s was sent", method, path)
	return seen{}
}

// client returns a client of f whose configuration the test may change.
func (f *fake) client(change ...func(*Config)) *Client {
	f.t.Helper()
	cfg := Config{URL: f.URL + "/v1", APIKey: testKey, Username: "ingest", Password: testPassword, Clock: f.clock}
	for _, fn := range change {
		fn(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(c.Close)
	return c
}

// reply answers method and path (below the base) with v: a string as it is,
// anything else as JSON.
func (f *fake) reply(route string, status int, v any) {
	f.route(route, func(w http.ResponseWriter, _ *http.Request) { write(w, status, v) })
}

func (f *fake) route(route string, h http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.routes[route] = h
}

func write(w http.ResponseWriter, status int, v any) {
	text, ok := v.(string)
	if !ok {
		b, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		text = string(b)
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	w.Header().Set("Date", f.clock().UTC().Format(http.TimeFormat))
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/v1")
	f.mu.Lock()
	f.seen = append(f.seen, seen{r.Method, path, string(b), r.Header.Clone()})
	h := f.routes[r.Method+" "+path]
	f.mu.Unlock()
	if r.Header.Get("X-API-Key") != testKey {
		write(w, 403, `{"message":"Forbidden"}`)
		return
	}
	if r.Method == http.MethodPost && path == "/auth/token" {
		if f.auth != nil {
			f.auth(w, r)
			return
		}
		f.authorize(w, string(b))
		return
	}
	if !f.valid(r.Header.Get("Authorization")) {
		write(w, 401, `{"message":"Unauthorized"}`)
		return
	}
	if h != nil {
		h(w, r)
		return
	}
	write(w, 404, `{"message":"Not Found"}`)
}

func (f *fake) valid(authorization string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return authorization == fmt.Sprintf("authorization-%d", f.issued) && f.now.Before(f.expires)
}

func (f *fake) authorize(w http.ResponseWriter, body string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var req struct {
		Password string
		Session  *struct{ AccessToken, RefreshToken string }
	}
	_ = json.Unmarshal([]byte(body), &req)
	if req.Session != nil {
		f.refreshes++
	} else {
		f.logins++
	}
	if f.refuse != nil {
		if status, v := f.refuse(body); status != 0 {
			write(w, status, v)
			return
		}
	}
	if req.Session == nil && req.Password != testPassword {
		write(w, 401, `{"status":"error","message":"Incorrect username or password."}`)
		return
	}
	f.issued++
	f.expires = f.now.Add(f.life)
	s := map[string]any{
		"authorization": fmt.Sprintf("authorization-%d", f.issued),
		"accessToken":   fmt.Sprintf("access-%d", f.issued),
		"refreshToken":  fmt.Sprintf("refresh-%d", f.issued),
		"expireEpoch":   f.expires.UnixMilli(),
	}
	if req.Session != nil && f.noRefresh {
		delete(s, "refreshToken")
	}
	write(w, 200, map[string]any{
		"endpointUrl": "https://endpoint.example/v1", "clientId": "client-1", "userPoolId": "pool-1",
		"username": "ingest", "password": "", "session": s,
	})
}
