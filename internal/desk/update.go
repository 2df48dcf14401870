package desk

import (
	"context"
	"crypto/sha256"
	"errors"

	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/journal"
)

// update answers RequestUpdate when every edit of the selection has ended.
func (d *Desk) update(ctx context.Context, selected []subject, _ Selection) ([]Outcome, error) {
	ids := make([]int64, len(selected))
	before := make(map[int64][sha256.Size]byte, len(selected))
	for i, s := range selected {
		ids[i] = s.id
		if e, err := d.Journal.Entry(ctx, s.id); err == nil {
			before[s.id] = sha256.Sum256(e.Asset)
		}
	}
	defer d.Wake() // a backfill may wait for the last of them
	if err := d.Editor.Open(ctx, ids); err != nil {
		return nil, err
	}
	outcomes := make([]Outcome, 0, len(ids))
	for _, id := range ids {
		o, err := d.updated(ctx, id, before[id])
		if err != nil {
			return nil, err
		}
		outcomes = append(outcomes, o)
	}
	return outcomes, nil
}

// updated waits until an entry has no open edit, and says what came of it.
func (d *Desk) updated(ctx context.Context, id int64, before [sha256.Size]byte) (Outcome, error) {
	e, err := d.Journal.Entry(ctx, id)
	if errors.Is(err, journal.ErrUnknown) {
		return unknown(id), nil
	}
	if err != nil {
		return Outcome{}, err
	}
	why, err := d.Editor.Await(ctx, e)
	if err != nil {
		return Outcome{}, err
	}
	if why != "" {
		return Outcome{ID: e.ID, Folder: e.Folder, Path: e.Path, Result: updating, Detail: "it is looked at again, and sent where it differs, when Tenovos answers: " + why}, nil
	}
	return d.serveEntry(ctx, id, Selection{}, func(_ context.Context, e journal.Entry, _ Selection) (Outcome, error) {
		switch {
		case e.Status != journal.Filed:
			return Outcome{Result: "skipped", Detail: "it is " + string(e.Status)}, nil
		case sha256.Sum256(e.Asset) != before:
			return Outcome{Result: "updated"}, nil
		case e.Reason.Message != "" && e.Reason.Class != reasons.ClassAdopted:
			return Outcome{Result: "failed", Detail: e.Reason.Message}, nil
		}
		return Outcome{Result: "same"}, nil
	})
}
