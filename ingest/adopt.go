package ingest

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// adopt takes over an asset that the account holds already, see adoptable:
// mapped -> verified. It answers false where there is none.
func (p *Pipeline) adopt(ctx context.Context, e journal.Entry, asset tenovos.NewAsset) (bool, error) {
	best, err := p.adoptable(ctx, e, asset)
	if best == nil || err != nil {
		return false, err
	}
	if e.Kind == journal.File {
		if err := p.rememberContent(ctx, e); err != nil {
			return false, err
		}
	}
	p.entryLog(p.log.Info(), e).Str("object_id", best.ObjectID).Msg("the account holds this asset already: adopted")
	return true, p.advance(ctx, journal.Move{
		ID: e.ID, From: journal.Mapped, To: journal.Verified, Reason: reasonAdopted,
		Created: &journal.Creation{ObjectID: best.ObjectID, FileID: best.FileID, OriginalFileID: best.OriginalFileID},
	})
}

// adoptable finds, where Config.Adopt asks for it, the asset with an entry's exact
// filename and MD5 that no entry of the journal knows; nil if there is none. Of
// several it is the oldest; they are the same. An entry without a file has no MD5,
// see oldestAlike.
func (p *Pipeline) adoptable(ctx context.Context, e journal.Entry, asset tenovos.NewAsset) (*tenovos.Asset, error) {
	if !p.cfg.Adopt || asset.OriginalFileID != "" {
		return nil, nil
	}
	found, err := p.candidates(ctx, twin{Filename: asset.Filename})
	if err != nil {
		return nil, fmt.Errorf("look for the asset in the account: %w", err)
	}
	if e.Kind != journal.File {
		return p.oldestAlike(ctx, asset, found)
	}
	sum := ""
	var best *tenovos.Asset
	for i, a := range found {
		if a.Filename != asset.Filename || a.MD5 == "" || a.Deleted() || !a.Current {
			continue
		}
		if sum == "" {
			if sum, err = p.fileMD5(ctx, e); err != nil {
				return nil, err
			}
		}
		if !strings.EqualFold(a.MD5, sum) || best != nil && !a.Created.Before(best.Created) {
			continue
		}
		known, err := p.journal.Reader().KnownIDs(ctx, []string{a.ObjectID})
		if err != nil {
			return nil, err
		}
		if !known[a.ObjectID] {
			best = &found[i]
		}
	}
	return best, nil
}

// oldestAlike finds the asset that a row of a manifest became before the journal was
// lost: the oldest that shows what the rules give, else the only one, if that can be
// no file's. What cannot be told apart is held: a create would make a second one.
func (p *Pipeline) oldestAlike(ctx context.Context, asset tenovos.NewAsset, found []tenovos.Asset) (*tenovos.Asset, error) {
	found, err := p.unknown(ctx, slices.DeleteFunc(found, func(a tenovos.Asset) bool {
		return a.Filename != asset.Filename || a.Deleted() || !a.Current || !mayBeOf(asset, a)
	}))
	if err != nil || len(found) == 0 {
		return nil, err
	}
	slices.SortStableFunc(found, func(a, b tenovos.Asset) int { return a.Created.Compare(b.Created) })
	wanted := tenovos.Edit{Metadata: asset.Metadata, SecurityIDs: asset.SecurityIDs}
	i := slices.IndexFunc(found, func(a tenovos.Asset) bool { return holds(a, wanted) })
	switch {
	case i >= 0:
		return &found[i], nil
	case len(found) == 1 && (asset.NoContent || found[0].ContentPath != ""):
		return &found[0], nil
	}
	return nil, &verdictError{verdict{to: journal.Held, reason: reasonAlike(found)}}
}

// mayBeOf reports whether a row of a manifest may have become an asset of its
// filename. Tenovos need not tell where the content of a federated one lies.
func mayBeOf(row tenovos.NewAsset, a tenovos.Asset) bool {
	if a.ContentPath != "" {
		return a.ContentPath == row.ContentPath
	}
	return a.TemplateID == row.TemplateID && (!row.NoContent || !a.HasContent)
}

// rememberContent stores the SHA-256 of a file that was not sent from here, so
// that it is recognised when it is touched.
func (p *Pipeline) rememberContent(ctx context.Context, e journal.Entry) error {
	src, err := p.open(e)
	if err != nil {
		return err
	}
	defer src.Close()
	sum, err := src.SHA256(ctx)
	if err != nil {
		return err
	}
	return p.journal.SetSHA256(ctx, e.ID, sum)
}

// fileMD5 is that of the entry's file as it was mapped, in hex.
func (p *Pipeline) fileMD5(ctx context.Context, e journal.Entry) (string, error) {
	src, err := p.open(e)
	if err != nil {
		return "", err
	}
	defer src.Close()
	sum, err := src.MD5(ctx, 0, e.Size)
	if err == nil {
		err = src.Check()
	}
	return hex.EncodeToString(sum), err
}
