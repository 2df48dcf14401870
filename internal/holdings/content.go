package holdings

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
)

// Content is the content of a file that is searched for.
type Content struct {
	Entry          int64 // of the journal; what is another entry's is not found
	Filename       string
	OriginalFileID string // of the asset that it is to be a version of, or ""
	Size           int64  // bytes
	MD5            func() (string, error)
	// YoungSince is since when an asset must have been created for Tenovos to be still
	// computing its checksum.
	YoungSince time.Time
}

// Found is what came of a search for content. At most one of its fields is set; none is
// that the account does not hold the content.
type Found struct {
	Asset *tenovos.Asset // the version that holds it
	// Inconclusive is an ErrInconclusive: there may be such a version beyond what was shown.
	Inconclusive error
	// Computing is a version that may hold it, and whose checksum Tenovos may still be
	// computing.
	Computing *tenovos.Asset
	// Unseen are versions that may hold it, and show no checksum.
	Unseen []tenovos.Asset
}

// Holder finds the version that holds the content of a file: any version, current or not,
// of an asset that has, or had, the file's name, or of the one that the file is to be a
// version of.
func (h *Holdings) Holder(ctx context.Context, c Content) (Found, error) {
	c.MD5 = sync.OnceValues(c.MD5)
	var shown []tenovos.Asset
	var unsure error
	if c.OriginalFileID == "" {
		shown, unsure = byName(ctx, h.api, c.Filename, true)
		if unsure != nil && !errors.Is(unsure, ErrInconclusive) {
			return Found{}, fmt.Errorf("look for the asset in the account: %w", unsure)
		}
	}
	for {
		best, err := h.bestHolder(ctx, c, shown)
		if err != nil {
			return Found{}, err
		}
		if best == nil {
			break
		}
		gone, err := h.goneSince(ctx, best)
		if err != nil || !gone {
			return Found{Asset: best}, err
		}
		lost := best.ObjectID
		shown = slices.DeleteFunc(shown, func(a tenovos.Asset) bool { return a.ObjectID == lost })
	}
	listed, err := h.versionsOf(ctx, c.OriginalFileID, shown)
	if err != nil {
		return Found{}, fmt.Errorf("look at the versions of an asset of the same filename: %w", err)
	}
	best, err := h.bestHolder(ctx, c, listed)
	switch {
	case best != nil || err != nil:
		return Found{Asset: best}, err
	case unsure != nil:
		return Found{Inconclusive: unsure}, nil
	}
	return h.unseen(ctx, c, append(listed, shown...))
}

// bestHolder finds among versions the one with the content's MD5 that is free to be
// adopted: rather one that is current, and of such the oldest. They are the same.
func (h *Holdings) bestHolder(ctx context.Context, c Content, versions []tenovos.Asset) (*tenovos.Asset, error) {
	var best *tenovos.Asset
	for i, a := range versions {
		if a.MD5 == "" || a.Deleted() || best != nil && (best.Current && !a.Current || best.Current == a.Current && !a.Created.Before(best.Created)) {
			continue
		}
		ours, err := c.MD5()
		if err != nil {
			return nil, err
		}
		if !strings.EqualFold(a.MD5, ours) {
			continue
		}
		free, err := h.journal.Adoptable(ctx, c.Entry, a.ObjectID)
		if err != nil {
			return nil, err
		}
		if free {
			best = &versions[i]
		}
	}
	return best, nil
}

// goneSince reports that what a search has found is in the recycle bin by now, or has
// got other content: its index lags.
func (h *Holdings) goneSince(ctx context.Context, found *tenovos.Asset) (bool, error) {
	now, err := h.api.Asset(ctx, found.FileID)
	if errors.Is(err, tenovos.ErrNotFound) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at the asset that the account holds: %w", err)
	}
	return now.Deleted() || !strings.EqualFold(now.MD5, found.MD5), nil
}

// versionsOf lists the versions of the assets of which a search has shown some,
// reasons.MaxNamesakes of them, and of the one with the given original, if any: the index
// of the search lags, and it goes by the name, which a version before may not have had.
func (h *Holdings) versionsOf(ctx context.Context, original string, shown []tenovos.Asset) ([]tenovos.Asset, error) {
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
		versions, err := h.api.Versions(ctx, id)
		if isMissing(err) {
			continue
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

// unseen finds the versions that may hold the content, although they show no checksum. A
// version that is old enough and shows no content at all is an empty one, and one of
// another size is another's.
func (h *Holdings) unseen(ctx context.Context, c Content, versions []tenovos.Asset) (Found, error) {
	var held []tenovos.Asset
	for _, a := range versions {
		if a.MD5 != "" || a.Deleted() || a.ContentPath != "" || a.FileSize >= 0 && a.FileSize != c.Size ||
			slices.ContainsFunc(held, func(b tenovos.Asset) bool { return b.ObjectID == a.ObjectID }) {
			continue
		}
		young := a.Created.After(c.YoungSince)
		if !a.HasContent {
			user, err := h.User(ctx)
			if err != nil {
				return Found{}, err
			}
			if !young || a.CreatedBy != user.ID {
				continue
			}
		}
		free, err := h.journal.Adoptable(ctx, c.Entry, a.ObjectID)
		switch {
		case err != nil:
			return Found{}, err
		case free && young:
			return Found{Computing: &a}, nil
		case free:
			held = append(held, a)
		}
	}
	return Found{Unseen: held}, nil
}
