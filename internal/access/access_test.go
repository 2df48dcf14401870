package access

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"golang.org/x/crypto/bcrypt"

	"github.com/tenovos-ingest/ingestd/internal/secret"
)

// rig is a server on loopback.
type rig struct {
	*Access
	t    *testing.T
	addr string
	log  *bytes.Buffer // to be read when the server has ended
	end  func()
}

// serve serves pages with the access of a configuration, by default on a port of loopback.
func serve(t *testing.T, c Config, lim limits, pages http.Handler) *rig {
	t.Helper()
	if c.Listen == "" {
		c.Listen = "127.0.0.1:0"
	}
	log := &bytes.Buffer{}
	c.Log = zerolog.New(zerolog.SyncWriter(log))
	c.Secret = NewSecret()
	c.Open = []string{"/healthz"}
	a, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	a.limits = lim
	l, err := a.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- a.Serve(ctx, l, pages) }()
	r := &rig{Access: a, t: t, addr: l.Addr().String(), log: log}
	ended := false
	r.end = func() {
		if ended {
			return
		}
		ended = true
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(r.end)
	return r
}

// text answers everything with a text.
var text = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "text") })

// reply is an answer with its body.
type reply struct {
	*http.Response
	text string
}

// ask makes a request with headers, given as name and value in turns, over a connection of
// its own.
func (r *rig) ask(method, path, body string, headers ...string) reply {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, "http://"+r.addr+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	if body == "" {
		req.Body = nil
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
			continue
		}
		req.Header.Add(headers[i], headers[i+1])
	}
	req.Close = true
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Error(err)
	}
	return reply{resp, string(got)}
}

// TestForeignHost asks every page in the name of a host whose name resolves to this machine.
func TestForeignHost(t *testing.T) {
	r := serve(t, Config{}, usual, text)
	for _, path := range []string{"/", "/healthz", "/readyz", "/status.json", "/metrics", "/debug/pprof/"} {
		for host, want := range map[string]int{"evil.example:9470": http.StatusMisdirectedRequest, r.addr: http.StatusOK} {
			if resp := r.ask(http.MethodGet, path, "", "Host", host); resp.StatusCode != want {
				t.Errorf("%s of %s: %s", path, host, resp.Status)
			}
		}
	}
}

// TestForeignOrigin makes the requests that browsers make for pages, of this server and of
// others. A GET that says nothing is answered, a POST needs the token, which all have here.
func TestForeignOrigin(t *testing.T) {
	r := serve(t, Config{Names: []string{"ingest.example"}}, usual, text)
	own := "http://" + r.addr
	_, port, _ := net.SplitHostPort(r.addr)
	for _, c := range []struct {
		what, method string
		headers      []string
		want         int
	}{
		{"a program", http.MethodGet, nil, 200},
		{"a program", http.MethodPost, nil, 200},
		{"the page", http.MethodPost, []string{"Origin", own, "Sec-Fetch-Site", "same-origin"}, 200},
		{"the page, in an old browser", http.MethodPost, []string{"Origin", own}, 200},
		{"the page, by its name", http.MethodPost, []string{"Host", "localhost:" + port, "Origin", "http://localhost:" + port}, 200},
		{"another site", http.MethodPost, []string{"Origin", "http://evil.example"}, 403},
		{"another site, with our address in it", http.MethodPost, []string{"Origin", own + ".evil.example"}, 403},
		{"another site, with our address in it", http.MethodPost, []string{"Origin", "http://evil.example/" + own}, 403},
		{"a user in it", http.MethodPost, []string{"Origin", "http://" + r.addr + "@evil.example"}, 403},
		{"another port", http.MethodPost, []string{"Origin", "http://127.0.0.1:1"}, 403},
		{"another port, to a browser", http.MethodPost, []string{"Origin", "http://127.0.0.1:1", "Sec-Fetch-Site", "same-site"}, 403},
		{"another name of this machine", http.MethodPost, []string{"Origin", "http://localhost:" + port}, 403},
		{"no port", http.MethodPost, []string{"Origin", "http://127.0.0.1"}, 403},
		{"another scheme", http.MethodPost, []string{"Origin", "file://" + r.addr}, 403},
		{"a frame without an origin", http.MethodPost, []string{"Origin", "null"}, 403},
		{"an empty origin", http.MethodPost, []string{"Origin", ""}, 403},
		{"two origins", http.MethodPost, []string{"Origin", own, "Origin", "http://evil.example"}, 403},
		{"what contradicts itself", http.MethodPost, []string{"Origin", own, "Sec-Fetch-Site", "cross-site"}, 403},
		{"what contradicts itself", http.MethodPost, []string{"Origin", "http://evil.example", "Sec-Fetch-Site", "same-origin"}, 403},
		{"a form of another site", http.MethodPost, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 403},
		{"a script of another site", http.MethodGet, []string{"Origin", "http://evil.example"}, 403},
		{"an event stream of another site", http.MethodGet, []string{"Origin", "http://evil.example", "Accept", "text/event-stream"}, 403},
		{"an image of another site", http.MethodGet, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"}, 403},
		{"an image of another port", http.MethodGet, []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"}, 403},
		{"a frame of another site", http.MethodGet, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, 403},
		{"a link of another site", http.MethodGet, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 200},
		{"a typed address", http.MethodGet, []string{"Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 200},
		{"a proxy with TLS", http.MethodPost, []string{"Host", "ingest.example", "Origin", "https://ingest.example"}, 200},
		{"a proxy that names the port", http.MethodPost, []string{"Host", "ingest.example:443", "Origin", "https://ingest.example"}, 200},
		{"a proxy at another port", http.MethodPost, []string{"Host", "ingest.example:8443", "Origin", "https://ingest.example:8443"}, 200},
		{"another site, through a proxy", http.MethodPost, []string{"Host", "ingest.example", "Origin", "https://evil.example"}, 403},
		{"what a client says of a proxy", http.MethodPost, []string{"X-Forwarded-Host", "evil.example", "Forwarded", "host=evil.example", "Origin", "https://evil.example"}, 403},
	} {
		resp := r.ask(c.method, "/", "", append([]string{"X-CSRF-Token", r.Token(nil)}, c.headers...)...)
		if resp.StatusCode != c.want {
			t.Errorf("%s, %s %q: %s, want %d", c.what, c.method, c.headers, resp.Status, c.want)
		}
	}
}

// TestMethods refuses whatever is neither asked for nor sent by a page.
func TestMethods(t *testing.T) {
	r := serve(t, Config{}, usual, text)
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions, http.MethodTrace, "PROPFIND"} {
		resp := r.ask(method, "/", "", "X-CSRF-Token", r.Token(nil))
		if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %s", method, resp.Status)
		}
	}
	if resp := r.ask(http.MethodHead, "/", ""); resp.StatusCode != http.StatusOK {
		t.Error(resp.Status)
	}
}

// TestToken posts with and without the token of the page, in a header and in a form.
func TestToken(t *testing.T) {
	r := serve(t, Config{}, usual, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
			return
		}
		fmt.Fprint(w, req.PostFormValue("id"))
	}))
	token := r.Token(nil)
	if len(token) < 40 {
		t.Errorf("the token is %q", token)
	}
	other := NewSecret().csrf(Login{})
	changed := r.config.Secret.csrf(Login{Token: "another login"})
	form := func(token string) string { return url.Values{"csrf": {token}, "id": {"7"}}.Encode() }
	const urlencoded = "application/x-www-form-urlencoded"
	for _, c := range []struct {
		what, body string
		headers    []string
		want       int
	}{
		{"nothing", "", nil, 403},
		{"a header", "", []string{"X-CSRF-Token", token}, 200},
		{"a header with a body", `{"id": 7}`, []string{"X-CSRF-Token", token, "Content-Type", "application/json"}, 200},
		{"an empty header", "", []string{"X-CSRF-Token", ""}, 403},
		{"a header that is wrong", "", []string{"X-CSRF-Token", token + "x"}, 403},
		{"the beginning of it", "", []string{"X-CSRF-Token", token[:20]}, 403},
		{"that of another process", "", []string{"X-CSRF-Token", other}, 403},
		{"that of another login", "", []string{"X-CSRF-Token", changed}, 403},
		{"a form", form(token), []string{"Content-Type", urlencoded}, 200},
		{"a form without", "id=7", []string{"Content-Type", urlencoded}, 403},
		{"a form that is wrong", form(other), []string{"Content-Type", urlencoded}, 403},
		{"a form that is no form", form(token), []string{"Content-Type", "text/plain"}, 403},
		{"a form that is too large", "x=" + strings.Repeat("x", maxBody) + "&" + form(token), []string{"Content-Type", urlencoded}, 413},
		{"a body that is too large", strings.Repeat("x", maxBody+1), []string{"X-CSRF-Token", token}, 413},
		{"a body that is too large without", strings.Repeat("x", maxBody+1), nil, 413},
		{"a cookie", "", []string{"Cookie", "csrf=" + token}, 403},
	} {
		resp := r.ask(http.MethodPost, "/", c.body, c.headers...)
		if resp.StatusCode != c.want {
			t.Errorf("%s: %s, want %d", c.what, resp.Status, c.want)
		}
		if c.what == "a form" && resp.text != "7" {
			t.Errorf("the handler reads %q of the form", resp.text)
		}
	}
	if resp := r.ask(http.MethodPost, "/?csrf="+url.QueryEscape(token), ""); resp.StatusCode != http.StatusForbidden {
		t.Errorf("a token in a link, which is logged and handed on: %s", resp.Status)
	}
}

// TestHeaders holds each reply, refusals included, to what a browser is told.
func TestHeaders(t *testing.T) {
	r := serve(t, Config{}, usual, text)
	for _, host := range []string{r.addr, "evil.example"} {
		resp := r.ask(http.MethodGet, "/", "", "Host", host)
		csp := resp.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: the policy %q has no %s", resp.Status, csp, want)
			}
		}
		if strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") {
			t.Errorf("the policy is %q", csp)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-store", "X-Frame-Options": "DENY",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q", resp.Status, name, got)
			}
		}
		if resp.Header.Get("Permissions-Policy") == "" || resp.Header.Get("Server") != "" {
			t.Errorf("%v", resp.Header)
		}
	}
}

// TestPublicNeedsLogin opens no address to other machines without a login, also where it only
// turns out to be one.
func TestPublicNeedsLogin(t *testing.T) {
	if _, err := New(Config{Listen: "0.0.0.0:0", Public: true}); err == nil {
		t.Error("a public address without a login is open")
	}
	for _, listen := range []string{"0.0.0.0:0", "[::]:0", ":0"} {
		a, err := New(Config{Listen: listen}) // as a name would that resolves to it
		if err != nil {
			t.Fatal(err)
		}
		if l, err := a.Listen(t.Context()); err == nil || !strings.Contains(err.Error(), "listen_auth") {
			t.Errorf("%s is open: %v, %v", listen, l, err)
		}
	}
	hash, err := bcrypt.GenerateFromPassword([]byte("open sesame"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	r := serve(t, Config{Listen: "0.0.0.0:0", Public: true, Login: Login{User: "ops", PasswordHash: secret.Text(hash)}}, usual, text)
	if resp := r.ask(http.MethodGet, "/", ""); resp.StatusCode != http.StatusUnauthorized {
		t.Error(resp.Status)
	}
	if resp := r.ask(http.MethodGet, "/healthz", ""); resp.StatusCode != http.StatusOK {
		t.Error(resp.Status)
	}
}
