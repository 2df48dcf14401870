package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tenovos-ingest/ingestd/internal/filing"
	"github.com/tenovos-ingest/ingestd/internal/holdings"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/removal"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// cancelOrphan cancels the upload of an attempt that was given up, and then
// removes its asset.
func (p *Pipeline) cancelOrphan(ctx context.Context, c journal.Chore) (bool, error) {
	var upload tenovos.Completion
	if err := json.Unmarshal([]byte(c.Spec), &upload); err != nil {
		return false, fmt.Errorf("read the upload to cancel: %w", err)
	}
	m, err := p.remover.Begin(ctx, c.EntryID, removal.Version{ObjectID: c.ObjectID, FileID: c.FileID}, c.Filename) // the cancel may remove the asset by itself
	if err != nil {
		return false, err
	}
	defer m.Release()
	if err := p.api.CancelUpload(ctx, upload); err != nil && !errors.Is(err, tenovos.ErrNoSuchUpload) {
		return false, err
	}
	_, err = m.Complete(ctx)
	return err == nil, err
}

// deleteOrphan removes the empty asset of an upload that was given up.
func (p *Pipeline) deleteOrphan(ctx context.Context, c journal.Chore) (bool, error) {
	_, err := p.remover.Remove(ctx, c.EntryID, removal.Version{ObjectID: c.ObjectID, FileID: c.FileID}, c.Filename)
	return err == nil, err
}

// restoreSpared looks at what a removal may have taken along, unless whoever removes
// has the entry in hand.
func (p *Pipeline) restoreSpared(ctx context.Context, c journal.Chore) (bool, error) {
	e, err := p.journal.Entry(ctx, c.EntryID)
	if err != nil {
		return false, err
	}
	if !p.hands.Take(e) {
		return false, &filing.NotYetError{Until: p.now().Add(choreWait(0))}
	}
	defer p.hands.Release(e.ID)
	c, open, err := journal.DutiesOf(p.journal).Find(ctx, c.ObjectID)
	if err != nil || !open { // since it was listed, the removal has finished
		return err == nil, err
	}
	done, until, err := p.remover.LookAgain(ctx, c)
	if _, lost := errors.AsType[*removal.UnrestoredError](err); lost && c.Tries == 0 {
		p.entryLog(p.log.Warn(), e).Str("reason", reasons.Message(err)).Msg("versions of an asset that went along with one of ours cannot be brought back yet: tried again until they can")
	}
	if !until.IsZero() {
		return false, &filing.NotYetError{Until: until}
	}
	return done, err
}

// searchAgain looks for the late empty asset of a create whose reply was lost, and
// removes it. The doubt ends after a day.
func (p *Pipeline) searchAgain(ctx context.Context, c journal.Chore) (bool, error) {
	var lost holdings.LostCreate
	if err := json.Unmarshal([]byte(c.Spec), &lost); err != nil {
		return false, fmt.Errorf("read the doubt: %w", err)
	}
	found, err := p.holdings.OfLostCreate(ctx, lost)
	if err != nil || len(found) == 0 {
		return false, err
	}
	if len(found) > 1 {
		return false, fmt.Errorf("%s", reasons.Twins(found).Message)
	}
	// What was found may be of a create whose reply is still on its way. Asked in
	// this order: an entry that left creating in between has stored its ids.
	if busy, err := p.journal.Reader().NameCreating(ctx, lost.Filename); busy || err != nil {
		return false, err
	}
	if found, err = p.holdings.Unknown(ctx, found); err != nil {
		return false, err
	}
	for _, a := range found {
		removed, err := p.remover.Remove(ctx, c.EntryID, removal.VersionOf(a), lost.Filename)
		if err != nil {
			return false, err
		}
		if !removed {
			continue
		}
		p.log.Info().Str("filename", lost.Filename).Str("object_id", a.ObjectID).
			Msg("removed the empty asset of a create whose reply had been lost")
	}
	return false, nil // more may come until the doubt ends
}
