package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// twin describes an empty asset that a create of ours may have left although its
// reply never came. It is stored with a chore, and holds no secret.
type twin struct {
	Filename       string    `json:"filename"`
	TemplateID     string    `json:"template_id"`
	SecurityIDs    []string  `json:"security_ids"`
	OriginalFileID string    `json:"original_file_id,omitempty"`
	ContentPath    string    `json:"content_path,omitempty"` // of a federated asset, which is never empty
	From           time.Time `json:"from"`                   // created in this span, allowing for skewed clocks
	To             time.Time `json:"to"`
}

// twinDoubt is how long a lost create is searched for again.
const twinDoubt = 24 * time.Hour

// chore keeps the doubt open after a new create is allowed.
func (t twin) chore(e journal.Entry, now time.Time) (journal.NewChore, error) {
	spec, err := json.Marshal(t)
	if err != nil {
		return journal.NewChore{}, fmt.Errorf("store the doubt about %s: %w", e.Path, err)
	}
	return journal.NewChore{
		Kind: journal.ChoreTwin, Filename: t.Filename, Spec: string(spec),
		NotBefore: now.Add(choreWait(0)), Until: now.Add(twinDoubt),
	}, nil
}

// matches reports whether an asset is such an empty asset of the account's user.
func (t twin) matches(a tenovos.Asset, userID string) bool {
	return a.Filename == t.Filename && a.CreatedBy == userID && a.TemplateID == t.TemplateID &&
		tenovos.SameIDs(a.SecurityIDs, t.SecurityIDs) && t.holdsAlike(a) && !a.Deleted() &&
		(t.OriginalFileID == "" || a.OriginalFileID == t.OriginalFileID) &&
		!a.Created.Before(t.From) && !a.Created.After(t.To)
}

// holdsAlike reports whether an asset's content is that of such an asset: none, or
// that of its content path where Tenovos tells it.
func (t twin) holdsAlike(a tenovos.Asset) bool {
	if a.ContentPath != "" {
		return tenovos.SameContent(a.ContentPath, t.ContentPath)
	}
	return !a.HasContent
}

// findTwins returns the empty assets that t describes and that no entry of the
// journal knows. A lost version is looked for among the versions of its asset,
// anything else by its exact filename. ErrInconclusive if there may be others.
func (p *Pipeline) findTwins(ctx context.Context, t twin) ([]tenovos.Asset, error) {
	user, err := p.currentUser(ctx)
	if err != nil {
		return nil, err
	}
	candidates, err := p.candidates(ctx, t)
	if err != nil {
		return nil, err
	}
	found := slices.DeleteFunc(candidates, func(a tenovos.Asset) bool { return !t.matches(a, user.ID) })
	if found, err = p.unknown(ctx, found); err != nil {
		return nil, err
	}
	return p.stillEmpty(ctx, t, found, user.ID)
}

// unknown returns the assets whose ids the journal does not know.
func (p *Pipeline) unknown(ctx context.Context, assets []tenovos.Asset) ([]tenovos.Asset, error) {
	ids := make([]string, len(assets))
	for i, a := range assets {
		ids[i] = a.ObjectID
	}
	known, err := p.journal.Reader().KnownIDs(ctx, ids)
	return slices.DeleteFunc(assets, func(a tenovos.Asset) bool { return known[a.ObjectID] }), err
}

// stillEmpty asks for each asset itself: the index that a search reads lags, and
// shows an asset empty that has been filled since.
func (p *Pipeline) stillEmpty(ctx context.Context, t twin, found []tenovos.Asset, userID string) ([]tenovos.Asset, error) {
	var empty []tenovos.Asset
	for _, a := range found {
		now, err := p.api.Asset(ctx, a.FileID)
		if errors.Is(err, tenovos.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if t.matches(now, userID) {
			empty = append(empty, now)
		}
	}
	return empty, nil
}

func (p *Pipeline) candidates(ctx context.Context, t twin) ([]tenovos.Asset, error) {
	if t.OriginalFileID != "" {
		return p.api.Versions(ctx, t.OriginalFileID)
	}
	return named(ctx, p.api, t.Filename, true)
}

// currentUser asks once who the account is.
func (p *Pipeline) currentUser(ctx context.Context) (tenovos.User, error) {
	if u := p.account.Load(); u != nil {
		return *u, nil
	}
	u, err := p.api.CurrentUser(ctx)
	if err != nil {
		return u, fmt.Errorf("%w: %w", tenovos.ErrSession, err) // no file's trouble
	}
	p.account.Store(&u)
	return u, nil
}
