package dashboard

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/journal"
)

// message is what a page is sent.
type message struct {
	Keys  []string
	Parts map[string]string
}

// follow opens an event stream, whose messages come through the channel, which closes with
// it.
func (r *rig) follow(ctx context.Context) <-chan message {
	r.t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+"/live", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req) //nolint:bodyclose // by the goroutine
	if err != nil {
		r.t.Fatal(err)
	}
	out := make(chan message, 1000)
	go func() {
		defer close(out)
		defer resp.Body.Close()
		lines := bufio.NewScanner(resp.Body)
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				var m message
				if err := json.Unmarshal([]byte(data), &m); err != nil {
					r.t.Error(err)
				}
				out <- m
			}
		}
	}()
	return out
}

// next waits for a message of which something is so.
func (r *rig) next(messages <-chan message, what string, so func(message) bool) message {
	r.t.Helper()
	deadline := time.After(time.Minute)
	for {
		select {
		case m, ok := <-messages:
			if !ok {
				r.t.Fatalf("the stream ended before %s", what)
			}
			if so(m) {
				return m
			}
		case <-deadline:
			r.t.Fatalf("no message tells that %s", what)
		}
	}
}

// TestLive follows a page: all of it comes first, then what changed and nothing else.
// However many look, things are looked at once; and not at all when nobody does.
func TestLive(t *testing.T) {
	r := empty(t)
	r.page.viewers.every = 10 * time.Millisecond
	var looks atomic.Int64
	inner := r.page.Active
	r.page.Active = func() []Active { looks.Add(1); return inner() }
	folder := keyOf("folder", "campaigns")

	ctx, cancel := context.WithCancel(t.Context())
	var streams []<-chan message
	for range 10 {
		streams = append(streams, r.follow(ctx))
	}
	for _, s := range streams {
		first := r.next(s, "all is there", func(m message) bool { return true })
		if len(first.Keys) != 3 || len(first.Parts) != 3 || !strings.Contains(first.Parts[folder], "0 seen") {
			t.Errorf("the first message is %+v", first)
		}
	}
	id := r.admit("campaigns", 1, "a.jpg")[0]
	r.move(id, journal.Settled, journal.Held, unknownBrand)
	for _, s := range streams {
		m := r.next(s, "the file is held", func(m message) bool { return strings.Contains(m.Parts[folder], "acmee") })
		if _, ok := m.Parts["overall"]; !ok {
			t.Error("the parts that changed were not sent")
		}
	}
	// What the watcher says rides on no commit of a file.
	r.folder(journal.FolderState{Name: "campaigns", Path: "/srv/drop/campaigns", Paused: "it is away"})
	m := r.next(streams[0], "the folder is paused", func(m message) bool { return strings.Contains(m.Parts[folder], "it is away") })
	if len(m.Parts) != 1 {
		t.Errorf("%d parts were sent where one changed", len(m.Parts))
	}
	// A folder more is a part more.
	r.folder(journal.FolderState{Name: "archive", Path: "/a"})
	m = r.next(streams[0], "there is another folder", func(m message) bool { return len(m.Keys) == 4 })
	if len(m.Parts) != 1 || m.Keys[1] != keyOf("folder", "archive") {
		t.Errorf("the message has %d parts, and the keys %v", len(m.Parts), m.Keys)
	}
	cancel()
	for _, s := range streams {
		for range s {
		}
	}
	deadline := time.Now().Add(time.Minute)
	for watched(r.page) && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	if watched(r.page) {
		t.Fatal("somebody looks although no page is open")
	}
	before := looks.Load()
	r.move(id, journal.Held, journal.Cancelled, journal.Reason{})
	if _, body := r.get("/assets/page.css"); body == "" || looks.Load() != before {
		t.Errorf("nobody looks, but %d times it was asked what is worked on", looks.Load()-before)
	}
	http.DefaultClient.CloseIdleConnections()
}

// watched reports whether somebody looks for pages that are open.
func watched(p *Page) bool {
	p.viewers.mu.Lock()
	defer p.viewers.mu.Unlock()
	select {
	case <-p.viewers.ended:
		return false
	default:
		return true
	}
}

// TestOneLookForAll has many ask for the page at the same time: they share what is read
// after they asked.
func TestOneLookForAll(t *testing.T) {
	r := empty(t)
	var looks atomic.Int64
	hold := make(chan struct{})
	r.page.Active = func() []Active {
		if looks.Add(1) == 1 {
			<-hold
		}
		return nil
	}
	const clients = 20
	done := make(chan *state, clients)
	var asking atomic.Int64
	ask := func() {
		asking.Add(1)
		s, err := r.page.now.fresh(context.Background())
		if err != nil {
			t.Error(err)
		}
		done <- s
	}
	go ask()
	for looks.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	r.admit("campaigns", 1, "a.jpg") // the look that is under way may miss it
	for range clients - 1 {
		go ask()
	}
	for asking.Load() < clients {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(200 * time.Millisecond) // so that most of them wait by now; if not, they look once more
	close(hold)
	seen := 0
	for range clients {
		if (<-done).folders[0].Queued == 1 {
			seen++
		}
	}
	if n := looks.Load(); n >= clients/2 || seen < clients-1 {
		t.Errorf("%d looks for %d clients, of which %d saw the file", n, clients, seen)
	}
}

// TestSpeed works out speeds from what was sent.
func TestSpeed(t *testing.T) {
	c := newCurrent(nil)
	begun := time.Now()
	at := func(seconds float64, sent int64) float64 {
		s := &state{at: begun.Add(time.Duration(seconds * float64(time.Second))), active: map[int64]Active{1: {ID: 1, Sent: sent}}}
		return c.speeds(s)[1]
	}
	for _, step := range []struct {
		at   float64
		sent int64
		want float64
	}{
		{0, 100, 0}, {1, 300, 200}, {1.1, 310, 200}, {2, 700, 300}, {3, 700, 150}, {4, 500, 0}, {5, 600, 100},
	} {
		if got := at(step.at, step.sent); got != step.want {
			t.Errorf("after %v s with %d bytes the speed is %v, want %v", step.at, step.sent, got, step.want)
		}
	}
	if c.speeds(&state{at: begun, active: map[int64]Active{}}); len(c.flow) != 0 {
		t.Error("a file that is done is remembered")
	}
}
