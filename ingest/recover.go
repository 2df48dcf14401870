package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// recover carries on from an intent whose outcome nobody recorded. The intents
// that need no question of their own go on where they stopped: created and
// uploading send what is missing, verifying looks again, cancelling repeats.
func (p *Pipeline) recover(ctx context.Context, e journal.Entry) error {
	switch e.Status {
	case journal.Creating:
		// The process died, or the reply was lost, between the intent to create and
		// the storing of the ids. An asset may exist that nobody knows.
		return p.recoverCreate(ctx, e)
	case journal.Completing:
		// The process died, or the reply was lost, between the intent to complete and
		// its answer. The content may be in place already.
		return p.recoverComplete(ctx, e)
	default:
		return fmt.Errorf("entry %d: %s is not in doubt", e.ID, e.Status)
	}
}

// recoverCreate looks for the empty asset of a lost create. One is removed before
// a new create; none, after several looks, means that there is none, and the doubt
// stays open as a chore; several cannot be told apart and are the operator's.
func (p *Pipeline) recoverCreate(ctx context.Context, e journal.Entry) error {
	t, err := p.lostCreate(e)
	if err != nil {
		return err
	}
	found, err := p.findTwins(ctx, t)
	if err != nil {
		return fmt.Errorf("look for the asset of a lost create: %w", err)
	}
	switch {
	case len(found) == 1:
		a := found[0]
		return p.advance(ctx, journal.Move{
			ID: e.ID, From: journal.Creating, To: journal.Cancelling, Outcome: journal.Mapped,
			Created: &journal.Creation{ObjectID: a.ObjectID, FileID: a.FileID, OriginalFileID: a.OriginalFileID},
			Reason:  reasonLostCreate,
		})
	case len(found) > 1:
		return &verdictError{verdict{to: journal.Held, reason: reasonTwins(found)}}
	case e.Tries+1 < len(p.cfg.Looks):
		return p.journal.Defer(ctx, e.ID, e.Status, p.now().Add(p.cfg.Looks[e.Tries+1]), reasonLostCreate, false)
	}
	chore, err := t.chore(e, p.now())
	if err != nil {
		return err
	}
	m := journal.Move{ID: e.ID, From: journal.Creating, To: journal.Mapped, Chores: []journal.NewChore{chore}}
	if e.Failures >= p.cfg.MaxAttempts {
		m.To, m.Reason = journal.Failed, reasonNoReply
		p.logRest(e, m.To, m.Reason)
	}
	return p.advance(ctx, m)
}

// maxCompletes bounds how often a completion that stays unanswered is sent.
const maxCompletes = 3

// recoverComplete looks at the asset first and completes again only where no
// content is to be seen. A store that knows no such upload may have completed it.
func (p *Pipeline) recoverComplete(ctx context.Context, e journal.Entry) error {
	asset, err := p.api.Asset(ctx, e.Attempt.FileID)
	if err != nil {
		return fmt.Errorf("look at the asset of a lost completion: %w", err)
	}
	unconfirmed := journal.Move{
		ID: e.ID, From: journal.Completing, To: journal.Verifying, Reason: reasonUnconfirmed,
	}
	if asset.HasContent || e.Tries >= maxCompletes {
		return p.advance(ctx, unconfirmed)
	}
	err = p.api.CompleteUpload(ctx, completion(e))
	switch {
	case err == nil:
		return p.advance(ctx, journal.Move{ID: e.ID, From: journal.Completing, To: journal.Verifying})
	case errors.Is(err, tenovos.ErrRejected), errors.Is(err, tenovos.ErrNotFound), errors.Is(err, tenovos.ErrNoSuchUpload):
		return p.advance(ctx, unconfirmed)
	}
	return err
}

// lostCreate describes the asset that a lost create may have left.
func (p *Pipeline) lostCreate(e journal.Entry) (twin, error) {
	asset, err := storedAsset(e)
	if err != nil {
		return twin{}, err
	}
	if e.Attempt == nil {
		return twin{}, fmt.Errorf("entry %d is creating without an attempt", e.ID)
	}
	return twin{
		Filename: asset.Filename, TemplateID: asset.TemplateID, SecurityIDs: asset.SecurityIDs,
		OriginalFileID: asset.OriginalFileID,
		From:           e.Attempt.IntentAt.Add(-p.cfg.Skew), To: e.Attempt.IntentAt.Add(callSpan + p.cfg.Skew),
	}, nil
}

// callSpan is how long after its intent a create can still have taken effect: the
// refresh of a token, the call's time-out, and the platform's own limit behind it.
const callSpan = 3 * time.Minute
