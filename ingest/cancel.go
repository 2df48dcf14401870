package ingest

import (
	"context"
	"errors"
	"fmt"

	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// giveUp ends an entry's current upload on the way to a status: directly where
// nothing was created, through cancelling where something was.
func (p *Pipeline) giveUp(ctx context.Context, e journal.Entry, v verdict) error {
	m := journal.Move{
		ID: e.ID, From: e.Status, To: v.to, Reason: v.reason, CountFailure: v.count, CountExpiry: v.expiry,
	}
	switch e.Status {
	case journal.Created, journal.Uploading, journal.Completing:
		m.To, m.Outcome = journal.Cancelling, v.to
	default:
		if v.after > 0 {
			m.NotBefore = p.now().Add(v.after)
		}
	}
	if err := p.advance(ctx, m); err != nil {
		return err
	}
	if m.To.Resting() {
		p.logRest(e, m.To, v.reason)
	}
	return nil
}

// cancelUpload cancels the multipart upload and removes the empty asset, then
// moves on to the outcome that was stored with the intent. A cancel is repeated
// until it is answered; one that finds nothing to cancel has succeeded.
func (p *Pipeline) cancelUpload(ctx context.Context, e journal.Entry) error {
	next := journal.Move{
		ID: e.ID, From: journal.Cancelling, To: e.Outcome, Reason: e.Reason,
	}
	if e.Outcome.Runnable() && e.Failures > 0 {
		next.NotBefore = p.now().Add(p.backoff(e.Failures))
	}
	if e.Attempt != nil && e.Attempt.ObjectID != "" {
		if e.Attempt.UploadID != "" {
			err := p.api.CancelUpload(ctx, completion(e))
			if err != nil && !alreadyGone(err) && !(errors.Is(err, tenovos.ErrRejected) && e.Tries >= maxCancels) {
				return err
			}
		}
		chore, err := p.removeAsset(ctx, e)
		if err != nil {
			return err
		}
		next.Chores = chore
	}
	if err := p.advance(ctx, next); err != nil {
		return err
	}
	if e.Outcome.Resting() {
		p.logRest(e, e.Outcome, e.Reason)
	}
	return nil
}

// removeAsset soft-deletes the asset of an attempt that was given up: we created
// it, and nobody was told that it holds content. What cannot be removed now
// becomes a chore, so that the file does not wait for it.
func (p *Pipeline) removeAsset(ctx context.Context, e journal.Entry) ([]journal.NewChore, error) {
	err := p.api.DeleteAsset(ctx, e.Attempt.ObjectID)
	switch {
	case err == nil, alreadyGone(err):
		return nil, nil
	case e.Tries < maxCancels || everyonesTrouble(err):
		return nil, fmt.Errorf("remove the empty asset: %w", err)
	}
	p.entryLog(p.log.Warn(), e).Str("object_id", e.Attempt.ObjectID).AnErr("error", err).
		Msg("the empty asset of a cancelled upload could not be removed yet; it is tried again")
	return []journal.NewChore{{
		Kind: journal.ChoreDelete, ObjectID: e.Attempt.ObjectID, FileID: e.Attempt.FileID,
		Filename: e.Filename, NotBefore: p.now().Add(choreWait(0)),
	}}, nil
}

// alreadyGone reports that what was to be removed is not there, which is what a
// removal wants. The API answers so with a refusal.
func alreadyGone(err error) bool {
	return errors.Is(err, tenovos.ErrNotFound) || errors.Is(err, tenovos.ErrNoSuchUpload)
}

// maxCancels is how often a clean-up that is refused is tried before the file
// goes on without it.
const maxCancels = 3

// everyonesTrouble reports an error that is likely to meet every entry.
func everyonesTrouble(err error) bool {
	return errors.Is(err, tenovos.ErrUnavailable) || errors.Is(err, tenovos.ErrThrottled) ||
		errors.Is(err, tenovos.ErrUnauthorized)
}
