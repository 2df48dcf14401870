package health

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var errAway = errors.New("it is away")

func get(h http.HandlerFunc, accept string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(http.MethodGet, "/", nil)
	req.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	h(w, req)
	return w
}

// TestReady has each of the things missing in turn that have to be there.
func TestReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal := error(nil)
		s := State{Folders: []Folder{{Name: "one"}, {Name: "two"}}, Ask: func(context.Context) error { return nil }}
		for _, c := range []struct {
			turn  func()
			lines []string // beside "not ready"; none is ready
		}{
			{func() {}, nil},
			{func() { s.Folders[1].Paused = "it is not mounted\nat all" }, []string{"two: it is not mounted at all"}},
			{func() { s.Folders[0].Paused = "it hangs" }, []string{"one: it hangs", "two: it is not mounted at all"}},
			{func() { s.Folders[0].Paused, s.Folders[1].Paused, s.Waits = "", "", "it answers 503" }, []string{"Tenovos: it answers 503"}},
			{func() { s.Waits, s.Ask = "", func(context.Context) error { return errAway } }, []string{"Tenovos: it is away"}},
			{func() { s.Ask = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() } }, []string{"Tenovos: it has not answered within 5s"}},
			{func() { s.Ask = nil; journal = errAway }, []string{"journal: the journal cannot be read"}},
			{func() { journal = nil }, nil},
		} {
			c.turn()
			h := New(func(context.Context) error { return journal }, func() State { return s })
			text, answer := get(h.Ready, "*/*"), get(h.Ready, "application/json")
			want, code := "ready\n", http.StatusOK
			if c.lines != nil {
				want, code = "not ready\n"+strings.Join(c.lines, "\n")+"\n", http.StatusServiceUnavailable
			}
			if text.Body.String() != want || text.Code != code {
				t.Errorf("%d %q, want %d %q", text.Code, text.Body, code, want)
			}
			var a Answer
			if err := json.Unmarshal(answer.Body.Bytes(), &a); err != nil || a.Ready != (code == http.StatusOK) || answer.Code != code || len(a.Folders) != 2 {
				t.Errorf("%d %+v (%v)", answer.Code, a, err)
			}
		}
	})
}

// TestAlive fails with the journal alone.
func TestAlive(t *testing.T) {
	for _, err := range []error{nil, errAway} {
		h := New(func(context.Context) error { return err }, func() State { return State{Waits: "everything is away"} })
		if w := get(h.Alive, ""); (w.Code == http.StatusOK) != (err == nil) || w.Code != http.StatusOK && w.Code != http.StatusServiceUnavailable {
			t.Errorf("%v: %d", err, w.Code)
		}
	}
}

// TestAskedSeldom asks a thousand times in a minute.
func TestAskedSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reads, asks, answer := 0, 0, error(nil)
		h := New(
			func(context.Context) error { reads++; return nil },
			func() State { return State{Ask: func(context.Context) error { asks++; return answer }} },
		)
		minute := func() {
			reads, asks = 0, 0
			for range 1000 {
				get(h.Ready, "")
				get(h.Alive, "")
				time.Sleep(time.Minute / 1000)
			}
		}
		minute()
		if reads > 60 || asks > 12 || asks == 0 {
			t.Errorf("the journal was read %d times, Tenovos asked %d times", reads, asks)
		}
		answer = errAway // such as a login that is refused
		for range 10 {
			minute()
		}
		if asks > 1 {
			t.Errorf("Tenovos was asked %d times in the tenth minute of an outage", asks)
		}
		answer = nil
		minute()
		minute()
		if w := get(h.Ready, ""); w.Code != http.StatusOK {
			t.Errorf("after an outage: %d %s", w.Code, w.Body)
		}
	})
}

// TestClientThatLeaves spoils no answer for the others.
func TestClientThatLeaves(t *testing.T) {
	h := New(func(ctx context.Context) error { return ctx.Err() }, func() State { return State{} })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	h.Alive(w, httptest.NewRequest(http.MethodGet, "/", nil).WithContext(ctx))
	if w := get(h.Alive, ""); w.Code != http.StatusOK {
		t.Error(w.Code)
	}
}
