package sandbox

import (
	"net/http"
	"testing"
	"time"
)

// A proxy on the way answers for the operations that it is set on, and nothing is done.
func TestProxyOnTheWay(t *testing.T) {
	c := start(t, Options{ProxyStatus: 413, ProxyOn: "CreateAsset", ProxyOver: 1, ProxyBody: "xml"})
	c.post("/asset", map[string]any{}).want(t, 413, "<Blocked>")
	c.get("/user").want(t, 200)
	if n := len(c.s.State().Assets); n != 0 {
		t.Errorf("%d assets were made", n)
	}
	if o := (Options{ProxyOn: "Nothing"}); o.complete() == nil {
		t.Error("an operation that is none is taken")
	}
	if o := (Options{ProxyStatus: 99}); o.complete() == nil {
		t.Error("a status that is none is taken")
	}
}

// The clocks are the service's own; the Date is there, off, or away.
func TestClocks(t *testing.T) {
	c := start(t, Options{DateAhead: time.Hour})
	before := c.s.clock()
	if err := c.s.Configure(func(o *Options) { o.ClockAhead = -25 * time.Hour }); err != nil {
		t.Fatal(err)
	}
	date := func() string { return c.get("/user").header.Get("Date") }
	at, err := http.ParseTime(date())
	if ahead := before.Sub(at); err != nil || ahead < 24*time.Hour-time.Minute || ahead > 24*time.Hour+time.Minute {
		t.Errorf("the Date is %s behind: %v", ahead, err)
	}
	if err := c.s.Configure(func(o *Options) { o.NoDate = true }); err != nil {
		t.Fatal(err)
	}
	if got := date(); got != "" {
		t.Errorf("the Date is %q", got)
	}
}

// A right that is lost refuses each create, or those that need one template.
func TestRefusedRight(t *testing.T) {
	c := start(t, Options{RefuseCreate: "Forbidden"})
	if id := c.s.Account().SecurityTemplates[0].ID; id != "" {
		c.post("/asset", map[string]any{"securityTemplateIds": []string{id}}).want(t, 403, "Forbidden")
		if err := c.s.Configure(func(o *Options) { o.RefuseCreateFor = "another" }); err != nil {
			t.Fatal(err)
		}
		c.create(nil)
	}
}
