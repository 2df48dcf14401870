package desk

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/hands"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/journal"
)

// The results of what is recorded, and done when Tenovos answers again.
const (
	cancelling = "cancelling"
	updating   = "updating"
)

// cancelPoll is how often an entry that is being cancelled is looked at.
const cancelPoll = 50 * time.Millisecond

// cancel stops an entry that is marked as unwanted: its upload is cancelled and its empty
// asset removed. One whose content was already handed over is ingested instead, and one
// that is held or failed is so no more.
func (d *Desk) cancel(ctx context.Context, e journal.Entry, _ Selection) (Outcome, error) {
	for {
		switch {
		case e.Status == journal.Cancelled:
			return Outcome{Result: "cancelled"}, nil
		case e.Status == journal.Filed, e.Status == journal.Verified:
			return Outcome{Result: "ingested", Detail: "its content was handed over already; `ingestd withdraw ID` removes the asset"}, nil
		case e.Status == journal.Held || e.Status == journal.Failed:
			return d.cancelResting(ctx, e)
		case e.Status.Resting():
			return Outcome{Result: "skipped", Detail: "it is " + string(e.Status)}, nil
		}
		if d.Gate.Reason() != "" && e.Status != journal.Settled && e.Status != journal.Mapped {
			why, err := d.Gate.Outlasts(ctx, d.Drain())
			if err != nil {
				return Outcome{}, err
			}
			if o, over := cancelWithout(e, why); over {
				return o, nil
			}
		}
		if e.Reason.Class == reasons.ClassHeldUp && e.NotBefore.After(d.Now()) {
			if !d.Circuits.Tripped() { // an earlier process put it off
				if err := d.Circuits.WakeAll(ctx); err != nil {
					return Outcome{}, err
				}
			} else if o, over := cancelWithout(e, e.Reason.Message); over {
				return o, nil
			}
		}
		if d.Hands.Take(e) { // nobody works on it: this goroutine does
			if err := d.Core.Cancel(ctx, e); err != nil && !errors.Is(err, journal.ErrMoved) {
				d.Hands.Release(e.ID)
				return Outcome{}, err
			}
			if err := d.Core.Work(ctx, e.ID); err != nil { // it was read before it was taken
				return Outcome{}, err
			}
		} else {
			d.Hands.Abort(e.ID)
		}
		if d.Stuck()[e.ID] {
			return Outcome{Result: "skipped", Detail: "the file system of its folder does not answer: try again when it does"}, nil
		}
		before := e.Status
		var err error
		if e, err = d.Journal.Entry(ctx, e.ID); err != nil {
			return Outcome{}, err
		}
		if e.Status != before {
			continue
		}
		select {
		case <-time.After(cancelPoll):
		case <-ctx.Done():
			return Outcome{}, ctx.Err()
		}
		if e, err = d.Journal.Entry(ctx, e.ID); err != nil {
			return Outcome{}, err
		}
	}
}

// cancelResting has an entry that is held or failed wait for nobody any more: it is in no
// list of what is to be done, and its drop goes without it.
func (d *Desk) cancelResting(ctx context.Context, e journal.Entry) (Outcome, error) {
	if e.Reason.Class == journal.ClassUnverified {
		return Outcome{Result: "skipped", Detail: "its content was handed over already; `ingestd retry ID` looks at it again"}, nil
	}
	if !d.Hands.Take(e) {
		return Outcome{Result: "skipped", Detail: "its file is just being moved; try again"}, nil
	}
	defer d.Hands.Release(e.ID)
	_, err := d.Core.Advance(ctx, journal.Move{ID: e.ID, From: e.Status, To: journal.Cancelled, Reason: reasons.Cancelled})
	return Outcome{Result: "cancelled"}, err
}

// cancelWithout says what can be done for an entry that is to be cancelled while
// Tenovos is waited for, if nothing more can be: why is "" while it is not.
func cancelWithout(e journal.Entry, why string) (Outcome, bool) {
	switch {
	case why == "", e.Status == journal.Settled, e.Status == journal.Mapped, e.Status == journal.Uploading:
		return Outcome{}, false // the intent is recorded
	case e.Status == journal.Cancelling && e.Outcome == journal.Cancelled:
		return Outcome{Result: cancelling, Detail: "its upload is ended and its empty asset removed when Tenovos answers again: " + why}, true
	}
	return Outcome{Result: "skipped", Detail: fmt.Sprintf("it is %s, and what became of that only Tenovos can tell, which is waited for: cancel it again when it answers: %s", e.Status, why)}, true
}

// cancelBatch bounds how many entries of which nothing was begun are cancelled in one
// transaction: others write in between, and the end of the process waits for one.
const cancelBatch = 200

// cancelSelected cancels what a request selects. All of it is unwanted from the beginning,
// so that no worker begins any of it while the rest is cancelled: first what nobody has
// begun, many at a time, then the others, one after the other.
func (d *Desk) cancelSelected(ctx context.Context, selected []subject, s Selection) ([]Outcome, error) {
	left := make(map[int64]bool, len(selected)) // marked, and not done with
	for _, e := range selected {
		left[e.id] = true
	}
	d.unwanted.add(slices.Collect(maps.Keys(left)))
	done := func(id int64) { // from now on it may be sent round again
		if left[id] {
			delete(left, id)
			d.unwanted.remove(id)
		}
	}
	defer func() { d.unwanted.remove(slices.Collect(maps.Keys(left))...) }()
	for id := range left {
		d.Hands.Abort(id)
	}
	cancelled := make(map[int64]Outcome, len(selected))
	queued := slices.DeleteFunc(slices.Clone(selected), func(e subject) bool { return !e.queued })
	for some := range slices.Chunk(queued, cancelBatch) {
		if d.draining() {
			return nil, context.Canceled // the request stays open, for the next process
		}
		entries, err := d.cancelQueued(ctx, some)
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
			if o, err = d.serveEntry(ctx, e.id, s, d.cancel); err != nil {
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
func (d *Desk) cancelQueued(ctx context.Context, some []subject) ([]journal.Entry, error) {
	var mine []int64
	defer func() {
		for _, id := range mine {
			d.Hands.Release(id)
		}
	}()
	for _, e := range some {
		if d.Hands.Hold(e.id, &hands.Flight{Folder: e.folder, Path: e.path}) {
			mine = append(mine, e.id)
		}
	}
	if len(mine) == 0 {
		return nil, ctx.Err()
	}
	rctx, cancel := journal.Recording(ctx)
	defer cancel()
	entries, err := d.Requests.CancelQueued(rctx, mine, reasons.Cancelled)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		d.Core.Rested(e, journal.Cancelled, reasons.Cancelled)
	}
	return entries, nil
}
