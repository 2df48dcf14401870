package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/follow"
	"github.com/tenovos-ingest/ingestd/internal/secret"
)

const (
	token = "T0KEN-in-the-path"
	key   = "a-shared-key"
)

func receiverOf(h *hook) Receiver {
	return Receiver{On: Events(), URL: secret.Text("http://" + h.addr + "/hooks/" + token + "?key=" + token), Secret: key}
}

// begin has a follower begin at the front of an outbox.
func (o *outbox) begin() *outbox {
	o.places["r"] = 0
	return o
}

// wantOnce holds that each event arrived once, in order, and signed.
func wantOnce(t *testing.T, h *hook, o *outbox) {
	t.Helper()
	want := keysOf(o.events)
	if got := h.keys(); !slices.Equal(got, want) {
		t.Errorf("%d events arrived, %d were to; the first: %q", len(got), len(want), got[:min(5, len(got))])
	}
	for id, body := range h.bodies {
		mac := hmac.New(sha256.New, []byte(key))
		_, _ = io.WriteString(mac, body)
		if want := "sha256=" + hex.EncodeToString(mac.Sum(nil)); h.signed[id] != want {
			t.Errorf("event %s is signed %s, want %s", id, h.signed[id], want)
		}
	}
}

func wantNoToken(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(text, token) || strings.Contains(text, key) {
			t.Errorf("a secret is told: %s", text)
		}
	}
}

// TestReceiverIsAway has the receiver be gone while events come: they come without waiting for
// it, few of them are in memory, and each arrives when it is back.
func TestReceiverIsAway(t *testing.T) {
	h, o, log := newHook(t), newOutbox().begin(), &syncBuffer{}
	f := run(t, o, receiverOf(h), log)
	o.add(failures(0, 3)...)
	eventually(t, "the first events", func() bool { return len(h.keys()) == 3 })
	h.close()
	for i := range 50 {
		o.add(failures(3+i*20, 20)...)
	}
	eventually(t, "a word in the log", func() bool { return strings.Contains(log.String(), "events are not taken") })
	h.open()
	eventually(t, "all events", func() bool { return len(h.keys()) == 1003 })
	f.stop(t)
	wantOnce(t, h, o)
	if n := o.mostAtOnce(); n > 100 {
		t.Errorf("%d events were read at once", n)
	}
	if n := strings.Count(log.String(), "events are not taken"); n != 1 || !strings.Contains(log.String(), "events are taken again") {
		t.Errorf("an outage is to be said once, with its end: %s", log)
	}
	wantNoToken(t, log.String())
}

// TestReceiverAnswers500 has each event be refused twice.
func TestReceiverAnswers500(t *testing.T) {
	h, o, log := newHook(t), newOutbox().begin(), &syncBuffer{}
	h.answer = func(_ string, n int) int {
		if n < 3 {
			return http.StatusInternalServerError
		}
		return http.StatusNoContent
	}
	f := run(t, o, receiverOf(h), log)
	o.add(failures(0, 30)...)
	eventually(t, "all events", func() bool { return len(h.keys()) == 30 })
	f.stop(t)
	wantOnce(t, h, o)
	wantNoToken(t, log.String())
}

// TestReceiverIsSlow ends the daemon again and again while the receiver is at an event.
func TestReceiverIsSlow(t *testing.T) {
	h, o := newHook(t), newOutbox().begin()
	at, answers := make(chan struct{}), make(chan struct{})
	h.answer = func(string, int) int {
		at <- struct{}{}
		<-answers
		return http.StatusOK
	}
	o.add(failures(0, 1)...)
	for i := range 5 {
		f := run(t, o, receiverOf(h), io.Discard)
		<-at
		o.add(failures(i+1, 1)...) // nobody waits for it
		close(f.end)
		answers <- struct{}{}
		<-at // what is left is brought, too
		answers <- struct{}{}
		if err := <-f.ended; err != nil {
			t.Fatal(err)
		}
		o.add(failures(i+1, 1)...)
	}
	h.answer = nil
	f := run(t, o, receiverOf(h), io.Discard)
	f.stop(t)
	wantOnce(t, h, o)
}

// TestKilled kills the daemon after the receiver has taken an event and before that is known:
// it comes once more, with the same key and the same body.
func TestKilled(t *testing.T) {
	h, o := newHook(t), newOutbox().begin()
	at, answers := make(chan struct{}), make(chan struct{})
	h.answer = func(_ string, n int) int {
		if n == 1 {
			at <- struct{}{}
			<-answers
		}
		return http.StatusOK
	}
	o.add(failures(0, 3)...)
	for range 3 {
		f := run(t, o, receiverOf(h), io.Discard)
		<-at
		f.kill(t)
		answers <- struct{}{}
	}
	f := run(t, o, receiverOf(h), io.Discard)
	f.stop(t)
	if got := slices.Compact(h.keys()); !slices.Equal(got, keysOf(o.events)) {
		t.Errorf("the events arrived as %q", got)
	}
	for id, n := range h.offered {
		if n != 2 {
			t.Errorf("event %s was offered %d times, want twice", id, n)
		}
	}
}

// TestOnlyWhatIsAskedFor holds what `on` says, that a receiver begins with what happens from
// then on, and what is no news.
func TestOnlyWhatIsAskedFor(t *testing.T) {
	h, o := newHook(t), newOutbox()
	o.add(failures(0, 5)...) // before anybody was told of
	r := receiverOf(h)
	r.On = []string{Held, Paused}
	f := run(t, o, r, io.Discard)
	eventually(t, "its place", func() bool { return o.place("r") == 5 })
	o.add(failures(5, 1)...)
	held := failures(6, 1)[0]
	held.Status = Held
	o.add(held, follow.Event{Time: time.Now(), Kind: Paused, Folder: "in", Reason: "away"}, follow.Event{Time: time.Now(), Kind: Resumed, Folder: "in"})
	o.add(follow.Event{Time: time.Now(), Folder: "in", Path: "x", Status: "filed"})
	f.stop(t)
	if got, want := h.keys(), keysOf(o.events[6:8]); !slices.Equal(got, want) {
		t.Errorf("it got %q, want %q", got, want)
	}
}

// TestBody is the body of a webhook as documented.
func TestBody(t *testing.T) {
	h, o := newHook(t), newOutbox().begin()
	e := failures(7, 1)[0]
	e.Time, e.Path, e.ObjectID = time.Date(2026, 11, 30, 9, 0, 0, 5e6, time.FixedZone("", 3600)), "a/\xff\"<b>\n.jpg", "o-1"
	o.add(e)
	f := run(t, o, receiverOf(h), io.Discard)
	f.stop(t)
	var got map[string]any
	if err := json.Unmarshal([]byte(h.bodies["1-1796025600005"]), &got); err != nil {
		t.Fatal(err, h.bodies)
	}
	want := map[string]any{
		"event": "failed", "time": "2026-11-30T08:00:00.005Z", "folder": "in", "path": "a/\uFFFD\"<b>\n.jpg", "id": 7.0, "status": "failed",
		"reason": "because", "hint": "do", "object_id": "o-1",
	}
	if len(got) != len(want) {
		t.Errorf("got %v", got)
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s is %v, want %v", k, got[k], v)
		}
	}
}

// TestOwnWords has a body of the configuration.
func TestOwnWords(t *testing.T) {
	h, o := newHook(t), newOutbox().begin()
	r := receiverOf(h)
	r.Body = `{"text": {{json .What}}, "why": {{json .Reason}}}`
	if key, err := Check(r); err != nil {
		t.Fatal(key, err)
	}
	o.add(failures(1, 1)...)
	f := run(t, o, r, io.Discard)
	f.stop(t)
	if got := h.bodies[o.events[0].Key()]; got != `{"text": "failed: 1.jpg in folder in", "why": "because"}` {
		t.Errorf("the body is %s", got)
	}
	for _, wrong := range []string{`{{.Nothing}}`, `{{`, `{"text": "{{.Path}}"}`, `no JSON`, `{{define "a"}}{{template "a"}}{{end}}{{template "a"}}`} {
		r.Body = wrong
		if key, err := Check(r); err == nil || key != "body" {
			t.Errorf("%s is taken for a template", wrong)
		}
	}
}

// TestRefusedForGood has the receiver say of one event that it is wrong: the others get
// through.
func TestRefusedForGood(t *testing.T) {
	h, o, log := newHook(t), newOutbox().begin(), &syncBuffer{}
	o.add(failures(0, 3)...)
	bad := o.events[1].Key()
	h.answer = func(key string, _ int) int {
		if key == bad {
			return http.StatusUnprocessableEntity
		}
		return http.StatusOK
	}
	f := run(t, o, receiverOf(h), log)
	eventually(t, "the others", func() bool { return len(h.keys()) == 2 })
	f.stop(t)
	if h.offered[bad] != refusals || !strings.Contains(log.String(), "passed over") {
		t.Errorf("it was offered %d times: %s", h.offered[bad], log)
	}
	wantNoToken(t, log.String())
}

// TestRedirectIsNotFollowed keeps names of files from hosts that nobody named.
func TestRedirectIsNotFollowed(t *testing.T) {
	h := newHook(t)
	for _, code := range []int{301, 302, 303, 307, 308} {
		h.answer = func(string, int) int { return code }
		err := Try(t.Context(), receiverOf(h), "here", time.Now())
		if err == nil || !strings.Contains(err.Error(), "redirect") {
			t.Errorf("%d: %v", code, err)
		}
		wantNoToken(t, err.Error())
	}
	total := 0
	for _, n := range h.offered {
		total += n
	}
	if total != 5 {
		t.Errorf("it was asked %d times", total)
	}
}

// TestRedirectToNowhere has a receiver redirect to its own URL, token and all, in a way that
// cannot be read.
func TestRedirectToNowhere(t *testing.T) {
	var user, password string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		user, password, _ = req.BasicAuth()
		w.Header().Set("Location", "http://"+req.Host+req.URL.RequestURI()+"%zz")
		w.WriteHeader(http.StatusFound)
	}))
	defer s.Close()
	place := secret.Text(strings.Replace(s.URL, "://", "://kim:pw@", 1) + "/hooks/" + token)
	err := Try(t.Context(), Receiver{URL: place}, "here", time.Now())
	if err == nil || !strings.Contains(err.Error(), "redirect") {
		t.Errorf("it is not told what to do: %v", err)
	}
	wantNoToken(t, err.Error())
	if user != "kim" || password != "pw" {
		t.Errorf("the login of the URL arrived as %q, %q", user, password)
	}
}

// TestErrorsTellNoURL meets what net/http says of a request in all the ways that it fails.
func TestErrorsTellNoURL(t *testing.T) {
	tls := httptest.NewTLSServer(http.NotFoundHandler())
	defer tls.Close()
	h := newHook(t)
	h.close()
	for _, place := range []string{"http://" + h.addr, tls.URL, "https://" + h.addr, "http://[::1]:1", "http://nowhere.invalid"} {
		err := Try(t.Context(), Receiver{URL: secret.Text(strings.Replace(place, "://", "://user:"+token+"@", 1) + "/" + token)}, "here", time.Now())
		if err == nil || !strings.Contains(err.Error(), place) {
			t.Errorf("%s: %v", place, err)
			continue
		}
		wantNoToken(t, err.Error())
	}
}

// TestAwayForDays gives up what is older than three days, says so once, and goes on with the
// rest.
func TestAwayForDays(t *testing.T) {
	h, o, log := newHook(t), newOutbox().begin(), &syncBuffer{}
	old := failures(0, 250)
	for i := range old {
		old[i].Time = time.Now().Add(-4 * 24 * time.Hour)
	}
	o.add(old...)
	o.add(failures(250, 5)...)
	h.close()
	f := run(t, o, receiverOf(h), log)
	eventually(t, "that they are given up", func() bool { return strings.Contains(log.String(), "given up") })
	h.open()
	eventually(t, "the others", func() bool { return len(h.keys()) == 5 })
	f.stop(t)
	if got := h.keys(); !slices.Equal(got, keysOf(o.events[250:])) {
		t.Errorf("it got %q", got)
	}
	if n := strings.Count(log.String(), "are given up from now on"); n != 1 || !strings.Contains(log.String(), `"given_up":250`) {
		t.Errorf("it was said %d times: %s", n, log)
	}

	// A daemon that was off for as long tries them: nobody knows that the receiver is away.
	o = newOutbox().begin()
	o.add(old[:3]...)
	h.taken = nil
	f = run(t, o, receiverOf(h), io.Discard)
	f.stop(t)
	if got := h.keys(); len(got) != 3 {
		t.Errorf("after a long pause it got %q", got)
	}
}

// TestAskedToWait has the receiver say when it is to be asked again.
func TestAskedToWait(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	defer s.Close()
	err := Try(t.Context(), Receiver{URL: secret.Text(s.URL)}, "here", time.Now())
	if l, ok := err.(*follow.Later); !ok || l.After != 7*time.Second {
		t.Errorf("got %v", err)
	}
}
