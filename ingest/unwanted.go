package ingest

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/tenovos-ingest/ingestd/internal/hands"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/journal"
)

// cancelBatch bounds how many entries of which nothing was begun are cancelled in one
// transaction: others write in between, and the end of the process waits for one.
const cancelBatch = 200

// unwanted are the entries that requests want cancelled. The zero value has none. Safe
// for concurrent use.
type unwanted struct {
	mu    sync.Mutex
	asked map[int64]int // how many requests want it
}

// add marks entries; whoever marks them takes that back with drop.
func (u *unwanted) add(ids []int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.asked == nil {
		u.asked = make(map[int64]int, len(ids))
	}
	for _, id := range ids {
		u.asked[id]++
	}
}

func (u *unwanted) drop(ids ...int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, id := range ids {
		if u.asked[id]--; u.asked[id] <= 0 {
			delete(u.asked, id)
		}
	}
}

func (u *unwanted) has(id int64) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.asked[id] > 0
}

// cancelSelected cancels what a request selects. All of it is unwanted from the beginning,
// so that no worker begins any of it while the rest is cancelled: first what nobody has
// begun, many at a time, then the others, one after the other.
func (p *Pipeline) cancelSelected(ctx context.Context, selected []subject, s Selection) ([]Outcome, error) {
	left := make(map[int64]bool, len(selected)) // marked, and not done with
	for _, e := range selected {
		left[e.id] = true
	}
	p.unwanted.add(slices.Collect(maps.Keys(left)))
	done := func(id int64) { // from now on it may be sent round again
		if left[id] {
			delete(left, id)
			p.unwanted.drop(id)
		}
	}
	defer func() { p.unwanted.drop(slices.Collect(maps.Keys(left))...) }()
	for id := range left {
		p.hands.Abort(id)
	}
	cancelled := make(map[int64]Outcome, len(selected))
	queued := slices.DeleteFunc(slices.Clone(selected), func(e subject) bool { return !e.queued })
	for some := range slices.Chunk(queued, cancelBatch) {
		if p.draining() {
			return nil, context.Canceled // the request stays open, for the next process
		}
		entries, err := p.cancelQueued(ctx, some)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			cancelled[e.ID] = Outcome{ID: e.ID, Folder: e.Folder, Path: e.Path, Result: "cancelled"}
			done(e.ID)
		}
	}
	outcomes := []Outcome{}
	for _, e := range selected {
		o, ok := cancelled[e.id]
		if !ok {
			var err error
			if o, err = p.serveEntry(ctx, e.id, s, p.cancel); err != nil {
				return nil, err
			}
			done(e.id)
		}
		outcomes = append(outcomes, o)
	}
	return outcomes, nil
}

// cancelQueued cancels those of some entries that nobody has in hand and of which nothing
// was begun, in one transaction.
func (p *Pipeline) cancelQueued(ctx context.Context, some []subject) ([]journal.Entry, error) {
	var mine []int64
	defer func() {
		for _, id := range mine {
			p.hands.Release(id)
		}
	}()
	for _, e := range some {
		if p.hands.Hold(e.id, &hands.Flight{Folder: e.folder, Path: e.path}) {
			mine = append(mine, e.id)
		}
	}
	if len(mine) == 0 {
		return nil, ctx.Err()
	}
	rctx, cancel := record(ctx)
	defer cancel()
	entries, err := journal.RequestsOf(p.journal).CancelQueued(rctx, mine, reasons.Cancelled)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		p.logRest(e, journal.Cancelled, reasons.Cancelled)
	}
	return entries, nil
}
