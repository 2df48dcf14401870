package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"time"

	"github.com/tenovos-ingest/ingestd/journal"
)

// FilelessRow is a row of a manifest that becomes an asset although there is no
// file.
type FilelessRow struct {
	Path        string // where the file would be, below the folder
	ContentPath string // where the content of a federated asset lies; "" for a placeholder
	Err         error  // why it, or the whole manifest, cannot become one
}

// trouble is how often the rows of a manifest could not be admitted.
type trouble struct {
	since time.Time // of the manifest as it is
	tries int
	next  time.Time
}

// admitRows records what the manifests of a folder make assets of without files.
// Those that the file system keeps it from reading are left for another time.
// A share that hangs may hold it up for ever.
func (p *Pipeline) admitRows(ctx context.Context, folder string, troubles map[string]trouble) error {
	companions := p.folders[folder].Companions
	if companions == nil {
		return nil
	}
	due, err := p.journal.DueManifests(ctx, folder, heedBatch)
	if err != nil {
		return err
	}
	for _, c := range due {
		t := troubles[c.Path]
		if t.since.Equal(c.Since) && p.now().Before(t.next) {
			continue
		}
		rows, err := companions.Rows(c.Path)
		if err == nil {
			err = p.thereNow(folder, 0) // else it is not known what the manifest says
		}
		var out []journal.Fileless
		if err == nil {
			out, err = p.fileless(folder, c.Path, rows)
		}
		if err != nil && p.rowsLater(c, troubles, err) {
			continue
		}
		delete(troubles, c.Path)
		n, err := p.journal.AdmitFileless(ctx, c, out)
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

// rowsLater puts off a manifest whose rows cannot be read, or false: a backfill must
// end, and gives it up when a file would have failed.
func (p *Pipeline) rowsLater(c journal.Companion, troubles map[string]trouble, err error) bool {
	t := troubles[c.Path]
	if !t.since.Equal(c.Since) {
		t = trouble{since: c.Since}
	}
	t.tries++
	log := p.log.With().Str("folder", c.Folder).Str("manifest", c.Path).Str("reason", messageOf(err)).Logger()
	if p.once && t.tries >= p.cfg.MaxAttempts && !isFolderGone(err) {
		log.Warn().Str("hint", "Touch the manifest when that is over.").
			Msg("gave up reading a manifest: its rows without files become no assets")
		return false
	}
	if t.tries == 1 {
		log.Warn().Msg("the rows of a manifest cannot be read for now: tried again until they can")
	}
	t.next = p.now().Add(p.backoff(t.tries))
	troubles[c.Path] = t
	return true
}

// fileless leaves out what cannot become an asset, and says why. The error is about
// the folder, where it cannot be seen which files are there.
func (p *Pipeline) fileless(folder, manifest string, rows []FilelessRow) (out []journal.Fileless, err error) {
	for _, r := range rows {
		if r.Err != nil {
			p.log.Warn().Str("folder", folder).Str("manifest", manifest).Str("reason", messageOf(r.Err)).
				Msg("a manifest, or a row of it, cannot be used: correct it")
			continue
		}
		there, err := p.fileAt(folder, r.Path)
		if err != nil {
			return nil, err
		}
		if there {
			continue // the row tells of that file
		}
		kind := journal.Placeholder
		if r.ContentPath != "" {
			kind = journal.Federated
		}
		out = append(out, journal.Fileless{Path: r.Path, Kind: kind, Sign: SignOf(kind, r.ContentPath)})
	}
	return out, nil
}

// SignOf tells what a row makes of its path from anything else that it could make;
// the entry has it for its modification time.
func SignOf(kind journal.Kind, contentPath string) int64 {
	sum := sha256.Sum256([]byte(string(kind) + " " + contentPath))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

// fileAt reports whether something lies, or may lie, at a path.
func (p *Pipeline) fileAt(folder, path string) (bool, error) {
	s, err := p.openShelf(folder, 0)
	if err != nil {
		return false, err
	}
	defer s.close()
	_, err = s.root.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ENAMETOOLONG):
		return false, nil
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.ELOOP):
		return true, nil // nobody knows, and nobody will
	}
	return err == nil, err
}

// mapFileless decides what an entry without a file becomes: settled -> mapped, or
// a rest.
func (p *Pipeline) mapFileless(ctx context.Context, e journal.Entry) error {
	factsAt := p.now()
	m, err := p.rules(e, "")
	switch {
	case errors.Is(err, ErrNoRule):
		return &verdictError{verdict{to: journal.Ignored, reason: reasonNoRule}}
	case err != nil:
		return err
	case m.NoRow, m.Row != "" && m.Row != e.Kind:
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
	return p.decide(ctx, e, asset, factsAt, prev.ID)
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
