package ingest

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"

	"github.com/tenovos-ingest/ingestd/internal/holdings"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/stage"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// adopt takes over an asset that the account holds already, see adoptable:
// mapped -> verified. The move is zero where there is no such asset.
func (c *core) adopt(ctx context.Context, w *work, asset tenovos.NewAsset) (m journal.Move, err error) {
	best, err := c.adoptable(ctx, w.Entry, asset)
	if best == nil || err != nil {
		return m, err
	}
	m = w.moves(journal.Verified, reasons.Adopted)
	m.Created = creationOf(*best)
	m.Created.OriginalFileID = cmp.Or(best.OriginalFileID, best.FileID)
	if w.Kind == journal.File { // so that it is recognised when it is touched
		if m.Learned.SHA256, err = c.contentSum(ctx, w.Entry); err != nil {
			return journal.Move{}, err
		}
	}
	c.entryLog(c.log.Info(), w.Entry).Str("object_id", best.ObjectID).Msg("the account holds this asset already: adopted")
	return m, nil
}

// adoptable finds, where Config.Adopt asks for it, what the account holds already of an
// entry: the version with the MD5 of its file, or the asset that its row became; nil if
// there is none. An operator who wants an asset of its own gets one. Nothing is made
// current by it, and no further version is made of content that is in. Where a version may
// hold the content and does not show it, the entry waits or is held, and so it is where not
// all is shown, or cannot be told apart.
func (c *core) adoptable(ctx context.Context, e journal.Entry, asset tenovos.NewAsset) (*tenovos.Asset, error) {
	if !c.cfg.Adopt || e.AsNew {
		return nil, nil
	}
	var found holdings.Found
	var err error
	if e.Kind == journal.File {
		found, err = c.holdings.Holder(ctx, holdings.Content{
			Entry: e.ID, Filename: asset.Filename, OriginalFileID: asset.OriginalFileID, Size: e.Size,
			MD5:        func() (string, error) { return c.fileMD5(ctx, e) },
			YoungSince: c.now().Add(-c.cfg.VerifyTimeout),
		})
	} else {
		found.Asset, err = c.holdings.OfRow(ctx, asset)
		if errors.Is(err, holdings.ErrInconclusive) {
			found.Inconclusive, err = err, nil
		}
	}
	alike, several := errors.AsType[*holdings.AlikeError](err)
	switch {
	case several:
		return nil, held(reasons.Alike(alike.Assets))
	case err != nil:
		return nil, err
	case found.Inconclusive != nil:
		return nil, held(reasons.Inconclusive(asset.Filename, found.Inconclusive))
	case found.Computing != nil:
		return nil, &stage.WaitError{After: tenovos.PollWait(e.Tries), Reason: reasons.UnseenYet(*found.Computing)}
	case len(found.Unseen) > 0:
		return nil, held(reasons.Unseen(found.Unseen))
	}
	return found.Asset, nil
}

// contentSum is the SHA-256 of an entry's file.
func (c *core) contentSum(ctx context.Context, e journal.Entry) ([]byte, error) {
	src, err := c.open(e)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	return src.SHA256(ctx)
}

// fileMD5 is that of the entry's file as it was mapped, in hex.
func (c *core) fileMD5(ctx context.Context, e journal.Entry) (string, error) {
	src, err := c.open(e)
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
