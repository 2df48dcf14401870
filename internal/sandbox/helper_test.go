package sandbox

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// clock is a clock that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// client speaks to a sandbox with plain net/http.
type client struct {
	t       *testing.T
	s       *Server
	clock   *clock
	base    string
	headers map[string]string
	session map[string]any // of the login's answer
	http    *http.Client
}

// checkReplies puts a check of all replies into a client's way; openapi_test.go
// fills it in.
var checkReplies = func(_ *testing.T, _ string, next http.RoundTripper) http.RoundTripper { return next }

type answered struct {
	status int
	header http.Header
	body   []byte
	json   map[string]any // nil when the body is no object
}

// text is a string at a path of keys in the answer.
func (a answered) text(keys ...string) string {
	var v any = a.json
	for _, k := range keys {
		m, _ := v.(map[string]any)
		v = m[k]
	}
	s, _ := v.(string)
	return s
}

// start opens a sandbox and logs in.
func start(t *testing.T, o Options) *client {
	t.Helper()
	c := &client{t: t, clock: &clock{now: time.Date(2025, 5, 6, 7, 8, 9, 123e6, time.UTC)}}
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if o.Clock == nil {
		o.Clock = c.clock.Now
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewServer(s.Handler())
	c.s, c.base, c.http = s, ts.URL+"/v1", &http.Client{Transport: checkReplies(t, o.APIVersion, &http.Transport{})}
	t.Cleanup(func() {
		c.http.CloseIdleConnections()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		ts.Close()
	})
	c.headers = map[string]string{"X-API-Key": s.Account().APIKey}
	c.login()
	return c
}

func (c *client) login() {
	c.t.Helper()
	u := c.s.Account().Users[0]
	a := c.post("/auth/token", map[string]any{"username": u.Username, "password": u.Password, "clientId": c.s.Account().ClientID})
	if a.status != http.StatusOK {
		c.t.Fatalf("login: %d %s", a.status, a.body)
	}
	c.use(a)
}

func (c *client) use(a answered) {
	c.session, _ = a.json["session"].(map[string]any)
	c.headers["Authorization"], _ = c.session["authorization"].(string)
	c.headers["AccessToken"], _ = c.session["accessToken"].(string)
}

func (c *client) post(path string, body any) answered  { return c.do(http.MethodPost, path, body) }
func (c *client) patch(path string, body any) answered { return c.do(http.MethodPatch, path, body) }
func (c *client) get(path string) answered             { return c.do(http.MethodGet, path, nil) }

// do makes an API request; a body that is a string is sent as it is.
func (c *client) do(method, path string, body any) answered {
	c.t.Helper()
	a, err := c.try(method, path, body)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

func (c *client) try(method, path string, body any) (answered, error) {
	var r io.Reader
	if text, ok := body.(string); ok {
		r = strings.NewReader(text)
	} else if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return answered{}, err
		}
		r = bytes.NewReader(raw)
	}
	req, err := http.NewRequest(method, c.base+path, r)
	if err != nil {
		return answered{}, err
	}
	for k, v := range c.headers {
		req.Header.Set(k, v)
	}
	req.Header.Set("Content-Type", "application/json")
	return c.send(req)
}

func (c *client) send(req *http.Request) (answered, error) {
	res, err := c.http.Do(req)
	if err != nil {
		return answered{}, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	a := answered{status: res.StatusCode, header: res.Header, body: body}
	_ = json.Unmarshal(body, &a.json)
	return a, err
}

// put sends bytes to the store.
func (c *client) put(url, body string, headers ...string) answered {
	c.t.Helper()
	req, err := http.NewRequest(http.MethodPut, url, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	a, err := c.send(req)
	if err != nil {
		c.t.Fatal(err)
	}
	return a
}

// newAsset is a create request that is in order; changes are laid over it, and nil
// removes a field.
func newAsset(changes map[string]any) map[string]any {
	m := map[string]any{
		"metadataTemplateId": SeedID("template", "Creative Asset"), "securityTemplateIds": []string{SeedID("security", "Creative Internal")},
		"metadata": []any{}, "filename": "apples.jpg",
	}
	for k, v := range changes {
		if m[k] = v; v == nil {
			delete(m, k)
		}
	}
	return m
}

// create makes an asset and returns the part of the answer that matters.
func (c *client) create(changes map[string]any) answered {
	c.t.Helper()
	a := c.post("/asset", newAsset(changes))
	if a.status != http.StatusOK {
		c.t.Fatalf("create: %d %s", a.status, a.body)
	}
	if data, ok := a.json["data"].(map[string]any); ok {
		a.json = data
	}
	return a
}

// urls are the part URLs of a create, by part number.
func urls(a answered) []string {
	list, _ := a.json["urls"].([]any)
	slices.SortFunc(list, func(x, y any) int {
		return int(x.(map[string]any)["partNumber"].(float64) - y.(map[string]any)["partNumber"].(float64))
	})
	out := make([]string, len(list))
	for i := range list {
		out[i] = list[i].(map[string]any)["url"].(string)
	}
	return out
}

// asset is the state of the asset with the object id.
func (c *client) asset(id string) Asset {
	c.t.Helper()
	for _, a := range c.s.State().Assets {
		if a.ObjectID == id {
			return a
		}
	}
	c.t.Fatalf("there is no asset %q", id)
	return Asset{}
}

func (a answered) want(t *testing.T, status int, parts ...string) {
	t.Helper()
	if a.status != status {
		t.Errorf("status %d, want %d: %s", a.status, status, a.body)
	}
	for _, p := range parts {
		if !strings.Contains(string(a.body), p) {
			t.Errorf("answer lacks %q: %s", p, a.body)
		}
	}
}

func sum(s string) string {
	h := md5.Sum([]byte(s))
	return hex.EncodeToString(h[:])
}
