package ingest

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

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

// goneSince reports that what a search has found is in the recycle bin by now, or has
// got other content: its index lags.
func (p *Pipeline) goneSince(ctx context.Context, found *tenovos.Asset) (bool, error) {
	now, err := p.api.Asset(ctx, found.FileID)
	if errors.Is(err, tenovos.ErrNotFound) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at the asset that the account holds: %w", err)
	}
	return now.Deleted() || !strings.EqualFold(now.MD5, found.MD5), nil
}

// adoptable finds, where Config.Adopt asks for it, what the account holds already of an
// entry: the version with the MD5 of its file, see adoptableFile, or the asset that its
// row became, see oldestAlike; nil if there is none. An operator who wants an asset of
// its own gets one.
func (p *Pipeline) adoptable(ctx context.Context, e journal.Entry, asset tenovos.NewAsset) (*tenovos.Asset, error) {
	switch {
	case !p.cfg.Adopt || e.AsNew:
		return nil, nil
	case e.Kind == journal.File:
		return p.adoptableFile(ctx, e, asset)
	}
	found, err := p.candidates(ctx, twin{Filename: asset.Filename, OriginalFileID: asset.OriginalFileID})
	switch {
	case errors.Is(err, ErrInconclusive):
		return nil, &verdictError{verdict{to: journal.Held, reason: reasons.Inconclusive(asset.Filename, err)}}
	case asset.OriginalFileID != "" && (errors.Is(err, tenovos.ErrNotFound) || errors.Is(err, tenovos.ErrRejected)):
		return nil, nil // the create will tell
	case err != nil:
		return nil, fmt.Errorf("look for the asset in the account: %w", err)
	}
	return p.oldestAlike(ctx, asset, found)
}

// adoptableFile finds the version that holds the content of an entry's file: any
// version, current or not, of an asset that has, or had, the file's name, or of the one
// that the file is to be a version of. Nothing is made current by it, and no further
// version is made of content that is in. Where a version may hold the content and does
// not show it, the entry waits or is held, and so it is where not all is shown.
func (p *Pipeline) adoptableFile(ctx context.Context, e journal.Entry, asset tenovos.NewAsset) (*tenovos.Asset, error) {
	sum := sync.OnceValues(func() (string, error) { return p.fileMD5(ctx, e) })
	var shown []tenovos.Asset
	var unsure error
	if asset.OriginalFileID == "" {
		shown, unsure = named(ctx, p.api, asset.Filename, true)
		if unsure != nil && !errors.Is(unsure, ErrInconclusive) {
			return nil, fmt.Errorf("look for the asset in the account: %w", unsure)
		}
	}
	for {
		best, err := p.holder(ctx, e, shown, sum)
		if err != nil {
			return nil, err
		}
		if best == nil {
			break
		}
		gone, err := p.goneSince(ctx, best)
		if err != nil || !gone {
			return best, err
		}
		lost := best.ObjectID
		shown = slices.DeleteFunc(shown, func(a tenovos.Asset) bool { return a.ObjectID == lost })
	}
	listed, err := p.chains(ctx, asset.OriginalFileID, shown)
	if err != nil {
		return nil, fmt.Errorf("look at the versions of an asset of the same filename: %w", err)
	}
	best, err := p.holder(ctx, e, listed, sum)
	switch {
	case best != nil || err != nil:
		return best, err
	case unsure != nil:
		return nil, &verdictError{verdict{to: journal.Held, reason: reasons.Inconclusive(asset.Filename, unsure)}}
	}
	return nil, p.unseen(ctx, e, append(listed, shown...))
}

// holder finds among versions the one with the MD5 of an entry's file that is free to be
// adopted: rather one that is current, and of such the oldest. They are the same.
func (p *Pipeline) holder(ctx context.Context, e journal.Entry, versions []tenovos.Asset, sum func() (string, error)) (*tenovos.Asset, error) {
	var best *tenovos.Asset
	for i, a := range versions {
		if a.MD5 == "" || a.Deleted() || best != nil && (best.Current && !a.Current || best.Current == a.Current && !a.Created.Before(best.Created)) {
			continue
		}
		ours, err := sum()
		if err != nil {
			return nil, err
		}
		if !strings.EqualFold(a.MD5, ours) {
			continue
		}
		free, err := p.journal.Reader().Adoptable(ctx, e.ID, a.ObjectID)
		if err != nil {
			return nil, err
		}
		if free {
			best = &versions[i]
		}
	}
	return best, nil
}

// chains lists the versions of the assets of which a search has shown some, reasons.MaxNamesakes
// of them, and of the one with the given original, if any: the index of the search lags,
// and it goes by the name, which a version before may not have had.
func (p *Pipeline) chains(ctx context.Context, original string, shown []tenovos.Asset) ([]tenovos.Asset, error) {
	originals := []string{}
	if original != "" {
		originals = append(originals, original)
	}
	for _, a := range shown {
		id := cmp.Or(a.OriginalFileID, a.FileID) // a first version is its own original
		if !slices.Contains(originals, id) && len(originals) < reasons.MaxNamesakes {
			originals = append(originals, id)
		}
	}
	var listed []tenovos.Asset
	for _, id := range originals {
		versions, err := p.api.Versions(ctx, id)
		if errors.Is(err, tenovos.ErrNotFound) || errors.Is(err, tenovos.ErrRejected) {
			continue // it is gone, or not for this account to see
		}
		if err != nil {
			return nil, err
		}
		for _, a := range versions {
			a.OriginalFileID = cmp.Or(a.OriginalFileID, id)
			listed = append(listed, a)
		}
	}
	return listed, nil
}

// unseen is the verdict on an entry whose file may be the content of a version that the
// journal does not know and that shows no checksum: while Tenovos may still be computing
// that, it is waited for, afterwards the entry is held. A version that shows no content
// at all by then is an empty one, and one of another size is another's.
func (p *Pipeline) unseen(ctx context.Context, e journal.Entry, versions []tenovos.Asset) error {
	var held []tenovos.Asset
	for _, a := range versions {
		if a.MD5 != "" || a.Deleted() || a.ContentPath != "" || a.FileSize >= 0 && a.FileSize != e.Size ||
			slices.ContainsFunc(held, func(h tenovos.Asset) bool { return h.ObjectID == a.ObjectID }) {
			continue
		}
		young := p.now().Sub(a.Created) < p.cfg.VerifyTimeout
		if !a.HasContent {
			user, err := p.currentUser(ctx)
			if err != nil {
				return err
			}
			if !young || a.CreatedBy != user.ID {
				continue
			}
		}
		free, err := p.journal.Reader().Adoptable(ctx, e.ID, a.ObjectID)
		switch {
		case err != nil:
			return err
		case free && young:
			return &verdictError{verdict{do: retry, after: pollWait(e.Tries), reason: reasons.UnseenYet(a)}}
		case free:
			held = append(held, a)
		}
	}
	if len(held) == 0 {
		return nil
	}
	return &verdictError{verdict{to: journal.Held, reason: reasons.Unseen(held)}}
}

// oldestAlike finds the asset that a row of a manifest became before the journal was
// lost: the oldest that shows what the rules give, else the only one, if that can be
// no file's. Only where no current version can be, earlier ones are looked at. What
// cannot be told apart is held: a create would make a second one. Of an asset that the
// row is to be a version of, only a version that is surely the row's is taken.
func (p *Pipeline) oldestAlike(ctx context.Context, asset tenovos.NewAsset, found []tenovos.Asset) (*tenovos.Asset, error) {
	wanted := tenovos.Edit{Metadata: asset.Metadata, SecurityIDs: asset.SecurityIDs}
	found, err := p.unknown(ctx, slices.DeleteFunc(found, func(a tenovos.Asset) bool {
		return a.Filename != asset.Filename || a.Deleted() || !mayBeOf(asset, a) ||
			asset.OriginalFileID != "" && a.ContentPath == "" && !holds(a, wanted)
	}))
	if slices.ContainsFunc(found, func(a tenovos.Asset) bool { return a.Current }) {
		found = slices.DeleteFunc(found, func(a tenovos.Asset) bool { return !a.Current })
	}
	if err != nil || len(found) == 0 {
		return nil, err
	}
	slices.SortStableFunc(found, func(a, b tenovos.Asset) int { return a.Created.Compare(b.Created) })
	i := slices.IndexFunc(found, func(a tenovos.Asset) bool { return holds(a, wanted) })
	switch {
	case i >= 0:
		return &found[i], nil
	case len(found) == 1 && (asset.NoContent || found[0].ContentPath != ""):
		return &found[0], nil
	}
	return nil, &verdictError{verdict{to: journal.Held, reason: reasons.Alike(found)}}
}

// mayBeOf reports whether a row of a manifest may have become an asset of its
// filename. Tenovos need not tell where the content of a federated one lies.
func mayBeOf(row tenovos.NewAsset, a tenovos.Asset) bool {
	if a.ContentPath != "" {
		return tenovos.SameContent(a.ContentPath, row.ContentPath)
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
