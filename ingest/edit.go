package ingest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tenovos-ingest/ingestd/internal/alarms"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/mounts"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/secret"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// Editor is what the pipeline does to the metadata of assets that exist.
type Editor interface {
	UpdateAsset(ctx context.Context, assetID string, e tenovos.Edit) error
	BulkEdit(ctx context.Context, e tenovos.BulkEdit) (tenovos.Job, error)
}

const (
	editPace  = 500 * time.Millisecond
	editBatch = 1000

	// bulkFrom is from how many assets on one correction of them all is sent as
	// one bulk edit, and bulkMost how many of them one holds.
	bulkFrom = 10
	bulkMost = 250

	editsAtOnce = 4
)

// editing is a folder's open edits in somebody's hands while it is locked.
type editing struct{ sync.Mutex }

// doEdits works out and sends what differs in the assets of a folder, until idle
// closes or ctx ends. A share that hangs may hold it up for ever.
func (p *Pipeline) doEdits(ctx context.Context, folder string, idle <-chan struct{}) error {
	a := p.alarms.Set(folder, editPace, journal.AboutEdits)
	defer a.End()
	early := false // there are edits of entries that are not filed yet
	for {
		if more, err := a.Wait(ctx, idle); !more {
			return err
		}
		if p.gate.Reason() != "" || p.draining() {
			continue // the gate rings when it opens, and nothing is begun in a drain
		}
		waiting, err := p.editDue(ctx, folder, a)
		if err != nil {
			return err
		}
		if waiting != early {
			early = waiting
			if a.Listen(journal.AboutEdits); waiting {
				a.Listen(journal.AboutEdits, journal.AboutEntries)
				a.LookAgain() // one may just have been filed
			}
		}
	}
}

// editDue takes the edits of a folder that are due on, and has the alarm go off for the
// next. It reports whether there are edits of entries that are not filed yet.
func (p *Pipeline) editDue(ctx context.Context, folder string, a *alarms.Alarm) (waiting bool, err error) {
	due, some, waiting, err := journal.EditsOf(p.journal).Next(ctx, folder)
	if err != nil || !some {
		return waiting, err
	}
	if !due.After(p.now()) {
		did, err := p.editOnce(ctx, folder)
		if err != nil {
			return waiting, err
		}
		if did {
			p.wake() // a backfill may have waited for the last of them
		}
		if due, some, waiting, err = journal.EditsOf(p.journal).Next(ctx, folder); err != nil || !some {
			return waiting, err
		}
	}
	if earliest := p.now().Add(mounts.Wait); !p.mounts.Usable(folder) && due.Before(earliest) {
		due = earliest
	}
	a.At(due)
	return waiting, nil
}

// editOnce takes the open edits of a folder that are due on, stage by stage, and
// reports whether there were any.
func (p *Pipeline) editOnce(ctx context.Context, folder string) (did bool, err error) {
	turn := p.editing[folder]
	if turn == nil {
		return false, nil
	}
	turn.Lock()
	defer turn.Unlock()
	for _, stage := range []func(context.Context, string) (due int, err error){p.mapEdits, p.sendEdits, p.seeEdits} {
		for {
			due, err := stage(ctx, folder)
			did = did || due > 0
			if err != nil || p.gate.Reason() != "" || p.draining() || ctx.Err() != nil {
				return did, err
			}
			if due < editBatch {
				break
			}
		}
	}
	return did, nil
}

// eachEdit does something with each of the edits that are due, a few at once. It
// stops early when everyone is in trouble.
func (p *Pipeline) eachEdit(ctx context.Context, s journal.Stage, folder string, do func(context.Context, journal.Edit) error) (int, error) {
	due, err := journal.EditsOf(p.journal).Due(ctx, s, p.now(), folder, editBatch)
	if err != nil {
		return 0, err
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(max(editsAtOnce, p.cfg.Workers))
	for _, d := range due {
		g.Go(func() error {
			if p.gate.Reason() != "" || gctx.Err() != nil {
				return nil
			}
			return p.settleEdit(gctx, d, do(gctx, d))
		})
	}
	return len(due), g.Wait()
}

// settleEdit answers the error of one edit: it waits, or ends with a reason. Its
// own error is the journal's.
func (p *Pipeline) settleEdit(ctx context.Context, d journal.Edit, err error) error {
	switch {
	case err == nil || ctx.Err() != nil || errors.Is(err, context.Canceled):
		return nil
	case errors.Is(err, journal.ErrJournal):
		return err
	case errors.Is(err, journal.ErrUnknown): // merged with another entry
		return nil
	}
	rctx, cancel := record(ctx)
	defer cancel()
	if everyonesTrouble(err) && p.gate.Blame(ctx, err, retryAfter(err)) {
		return nil
	}
	if later, ok := errors.AsType[*dropfolder.LaterError](err); ok {
		return journal.EditsOf(p.journal).PutOff(rctx, d, p.now().Add(later.After), reasons.Message(err))
	}
	final := errors.Is(err, tenovos.ErrRejected) || errors.Is(err, tenovos.ErrNotFound)
	if mounts.IsGone(err) { // it waits as it is, and all others with it
		return nil
	}
	if !final && d.Tries+1 < p.cfg.MaxAttempts {
		return journal.EditsOf(p.journal).Defer(rctx, d, p.now().Add(p.backoff(d.Tries+1)), reasons.Message(err), false)
	}
	return p.refuseEdit(rctx, d, reasons.Of(reasons.ClassRejected, fmt.Errorf("its asset keeps the metadata that it has: %w", err),
		"Correct the rules, the sidecar or the manifest, then run `ingestd update`."))
}

// refuseEdit closes an edit that cannot be made, and says so.
func (p *Pipeline) refuseEdit(ctx context.Context, d journal.Edit, r journal.Reason) error {
	e, err := p.journal.Entry(ctx, d.EntryID)
	if err != nil {
		return err
	}
	p.entryLog(p.log.Warn(), e).Str("reason", r.Message).Str("hint", r.Hint).Msg("metadata not updated")
	return journal.EditsOf(p.journal).Done(ctx, d, nil, r)
}

// mapEdits works out what the assets are to hold.
func (p *Pipeline) mapEdits(ctx context.Context, folder string) (int, error) {
	if !p.mounts.Usable(folder) {
		return 0, nil
	}
	return p.eachEdit(ctx, journal.ToMap, folder, func(ctx context.Context, d journal.Edit) error {
		if !p.mounts.Usable(folder) {
			return nil
		}
		e, err := p.journal.Entry(ctx, d.EntryID)
		if err != nil {
			return err
		}
		change, err := p.Change(e)
		switch {
		case err != nil:
			return err
		case change.Refused != (journal.Reason{}):
			return p.refuseEdit(ctx, d, change.Refused)
		case change.None():
			return journal.EditsOf(p.journal).Done(ctx, d, nil, journal.Reason{})
		}
		if d.Asset, err = json.Marshal(change.After); err != nil {
			return err
		}
		if d.Changes, err = json.Marshal(change.Edit); err != nil {
			return err
		}
		alike := sha256.Sum256(append([]byte(change.After.TemplateID+" "), d.Changes...))
		d.Alike = alike[:]
		return journal.EditsOf(p.journal).Mapped(ctx, d)
	})
}

// Change is what the rules would change in an asset that exists.
type Change struct {
	Edit   tenovos.Edit
	Before tenovos.NewAsset // what was sent last
	After  tenovos.NewAsset // the same with the changes
	// Refused says why nothing may be sent; it is empty otherwise.
	Refused journal.Reason
}

// None reports that nothing differs.
func (c Change) None() bool { return len(c.Edit.Metadata) == 0 && len(c.Edit.SecurityIDs) == 0 }

// Change maps a filed entry anew and compares the result with what was sent last:
// what people changed in Tenovos since stays as it is unless the rules' own value
// changed. An attribute for which the rules find nothing any more is not emptied, and
// one that rests on what cannot be read stays as it is.
func (p *Pipeline) Change(e journal.Entry) (Change, error) {
	before, err := storedAsset(e)
	if err != nil {
		return Change{}, err
	}
	c := Change{Before: before, After: before}
	m, err := p.rules(e, e.MovedTo)
	switch {
	case errors.Is(err, dropfolder.ErrNoRule):
		return c, nil
	case err != nil:
		return c, err
	case slices.ContainsFunc(m.Problems, sure):
		c.Refused = m.Reason()
		return c, nil
	case m.Asset.TemplateID != before.TemplateID:
		c.Refused = reasons.Template
		return c, nil
	}
	p.logMissed(e, m)
	for _, v := range tenovos.Changes(before.Metadata, m.Asset.Metadata) {
		if !m.Unsure[v.DefinitionID] {
			c.Edit.Metadata = append(c.Edit.Metadata, v)
		}
	}
	if !sameSet(before.SecurityIDs, m.Asset.SecurityIDs) && !m.Unsure[""] {
		c.Edit.SecurityIDs = m.Asset.SecurityIDs
		c.After.SecurityIDs = m.Asset.SecurityIDs
	}
	c.After.Metadata = replaced(before.Metadata, c.Edit.Metadata)
	return c, nil
}

// sure reports a problem that does not come of what cannot be read.
func sure(p dropfolder.Problem) bool { return !p.Unsure }

// replaced returns values with those of the same attributes replaced, and new ones
// added.
func replaced(values, by []tenovos.Value) []tenovos.Value {
	out := slices.Clone(values)
	for _, v := range by {
		i := slices.IndexFunc(out, func(o tenovos.Value) bool { return o.DefinitionID == v.DefinitionID })
		if i < 0 {
			out = append(out, v)
		} else {
			out[i] = v
		}
	}
	return out
}

// sendEdits sends what differs: many assets with one change as bulk edits, each
// other by itself.
func (p *Pipeline) sendEdits(ctx context.Context, folder string) (int, error) {
	due, err := journal.EditsOf(p.journal).Due(ctx, journal.ToSend, p.now(), folder, editBatch)
	if err != nil {
		return 0, err
	}
	for rest := due; len(rest) > 0; {
		n := 1
		for n < len(rest) && len(rest[0].Alike) > 0 && bytes.Equal(rest[n].Alike, rest[0].Alike) {
			n++
		}
		if err := p.sendAlike(ctx, rest[:n]); err != nil || p.gate.Reason() != "" {
			return len(due), err
		}
		rest = rest[n:]
	}
	return len(due), nil
}

// sendAlike sends edits with the same changes.
func (p *Pipeline) sendAlike(ctx context.Context, edits []journal.Edit) error {
	if len(edits) < bulkFrom {
		return p.sendEach(ctx, edits)
	}
	for some := range slices.Chunk(edits, bulkMost) {
		rest, err := p.sendBulk(ctx, some)
		if err == nil {
			err = p.sendEach(ctx, rest)
		}
		if err != nil || p.gate.Reason() != "" {
			return err
		}
	}
	return nil
}

// sendEach sends each edit by itself.
func (p *Pipeline) sendEach(ctx context.Context, edits []journal.Edit) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(editsAtOnce)
	for _, d := range edits {
		g.Go(func() error {
			if p.gate.Reason() != "" {
				return nil
			}
			return p.settleEdit(gctx, d, p.sendOne(gctx, d))
		})
	}
	return g.Wait()
}

func (p *Pipeline) sendOne(ctx context.Context, d journal.Edit) error {
	e, edit, err := p.editOf(ctx, d)
	if err != nil {
		return err
	}
	if err := p.api.UpdateAsset(ctx, e.ObjectID, edit); err != nil {
		if reason, ok := p.templates.blame(ctx, e, templateOf(d), err); ok {
			return p.refuseEdit(ctx, d, reason)
		}
		return fmt.Errorf("update the metadata of asset %s: %w", e.ObjectID, err)
	}
	p.gate.Worked()
	return p.editMade(ctx, d, e)
}

// editOf reads what an edit is to change, and in which asset.
func (p *Pipeline) editOf(ctx context.Context, d journal.Edit) (e journal.Entry, edit tenovos.Edit, err error) {
	if e, err = p.journal.Entry(ctx, d.EntryID); err != nil {
		return e, edit, err
	}
	if err := json.Unmarshal(d.Changes, &edit); err != nil {
		return e, edit, fmt.Errorf("read the changes of entry %d: %w", d.EntryID, err)
	}
	return e, edit, nil
}

// editMade records that an asset holds what it should.
func (p *Pipeline) editMade(ctx context.Context, d journal.Edit, e journal.Entry) error {
	rctx, cancel := record(ctx)
	defer cancel()
	p.entryLog(p.log.Info(), e).Str("object_id", e.ObjectID).Msg("metadata updated")
	return journal.EditsOf(p.journal).Done(rctx, d, d.Asset, journal.Reason{})
}

// sendBulk sends one change of many assets, and returns the edits that can only be
// sent one by one. What it does is seen later, so that a lost reply is no trouble.
func (p *Pipeline) sendBulk(ctx context.Context, alike []journal.Edit) (rest []journal.Edit, err error) {
	bulk, ok := bulkOf(alike[0])
	if !ok {
		return alike, nil
	}
	targets := make([]target, len(alike))
	for i, d := range alike {
		e, err := p.journal.Entry(ctx, d.EntryID)
		if err != nil {
			return nil, err
		}
		targets[i] = target{d, e}
	}
	same, rest, err := p.templates.split(ctx, targets, bulk.TemplateID)
	switch {
	case err != nil && (ctx.Err() != nil || p.gate.Blame(ctx, err, retryAfter(err))):
		return nil, nil
	case err != nil, len(same) < bulkFrom:
		return alike, nil
	}
	sent := make([]journal.Edit, len(same))
	for i, x := range same {
		sent[i], bulk.ObjectIDs = x.edit, append(bulk.ObjectIDs, x.entry.ObjectID)
	}
	_, err = p.api.BulkEdit(ctx, bulk)
	switch {
	case err == nil, errors.Is(err, tenovos.ErrAmbiguous):
	case ctx.Err() != nil:
		return nil, nil
	case everyonesTrouble(err) && p.gate.Blame(ctx, err, retryAfter(err)):
		return nil, nil
	default: // one of them may be at fault
		p.log.Warn().Int("assets", len(alike)).Str("reason", secret.Sentence(err)).Msg("a bulk edit was refused: its assets are updated one by one")
		return alike, nil
	}
	rctx, cancel := record(ctx)
	defer cancel()
	p.log.Info().Int("assets", len(sent)).Msg("bulk edit sent")
	return rest, journal.EditsOf(p.journal).Sent(rctx, sent, p.now().Add(pollWait(0)))
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

// seeEdits looks whether the assets of bulk edits hold what they should.
func (p *Pipeline) seeEdits(ctx context.Context, folder string) (int, error) {
	return p.eachEdit(ctx, journal.ToSee, folder, func(ctx context.Context, d journal.Edit) error {
		e, edit, err := p.editOf(ctx, d)
		if err != nil {
			return err
		}
		asset, err := p.api.Asset(ctx, e.FileID)
		if err != nil {
			return fmt.Errorf("look at the updated asset %s: %w", e.ObjectID, err)
		}
		if holds(asset, edit) {
			if err := p.templates.keep(ctx, e, asset, templateOf(d)); err != nil {
				return err
			}
			return p.editMade(ctx, d, e)
		}
		p.templates.see(e, asset, templateOf(d))
		late := p.now().Sub(d.SentAt) >= p.cfg.BulkSeen
		return journal.EditsOf(p.journal).Defer(ctx, d, p.now().Add(pollWait(d.Tries)), "the bulk edit is not seen in the asset yet", late)
	})
}

// holds reports whether an asset shows what an edit was to change.
func holds(a tenovos.Asset, edit tenovos.Edit) bool {
	if len(edit.SecurityIDs) > 0 && !sameSet(a.SecurityIDs, edit.SecurityIDs) {
		return false
	}
	for _, want := range edit.Metadata {
		if !slices.ContainsFunc(a.Metadata, func(v tenovos.Value) bool { return tenovos.Equal(v, want) }) {
			return false
		}
	}
	return true
}
