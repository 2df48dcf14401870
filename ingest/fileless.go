package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"

	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/watcher"
)

// FilelessRow is a row of a manifest that becomes an asset although there is no
// file.
type FilelessRow struct {
	Path        string // where the file would be, below the folder
	ContentPath string // where the content of a federated asset lies; "" for a placeholder
	Err         error  // why it cannot become one
}

// admitRows records what the manifests of a folder make assets of without files.
// A share that hangs may hold it up for ever.
func (p *Pipeline) admitRows(ctx context.Context, folder string) error {
	companions := p.folders[folder].Companions
	if companions == nil {
		return nil
	}
	due, err := p.journal.DueManifests(ctx, folder, heedBatch)
	if err != nil {
		return err
	}
	for _, c := range due {
		rows, err := companions.Rows(c.Path)
		if err != nil { // it is gone or cannot be read, which explain tells
			p.log.Debug().Str("folder", folder).Str("manifest", c.Path).Str("reason", messageOf(err)).Msg("the rows of a manifest cannot be read")
		}
		n, err := p.journal.AdmitFileless(ctx, c, p.fileless(folder, c.Path, rows))
		if err != nil {
			return err
		}
		if n > 0 {
			p.log.Info().Str("folder", folder).Str("manifest", c.Path).Int("rows", n).Msg("a manifest has rows that become assets without files")
		}
		p.wake()
	}
	return nil
}

// fileless leaves out what cannot become an asset, and says why.
func (p *Pipeline) fileless(folder, manifest string, rows []FilelessRow) []journal.Fileless {
	var out []journal.Fileless
	for _, r := range rows {
		if r.Err != nil {
			p.log.Warn().Str("folder", folder).Str("manifest", manifest).Str("reason", messageOf(r.Err)).
				Msg("a row of a manifest becomes no asset: correct it")
			continue
		}
		if there, err := p.fileAt(folder, r.Path); err != nil || there {
			continue // the row tells of that file
		}
		kind := journal.Placeholder
		if r.ContentPath != "" {
			kind = journal.Federated
		}
		sum := sha256.Sum256([]byte(string(kind) + " " + r.ContentPath))
		out = append(out, journal.Fileless{Path: r.Path, Kind: kind, Sign: int64(binary.BigEndian.Uint64(sum[:8]))})
	}
	return out
}

func (p *Pipeline) fileAt(folder, path string) (bool, error) {
	s, err := openShelf(p.folders[folder].Path)
	if err != nil {
		return false, err
	}
	defer s.close()
	_, err = s.root.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// mapFileless decides what an entry without a file becomes: settled -> mapped, or
// a rest.
func (p *Pipeline) mapFileless(ctx context.Context, e journal.Entry) error {
	factsAt := p.now()
	m, err := p.folders[e.Folder].Map(watcher.File(hintOf(e)), "")
	switch {
	case errors.Is(err, ErrNoRule):
		return &verdictError{verdict{to: journal.Ignored, reason: reasonNoRule}}
	case err != nil:
		return err
	case e.Kind == journal.Federated && m.ContentPath == "":
		return &verdictError{verdict{to: journal.Superseded, reason: reasonRowGone}}
	case len(m.Problems) > 0:
		return m.refusal()
	}
	asset := m.Asset
	if e.Kind == journal.Federated {
		asset.ContentPath, asset.SkipTranscode = m.ContentPath, m.SkipTranscode
	} else {
		asset.NoContent = true
	}
	prev, known, err := p.journal.Previous(ctx, e)
	if err != nil {
		return err
	}
	if known && prev.Status != journal.Withdrawn && !e.AsNew {
		asset.OriginalFileID = prev.OriginalFileID
	}
	return p.decide(ctx, e, asset, factsAt)
}

// verifyFileless asks whether the asset is there: nothing else was handed over.
func (p *Pipeline) verifyFileless(ctx context.Context, e journal.Entry) error {
	a, err := p.api.Asset(ctx, e.FileID)
	if err != nil {
		return fmt.Errorf("look at the asset: %w", err)
	}
	if a.Deleted() {
		return &verdictError{verdict{to: journal.Held, reason: reasonDeletedMeanwhile}}
	}
	return p.advance(ctx, journal.Move{ID: e.ID, From: journal.Verifying, To: journal.Verified})
}
