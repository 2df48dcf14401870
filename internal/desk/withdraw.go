package desk

import (
	"context"
	"errors"
	"fmt"

	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/removal"
	"github.com/tenovos-ingest/ingestd/journal"
)

// withdraw soft-deletes the asset of a filed entry.
func (d *Desk) withdraw(ctx context.Context, e journal.Entry, _ Selection) (Outcome, error) {
	if e.Status == journal.Withdrawn {
		return Outcome{Result: "withdrawn"}, nil
	}
	if e.Status != journal.Filed {
		return Outcome{Result: "skipped", Detail: "it is " + string(e.Status)}, nil
	}
	m, err := d.Remover.Begin(ctx, e.ID, removal.Version{ObjectID: e.ObjectID, FileID: e.FileID}, e.Filename)
	if err == nil {
		defer m.Release()
		err = m.Finish(ctx)
	}
	unrestored, lost := errors.AsType[*removal.UnrestoredError](err)
	switch {
	case lost:
		reason := reasons.Withdrawn
		reason.Message += "; " + unrestored.Error()
		_, err := d.Core.Advance(ctx, journal.Move{ID: e.ID, From: journal.Filed, To: journal.Withdrawn, Reason: reason})
		return Outcome{Result: "withdrawn", Detail: unrestored.Error() + "; it is tried again"}, err
	case err != nil:
		return Outcome{}, fmt.Errorf("withdraw asset %s: %w", e.ObjectID, err)
	case m.Kept():
		return Outcome{Result: "failed", Detail: m.Notice()}, m.Close(ctx)
	}
	_, err = d.Core.Advance(ctx, journal.Move{
		ID: e.ID, From: journal.Filed, To: journal.Withdrawn, Reason: m.With(reasons.Withdrawn),
	})
	if err == nil {
		err = m.Close(ctx)
	}
	return Outcome{Result: "withdrawn", Detail: m.Notice()}, err
}

// undelete brings a withdrawn asset back.
func (d *Desk) undelete(ctx context.Context, e journal.Entry, _ Selection) (Outcome, error) {
	if e.Status != journal.Withdrawn {
		return Outcome{Result: "skipped", Detail: "it is " + string(e.Status)}, nil
	}
	if err := d.API.UndeleteAsset(ctx, e.ObjectID); err != nil {
		a, lookErr := d.API.Asset(ctx, e.FileID)
		if lookErr != nil || a.Deleted() {
			return Outcome{}, fmt.Errorf("restore asset %s: %w", e.ObjectID, err)
		}
	}
	_, err := d.Core.Advance(ctx, journal.Move{ID: e.ID, From: journal.Withdrawn, To: journal.Filed})
	return Outcome{Result: "restored"}, err
}
