package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/outage"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// mapping is the stage of settled entries: what a file, or a row without one, becomes. It
// changes nothing in Tenovos, so that a forecast may run it.
type mapping struct{ *core }

// mapEntry decides what a settled entry becomes: creating where nothing is in the way of
// that, mapped where it has to wait with its asset, or a rest.
func (s *mapping) mapEntry(ctx context.Context, w *work) (journal.Move, error) {
	if w.Kind != journal.File {
		return s.mapRow(ctx, w)
	}
	folder := s.folders[w.Folder]
	src, err := s.open(w.Entry)
	if err != nil {
		return journal.Move{}, err
	}
	defer src.Close()
	if src.Hint() != w.Stat {
		m, err := s.resettle(ctx, w, w.With(src.Hint()), folder.Settle)
		if err != nil || m.To != journal.Settled || !w.Alike(src.Hint()) {
			return m, err
		}
		w.ChangeTime, w.SHA256 = src.Hint().ChangeTime, nil // merely touched: nothing was sent of it
		if err := s.learn(ctx, w.ID, journal.Learned{Touched: w.ChangeTime}); err != nil {
			return m, err
		}
	}
	if err := src.Readable(); err != nil {
		return journal.Move{}, err
	}
	if w.Size > s.cfg.MaxFileSize {
		return w.moves(journal.Failed, reasons.TooLarge(w.Size, s.cfg.MaxFileSize)), nil
	}
	prev, _, err := s.reader.Previous(ctx, w.Entry)
	if err != nil {
		return journal.Move{}, err
	}
	original, m, err := s.recognise(ctx, w, &content{src: src}, prev)
	if m.ID != 0 || err != nil {
		return m, err
	}
	factsAt := s.now() // what a companion tells from now on may be missed
	mapped, err := s.rules(w.Entry, "")
	if errors.Is(err, dropfolder.ErrNoRule) {
		return w.moves(journal.Ignored, reasons.NoRule), nil
	}
	if err != nil {
		return journal.Move{}, err
	}
	if to, reason, rests := folder.Empty.Rest(w.Size); rests {
		return w.moves(to, reason), nil
	}
	if until := w.SeenAt.Add(mapped.Wait); mapped.Wait > 0 && s.now().Before(until) {
		return w.stays(until, reasons.WaitsFor(mapped.Waits, until)), nil
	}
	if len(mapped.Problems) > 0 {
		return refused(w, mapped), nil
	}
	s.logMissed(w.Entry, mapped)
	mapped.Asset.Size, mapped.Asset.OriginalFileID = w.Size, original
	return s.become(ctx, w, mapped.Asset, factsAt, prev.ID)
}

// refused is the rest of an entry whose metadata has problems.
func refused(w *work, m dropfolder.Mapped) journal.Move {
	if m.Fails {
		return w.moves(journal.Failed, m.Reason())
	}
	return w.moves(journal.Held, m.Reason())
}

// mapRow decides what an entry without a file becomes.
func (s *mapping) mapRow(ctx context.Context, w *work) (journal.Move, error) {
	factsAt := s.now()
	m, err := s.rules(w.Entry, "")
	switch {
	case errors.Is(err, dropfolder.ErrNoRule):
		return w.moves(journal.Ignored, reasons.NoRule), nil
	case err != nil:
		return journal.Move{}, err
	case m.NoRow, m.Row != "" && m.Row != w.Kind:
		return w.moves(journal.Superseded, reasons.RowGone), nil
	case len(m.Problems) > 0:
		return refused(w, m), nil
	}
	asset := m.Asset
	if w.Kind == journal.Federated {
		asset.ContentPath, asset.SkipTranscode = m.ContentPath, m.SkipTranscode
	} else {
		asset.NoContent = true
	}
	prev, known, err := s.reader.Previous(ctx, w.Entry)
	if err != nil {
		return journal.Move{}, err
	}
	if known && prev.Status != journal.Withdrawn && !w.AsNew {
		asset.OriginalFileID = prev.OriginalFileID
	}
	return s.become(ctx, w, asset, factsAt, prev.ID)
}

// resettle answers a file that is no longer what the watcher saw: when a newer
// generation is recorded already, that one carries on; else this one does, once
// the file has been quiet again.
func (s *mapping) resettle(ctx context.Context, w *work, found file.File, quiet time.Duration) (journal.Move, error) {
	newer, err := s.reader.HasNewer(ctx, w.Entry)
	if err != nil {
		return journal.Move{}, err
	}
	if newer {
		return w.moves(journal.Superseded, reasons.Changed), nil
	}
	m := w.stays(s.now().Add(quiet), journal.Reason{})
	m.Stay.Rehint = &found
	return m, nil
}

// become ends the stage with the asset that an entry becomes: the rules made it, and it is
// completed with what is known of it already. It becomes a version of the asset that it
// names, or where the folder wants that of the one that has its filename. factsAt is when
// the facts for it began to be gathered, prev the id of what its path held before, or 0.
func (s *mapping) become(ctx context.Context, w *work, asset tenovos.NewAsset, factsAt time.Time, prev int64) (journal.Move, error) {
	var current tenovos.Asset // what it becomes a version of, as it is now
	if asset.OriginalFileID == "" && s.folders[w.Folder].VersionByFilename && !w.AsNew {
		var m journal.Move
		var err error
		if current, m, err = s.byFilename(ctx, w, asset); m.ID != 0 || err != nil {
			return m, err
		}
		asset.OriginalFileID = current.OriginalFileID
	}
	if asset.OriginalFileID != "" {
		if err := s.inherit(ctx, w.Entry, &asset, current); err != nil {
			return journal.Move{}, &holdingsError{err}
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
	if s.mayCreate(ctx, w, asset) {
		m.To = journal.Creating
		s.passed(w, math.MaxInt64, outage.Call(journal.Mapped)) // as the stage of mapped entries has it
	}
	return m, nil
}

// mayCreate reports that nothing is in the way of creating the asset of a settled entry at
// once. Whatever is, the stage of mapped entries looks at, and answers.
func (s *mapping) mayCreate(ctx context.Context, w *work, asset tenovos.NewAsset) bool {
	if w.InDrop || s.cfg.Adopt || s.journal == nil {
		return false
	}
	if _, held := s.circuits.HoldBack(w.Entry, needs(w.Entry, asset)...); held {
		return false
	}
	if w.Kind == journal.File && (s.foreign.refusal(s.now()) != nil || s.unchanged(w.Entry) != nil) {
		return false
	}
	return s.api.Ready(ctx) == nil
}

// needs names the circuits that the creation of an entry's asset needs.
func needs(e journal.Entry, asset tenovos.NewAsset) []string {
	names := []string{outage.Create(asset), outage.Call(journal.Creating), outage.Call(journal.Mapped)}
	if e.Kind == journal.File {
		names = append(names, outage.ContentStore)
	}
	return names
}
