package ingest

import (
	"context"
	"errors"
	"fmt"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/journal"
)

// mapFileless decides what an entry without a file becomes: settled -> mapped, or
// a rest.
func (p *Pipeline) mapFileless(ctx context.Context, e journal.Entry) (now journal.Entry, err error) {
	factsAt := p.now()
	m, err := p.rules(e, "")
	switch {
	case errors.Is(err, dropfolder.ErrNoRule):
		return now, &verdictError{verdict{to: journal.Ignored, reason: reasons.NoRule}}
	case err != nil:
		return now, err
	case m.NoRow, m.Row != "" && m.Row != e.Kind:
		return now, &verdictError{verdict{to: journal.Superseded, reason: reasons.RowGone}}
	case len(m.Problems) > 0:
		return now, metadataRefusal(m)
	}
	asset := m.Asset
	if e.Kind == journal.Federated {
		asset.ContentPath, asset.SkipTranscode = m.ContentPath, m.SkipTranscode
	} else {
		asset.NoContent = true
	}
	prev, known, err := p.journal.Reader().Previous(ctx, e)
	if err != nil {
		return now, err
	}
	if known && prev.Status != journal.Withdrawn && !e.AsNew {
		asset.OriginalFileID = prev.OriginalFileID
	}
	return p.decide(ctx, e, asset, factsAt, prev.ID)
}

// verifyFileless asks whether the asset is there: nothing else was handed over.
func (p *Pipeline) verifyFileless(ctx context.Context, e journal.Entry) (now journal.Entry, err error) {
	a, err := p.api.Asset(ctx, e.FileID)
	if err != nil {
		return now, fmt.Errorf("look at the asset: %w", err)
	}
	if a.Deleted() {
		return now, &verdictError{verdict{to: journal.Held, reason: reasons.DeletedMeanwhile}}
	}
	return p.advance(ctx, journal.Move{ID: e.ID, Was: &e, From: journal.Verifying, To: journal.Verified})
}
