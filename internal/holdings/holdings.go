package holdings

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/tenovos-ingest/ingestd/internal/tenovos"
)

// API is how an account is asked what it holds.
type API interface {
	CurrentUser(ctx context.Context) (tenovos.User, error)
	Asset(ctx context.Context, id string) (tenovos.Asset, error)
	Versions(ctx context.Context, id string) ([]tenovos.Asset, error)
	Search(ctx context.Context, q tenovos.Query) (tenovos.Page, error)
}

// Journal knows which of the account's assets belong to entries.
type Journal interface {
	// KnownIDs returns those of the object ids that any entry has, or had.
	KnownIDs(ctx context.Context, ids []string) (map[string]bool, error)
	// Adoptable reports whether no other entry than the given one has an object.
	Adoptable(ctx context.Context, entry int64, objectID string) (bool, error)
}

// Holdings are what an account holds. Safe for concurrent use.
type Holdings struct {
	api     API
	journal Journal
	user    atomic.Pointer[tenovos.User]
}

// New makes the holdings of an account, beside the journal of what is ours of them.
func New(api API, j Journal) *Holdings { return &Holdings{api: api, journal: j} }

// User asks once who the account is.
func (h *Holdings) User(ctx context.Context) (tenovos.User, error) {
	if u := h.user.Load(); u != nil {
		return *u, nil
	}
	u, err := h.api.CurrentUser(ctx)
	if err != nil {
		return u, fmt.Errorf("%w: %w", tenovos.ErrSession, err) // no file's trouble
	}
	h.user.Store(&u)
	return u, nil
}

// Unknown returns the assets whose ids the journal does not know.
func (h *Holdings) Unknown(ctx context.Context, assets []tenovos.Asset) ([]tenovos.Asset, error) {
	ids := make([]string, len(assets))
	for i, a := range assets {
		ids[i] = a.ObjectID
	}
	known, err := h.journal.KnownIDs(ctx, ids)
	return slices.DeleteFunc(assets, func(a tenovos.Asset) bool { return known[a.ObjectID] }), err
}

// Gone reports that no version of an asset is left in Tenovos.
func (h *Holdings) Gone(ctx context.Context, originalFileID string) (bool, error) {
	versions, err := h.api.Versions(ctx, originalFileID)
	if isMissing(err) {
		return true, nil
	}
	return !slices.ContainsFunc(versions, func(a tenovos.Asset) bool { return !a.Deleted() }), err
}

// candidates lists the versions of the asset with the given original, or where that is ""
// of every asset with the filename, current or not.
func (h *Holdings) candidates(ctx context.Context, filename, originalFileID string) ([]tenovos.Asset, error) {
	if originalFileID != "" {
		return h.api.Versions(ctx, originalFileID)
	}
	return byName(ctx, h.api, filename, true)
}

// isMissing reports that Tenovos knows no such asset, or does not show it to this account.
func isMissing(err error) bool {
	return errors.Is(err, tenovos.ErrNotFound) || errors.Is(err, tenovos.ErrRejected)
}
