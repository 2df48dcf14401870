package desk

import (
	"context"
	"errors"
	"fmt"

	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// retry sends a resting entry round again. What was handed over but never seen
// right is looked at again, not uploaded again.
func (d *Desk) retry(ctx context.Context, e journal.Entry, s Selection) (Outcome, error) {
	m := journal.Move{ID: e.ID, From: e.Status, To: journal.Settled, ResetCounts: true, AsNew: s.AsNew}
	d.Core.Retried()
	switch {
	case e.Status == journal.Held && e.Reason.Class == journal.ClassUnverified && s.AsNew:
		if why := d.Gate.Reason(); why != "" {
			return Outcome{Result: "skipped", Detail: "its asset has to be looked at first, and Tenovos is waited for: " + why}, nil
		}
		return d.startOver(ctx, e, m)
	case e.Status == journal.Held && e.Reason.Class == journal.ClassUnverified:
		m.To, m.Unconfirmed = journal.Verifying, true
	case e.Status == journal.Superseded:
		return Outcome{Result: "skipped", Detail: "it is superseded: " + e.Reason.Message + "; what lies at its path now has an entry of its own, or gets one when it comes"}, nil
	case e.Status == journal.Filed || !e.Status.Resting():
		return Outcome{Result: "skipped", Detail: "it is " + string(e.Status)}, nil
	}
	if !d.Hands.Take(e) {
		return Outcome{Result: "skipped", Detail: "its file is just being moved; try again"}, nil
	}
	defer d.Hands.Release(e.ID)
	e, err := d.Journal.Entry(ctx, e.ID) // its file may have been moved meanwhile
	if err == nil {
		err = d.Files.BringBack(ctx, e)
	}
	if err != nil {
		return Outcome{}, err
	}
	_, err = d.Core.Advance(ctx, m)
	if err == nil && e.Taken() {
		err = journal.UnlessMoved(d.Files.SeenBack(ctx, e))
	}
	if err == nil {
		d.Wake()
	}
	o := Outcome{Result: "requeued"}
	if why := d.Gate.Reason(); why != "" {
		o.Detail = "it goes on when Tenovos answers: " + why
	}
	return o, err
}

// startOver gives up an upload that was handed over but never seen right: where
// Tenovos shows no content, it is cancelled, its empty asset removed, and the file
// sent round again.
func (d *Desk) startOver(ctx context.Context, e journal.Entry, m journal.Move) (Outcome, error) {
	a, err := d.API.Asset(ctx, e.FileID)
	switch {
	case err != nil && !errors.Is(err, tenovos.ErrNotFound):
		return Outcome{}, err
	case err == nil && a.HasContent && !a.Deleted():
		return Outcome{Result: "skipped", Detail: fmt.Sprintf("asset %s holds content: look at it, or retry without --as-new", e.ObjectID)}, nil
	}
	last, ok, err := d.Reader.LastAttempt(ctx, e)
	if err != nil {
		return Outcome{}, err
	}
	if ok {
		if m.Chores, err = d.Core.CleanUp(last); err != nil {
			return Outcome{}, err
		}
	}
	_, err = d.Core.Advance(ctx, m)
	d.Wake()
	return Outcome{Result: "requeued"}, err
}
