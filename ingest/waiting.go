package ingest

import (
	"context"
	"fmt"

	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/journal"
)

// Waiting answers requests in the place of a Pipeline while Tenovos was not reached
// yet, so that nobody waits for an answer as long as for Tenovos: what the journal
// alone can do is done at once, and all else is answered with what is waited for. It
// must have ended before a Pipeline runs on the same journal.
type Waiting struct{ p *Pipeline }

// NewWaiting makes it of the parts of a pipeline. Deps.API may be nil: it is not
// called. Deps.Handlers must not need Tenovos.
func NewWaiting(cfg Config, d Deps) *Waiting {
	p := New(cfg, d)
	for _, kind := range desk.NeedsTenovos() {
		p.desk.Handle(kind, func(context.Context, journal.Request) (any, error) {
			return nil, fmt.Errorf("%s needs Tenovos, which is waited for: ask again when it answers: %s", kind, p.gate.Reason())
		})
	}
	w := &Waiting{p}
	p.gate.Shut("it has not answered yet")
	return w
}

// Because tells why Tenovos is waited for.
func (w *Waiting) Because(why string) { w.p.gate.Shut(why) }

// Why returns what Because was told.
func (w *Waiting) Why() string { return w.p.gate.Reason() }

// Serve answers requests until ctx ends. Its error is that of a broken journal, or of
// ctx.
func (w *Waiting) Serve(ctx context.Context) error {
	return w.p.desk.Serve(ctx, nil)
}
