package holdings

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tenovos-ingest/ingestd/internal/tenovos"
)

// AlikeError says that assets of the account cannot be told apart from what a manifest's
// row became.
type AlikeError struct{ Assets []tenovos.Asset }

func (e *AlikeError) Error() string {
	return fmt.Sprintf("%d assets may be what the row of a manifest became", len(e.Assets))
}

// OfRow finds the asset that a row of a manifest became before the journal was lost: the
// oldest that shows what the rules give, else the only one, if that can be no file's; nil
// if there is none. Only where no current version can be, earlier ones are looked at. Of an
// asset that the row is to be a version of, only a version that is surely the row's is
// taken. An *AlikeError is what cannot be told apart, an ErrInconclusive what is not shown:
// a create might make a second one.
func (h *Holdings) OfRow(ctx context.Context, row tenovos.NewAsset) (*tenovos.Asset, error) {
	found, err := h.candidates(ctx, row.Filename, row.OriginalFileID)
	switch {
	case errors.Is(err, ErrInconclusive):
		return nil, err
	case row.OriginalFileID != "" && isMissing(err):
		return nil, nil // the create will tell
	case err != nil:
		return nil, fmt.Errorf("look for the asset in the account: %w", err)
	}
	wanted := tenovos.Edit{Metadata: row.Metadata, SecurityIDs: row.SecurityIDs}
	found, err = h.Unknown(ctx, slices.DeleteFunc(found, func(a tenovos.Asset) bool {
		return a.Filename != row.Filename || a.Deleted() || !mayBeOf(row, a) ||
			row.OriginalFileID != "" && a.ContentPath == "" && !a.Holds(wanted)
	}))
	if slices.ContainsFunc(found, func(a tenovos.Asset) bool { return a.Current }) {
		found = slices.DeleteFunc(found, func(a tenovos.Asset) bool { return !a.Current })
	}
	if err != nil || len(found) == 0 {
		return nil, err
	}
	slices.SortStableFunc(found, func(a, b tenovos.Asset) int { return a.Created.Compare(b.Created) })
	i := slices.IndexFunc(found, func(a tenovos.Asset) bool { return a.Holds(wanted) })
	switch {
	case i >= 0:
		return &found[i], nil
	case len(found) == 1 && (row.NoContent || found[0].ContentPath != ""):
		return &found[0], nil
	}
	return nil, &AlikeError{found}
}

// mayBeOf reports whether a row of a manifest may have become an asset of its
// filename. Tenovos need not tell where the content of a federated one lies.
func mayBeOf(row tenovos.NewAsset, a tenovos.Asset) bool {
	if a.ContentPath != "" {
		return tenovos.SameContent(a.ContentPath, row.ContentPath)
	}
	return a.TemplateID == row.TemplateID && (!row.NoContent || !a.HasContent)
}
