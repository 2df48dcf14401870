package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/content"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/stage"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// mapFile decides what an entry that has a file becomes.
func (in *Intake) mapFile(ctx context.Context, w *settled) (journal.Move, error) {
	folder := in.folders[w.Folder]
	src, err := stage.Open(in.Mounts, w.ID, w.Entry)
	if err != nil {
		return journal.Move{}, err
	}
	defer src.Close()
	if src.Hint() != w.Stat {
		m, err := in.resettle(ctx, w, w.With(src.Hint()), folder.Settle)
		if err != nil || m.To != journal.Settled || !w.Alike(src.Hint()) {
			return m, err
		}
		w.ChangeTime, w.SHA256 = src.Hint().ChangeTime, nil // merely touched: nothing was sent of it
		if err := in.Learn(ctx, w.ID, journal.Learned{Touched: w.ChangeTime}); err != nil {
			return m, err
		}
	}
	if err := src.Readable(); err != nil {
		return journal.Move{}, err
	}
	if w.Size > in.cfg.MaxFileSize {
		return w.Moves(journal.Failed, reasons.TooLarge(w.Size, in.cfg.MaxFileSize)), nil
	}
	prev, _, err := in.Journal.Previous(ctx, w.Entry)
	if err != nil {
		return journal.Move{}, err
	}
	original, m, err := in.recognise(ctx, w, content.Of(src), prev)
	if m.ID != 0 || err != nil {
		return m, err
	}
	factsAt := in.Now() // what a companion tells from now on may be missed
	mapped, err := in.Mounts.Map(w.ID, w.File, "")
	if errors.Is(err, dropfolder.ErrNoRule) {
		return w.Moves(journal.Ignored, reasons.NoRule), nil
	}
	if err != nil {
		return journal.Move{}, err
	}
	if to, reason, rests := folder.Empty.Rest(w.Size); rests {
		return w.Moves(to, reason), nil
	}
	if until := w.SeenAt.Add(mapped.Wait); mapped.Wait > 0 && in.Now().Before(until) {
		return w.Stays(until, reasons.WaitsFor(mapped.Waits, until)), nil
	}
	if len(mapped.Problems) > 0 {
		return refused(w, mapped), nil
	}
	in.Missed(w.Entry, mapped)
	mapped.Asset.Size, mapped.Asset.OriginalFileID = w.Size, original
	return in.become(ctx, w, mapped.Asset, factsAt, prev.ID)
}

// refused is the rest of an entry whose metadata has problems.
func refused(w *settled, m dropfolder.Mapped) journal.Move {
	if m.Fails {
		return w.Moves(journal.Failed, m.Reason())
	}
	return w.Moves(journal.Held, m.Reason())
}

// mapRow decides what an entry without a file becomes.
func (in *Intake) mapRow(ctx context.Context, w *settled) (journal.Move, error) {
	factsAt := in.Now()
	m, err := in.Mounts.Map(w.ID, w.File, "")
	switch {
	case errors.Is(err, dropfolder.ErrNoRule):
		return w.Moves(journal.Ignored, reasons.NoRule), nil
	case err != nil:
		return journal.Move{}, err
	case m.NoRow, m.Row != "" && m.Row != w.Kind:
		return w.Moves(journal.Superseded, reasons.RowGone), nil
	case len(m.Problems) > 0:
		return refused(w, m), nil
	}
	asset := m.Asset
	if w.Kind == journal.Federated {
		asset.ContentPath, asset.SkipTranscode = m.ContentPath, m.SkipTranscode
	} else {
		asset.NoContent = true
	}
	prev, known, err := in.Journal.Previous(ctx, w.Entry)
	if err != nil {
		return journal.Move{}, err
	}
	if known && prev.Status != journal.Withdrawn && !w.AsNew {
		w.recognised(Continues, prev)
		asset.OriginalFileID = prev.OriginalFileID
	}
	return in.become(ctx, w, asset, factsAt, prev.ID)
}

// resettle answers a file that is no longer what the watcher saw: when a newer
// generation is recorded already, that one carries on; else this one does, once
// the file has been quiet again.
func (in *Intake) resettle(ctx context.Context, w *settled, found file.File, quiet time.Duration) (journal.Move, error) {
	newer, err := in.Journal.HasNewer(ctx, w.Entry)
	if err != nil {
		return journal.Move{}, err
	}
	if newer {
		return w.Moves(journal.Superseded, reasons.Changed), nil
	}
	m := w.Stays(in.Now().Add(quiet), journal.Reason{})
	m.Stay.Rehint = &found
	return m, nil
}

// become ends the stage with the asset that an entry becomes: the rules made it, and it is
// completed with what is known of it already. It becomes a version of the asset that it
// names, or where the folder wants that of the one that has its filename. factsAt is when
// the facts for it began to be gathered, prev the id of what its path held before, or 0.
func (in *Intake) become(ctx context.Context, w *settled, asset tenovos.NewAsset, factsAt time.Time, prev int64) (journal.Move, error) {
	var current tenovos.Asset // what it becomes a version of, as it is now
	if asset.OriginalFileID == "" && in.folders[w.Folder].VersionByFilename && !w.AsNew {
		var m journal.Move
		var err error
		if current, m, err = in.byFilename(ctx, w, asset); m.ID != 0 || err != nil {
			return m, err
		}
		asset.OriginalFileID = current.OriginalFileID
	}
	if asset.OriginalFileID != "" {
		if err := in.inherit(ctx, w.Entry, &asset, current); err != nil {
			return journal.Move{}, &stage.HoldingsError{Err: err}
		}
	}
	stored, err := json.Marshal(asset)
	if err != nil {
		return journal.Move{}, fmt.Errorf("store the asset of %s: %w", w.Path, err)
	}
	m := journal.Move{
		ID: w.ID, From: journal.Settled, To: journal.Mapped, Asset: stored, Filename: asset.Filename, FactsAt: factsAt, MappedAt: w.MappedAt,
		Previous: &prev, ChangeTime: &w.ChangeTime,
	}
	if in.MayCreate(ctx, w.Work, asset) {
		m.To = journal.Creating
	}
	return m, nil
}
