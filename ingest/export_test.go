package ingest

import (
	"context"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/journal"
)

// Hang makes a folder look as if a call to its file system did not return.
func (p *Pipeline) Hang(folder string) { p.mounts[folder].begin(0) }

// Hand takes an entry in hand, as a request or a chore does, and returns how it is let
// go of.
func (p *Pipeline) Hand(e journal.Entry) (release func()) {
	p.hands.Take(e)
	return func() { p.hands.Release(e.ID) }
}

// Gate is the gate alone.
type Gate struct{ *gate }

// NewShutGate makes a gate that closed at a time.
func NewShutGate(why string, since time.Time) Gate {
	g := newGate(zerolog.Nop(), time.Now, func(string) {}, nil)
	g.shut(why)
	g.since = since
	return Gate{g}
}

// Outlasts is what operators ask of it.
func (g Gate) Outlasts(ctx context.Context, drain <-chan struct{}) (string, error) {
	return g.outlasts(ctx, drain)
}

// Open opens it.
func (g Gate) Open() { g.open() }

// Work works on an entry as it was read, as a worker does that got it so.
func (p *Pipeline) Work(ctx context.Context, e journal.Entry) error {
	p.hands.Take(e)
	return p.work(ctx, e.ID, e)
}
