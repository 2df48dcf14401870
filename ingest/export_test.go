package ingest

import (
	"context"

	"github.com/tenovos-ingest/ingestd/internal/outage"
	"github.com/tenovos-ingest/ingestd/journal"
)

// Hang makes a folder look as if a call to its file system did not return.
func (p *Pipeline) Hang(folder string) { p.mounts.Begin(folder, 0) }

// Hand takes an entry in hand, as a request or a chore does, and returns how it is let
// go of.
func (p *Pipeline) Hand(e journal.Entry) (release func()) {
	p.hands.Take(e)
	return func() { p.hands.Release(e.ID) }
}

// Work works on an entry as it was read, as a worker does that got it so.
func (p *Pipeline) Work(ctx context.Context, e journal.Entry) error {
	p.hands.Take(e)
	return p.work(ctx, e.ID, e)
}

// Circuits decide which entries wait.
func (p *Pipeline) Circuits() *outage.Circuits { return p.circuits }
