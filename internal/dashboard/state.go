package dashboard

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/report"
	"github.com/tenovos-ingest/ingestd/journal"
)

// Bounds of what the page lists.
const (
	maxBegun    = 256 // files on their way: as many as there may be workers
	maxDeferred = 200
	maxDrops    = 20 // of a folder
)

// state is all that the page shows, as it was at one time. Nobody changes it.
type state struct {
	at       time.Time
	folders  []report.Folder
	troubles map[string]*report.Troubles
	begun    []report.Entry
	deferred []report.Entry
	drops    map[string][]journal.WaitingBatch
	active   map[int64]Active
	speeds   map[int64]float64 // bytes a second
	day      day
}

// read reads the journal and asks what is worked on.
func (p *Page) read(ctx context.Context) (_ *state, err error) {
	s := &state{at: time.Now(), active: map[int64]Active{}, drops: map[string][]journal.WaitingBatch{}}
	for _, a := range p.Active() {
		s.active[a.ID] = a
	}
	if s.folders, err = report.Folders(ctx, p.Lists); err != nil {
		return nil, err
	}
	if s.begun, err = report.Begun(ctx, p.Lists, maxBegun); err != nil {
		return nil, err
	}
	if s.deferred, err = report.Deferred(ctx, p.Lists, maxDeferred); err != nil {
		return nil, err
	}
	for _, f := range s.folders {
		if f.Queued == 0 {
			continue
		}
		drops, err := journal.ListingOf(p.Lists).Batches(ctx, f.Name, maxDrops)
		if err != nil {
			return nil, err
		}
		if len(drops) > 0 {
			s.drops[f.Name] = drops
		}
	}
	return s, nil
}

// sent is how many bytes of a file are in the store, as far as is known.
func (s *state) sent(e report.Entry) int64 {
	return min(max(e.Sent, s.active[e.ID].Sent), e.Size)
}

// current is how things are, worked out once for all who ask at the same time.
type current struct {
	page *Page

	mu     sync.Mutex // held while somebody reads
	last   *state
	flow   map[int64]flow
	ledger ledger
	// troubles are as they were at an event: who is held or failed changes with one.
	troubles   map[string]*report.Troubles
	troublesAt int64
}

func newCurrent(p *Page) *current { return &current{page: p, flow: map[int64]flow{}} }

// fresh returns a state that was read after it was asked for. Who waited for another to
// read takes over what that other began to read meanwhile.
func (c *current) fresh(ctx context.Context) (*state, error) {
	asked := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last != nil && c.last.at.After(asked) {
		return c.last, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	last, err := journal.EventsOf(c.page.Lists).Last(ctx) // before all else: what comes meanwhile is looked at again
	if err != nil {
		return nil, err
	}
	s, err := c.page.read(ctx)
	if err != nil {
		return nil, err
	}
	if s.troubles, err = c.troublesNow(ctx, s.folders, last); err != nil {
		return nil, fmt.Errorf("list what is held or failed: %w", err)
	}
	var before day
	if c.last != nil {
		before = c.last.day
	}
	if s.day, err = c.ledger.look(ctx, journal.EventsOf(c.page.Lists), before); err != nil {
		return nil, fmt.Errorf("count the last hours: %w", err)
	}
	s.speeds = c.speeds(s)
	c.last = s
	return s, nil
}

// troublesNow lists what is held or failed, anew where there was an event since it was listed.
func (c *current) troublesNow(ctx context.Context, folders []report.Folder, last int64) (map[string]*report.Troubles, error) {
	if c.troubles == nil || last != c.troublesAt {
		all, err := report.TroublesOf(ctx, c.page.Lists, folders)
		if err == nil {
			c.troubles, c.troublesAt = all, last
		}
		return all, err
	}
	now := make(map[string]*report.Troubles, len(c.troubles))
	for folder, t := range c.troubles {
		var err error
		if now[folder], err = t.Again(ctx, c.page.Lists); err != nil {
			return nil, err
		}
	}
	return now, nil
}

// flow is how fast a file is sent.
type flow struct {
	at    time.Time
	sent  int64
	speed float64 // bytes a second
}

// A speed is that of the latest seconds: of each second, the older ones count less.
const (
	leastFlow  = 400 * time.Millisecond
	latestFlow = 0.5
)

// speeds compares what was sent with what had been sent before.
func (c *current) speeds(s *state) map[int64]float64 {
	out := make(map[int64]float64, len(s.active))
	for id := range c.flow {
		if _, ok := s.active[id]; !ok {
			delete(c.flow, id)
		}
	}
	for id, a := range s.active {
		f, ok := c.flow[id]
		passed := s.at.Sub(f.at)
		switch {
		case !ok || a.Sent < f.sent:
			f = flow{at: s.at, sent: a.Sent}
		case passed >= leastFlow:
			speed := float64(a.Sent-f.sent) / passed.Seconds()
			if f.speed > 0 {
				speed = latestFlow*speed + (1-latestFlow)*f.speed
			}
			f = flow{at: s.at, sent: a.Sent, speed: speed}
		}
		c.flow[id] = f
		if f.speed > 0 {
			out[id] = f.speed
		}
	}
	return out
}
