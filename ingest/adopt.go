package ingest

import (
	"context"
	"encoding/hex"
	"fmt"
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
	if err := p.rememberContent(ctx, e); err != nil {
		return false, err
	}
	p.entryLog(p.log.Info(), e).Str("object_id", best.ObjectID).Msg("the account holds this asset already: adopted")
	return true, p.advance(ctx, journal.Move{
		ID: e.ID, From: journal.Mapped, To: journal.Verified, Reason: reasonAdopted,
		Created: &journal.Creation{ObjectID: best.ObjectID, FileID: best.FileID, OriginalFileID: best.OriginalFileID},
	})
}

// adoptable finds, where Config.Adopt asks for it, the asset with an entry's exact
// filename and MD5 that no entry of the journal knows; nil if there is none. Of
// several it is the oldest; they are the same.
func (p *Pipeline) adoptable(ctx context.Context, e journal.Entry, asset tenovos.NewAsset) (*tenovos.Asset, error) {
	if !p.cfg.Adopt || asset.OriginalFileID != "" {
		return nil, nil
	}
	found, err := p.candidates(ctx, twin{Filename: asset.Filename})
	if err != nil {
		return nil, fmt.Errorf("look for the asset in the account: %w", err)
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
