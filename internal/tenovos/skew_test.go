package tenovos

import (
	"errors"
	"net/http"
	"testing"
	"time"
)

// The Date of a reply tells how far our clock is ahead, as far as seconds can.
func TestAhead(t *testing.T) {
	ours := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name   string
		date   string
		cached bool
		want   time.Duration
	}{
		{"agrees", ours.Format(http.TimeFormat), false, 0},
		{"agrees to a second", ours.Add(-time.Second).Format(http.TimeFormat), false, 0},
		{"a day behind ours", ours.Add(-25 * time.Hour).Format(http.TimeFormat), false, 25 * time.Hour},
		{"a day ahead of ours", ours.Add(25 * time.Hour).Format(http.TimeFormat), false, -25 * time.Hour},
		{"from a cache", ours.Add(-25 * time.Hour).Format(http.TimeFormat), true, 0},
		{"none", "", false, 0},
	} {
		h := http.Header{}
		h.Set("Date", tc.date)
		if tc.cached {
			h.Set("Age", "90000")
		}
		var s skew
		s.note(h, ours, ours)
		if got := s.ahead(ours.Add(time.Minute)); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

// A token lives as long as the service says, whatever our clock says.
func TestTokenLifeByTheServicesClock(t *testing.T) {
	for _, ahead := range []time.Duration{25 * time.Hour, 59 * time.Minute, -25 * time.Hour} {
		f := newFake(t)
		c := f.client(func(cfg *Config) { cfg.Clock = func() time.Time { return f.clock().Add(ahead) } })
		for range 5 {
			if err := c.Ready(t.Context()); err != nil {
				t.Fatal(err)
			}
			f.sleep(10 * time.Minute)
		}
		if l, r := f.counts(); l != 1 || r != 0 {
			t.Errorf("%s ahead: %d logins and %d refreshes in 50 minutes", ahead, l, r)
		}
		f.sleep(6 * time.Minute)
		if err := c.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		if l, r := f.counts(); l != 1 || r != 1 {
			t.Errorf("%s ahead: %d logins and %d refreshes near the end of the token", ahead, l, r)
		}
	}
}

// Who refused, and for whose sake, is told apart.
func TestWhoRefuses(t *testing.T) {
	for _, tc := range []struct {
		status           int
		body             string
		between, rightly bool
	}{
		{403, `<html><title>Blocked</title></html>`, true, false},
		{413, `too large`, true, false},
		{400, ``, true, false},
		{404, `<html></html>`, true, false},
		{502, `<html></html>`, true, false},
		{401, `<html></html>`, true, false},
		{302, `{"message":"Found"}`, true, false},
		{407, `{"error":"authenticate"}`, true, false},
		{200, `<html><title>Log in</title></html>`, true, false},
		{200, `{"objectId":"o","fi`, false, false},
		{403, `{"message":"Forbidden"}`, false, true},
		{403, `{"message":"You do not have permission to upload"}`, false, true},
		{403, `{"message":"Invalid security template ID(s)"}`, false, true},
		{200, `{"status":"error","message":"Permission denied"}`, false, true},
		{403, `{"message":"Failed to parse Asset"}`, false, false},
		{403, `{"message":"Invalid Asset: Missing Security Template ID(s)"}`, false, false},
		{403, `{"message":"Invalid Response from Create Asset"}`, false, false},
		{403, `{"message":"Unexpected end of JSON input"}`, false, false},
		{400, `{"message":"Bad thing"}`, false, false},
	} {
		f := newFake(t)
		f.reply("POST /asset", tc.status, tc.body)
		_, err := f.client().CreateAsset(t.Context(), NewAsset{})
		if errors.Is(err, ErrIntermediary) != tc.between || errors.Is(err, ErrForbidden) != tc.rightly {
			t.Errorf("%d %s: %v", tc.status, tc.body, err)
		}
		if n := len(f.seen); n != 2 { // with the login
			t.Errorf("%d %s: it was sent %d times", tc.status, tc.body, n-1)
		}
	}
}
