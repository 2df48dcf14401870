package edits

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/secret"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

const (
	// bulkFrom is from how many assets on one correction of them all is sent as
	// one bulk edit, and bulkMost how many of them one holds.
	bulkFrom = 10
	bulkMost = 250
)

// sendDue sends what differs: many assets with one change as bulk edits, each
// other by itself.
func (ed *Editor) sendDue(ctx context.Context, folder string) (int, error) {
	due, err := ed.Edits.Due(ctx, journal.ToSend, ed.Now(), folder, batch)
	if err != nil {
		return 0, err
	}
	for rest := due; len(rest) > 0; {
		n := 1
		for n < len(rest) && len(rest[0].Alike) > 0 && bytes.Equal(rest[n].Alike, rest[0].Alike) {
			n++
		}
		if err := ed.sendAlike(ctx, rest[:n]); err != nil || ed.Gate.Reason() != "" {
			return len(due), err
		}
		rest = rest[n:]
	}
	return len(due), nil
}

// sendAlike sends edits with the same changes.
func (ed *Editor) sendAlike(ctx context.Context, edits []journal.Edit) error {
	if len(edits) < bulkFrom {
		return ed.sendEach(ctx, edits)
	}
	for some := range slices.Chunk(edits, bulkMost) {
		rest, err := ed.sendBulk(ctx, some)
		if err == nil {
			err = ed.sendEach(ctx, rest)
		}
		if err != nil || ed.Gate.Reason() != "" {
			return err
		}
	}
	return nil
}

// sendEach sends each edit by itself.
func (ed *Editor) sendEach(ctx context.Context, edits []journal.Edit) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for _, d := range edits {
		g.Go(func() error {
			if ed.Gate.Reason() != "" {
				return nil
			}
			return ed.answer(gctx, d, ed.sendOne(gctx, d))
		})
	}
	return g.Wait()
}

func (ed *Editor) sendOne(ctx context.Context, d journal.Edit) error {
	e, edit, err := ed.changesOf(ctx, d)
	if err != nil {
		return err
	}
	if err := ed.API.UpdateAsset(ctx, e.ObjectID, edit); err != nil {
		if reason, ok := ed.templates.blame(ctx, e, templateOf(d), err); ok {
			return ed.refuse(ctx, d, reason)
		}
		return fmt.Errorf("update the metadata of asset %s: %w", e.ObjectID, err)
	}
	ed.Gate.Worked()
	return ed.made(ctx, d, e)
}

// changesOf reads what an edit is to change, and in which asset.
func (ed *Editor) changesOf(ctx context.Context, d journal.Edit) (e journal.Entry, edit tenovos.Edit, err error) {
	if e, err = ed.Entries.Entry(ctx, d.EntryID); err != nil {
		return e, edit, err
	}
	if err := json.Unmarshal(d.Changes, &edit); err != nil {
		return e, edit, fmt.Errorf("read the changes of entry %d: %w", d.EntryID, err)
	}
	return e, edit, nil
}

// made records that an asset holds what it should.
func (ed *Editor) made(ctx context.Context, d journal.Edit, e journal.Entry) error {
	rctx, cancel := journal.Recording(ctx)
	defer cancel()
	dropfolder.LogEntry(ed.Log.Info(), e).Str("object_id", e.ObjectID).Msg("metadata updated")
	return ed.Edits.Done(rctx, d, d.Asset, journal.Reason{})
}

// sendBulk sends one change of many assets, and returns the edits that can only be
// sent one by one. What it does is seen later, so that a lost reply is no trouble.
func (ed *Editor) sendBulk(ctx context.Context, alike []journal.Edit) (rest []journal.Edit, err error) {
	bulk, ok := bulkOf(alike[0])
	if !ok {
		return alike, nil
	}
	targets := make([]target, len(alike))
	for i, d := range alike {
		e, err := ed.Entries.Entry(ctx, d.EntryID)
		if err != nil {
			return nil, err
		}
		targets[i] = target{d, e}
	}
	same, rest, err := ed.templates.split(ctx, targets, bulk.TemplateID)
	switch {
	case err != nil && (ctx.Err() != nil || ed.Gate.Blamed(ctx, err)):
		return nil, nil
	case err != nil, len(same) < bulkFrom:
		return alike, nil
	}
	sent := make([]journal.Edit, len(same))
	for i, x := range same {
		sent[i], bulk.ObjectIDs = x.edit, append(bulk.ObjectIDs, x.entry.ObjectID)
	}
	_, err = ed.API.BulkEdit(ctx, bulk)
	switch {
	case err == nil, errors.Is(err, tenovos.ErrAmbiguous):
	case ctx.Err() != nil:
		return nil, nil
	case ed.Gate.Blamed(ctx, err):
		return nil, nil
	default: // one of them may be at fault
		ed.Log.Warn().Int("assets", len(alike)).Str("reason", secret.Sentence(err)).Msg("a bulk edit was refused: its assets are updated one by one")
		return alike, nil
	}
	rctx, cancel := journal.Recording(ctx)
	defer cancel()
	ed.Log.Info().Int("assets", len(sent)).Msg("bulk edit sent")
	return rest, ed.Edits.Sent(rctx, sent, ed.Now().Add(tenovos.PollWait(0)))
}

// bulkOf is an edit as one of many assets, which are still to be named; false if its
// values can only be sent one by one.
func bulkOf(d journal.Edit) (tenovos.BulkEdit, bool) {
	var edit tenovos.Edit
	if json.Unmarshal(d.Changes, &edit) != nil || templateOf(d) == "" {
		return tenovos.BulkEdit{}, false // sendOne says so
	}
	bulk := tenovos.BulkEdit{TemplateID: templateOf(d), SecurityIDs: edit.SecurityIDs}
	for _, v := range edit.Metadata {
		switch v.Kind {
		case tenovos.Text, tenovos.Date, tenovos.Single, tenovos.Multi:
			bulk.Metadata = append(bulk.Metadata, tenovos.BulkValue{Value: v})
		default: // the documents leave open how a bulk edit wants it
			return bulk, false
		}
	}
	return bulk, true
}

// templateOf is the template of the asset that an edit changes, as it was recorded; ""
// where that cannot be read.
func templateOf(d journal.Edit) string {
	var after tenovos.NewAsset
	if json.Unmarshal(d.Asset, &after) != nil {
		return ""
	}
	return after.TemplateID
}

// seeDue looks whether the assets of bulk edits hold what they should.
func (ed *Editor) seeDue(ctx context.Context, folder string) (int, error) {
	return ed.each(ctx, journal.ToSee, folder, func(ctx context.Context, d journal.Edit) error {
		e, edit, err := ed.changesOf(ctx, d)
		if err != nil {
			return err
		}
		asset, err := ed.API.Asset(ctx, e.FileID)
		if err != nil {
			return fmt.Errorf("look at the updated asset %s: %w", e.ObjectID, err)
		}
		if asset.Holds(edit) {
			if err := ed.templates.keep(ctx, e, asset, templateOf(d)); err != nil {
				return err
			}
			return ed.made(ctx, d, e)
		}
		ed.templates.see(e, asset, templateOf(d))
		late := ed.Now().Sub(d.SentAt) >= ed.BulkSeen
		return ed.Edits.Defer(ctx, d, ed.Now().Add(tenovos.PollWait(d.Tries)), "the bulk edit is not seen in the asset yet", late)
	})
}
