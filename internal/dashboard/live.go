package dashboard

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/tenovos-ingest/ingestd/journal"
)

const (
	liveEvery = time.Second      // the least time between two looks
	heartbeat = 15 * time.Second // so that a connection that died is noticed
)

// viewers are the pages that follow what happens. While there are any, one goroutine looks
// for all of them, at most once a second and only when something changed.
type viewers struct {
	page  *Page
	every time.Duration // liveEvery, but in tests

	mu      sync.Mutex
	count   int
	stop    context.CancelFunc
	ended   chan struct{}
	parts   []part        // as they are; nil before the first look
	changed chan struct{} // closes when parts change
}

func newViewers(p *Page) *viewers { return &viewers{page: p, every: liveEvery} }

// join counts one more viewer.
func (v *viewers) join() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.count++
	if v.count == 1 {
		var ctx context.Context
		ctx, v.stop = context.WithCancel(context.Background())
		v.ended, v.parts, v.changed = make(chan struct{}), nil, make(chan struct{})
		go v.look(ctx, v.ended)
	}
}

// leave counts one viewer less, and waits for who looks when it was the last.
func (v *viewers) leave() {
	v.mu.Lock()
	v.count--
	last, ended := v.count == 0, v.ended
	if last {
		v.stop()
	}
	v.mu.Unlock()
	if last {
		<-ended
	}
}

// look brings the parts up to date until ctx ends.
func (v *viewers) look(ctx context.Context, ended chan<- struct{}) {
	defer close(ended)
	changed := make(chan struct{}, 1)
	changed <- struct{}{}
	if v.page.News != nil {
		v.page.News.Notify(changed, journal.AboutEntries, journal.AboutEdits, journal.AboutCompanions, journal.AboutChores, journal.AboutNotes, journal.AboutFolders)
		defer v.page.News.Notify(changed, journal.AboutNothing)
	}
	tick := time.NewTicker(v.every)
	defer tick.Stop()
	var before []Active
	more := false // there is more to look at than one look takes
	for {
		active := v.page.Active()
		dirty := more || len(active) > 0 || len(before) > 0 // a file that stands still has a speed that falls
		select {
		case <-changed:
			dirty = true
		default:
		}
		before = active
		if dirty {
			var err error
			if more, err = v.update(ctx); err == nil && more {
				err = v.page.now.ledger.countOn(ctx, journal.EventsOf(v.page.Lists))
			}
			if err != nil && ctx.Err() == nil {
				v.page.Log.Warn().Err(err).Msg("the status page could not be brought up to date")
				signal(changed) // it is tried again
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// update hands the parts on to all who wait for them, if one differs, and reports whether
// there is more to look at.
func (v *viewers) update(ctx context.Context) (more bool, err error) {
	s, err := v.page.now.fresh(ctx)
	if err != nil {
		return false, err
	}
	parts, err := v.page.parts(s, "")
	if err != nil {
		return false, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if ctx.Err() == nil && !samePart(v.parts, parts) {
		v.parts = parts
		close(v.changed)
		v.changed = make(chan struct{})
	}
	return s.day.counting, nil
}

// latest returns the parts, and what closes when they change.
func (v *viewers) latest() ([]part, <-chan struct{}) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.parts, v.changed
}

// serveLive sends what changed, as server-sent events.
func (p *Page) serveLive(w http.ResponseWriter, req *http.Request) {
	p.viewers.join()
	defer p.viewers.leave()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // or a proxy keeps it for itself
	out := http.NewResponseController(w)
	send := func(format string, args ...any) bool {
		_, err := fmt.Fprintf(w, format, args...)
		return err == nil && out.Flush() == nil
	}
	if !send("retry: 2000\n\n") {
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	sent := map[string]string{}
	for {
		parts, changed := p.viewers.latest()
		if message := difference(sent, parts); message != nil {
			if !send("data: %s\n\n", message) {
				return
			}
		}
		select {
		case <-changed:
		case <-beat.C:
			if !send(": alive\n\n") {
				return
			}
		case <-req.Context().Done():
			return
		}
	}
}

// difference is what a page must be told that was sent other parts before, and notes that
// it is; nil where that is nothing.
func difference(sent map[string]string, parts []part) []byte {
	if parts == nil {
		return nil
	}
	keys, changed := make([]string, len(parts)), map[string]string{}
	for i, part := range parts {
		keys[i] = part.Key
		if before, ok := sent[part.Key]; !ok || before != string(part.HTML) {
			changed[part.Key] = string(part.HTML)
		}
	}
	if len(changed) == 0 && len(keys) == len(sent) {
		return nil
	}
	clear(sent)
	for _, part := range parts {
		sent[part.Key] = string(part.HTML)
	}
	message, err := json.Marshal(struct {
		Keys  []string          `json:"keys"`
		Parts map[string]string `json:"parts"`
	}{keys, changed})
	if err != nil {
		panic(err) // texts always marshal
	}
	return message
}
