package sandbox

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestStoreRefuses(t *testing.T) {
	c := start(t, Options{MultipartAlways: true})
	single := c.create(nil).text("url")
	part := urls(c.create(map[string]any{"filesize": 10}))[0]
	replace := func(u, old, with string) string {
		if !strings.Contains(u, old) {
			t.Fatalf("%q is not in the URL", old)
		}
		return strings.Replace(u, old, with, 1)
	}
	for name, tt := range map[string]struct {
		url     string
		headers []string
		status  int
		want    []string
	}{
		"other path":          {replace(single, "apples", "oranges"), nil, 403, []string{"<Code>SignatureDoesNotMatch</Code>"}},
		"longer life":         {replace(single, "X-Amz-Expires=86400", "X-Amz-Expires=604800"), nil, 403, []string{"SignatureDoesNotMatch"}},
		"other part":          {replace(part, "partNumber=1", "partNumber=2"), nil, 403, []string{"SignatureDoesNotMatch"}},
		"other object":        {replace(single, "x-amz-meta-objectid=", "x-amz-meta-objectid=0"), nil, 403, []string{"SignatureDoesNotMatch"}},
		"no signature":        {replace(single, "X-Amz-Signature", "X-Amz-Nothing"), nil, 403, []string{"AccessDenied"}},
		"unsigned amz header": {single, []string{"X-Amz-Acl", "private"}, 403, []string{"AccessDenied", "headers present in the request which were not signed"}},
		"API key":             {single, []string{"X-API-Key", "k"}, 403, []string{"AccessDenied"}},
		"authorization":       {single, []string{"Authorization", "k"}, 403, []string{"AccessDenied"}},
		"access token":        {single, []string{"AccessToken", "k"}, 403, []string{"AccessDenied"}},
		"signed header":       {single, []string{"x-amz-meta-objectid", "other"}, 403, []string{"SignatureDoesNotMatch"}},
	} {
		t.Run(name, func(t *testing.T) {
			c.put(tt.url, "body", tt.headers...).want(t, tt.status, tt.want...)
		})
	}
	if n := len(c.s.State().Violations); n != 4 {
		t.Errorf("%d violations, want one for each header: %+v", n, c.s.State().Violations)
	}
	for _, a := range c.s.State().Assets {
		if a.HasContent || a.PutsBegun != 0 {
			t.Errorf("a refused PUT left something: %+v", a)
		}
	}
	c.put(single, "body").want(t, 200)
}

func TestURLsExpire(t *testing.T) {
	c := start(t, Options{URLLife: 3 * time.Second})
	u := c.create(nil).text("url")
	if !strings.Contains(u, "X-Amz-Expires=3&") {
		t.Errorf("no life in %s", u)
	}
	c.clock.add(4 * time.Second)
	c.put(u, "body").want(t, 403, "<Code>AccessDenied</Code>", "<Message>Request has expired</Message>")
	c.clock.add(-time.Hour)
	c.put(u, "body").want(t, 403, "RequestTimeTooSkewed")
	c.clock.add(time.Hour)
	if err := c.s.Configure(func(o *Options) { o.CredentialLife, o.URLLife = time.Second, time.Hour }); err != nil {
		t.Fatal(err)
	}
	u = c.create(nil).text("url")
	c.clock.add(3 * time.Second)
	c.put(u, "body").want(t, 400, "<Code>ExpiredToken</Code>")
}

func TestMetaHeader(t *testing.T) {
	for _, tt := range []struct {
		knob           string
		bare, headered int
	}{{"query", 200, 200}, {"required", 403, 200}, {"none", 200, 403}} {
		c := start(t, Options{MetaHeader: tt.knob})
		made := c.create(nil)
		c.put(made.text("url"), "body").want(t, tt.bare)
		c.put(made.text("url"), "body", "x-amz-meta-objectid", made.text("objectId")).want(t, tt.headered)
	}
}

func TestStoreNeedsALength(t *testing.T) {
	c := start(t, Options{})
	u := c.create(nil).text("url")
	req, err := http.NewRequest(http.MethodPut, u, struct{ *strings.Reader }{strings.NewReader("body")})
	if err != nil {
		t.Fatal(err)
	}
	a, err := c.send(req)
	if err != nil {
		t.Fatal(err)
	}
	a.want(t, 501, "NotImplemented", "Transfer-Encoding")
	conn := dial(t, u)
	conn.write(t, "PUT %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n")
	if got := conn.read(t); !strings.HasPrefix(got, "HTTP/1.1 411 ") || !strings.Contains(got, "MissingContentLength") {
		t.Errorf("without length: %s", got)
	}
	if n := len(c.s.State().Violations); n != 2 {
		t.Errorf("%+v", c.s.State().Violations)
	}
}

func TestRefusalComesBeforeTheBody(t *testing.T) {
	c := start(t, Options{})
	if err := c.s.Queue(Fault{Operation: PutObject, Kind: FaultStatus, Status: 403}); err != nil {
		t.Fatal(err)
	}
	conn := dial(t, c.create(nil).text("url"))
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	conn.write(t, "PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
	got := make([]byte, len("HTTP/1.1 403 "))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != "HTTP/1.1 403 " {
		t.Errorf("got %q, %v", got, err)
	}
}
