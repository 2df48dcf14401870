package intake

import (
	"context"
	"encoding/hex"
	"errors"

	"github.com/tenovos-ingest/ingestd/internal/holdings"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/stage"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// Adoptable finds, where Config.Adopt asks for it, what the account holds already of an
// entry: the version with the MD5 of its file, or the asset that its row became; nil if
// there is none. An operator who wants an asset of its own gets one. Nothing is made
// current by it, and no further version is made of content that is in. Where a version may
// hold the content and does not show it, the entry waits or is held, and so it is where not
// all is shown, or cannot be told apart.
func (in *Intake) Adoptable(ctx context.Context, e journal.Entry, asset tenovos.NewAsset) (*tenovos.Asset, error) {
	if !in.cfg.Adopt || e.AsNew {
		return nil, nil
	}
	var found holdings.Found
	var err error
	if e.Kind == journal.File {
		found, err = in.Holdings.Holder(ctx, holdings.Content{
			Entry: e.ID, Filename: asset.Filename, OriginalFileID: asset.OriginalFileID, Size: e.Size,
			MD5:        func() (string, error) { return in.fileMD5(ctx, e) },
			YoungSince: in.Now().Add(-in.cfg.VerifyTimeout),
		})
	} else {
		found.Asset, err = in.Holdings.OfRow(ctx, asset)
		if errors.Is(err, holdings.ErrInconclusive) {
			found.Inconclusive, err = err, nil
		}
	}
	alike, several := errors.AsType[*holdings.AlikeError](err)
	switch {
	case several:
		return nil, stage.Held(reasons.Alike(alike.Assets))
	case err != nil:
		return nil, err
	case found.Inconclusive != nil:
		return nil, stage.Held(reasons.Inconclusive(asset.Filename, found.Inconclusive))
	case found.Computing != nil:
		return nil, &stage.WaitError{After: tenovos.PollWait(e.Tries), Reason: reasons.UnseenYet(*found.Computing)}
	case len(found.Unseen) > 0:
		return nil, stage.Held(reasons.Unseen(found.Unseen))
	}
	return found.Asset, nil
}

// fileMD5 is that of the entry's file as it was mapped, in hex.
func (in *Intake) fileMD5(ctx context.Context, e journal.Entry) (string, error) {
	src, err := stage.Open(in.Mounts, e.ID, e)
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
