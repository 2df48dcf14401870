package intake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"path"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/holdings"
	"github.com/tenovos-ingest/ingestd/internal/outage"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/stage"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// byFilename looks for the one asset that has the filename of an entry's: as it is now;
// without an OriginalFileID where there is none. Or it returns the move of an entry that
// waits for another of the name.
func (in *Intake) byFilename(ctx context.Context, w *settled, asset tenovos.NewAsset) (current tenovos.Asset, m journal.Move, err error) {
	// From the look at the others of the name until it is stored nobody else may
	// look: each would find that there is none.
	if _, busy := in.naming.LoadOrStore(asset.Filename, true); busy {
		return current, announced(w.Stays(in.Now().Add(w.NameWait()), w.Reason), w, asset.Filename), nil
	}
	w.Release = append(w.Release, func() { in.naming.Delete(asset.Filename) })
	named, err := in.namedBefore(ctx, w.Entry, asset.Filename)
	if err != nil {
		return current, m, err
	}
	if first := named.Waits; first != nil {
		w.recognised(Namesake, *first)
		if _, ours := in.folders[first.Folder]; !ours { // nobody would move it on
			return current, w.Moves(journal.Held, reasons.NamesakeRests(*first)), nil
		}
		return current, announced(w.Stays(in.Now().Add(tenovos.PollWait(w.Tries)), reasons.NamesakeWaits(*first)), w, asset.Filename), nil
	}
	look := outage.Call(journal.Settled)
	if m, held := in.HoldBack(w.Work, look); held {
		return current, announced(m, w, asset.Filename), nil
	}
	if current, err = in.namesake(ctx, w.Entry, asset, named.Originals); err != nil {
		return current, m, cmp.Or(in.announce(ctx, w.Entry, asset.Filename), error(&stage.HoldingsError{Err: err}))
	}
	if current.OriginalFileID != "" {
		w.recognised(Namesake, journal.Entry{})
	}
	return current, m, in.Passed(ctx, w.ID, math.MaxInt64, look)
}

// announced has the wait of an entry tell its filename, so that those after it wait for it
// in turn.
func announced(m journal.Move, w *settled, filename string) journal.Move {
	if w.Filename != filename {
		m.Learned.Filename = filename
	}
	return m
}

// announce tells the filename of an entry whose stage fails, for the same reason.
func (in *Intake) announce(ctx context.Context, e journal.Entry, filename string) error {
	if e.Filename == filename {
		return nil
	}
	return in.Learn(ctx, e.ID, journal.Learned{Filename: filename})
}

// namedBefore looks up which of our entries have, or will have, an entry's filename.
func (in *Intake) namedBefore(ctx context.Context, e journal.Entry, filename string) (journal.Named, error) {
	// In this order: what leaves a worker's hands in between is in the journal.
	if first := in.ahead(e); first != nil {
		return journal.Named{Waits: first}, nil
	}
	return in.Journal.Named(ctx, filename, e.ID, in.names)
}

// ahead finds an earlier file of the same name that a worker has in hand and that
// may not have told its filename yet, because it is still being looked at.
func (in *Intake) ahead(e journal.Entry) *journal.Entry {
	for id, f := range in.InHand {
		if id < e.ID && f.Dispatched && path.Base(f.Path) == path.Base(e.Path) {
			return &journal.Entry{ID: id, File: file.File{Folder: f.Folder, Path: f.Path}}
		}
	}
	return nil
}

// namesake returns the asset of which an entry becomes a version by its filename,
// as it is now; without an OriginalFileID where there is none. Several are the
// operator'in. known are the originals of the name that the journal knows.
func (in *Intake) namesake(ctx context.Context, e journal.Entry, asset tenovos.NewAsset, known []string) (tenovos.Asset, error) {
	none := tenovos.Asset{}
	if taken, err := in.Adoptable(ctx, e, asset); taken != nil || err != nil {
		return none, err // it is this very content: no version of itself
	}
	ours, err := in.lastObject(ctx, e)
	if err != nil {
		return none, err
	}
	found, err := holdings.Namesakes(ctx, in.API, asset.Filename, known, ours)
	switch {
	case errors.Is(err, holdings.ErrInconclusive):
		return none, stage.Held(reasons.Inconclusive(asset.Filename, err))
	case err != nil:
		return none, err
	case len(found) > 1:
		return none, stage.Held(reasons.Namesakes(found))
	case len(found) == 0:
		return none, nil
	}
	dropfolder.LogEntry(in.Log.Info(), e).Str("object_id", found[0].ObjectID).Str("original_file_id", found[0].OriginalFileID).
		Msg("an asset has the file's name: it gets a new version")
	return found[0], nil
}

// lastObject is the asset of the entry's last attempt. An entry that was settled
// again gave it up, though it may not be removed yet.
func (in *Intake) lastObject(ctx context.Context, e journal.Entry) (string, error) {
	last, ok, err := in.Journal.LastAttempt(ctx, e)
	if err != nil || !ok {
		return "", err
	}
	return last.Attempt.ObjectID, nil
}

// inherit adds to the metadata of a version what the asset has and the rules do
// not fill. current is the asset's current version, if it has been looked up.
func (in *Intake) inherit(ctx context.Context, e journal.Entry, asset *tenovos.NewAsset, current tenovos.Asset) error {
	inherit := in.folders[e.Folder].Inherit
	if inherit == nil {
		return nil
	}
	if current.OriginalFileID == "" {
		ours, err := in.lastObject(ctx, e)
		if err != nil {
			return err
		}
		now, err := in.Holdings.Current(ctx, asset.OriginalFileID, ours)
		if err != nil && !errors.Is(err, tenovos.ErrRejected) { // as in holdings.Gone
			return fmt.Errorf("look at the asset that gets a version: %w", err)
		}
		if now == nil {
			return stage.Held(reasons.OriginalGone)
		}
		current = *now
	}
	if current.TemplateID != asset.TemplateID {
		dropfolder.LogEntry(in.Log.Warn(), e).Str("object_id", current.ObjectID).
			Msg("the asset has another template than the rule gives its new version: its metadata is not carried over")
		return nil
	}
	asset.Metadata = inherit(asset.TemplateID, current.Metadata, asset.Metadata)
	return nil
}
