package stage

import (
	"context"
	"time"

	"github.com/tenovos-ingest/ingestd/journal"
)

// Work is an entry in one worker's hands, and what its stage has to say beside its move.
type Work struct {
	journal.Entry
	// Then is run in order once the stage's move is recorded, with the entry as it is then.
	Then []func(ctx context.Context, now journal.Entry) error
	// Release is run when the move is recorded, or is not.
	Release []func()
}

// Afterwards has something done once the stage's move is recorded.
func (w *Work) Afterwards(do func(ctx context.Context, now journal.Entry) error) {
	w.Then = append(w.Then, do)
}

// Stays returns the move that leaves the entry in its status until a time.
func (w *Work) Stays(until time.Time, why journal.Reason) journal.Move {
	return journal.Move{ID: w.ID, From: w.Status, To: w.Status, NotBefore: until, Reason: why}
}

// Moves returns the move of the entry to another status.
func (w *Work) Moves(to journal.Status, why journal.Reason) journal.Move {
	return journal.Move{ID: w.ID, From: w.Status, To: to, Reason: why}
}

// NameWait is how long an entry waits for another that is just becoming an asset of its
// filename.
func (w *Work) NameWait() time.Duration { return min(nameBusyWait<<min(w.Tries, 10), nameBusyMax) }

const (
	nameBusyWait = 50 * time.Millisecond
	nameBusyMax  = 5 * time.Second
)
