package holdings

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/tenovos"
)

// LostCreate describes an empty asset that a create of ours may have left although its
// reply never came. It is stored with a chore, and holds no secret.
type LostCreate struct {
	Filename       string    `json:"filename"`
	TemplateID     string    `json:"template_id"`
	SecurityIDs    []string  `json:"security_ids"`
	OriginalFileID string    `json:"original_file_id,omitempty"`
	ContentPath    string    `json:"content_path,omitempty"` // of a federated asset, which is never empty
	From           time.Time `json:"from"`                   // created in this span, allowing for skewed clocks
	To             time.Time `json:"to"`
}

// matches reports whether an asset is such an empty asset of the account's user.
func (l LostCreate) matches(a tenovos.Asset, userID string) bool {
	return a.Filename == l.Filename && a.CreatedBy == userID && a.TemplateID == l.TemplateID &&
		tenovos.SameIDs(a.SecurityIDs, l.SecurityIDs) && l.holdsAlike(a) && !a.Deleted() &&
		(l.OriginalFileID == "" || a.OriginalFileID == l.OriginalFileID) &&
		!a.Created.Before(l.From) && !a.Created.After(l.To)
}

// holdsAlike reports whether an asset's content is that of such an asset: none, or
// that of its content path where Tenovos tells it.
func (l LostCreate) holdsAlike(a tenovos.Asset) bool {
	if a.ContentPath != "" {
		return tenovos.SameContent(a.ContentPath, l.ContentPath)
	}
	return !a.HasContent
}

// OfLostCreate returns the empty assets that a lost create may have left, and that no entry
// of the journal knows. A lost version is looked for among the versions of its asset,
// anything else by its exact filename. ErrInconclusive if there may be others.
func (h *Holdings) OfLostCreate(ctx context.Context, l LostCreate) ([]tenovos.Asset, error) {
	user, err := h.User(ctx)
	if err != nil {
		return nil, err
	}
	candidates, err := h.candidates(ctx, l.Filename, l.OriginalFileID)
	if err != nil {
		return nil, err
	}
	found := slices.DeleteFunc(candidates, func(a tenovos.Asset) bool { return !l.matches(a, user.ID) })
	if found, err = h.Unknown(ctx, found); err != nil {
		return nil, err
	}
	return h.stillEmpty(ctx, l, found, user.ID)
}

// stillEmpty asks for each asset itself: the index that a search reads lags, and
// shows an asset empty that has been filled since.
func (h *Holdings) stillEmpty(ctx context.Context, l LostCreate, found []tenovos.Asset, userID string) ([]tenovos.Asset, error) {
	var empty []tenovos.Asset
	for _, a := range found {
		now, err := h.api.Asset(ctx, a.FileID)
		if errors.Is(err, tenovos.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if l.matches(now, userID) {
			empty = append(empty, now)
		}
	}
	return empty, nil
}
