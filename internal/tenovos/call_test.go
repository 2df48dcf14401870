package tenovos

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// calls are one call that may be repeated and two that may not.
var calls = []struct {
	name, route string
	repeatable  bool
	do          func(context.Context, *Client) error
}{
	{"get", "GET /asset/f-1", true, func(ctx context.Context, c *Client) error { _, err := c.Asset(ctx, "f-1"); return err }},
	{"search", "POST /search/keyword", true, func(ctx context.Context, c *Client) error { _, err := c.Search(ctx, Query{}); return err }},
	{"update", "PATCH /asset/o-1", true, func(ctx context.Context, c *Client) error { return c.UpdateAsset(ctx, "o-1", Edit{}) }},
	{"create", "POST /asset", false, func(ctx context.Context, c *Client) error { _, err := c.CreateAsset(ctx, NewAsset{}); return err }},
	{"complete", "POST /asset/complete", false, func(ctx context.Context, c *Client) error { return c.CompleteUpload(ctx, Completion{}) }},
	{"cancel", "POST /asset/complete", false, func(ctx context.Context, c *Client) error { return c.CancelUpload(ctx, Completion{}) }},
	{"delete", "POST /asset/o-1/delete", false, func(ctx context.Context, c *Client) error { return c.DeleteAsset(ctx, "o-1") }},
	{"undelete", "POST /asset/o-1/delete", false, func(ctx context.Context, c *Client) error { return c.UndeleteAsset(ctx, "o-1") }},
	{"bulk edit", "PATCH /asset", false, func(ctx context.Context, c *Client) error { _, err := c.BulkEdit(ctx, BulkEdit{}); return err }},
}

func TestLostReplies(t *testing.T) {
	hijack := func(w http.ResponseWriter, text string) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, text)
		_ = conn.Close()
	}
	lost := map[string]http.HandlerFunc{
		"closed":   func(w http.ResponseWriter, _ *http.Request) { hijack(w, "") },
		"cut head": func(w http.ResponseWriter, _ *http.Request) { hijack(w, "HTTP/1.1 200 O") },
		"cut body": func(w http.ResponseWriter, _ *http.Request) {
			hijack(w, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"objectId\":")
		},
		"html 504": func(w http.ResponseWriter, _ *http.Request) {
			write(w, 504, "<html><title>504 Gateway Time-out</title></html>")
		},
		"json 504": func(w http.ResponseWriter, _ *http.Request) {
			write(w, 504, `{"message":"Endpoint request timed out"}`)
		},
		"502":            func(w http.ResponseWriter, _ *http.Request) { write(w, 502, `{"message":"Internal server error"}`) },
		"empty 200":      func(w http.ResponseWriter, _ *http.Request) { write(w, 200, "") },
		"garbage 200":    func(w http.ResponseWriter, _ *http.Request) { write(w, 200, "\x00\x01") },
		"html 200":       func(w http.ResponseWriter, _ *http.Request) { write(w, 200, "<html><title>Sign in</title></html>") },
		"silent 200":     func(w http.ResponseWriter, _ *http.Request) { write(w, 200, "{}") },
		"null 200":       func(w http.ResponseWriter, _ *http.Request) { write(w, 200, "null") },
		"500 inside 200": func(w http.ResponseWriter, _ *http.Request) { write(w, 200, `{"statusCode":500,"body":"{}"}`) },
		"stalls":         func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	}
	for how, h := range lost {
		f := newFake(t)
		c := f.client()
		if err := c.Login(t.Context()); err != nil {
			t.Fatal(err)
		}
		if how == "stalls" {
			c.timeout = 20 * time.Millisecond
		}
		for _, call := range calls {
			f.route(call.route, h)
			want := ErrAmbiguous
			if call.repeatable {
				want = ErrUnavailable
			}
			if err := call.do(t.Context(), c); !errors.Is(err, want) {
				t.Errorf("%s, %s: got %v, want %v", how, call.name, err, want)
			}
		}
	}
}

func TestNeverSentIsNotAmbiguous(t *testing.T) {
	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	defer untrusted.Close()
	for _, tc := range []struct {
		name string
		dial func(context.Context, string, string) (net.Conn, error)
		url  string
	}{
		{"refused", func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
		}, "http://api.example"},
		{"unknown host", func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.DNSError{Err: "no such host", Name: "api.example", IsNotFound: true}
		}, "http://api.example"},
		{"certificate", (&net.Dialer{}).DialContext, untrusted.URL},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake(t)
			c := f.client()
			if err := c.Login(t.Context()); err != nil {
				t.Fatal(err)
			}
			// The session is there; only now the network goes.
			c.http = &http.Client{Transport: &http.Transport{DialContext: tc.dial}}
			c.base = tc.url
			for _, call := range calls {
				err := call.do(t.Context(), c)
				if !errors.Is(err, ErrUnavailable) || !strings.HasPrefix(err.Error(), "Tenovos cannot be reached at "+tc.url+" (check tenovos.url, network and proxy): ") ||
					strings.Contains(err.Error(), `"http`) {
					t.Errorf("%s: got %v", call.name, err)
				}
			}
		})
	}
}

func TestCancelledCalls(t *testing.T) {
	f := newFake(t)
	c := f.client(func(cfg *Config) { cfg.MaxConcurrentCalls = 1 })
	if err := c.Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	arrived := make(chan struct{})
	f.route("POST /asset", func(_ http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		_, err := c.CreateAsset(ctx, NewAsset{})
		if !errors.Is(err, ErrAmbiguous) || !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled on its way: %v", err)
		}
	})
	<-arrived
	// The only slot is taken: this one waits and was certainly not sent.
	waiting, stop := context.WithCancel(t.Context())
	stop()
	if _, err := c.CreateAsset(waiting, NewAsset{}); !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled while waiting: %v", err)
	}
	cancel()
	wg.Wait()
	if _, err := c.CreateAsset(ctx, NewAsset{}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("cancelled before: %v", err)
	}
}

func TestErrorShapes(t *testing.T) {
	const internal = `{"statusCode":403,"body":"{\"message\":\"Failed to parse Asset\",\"detail\":\"no extension\"}"}`
	for _, tc := range []struct {
		name    string
		status  int
		body    string
		kind    error
		message string
	}{
		{"message and detail", 400, `{"message":"Bad thing","detail":"line 1"}`, ErrRejected, "Bad thing: line 1"},
		{"status", 403, `{"status":"error","message":"Bad thing"}`, ErrRejected, "Bad thing"},
		{"statusCode in 200", 200, `{"statusCode":"error","message":"Bad thing"}`, ErrRejected, "Bad thing"},
		{"status in 200", 200, `{"status":"error","message":"Bad thing"}`, ErrRejected, "Bad thing"},
		{"message in 200", 200, `{"message":"Bad thing","detail":"line 1"}`, ErrRejected, "Bad thing: line 1"},
		{"string in 200", 200, `"Asset is not federated"`, ErrRejected, "Asset is not federated"},
		{"string", 400, `"Invalid Request: [\"Missing\"]"`, ErrRejected, `Invalid Request: ["Missing"]`},
		{"lambda in 200", 200, internal, ErrRejected, "Failed to parse Asset: no extension"},
		{"object in a string", 400, `"{\"message\":\"Bad thing\"}"`, ErrRejected, "Bad thing"},
		{"lambda failure in 200", 200, `{"errorMessage":"x is undefined","errorType":"TypeError"}`, ErrRejected, "x is undefined"},
		{"error key", 400, `{"error":"Bad thing"}`, ErrRejected, "Bad thing"},
		{"nothing", 403, ``, ErrUnauthorized, "Forbidden"},
		{"store", 400, `<?xml version="1.0"?><Error><Code>EntityTooSmall</Code><Message>Too small</Message></Error>`, ErrRejected, "EntityTooSmall: Too small"},
		{"api key", 403, `{"message":"Forbidden"}`, ErrUnauthorized, "Forbidden"},
		{"authorizer", 403, `{"Message":"User is not authorized to access this resource with an explicit deny"}`, ErrUnauthorized, "explicit deny"},
		{"firewall", 403, `<html><head><title>Request blocked</title></head></html>`, ErrUnauthorized, "Request blocked"},
		{"not found", 403, `{"message":"Asset not found"}`, ErrNotFound, "Asset not found"},
		{"not found in 200", 200, `{"status":"error","message":"Asset not found"}`, ErrNotFound, "Asset not found"},
		{"404", 404, `{"message":"Controlled vocabulary not found"}`, ErrNotFound, "vocabulary"},
		{"template", 400, `{"message":"Metadata Template not found"}`, ErrNotFound, "Template"},
		{"throttled in 200", 200, `{"statusCode":429,"message":"Rate exceeded"}`, ErrThrottled, "Rate exceeded"},
		{"wrong path", 403, `{"message":"Missing Authentication Token"}`, ErrUnavailable, "check tenovos.url"},
		{"proxy", 407, ``, ErrUnavailable, "Proxy Authentication Required"},
		{"redirect", 302, ``, ErrUnavailable, "https://login.example"},
		{"no upload", 400, `{"message":"NoSuchUpload: The specified upload does not exist."}`, ErrNoSuchUpload, "not open"},
		{"no part", 400, `{"status":"error","message":"failed","detail":"InvalidPart"}`, ErrInvalidPart, "ETag"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake(t)
			c := f.client()
			for _, call := range calls {
				f.route(call.route, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Location", "https://login.example/x?token=secret")
					write(w, tc.status, tc.body)
				})
				err := call.do(t.Context(), c)
				if !errors.Is(err, tc.kind) || !strings.Contains(err.Error(), tc.message) {
					t.Errorf("%s: got %v", call.name, err)
				}
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	f := newFake(t)
	c := f.client()
	for header, want := range map[string]time.Duration{
		"":      0,
		"2":     2 * time.Second,
		"0.5":   500 * time.Millisecond,
		"-3":    0,
		"NaN":   0,
		"1e300": maxRetryAfter,
		"soon":  0,
		f.now.Add(90 * time.Second).Format(http.TimeFormat): 90 * time.Second,
		f.now.Add(-time.Hour).Format(http.TimeFormat):       0,
	} {
		f.route("POST /asset", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", header)
			write(w, 429, `{"message":"Too Many Requests"}`)
		})
		_, err := c.CreateAsset(t.Context(), NewAsset{})
		var e *Error
		if !errors.As(err, &e) || e.Kind != Throttled || e.RetryAfter != want {
			t.Errorf("Retry-After %q: got %v", header, err)
		}
	}
}

func TestNoSecretInErrors(t *testing.T) {
	f := newFake(t)
	c := f.client()
	if err := c.Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	const signed = "https://store.example/masters/x/a.jpg?X-Amz-Signature=5f7e5f7e&x=1"
	const bearer = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln"
	leaks := []string{testKey, testPassword, "authorization-1", "access-1", "refresh-1", "5f7e5f7e", "eyJhbGci", "c2ln"}
	echo := strings.Join([]string{testKey, testPassword, "authorization-1", "access-1", "refresh-1", signed, bearer}, " ")
	for _, reply := range []struct {
		status int
		body   string
	}{
		{400, `{"message":"` + echo + `","detail":"` + echo + `"}`},
		{200, `"` + echo + `"`},
		{200, echo},
		{200, `<html><title>` + echo + `</title>`},
		{200, `{"session":{"authorization":"opaque-but-secret"`},
		{200, `{"objectId":["` + signed + `"],"urls":"` + signed + `"}`},
		{200, `{"objectId":"o","fileId":"f","urls":"` + signed + `"}`},
		{500, echo},
		{302, echo},
	} {
		for _, call := range calls {
			f.route(call.route, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", signed)
				write(w, reply.status, reply.body)
			})
			err := call.do(t.Context(), c)
			if err == nil {
				continue // a void call may take an odd object for a yes
			}
			for _, leak := range append(leaks, "opaque-but-secret") {
				if strings.Contains(err.Error(), leak) {
					t.Errorf("%s shows %q: %v", call.name, leak, err)
				}
			}
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the redirect was followed with %v", r.Header)
	}))
	defer other.Close()
	f := newFake(t)
	f.route("GET /user", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	})
	c := f.client(func(cfg *Config) { cfg.HTTP = f.Client() })
	if _, err := c.CurrentUser(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestCallsInFlightAreBounded(t *testing.T) {
	const limit, callers = 3, 30
	f := newFake(t)
	var now atomic.Int32
	entered, leave := make(chan struct{}), make(chan struct{})
	f.route("GET /user", func(w http.ResponseWriter, _ *http.Request) {
		if n := now.Add(1); n > limit {
			t.Errorf("%d calls at once, want %d", n, limit)
		}
		entered <- struct{}{}
		<-leave
		now.Add(-1)
		write(w, 200, userReply)
	})
	c := f.client(func(cfg *Config) { cfg.MaxConcurrentCalls = limit })
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			if _, err := c.CurrentUser(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	for range limit {
		<-entered
	}
	for range callers - limit {
		leave <- struct{}{}
		<-entered
	}
	close(leave)
	wg.Wait()
}

func TestNewRefusesBadConfig(t *testing.T) {
	for _, cfg := range []Config{
		{URL: "api.tenovos.io"}, {URL: "ftp://x"}, {URL: "https://"}, {URL: "https://u:hunter22@x/v1"},
		{URL: "https://x/v1?key=hunter22"}, {URL: "https://u:hunter22@x:y:z/"}, {URL: "https://x/v1", Version: "2"},
	} {
		if _, err := New(cfg); err == nil || strings.Contains(err.Error(), "hunter22") {
			t.Errorf("%s: got %v", cfg.URL, err)
		}
	}
}
