package sandbox

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestFaults(t *testing.T) {
	const op = "CreateAsset"
	for _, tt := range []struct {
		fault  Fault
		status int // 0 is a lost reply
		text   string
		made   int // assets after it
	}{
		{Fault{Kind: FaultStatus, Status: 503}, 503, "Service Unavailable", 0},
		{Fault{Kind: FaultStatus, Status: 504, Body: `{"message":"Endpoint request timed out"}`, Worked: true}, 504, "timed out", 1},
		{Fault{Kind: FaultStatus, Status: 502, Body: "<html>Bad Gateway</html>"}, 502, "<html>", 0},
		{Fault{Kind: FaultStatus, Status: 429, RetryAfter: "7"}, 429, "Too Many", 0},
		{Fault{Kind: FaultResetBefore}, 0, "", 0},
		{Fault{Kind: FaultResetAfter}, 0, "", 1},
		{Fault{Kind: FaultCutBody}, 0, "", 1},
		{Fault{Kind: FaultReadCut}, 0, "", 0},
		{Fault{Kind: FaultStall, Delay: time.Millisecond}, 200, "objectId", 1},
		{Fault{Kind: FaultStall, Delay: time.Millisecond, Bytes: 10}, 200, "objectId", 1},
		{Fault{Kind: FaultStallAfter, Delay: time.Millisecond}, 200, "objectId", 1},
		{Fault{Kind: FaultGarbage}, 200, "<html>", 0},
		{Fault{Kind: FaultGarbage, Worked: true}, 200, "<html>", 1},
		{Fault{Kind: FaultErrorIn200, Body: "no luck"}, 200, `{"message":"no luck","status":"error"}`, 0},
	} {
		t.Run(string(tt.fault.Kind), func(t *testing.T) {
			c := start(t, Options{})
			c.http = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // net/http must not repeat on its own
			tt.fault.Operation = op
			if err := c.s.Queue(tt.fault); err != nil {
				t.Fatal(err)
			}
			a, err := c.try(http.MethodPost, "/asset", newAsset(nil))
			if tt.status == 0 && err == nil {
				t.Errorf("the reply arrived: %d %s", a.status, a.body)
			}
			if tt.status != 0 && (err != nil || a.status != tt.status || !strings.Contains(string(a.body), tt.text)) {
				t.Errorf("%v %d %s", err, a.status, a.body)
			}
			if a.status != 0 && a.header.Get("Retry-After") != tt.fault.RetryAfter {
				t.Errorf("headers %v", a.header)
			}
			if n := len(c.s.State().Assets); n != tt.made || len(c.s.UnusedFaults()) != 0 {
				t.Errorf("%d assets, unused faults %v", n, c.s.UnusedFaults())
			}
			c.create(nil) // once was enough
		})
	}
}

func TestFaultsAreAimed(t *testing.T) {
	c := start(t, Options{})
	err := c.s.Queue(
		Fault{Operation: "CreateAsset", Kind: FaultStatus, Status: 500, BodyHas: "pears", After: 1, Times: 2},
		Fault{Operation: "GetAsset", Kind: FaultStatus, Status: 500, Path: "abc"},
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		status int
	}{{"apples", 200}, {"pears", 200}, {"apples", 200}, {"pears", 500}, {"pears", 500}, {"pears", 200}} {
		c.post("/asset", newAsset(map[string]any{"filename": tt.name})).want(t, tt.status)
	}
	c.get("/asset/xyz").want(t, 403)
	if u := c.s.UnusedFaults(); len(u) != 1 || u[0].Operation != "GetAsset" || u[0].Left != 1 {
		t.Errorf("%+v", u)
	}
	c.get("/asset/1abc2").want(t, 500)

	if err := c.s.Queue(
		Fault{Operation: "CreateAsset", Kind: FaultStatus, Status: 500, About: "plums"},
		Fault{Operation: "GetAsset", Kind: FaultStatus, Status: 500, About: "plums"},
		Fault{Operation: PutObject, Kind: FaultStatus, Status: 500, About: "plums"},
	); err != nil {
		t.Fatal(err)
	}
	apples := c.create(map[string]any{"filename": "apples"})
	c.post("/asset", newAsset(map[string]any{"filename": "plums"})).want(t, 500)
	plums := c.create(map[string]any{"filename": "plums"})
	for _, made := range []answered{apples, plums} {
		want := 200
		if made.text("filename") == "plums" {
			want = 500
		}
		c.get("/asset/"+made.text("fileId")).want(t, want)
		c.put(made.text("url"), "body").want(t, want)
	}
	if u := c.s.UnusedFaults(); len(u) != 0 {
		t.Errorf("%+v", u)
	}
	for _, bad := range []Fault{{Operation: "Nothing", Kind: FaultStall}, {Operation: "GetAsset", Kind: "Nothing"}, {Operation: "GetAsset", Kind: FaultWrongETag},
		{Operation: "GetAsset", Kind: FaultStatus}, {Operation: "GetAsset", Kind: FaultStall, Delay: time.Hour}, {Operation: PutPart, Kind: FaultStall, BodyHas: "x"}} {
		if c.s.Queue(bad) == nil {
			t.Errorf("%+v was queued", bad)
		}
	}
}

func TestWrongETag(t *testing.T) {
	c := start(t, Options{})
	made := c.create(nil)
	if err := c.s.Queue(Fault{Operation: PutObject, Kind: FaultWrongETag, Times: 2}); err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{"body", ""} {
		got := c.put(made.text("url"), body)
		got.want(t, 200)
		if got.header.Get("ETag") == `"`+sum(body)+`"` {
			t.Errorf("the ETag of %q is right", body)
		}
	}
	got := c.put(made.text("url"), "body")
	if got.header.Get("ETag") != `"`+sum("body")+`"` {
		t.Error("the ETag stayed wrong")
	}
	if err := c.s.Queue(Fault{Operation: PutObject, Kind: FaultStatus, Status: 503}); err != nil {
		t.Fatal(err)
	}
	c.put(made.text("url"), "body").want(t, 503, "<Code>SlowDown</Code>")
}

func TestCloseEndsStalls(t *testing.T) {
	c := start(t, Options{})
	if err := c.s.Queue(Fault{Operation: "Search", Kind: FaultStall, Delay: 10 * time.Minute}); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		if a, err := c.try(http.MethodPost, "/search/keyword", map[string]any{}); err == nil {
			t.Errorf("an answer came: %d %s", a.status, a.body)
		}
		close(done)
	}()
	for len(c.s.UnusedFaults()) > 0 {
		time.Sleep(time.Millisecond)
	}
	if err := c.s.Close(); err != nil {
		t.Error(err)
	}
	<-done
}
