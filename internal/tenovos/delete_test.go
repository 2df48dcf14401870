package tenovos

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"testing"
)

// bin is a service that knows the action that brings an asset back by some names.
// To any other it answers refusal.
type bin struct {
	knows   []string
	status  int
	refusal string
	inBin   bool
	asked   []string
}

func (b *bin) answer(w http.ResponseWriter, body string) {
	var req struct{ Action string }
	_ = json.Unmarshal([]byte(body), &req)
	b.asked = append(b.asked, req.Action)
	switch {
	case !slices.Contains(b.knows, req.Action):
		write(w, b.status, b.refusal)
	case !b.inBin:
		write(w, 403, `{"message":"Failed to UnDelete Asset"}`)
	default:
		b.inBin = false
		write(w, 200, `{"status":"success","message":"Master Object update was successful","data":"{}"}`)
	}
}

func undeleting(t *testing.T, b *bin) *Client {
	f := newFake(t)
	f.route("POST /asset/o-1/delete", func(w http.ResponseWriter, r *http.Request) {
		b.answer(w, f.last(r.Method, "/asset/o-1/delete").body)
	})
	return f.client()
}

// TestUndeleteByItsOtherName has services that know only one of the two names of the
// action, and refuse the other in every way that they may: the asset comes back, and
// from then on only the name that is known is sent.
func TestUndeleteByItsOtherName(t *testing.T) {
	for name, refusal := range map[string]struct {
		status int
		body   string
	}{
		"502":            {502, `{"message":"Internal server error"}`},
		"502 of a page":  {502, `<html><title>502 Bad Gateway</title></html>`},
		"500":            {500, `{"message":"Failed to delete Relationship","detail":"payload.body.map is not a function"}`},
		"400":            {400, `{"status":"error","message":"Invalid action"}`},
		"403":            {403, `{"message":"Invalid Request: action must be one of [delete, undelete]"}`},
		"422":            {422, `{"message":"action"}`},
		"a bare string":  {403, `"no such action"`},
		"within a 200":   {200, `{"status":"error","message":"Invalid action"}`},
		"a crash in 200": {200, `{"status":"error","message":"Internal server error"}`},
	} {
		t.Run(name, func(t *testing.T) {
			for _, knows := range []string{"undelete", "un-delete"} {
				b := &bin{knows: []string{knows}, status: refusal.status, refusal: refusal.body, inBin: true}
				c := undeleting(t, b)
				if err := c.UndeleteAsset(t.Context(), "o-1"); err != nil || b.inBin {
					t.Errorf("%s: %v", knows, err)
				}
				b.asked, b.inBin = nil, true
				if err := c.UndeleteAsset(t.Context(), "o-1"); err != nil || !slices.Equal(b.asked, []string{knows}) {
					t.Errorf("%s is not remembered: asked %q, %v", knows, b.asked, err)
				}
			}
		})
	}
}

// TestUndeleteIsRefused has refusals that are not about the action: nothing else is
// tried.
func TestUndeleteIsRefused(t *testing.T) {
	b := &bin{knows: []string{"undelete"}}
	c := undeleting(t, b)
	if err := c.UndeleteAsset(t.Context(), "o-1"); !errors.Is(err, ErrRejected) || len(b.asked) != 1 {
		t.Errorf("not deleted: asked %q, %v", b.asked, err)
	}
	b = &bin{knows: []string{"un-delete"}, status: 502, refusal: `{"message":"Internal server error"}`}
	c = undeleting(t, b)
	for range 2 { // that it is not deleted tells the name, too
		if err := c.UndeleteAsset(t.Context(), "o-1"); !errors.Is(err, ErrRejected) {
			t.Errorf("not deleted: %v", err)
		}
	}
	if want := []string{"undelete", "un-delete", "un-delete"}; !slices.Equal(b.asked, want) {
		t.Errorf("asked %q, want %q", b.asked, want)
	}
	for name, tt := range map[string]struct {
		status int
		body   string
		kind   error
		asked  int
	}{
		"not found":        {403, `{"message":"Asset not found"}`, ErrNotFound, 1},
		"forbidden":        {403, `{"message":"Forbidden"}`, ErrUnauthorized, 1},
		"throttled":        {429, `{"message":"Too Many Requests"}`, ErrThrottled, 1},
		"unavailable":      {503, `{"message":"Service Unavailable"}`, ErrAmbiguous, 1},
		"timed out":        {504, `{"message":"Endpoint request timed out"}`, ErrAmbiguous, 1},
		"both are refused": {502, `{"message":"Internal server error"}`, ErrAmbiguous, 2},
		"both are invalid": {400, `{"message":"Invalid action"}`, ErrRejected, 2},
	} {
		b := &bin{status: tt.status, refusal: tt.body, inBin: true}
		c := undeleting(t, b)
		if err := c.UndeleteAsset(t.Context(), "o-1"); !errors.Is(err, tt.kind) || len(b.asked) != tt.asked {
			t.Errorf("%s: asked %q, %v", name, b.asked, err)
		}
	}
}
