package holdings

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/text/unicode/norm"

	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
)

// Namesakes returns the assets that get a new version by a filename: those whose
// current version has exactly that name, in whatever composition of its letters,
// and of which some version holds content; ten at most, each as its current
// version. What a search finds is looked up again, because its index lags, and so
// are known, the original file ids of assets that were given the name lately.
// without is the object id of a version that does not count, or "".
//
// ErrInconclusive if there may be others than those that were found.
func Namesakes(ctx context.Context, api API, filename string, known []string, without string) ([]tenovos.Asset, error) {
	shown, err := byName(ctx, api, norm.NFC.String(filename), false)
	unsure := err
	if other := norm.NFD.String(filename); other != filename && (err == nil || errors.Is(err, ErrInconclusive)) {
		var more []tenovos.Asset
		more, err = byName(ctx, api, other, false)
		shown, unsure = append(shown, more...), cmp.Or(unsure, err)
	}
	if err != nil && !errors.Is(err, ErrInconclusive) {
		return nil, fmt.Errorf("look for assets of the same filename: %w", err)
	}
	originals := slices.Clone(known)
	filled := make(map[string]bool)
	for _, id := range known {
		filled[id] = true
	}
	for _, a := range shown {
		id := cmp.Or(a.OriginalFileID, a.FileID) // a first version is its own original
		if !slices.Contains(originals, id) {
			originals = append(originals, id)
		}
		if a.HasContent && a.ObjectID != without {
			filled[id] = true
		}
	}
	var found []tenovos.Asset
	for _, id := range originals {
		l, err := current(ctx, api, id, without)
		if err != nil {
			return nil, fmt.Errorf("look at an asset of the same filename: %w", err)
		}
		// An empty asset is none yet: it may be left of a create whose reply was lost.
		if l != nil && sameName(l.Filename, filename) && (l.filled || filled[id]) {
			found = append(found, l.Asset)
		}
		if len(found) == reasons.MaxNamesakes {
			return found, nil
		}
	}
	if unsure != nil && len(found) < 2 {
		return nil, fmt.Errorf("assets named %q: %w", filename, unsure)
	}
	return found, nil
}

func sameName(a, b string) bool { return norm.NFC.String(a) == norm.NFC.String(b) }

// Current looks up the current version of an asset; nil where nothing is left of it.
// without is the object id of a version that does not count, or "".
func (h *Holdings) Current(ctx context.Context, originalFileID, without string) (*tenovos.Asset, error) {
	l, err := current(ctx, h.api, originalFileID, without)
	if l == nil || err != nil {
		return nil, err
	}
	return &l.Asset, nil
}

// liveAsset is the current version of an asset that is not deleted.
type liveAsset struct {
	tenovos.Asset
	filled bool // it, or a version before it, is known to hold content
}

// current looks up an asset; nil where nothing is left of it. without is the
// object id of a version that does not count, or "".
func current(ctx context.Context, api API, originalFileID, without string) (*liveAsset, error) {
	versions, err := api.Versions(ctx, originalFileID)
	if errors.Is(err, tenovos.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var l *liveAsset
	filled := false
	for _, a := range versions {
		if a.Deleted() || a.ObjectID == without {
			continue
		}
		filled = filled || a.HasContent || a.ContentPath != ""
		if l == nil || a.Current && !l.Current || a.Current == l.Current && a.Created.After(l.Created) {
			l = &liveAsset{Asset: a}
		}
	}
	if l == nil {
		return nil, nil
	}
	l.filled = filled
	l.OriginalFileID = originalFileID
	return l, nil
}
