package ingest

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"

	"github.com/tenovos-ingest/ingestd/internal/holdings"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// adopt takes over an asset that the account holds already, see adoptable:
// mapped -> verified. It returns the entry as it is then, and the zero one where there
// is no such asset.
func (p *Pipeline) adopt(ctx context.Context, e journal.Entry, asset tenovos.NewAsset) (now journal.Entry, err error) {
	best, err := p.adoptable(ctx, e, asset)
	if best == nil || err != nil {
		return now, err
	}
	if e.Kind == journal.File {
		if err := p.rememberContent(ctx, e); err != nil {
			return now, err
		}
	}
	p.entryLog(p.log.Info(), e).Str("object_id", best.ObjectID).Msg("the account holds this asset already: adopted")
	return p.advance(ctx, journal.Move{
		ID: e.ID, From: journal.Mapped, To: journal.Verified, Reason: reasons.Adopted,
		Created: &journal.Creation{ObjectID: best.ObjectID, FileID: best.FileID, OriginalFileID: cmp.Or(best.OriginalFileID, best.FileID)},
	})
}

// adoptable finds, where Config.Adopt asks for it, what the account holds already of an
// entry: the version with the MD5 of its file, or the asset that its row became; nil if
// there is none. An operator who wants an asset of its own gets one. Nothing is made
// current by it, and no further version is made of content that is in. Where a version may
// hold the content and does not show it, the entry waits or is held, and so it is where not
// all is shown, or cannot be told apart.
func (p *Pipeline) adoptable(ctx context.Context, e journal.Entry, asset tenovos.NewAsset) (*tenovos.Asset, error) {
	if !p.cfg.Adopt || e.AsNew {
		return nil, nil
	}
	var found holdings.Found
	var err error
	if e.Kind == journal.File {
		found, err = p.holdings.Holder(ctx, holdings.Content{
			Entry: e.ID, Filename: asset.Filename, OriginalFileID: asset.OriginalFileID, Size: e.Size,
			MD5:        func() (string, error) { return p.fileMD5(ctx, e) },
			YoungSince: p.now().Add(-p.cfg.VerifyTimeout),
		})
	} else {
		found.Asset, err = p.holdings.OfRow(ctx, asset)
		if errors.Is(err, holdings.ErrInconclusive) {
			found.Inconclusive, err = err, nil
		}
	}
	alike, several := errors.AsType[*holdings.AlikeError](err)
	held := func(r journal.Reason) error { return &verdictError{verdict{to: journal.Held, reason: r}} }
	switch {
	case several:
		return nil, held(reasons.Alike(alike.Assets))
	case err != nil:
		return nil, err
	case found.Inconclusive != nil:
		return nil, held(reasons.Inconclusive(asset.Filename, found.Inconclusive))
	case found.Computing != nil:
		return nil, &verdictError{verdict{do: retry, after: tenovos.PollWait(e.Tries), reason: reasons.UnseenYet(*found.Computing)}}
	case len(found.Unseen) > 0:
		return nil, held(reasons.Unseen(found.Unseen))
	}
	return found.Asset, nil
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
	return setSHA256(ctx, p.journal, e.ID, sum)
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
