package sandbox

import (
	"net/http"
	"strings"
	"testing"
)

func TestExpectKnob(t *testing.T) {
	for knob, want := range map[string][]string{
		"":            {"HTTP/1.1 100 Continue", "HTTP/1.1 200 OK"},
		"refuse":      {"HTTP/1.1 417 Expectation Failed"},
		"refuse-late": {"HTTP/1.1 100 Continue", "HTTP/1.1 417 Expectation Failed"},
		"ignore":      {"HTTP/1.1 200 OK"},
		"http10":      {"HTTP/1.0 200 OK"},
	} {
		c := start(t, Options{Expect: knob})
		conn := dial(t, c.create(nil).text("url"))
		conn.write(t, "PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 4\r\nConnection: close\r\nExpect: 100-continue\r\n\r\nbody")
		var heads []string
		for line := range strings.SplitSeq(conn.read(t), "\r\n") {
			if strings.HasPrefix(line, "HTTP/") {
				heads = append(heads, line)
			}
		}
		if strings.Join(heads, ", ") != strings.Join(want, ", ") {
			t.Errorf("%q: got %q, want %q", knob, heads, want)
		}
		if got := c.s.State().Counts.BytesReceived; strings.HasPrefix(want[len(want)-1], "HTTP/1.1 200") && got < 4 {
			t.Errorf("%q: %d bytes received", knob, got)
		}
	}
}

func TestETagKnobs(t *testing.T) {
	c := start(t, Options{WeakETags: true, MultipartUnasked: true})
	made := c.create(nil)
	got := c.put(urls(made)[0], "body")
	if etag := `"` + sum("body") + `"`; got.header.Get("ETag") != "W/"+etag {
		t.Errorf("ETag %s", got.header.Get("ETag"))
	} else {
		c.post("/asset/complete", finish(made, "complete", "W/"+etag)).want(t, 400, "InvalidPart") // a store knows no weak ones
		c.post("/asset/complete", finish(made, "complete", etag)).want(t, 200)
	}
	c = start(t, Options{SilentKMS: true, Checksums: "none"})
	made = c.create(nil)
	got = c.put(made.text("url"), "body")
	if got.header.Get("ETag") == `"`+sum("body")+`"` || got.header.Get("X-Amz-Server-Side-Encryption") != "AES256" {
		t.Errorf("%v", got.header)
	}
	shown := c.get("/asset/" + made.text("objectId"))
	shown.want(t, 200, "tenovos_metadata")
	if strings.Contains(string(shown.body), sum("body")) {
		t.Errorf("the checksum is named: %s", shown.body)
	}
}

func TestHandOutKnob(t *testing.T) {
	c := start(t, Options{HandOut: "http://169.254.169.254"})
	if u := c.create(nil).text("url"); !strings.HasPrefix(u, "http://169.254.169.254/masters/") {
		t.Errorf("handed out: %s", u)
	}
}

func TestFloods(t *testing.T) {
	c := start(t, Options{})
	for _, f := range []Fault{
		{Operation: "GetCurrentUser", Kind: FaultHuge, Bytes: MiB},
		{Operation: "GetCurrentUser", Kind: FaultHuge, Bytes: MiB, Gzip: true, Status: 500},
		{Operation: "GetCurrentUser", Kind: FaultNested, Bytes: 100},
	} {
		if err := c.s.Queue(f); err != nil {
			t.Fatal(err)
		}
		got := c.get("/user")
		if f.Kind == FaultHuge && len(got.body) < MiB || f.Kind == FaultNested && strings.Count(string(got.body), `{"body":`) != 100 {
			t.Errorf("%+v: %d bytes", f, len(got.body))
		}
	}
	if err := c.s.Queue(Fault{Operation: PutObject, Kind: FaultStatus, Status: http.StatusTemporaryRedirect, Location: "https://elsewhere.example/"}); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPut, c.create(nil).text("url"), strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultTransport.RoundTrip(req) // no client, which would follow it
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusTemporaryRedirect || res.Header.Get("Location") != "https://elsewhere.example/" {
		t.Errorf("%s, %v", res.Status, res.Header)
	}
}
