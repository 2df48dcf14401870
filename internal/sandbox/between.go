package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// proxied answers in place of the operation where a proxy between client and service is
// switched on: with its own page, before anything is done.
func (c *call) proxied(out *reply) bool {
	if c.o.ProxyStatus == 0 || !slices.Contains(strings.Split(c.o.ProxyOn, ","), c.op) || c.r.ContentLength < c.o.ProxyOver {
		return false
	}
	pages := map[string]struct{ kind, text string }{
		"html":  {"text/html", "<html><head><title>Access denied</title></head><body>Your organisation does not allow this request.</body></html>"},
		"json":  {"application/json", `{"error":"blocked by policy","category":"file sharing"}`},
		"text":  {"text/plain", "blocked by policy"},
		"xml":   {"application/xml", `<?xml version="1.0"?><Blocked><Code>AccessDenied</Code><Message>Request has expired</Message></Blocked>`},
		"empty": {},
	}
	page := pages[c.o.ProxyBody]
	out.status, out.body = c.o.ProxyStatus, []byte(page.text)
	if page.kind != "" {
		out.set("Content-Type", page.kind)
	}
	if out.status >= 300 && out.status < 400 {
		out.set("Location", "https://login.example/portal")
	}
	return true
}

// refusedRight is the answer to a create for which the account has lost the right.
func (c uploads) refusedRight(req createRequest) (message string) {
	only := c.o.RefuseCreateFor
	if only == "" || only == req.TemplateID || slices.Contains(req.SecurityIDs, only) {
		return c.o.RefuseCreate
	}
	return ""
}

// tellDate puts the service's clock into a reply.
func (c *call) tellDate() {
	if c.o.NoDate {
		c.w.Header()["Date"] = nil // else net/http adds one
		return
	}
	c.w.Header().Set("Date", c.s.clock().Add(c.o.DateAhead).UTC().Format(http.TimeFormat))
}

// clockOf is the server's clock, moved by ClockAhead.
func (s *Server) clockOf(base func() time.Time) func() time.Time {
	if base == nil {
		base = time.Now
	}
	return func() time.Time { return base().Add(time.Duration(s.ahead.Load())) }
}
