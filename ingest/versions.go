package ingest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/holdings"
	"github.com/tenovos-ingest/ingestd/internal/outage"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// decide completes the asset that the rules made with what is known of it already,
// and stores it: settled -> mapped. It becomes a version of the asset that it names,
// or where the folder wants that of the one that has its filename. factsAt is when
// the facts for it began to be gathered, prev the id of what its path held before, or 0.
func (p *Pipeline) decide(ctx context.Context, e journal.Entry, asset tenovos.NewAsset, factsAt time.Time, prev int64) (now journal.Entry, err error) {
	var current tenovos.Asset // what it becomes a version of, as it is now
	if asset.OriginalFileID == "" && p.folders[e.Folder].VersionByFilename && !e.AsNew {
		// From the look at the others of the name until it is stored nobody else may
		// look: each would find that there is none.
		if _, busy := p.naming.LoadOrStore(asset.Filename, true); busy {
			if err := p.announce(ctx, e, asset.Filename); err != nil {
				return now, err
			}
			return now, p.waitForName(ctx, e)
		}
		defer p.naming.Delete(asset.Filename)
		named, err := p.namedBefore(ctx, e, asset.Filename)
		if err != nil {
			return now, err
		}
		if named.Waits != nil {
			return now, p.waitForNamesake(ctx, e, asset.Filename, *named.Waits)
		}
		look := outage.Call(journal.Settled)
		if held, err := p.holdBack(ctx, e, look); held || err != nil {
			return now, cmp.Or(err, p.announce(ctx, e, asset.Filename))
		}
		if current, err = p.namesake(ctx, e, asset, named.Originals); err != nil {
			return now, cmp.Or(p.announce(ctx, e, asset.Filename), error(&holdingsError{err}))
		}
		if err := p.circuits.Passed(ctx, e.ID, math.MaxInt64, look); err != nil {
			return now, err
		}
		asset.OriginalFileID = current.OriginalFileID
	}
	if asset.OriginalFileID != "" {
		if err := p.inherit(ctx, e, &asset, current); err != nil {
			return now, &holdingsError{err}
		}
	}
	stored, err := json.Marshal(asset)
	if err != nil {
		return now, fmt.Errorf("store the asset of %s: %w", e.Path, err)
	}
	return p.advance(ctx, journal.Move{
		ID: e.ID, Was: &e, From: journal.Settled, To: journal.Mapped, Asset: stored, Filename: asset.Filename, FactsAt: factsAt, MappedAt: e.MappedAt, Previous: &prev,
		ChangeTime: &e.ChangeTime,
	})
}

// namedBefore looks up which of our entries have, or will have, an entry's filename.
func (p *Pipeline) namedBefore(ctx context.Context, e journal.Entry, filename string) (journal.Named, error) {
	// In this order: what leaves a worker's hands in between is in the journal.
	if first := p.ahead(e); first != nil {
		return journal.Named{Waits: first}, nil
	}
	return p.journal.Reader().Named(ctx, filename, e.ID, p.folderNames())
}

// waitForNamesake lets an entry wait for one that is on its way to an asset of the
// same filename. One that nobody would move on is the operator's.
func (p *Pipeline) waitForNamesake(ctx context.Context, e journal.Entry, filename string, first journal.Entry) error {
	if _, ours := p.folders[first.Folder]; !ours {
		return &verdictError{verdict{to: journal.Held, reason: reasons.NamesakeRests(first)}}
	}
	if err := p.announce(ctx, e, filename); err != nil {
		return err
	}
	return deferEntry(ctx, p.journal, e.ID, e.Status, p.now().Add(tenovos.PollWait(e.Tries)), reasons.NamesakeWaits(first), false)
}

// announce tells the filename of an entry that waits, so that those after it wait
// for it in turn.
func (p *Pipeline) announce(ctx context.Context, e journal.Entry, filename string) error {
	if e.Filename == filename {
		return nil
	}
	return setFilename(ctx, p.journal, e.ID, filename)
}

// ahead finds an earlier file of the same name that a worker has in hand and that
// may not have told its filename yet, because it is still being looked at.
func (p *Pipeline) ahead(e journal.Entry) *journal.Entry {
	for id, f := range p.hands.Each {
		if id < e.ID && f.Dispatched && path.Base(f.Path) == path.Base(e.Path) {
			return &journal.Entry{ID: id, File: file.File{Folder: f.Folder, Path: f.Path}}
		}
	}
	return nil
}

// namesake returns the asset of which an entry becomes a version by its filename,
// as it is now; without an OriginalFileID where there is none. Several are the
// operator's. known are the originals of the name that the journal knows.
func (p *Pipeline) namesake(ctx context.Context, e journal.Entry, asset tenovos.NewAsset, known []string) (tenovos.Asset, error) {
	none := tenovos.Asset{}
	if taken, err := p.adoptable(ctx, e, asset); taken != nil || err != nil {
		return none, err // it is this very content: no version of itself
	}
	ours, err := p.lastObject(ctx, e)
	if err != nil {
		return none, err
	}
	found, err := holdings.Namesakes(ctx, p.api, asset.Filename, known, ours)
	switch {
	case errors.Is(err, holdings.ErrInconclusive):
		return none, &verdictError{verdict{to: journal.Held, reason: reasons.Inconclusive(asset.Filename, err)}}
	case err != nil:
		return none, err
	case len(found) > 1:
		return none, &verdictError{verdict{to: journal.Held, reason: reasons.Namesakes(found)}}
	case len(found) == 0:
		return none, nil
	}
	p.entryLog(p.log.Info(), e).Str("object_id", found[0].ObjectID).Str("original_file_id", found[0].OriginalFileID).
		Msg("an asset has the file's name: it gets a new version")
	return found[0], nil
}

// lastObject is the asset of the entry's last attempt. An entry that was settled
// again gave it up, though it may not be removed yet.
func (p *Pipeline) lastObject(ctx context.Context, e journal.Entry) (string, error) {
	last, ok, err := p.journal.Reader().LastAttempt(ctx, e)
	if err != nil || !ok {
		return "", err
	}
	return last.Attempt.ObjectID, nil
}

// inherit adds to the metadata of a version what the asset has and the rules do
// not fill. current is the asset's current version, if it has been looked up.
func (p *Pipeline) inherit(ctx context.Context, e journal.Entry, asset *tenovos.NewAsset, current tenovos.Asset) error {
	inherit := p.folders[e.Folder].Inherit
	if inherit == nil {
		return nil
	}
	if current.OriginalFileID == "" {
		ours, err := p.lastObject(ctx, e)
		if err != nil {
			return err
		}
		now, err := p.holdings.Current(ctx, asset.OriginalFileID, ours)
		if err != nil && !errors.Is(err, tenovos.ErrRejected) { // as in holdings.Gone
			return fmt.Errorf("look at the asset that gets a version: %w", err)
		}
		if now == nil {
			return &verdictError{verdict{to: journal.Held, reason: reasons.OriginalGone}}
		}
		current = *now
	}
	if current.TemplateID != asset.TemplateID {
		p.entryLog(p.log.Warn(), e).Str("object_id", current.ObjectID).
			Msg("the asset has another template than the rule gives its new version: its metadata is not carried over")
		return nil
	}
	asset.Metadata = inherit(asset.TemplateID, current.Metadata, asset.Metadata)
	return nil
}
