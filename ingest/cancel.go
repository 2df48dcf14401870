package ingest

import (
	"context"
	"errors"

	"github.com/tenovos-ingest/ingestd/internal/chores"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/outage"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/removal"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// giveUp returns the move that ends an entry's current upload on the way to a status:
// directly where nothing was created, through cancelling where something was.
func (c *core) giveUp(e journal.Entry, v verdict) (journal.Move, error) {
	m := journal.Move{ID: e.ID, From: e.Status, To: v.to, Reason: v.reason, CountFailure: v.count, CountExpiry: v.expiry}
	switch e.Status {
	case journal.Uploading, journal.Completing:
		m.To, m.Outcome = journal.Cancelling, v.to
	case journal.Creating:
		if v.to.Resting() { // an asset may have come of it in spite of all
			chore, err := c.doubt(e)
			if err != nil {
				return m, err
			}
			if v.reason.Class == reasons.ClassRejected || v.reason.Class == reasons.ClassForbidden || v.reason.Class == reasons.ClassWithdrawn {
				chore.Until = chore.NotBefore // it was refused in so many words: one look is enough
			}
			m.Chores = []journal.NewChore{chore}
		}
	}
	if m.To.Runnable() && m.To != journal.Cancelling && v.after > 0 {
		m.NotBefore = c.now().Add(v.after)
	}
	return m, nil
}

// cancelling is the stage of entries whose upload is given up.
type cancelling struct{ *core }

// cancel cancels the multipart upload and removes the empty asset, then
// moves on to the outcome that was stored with the intent.
func (s *cancelling) cancel(ctx context.Context, w *work) (journal.Move, error) {
	u, err := s.undo(ctx, w.Entry)
	if err != nil {
		return journal.Move{}, err
	}
	if u.complete {
		m := w.Moves(journal.Verifying, reasons.Unconfirmed)
		m.Unconfirmed = true
		return m, nil
	}
	m := w.Moves(w.Outcome, w.Reason)
	m.Chores = u.chores
	switch {
	case u.unrestored != nil:
		m.Reason = u.unrestored.Reason(w.Entry)
		if m.To.Runnable() { // a version of what is in the recycle bin cannot be made
			m.To = journal.Held
		}
	case u.removal != nil:
		m.Reason = u.removal.With(m.Reason)
	}
	if (m.To == journal.Failed || m.To == journal.Held) && m.Reason.Hint == "" { // it tells of the cancel by now
		m.Reason.Hint = "Its upload was given up, and could not be taken back at once. `ingestd retry ID` tries the file again."
	}
	if n := max(w.Failures, w.Expiries); m.To.Runnable() && n > 0 {
		m.NotBefore = s.now().Add(s.backoff(n))
	}
	w.Afterwards(func(ctx context.Context, _ journal.Entry) error {
		if m.To.Runnable() && w.Attempt != nil {
			dropfolder.LogEntry(s.log.Info(), w.Entry).Str("object_id", w.Attempt.ObjectID).Str("reason", w.Reason.Message).Msg("an upload was given up: the file begins again")
		}
		if u.removal == nil || u.unrestored != nil || len(u.chores) > 0 {
			return nil
		}
		return u.removal.Close(ctx)
	})
	return m, nil
}

// undone is what came of taking back an attempt.
type undone struct {
	removal  *removal.Removal // of its empty asset; nil if there is nothing to remove
	complete bool             // it was completed after all: nothing was removed
	// What is left to be done beside the work: chores, and by the duty of the removal what
	// went along with it.
	chores     []journal.NewChore
	unrestored *removal.UnrestoredError
}

// undo takes back what the attempt created. A cancel is repeated until it is
// answered, or after maxCancels becomes a chore; one that finds nothing to cancel
// has succeeded, unless the upload may have been completed: then nothing is
// removed, and the content is to be looked for.
func (s *cancelling) undo(ctx context.Context, e journal.Entry) (u undone, err error) {
	if e.Attempt == nil || e.Attempt.ObjectID == "" {
		return u, nil
	}
	var abortErr error
	var stillOpen bool
	u.removal, abortErr = s.remover.Begin(ctx, e.ID, removal.Version{ObjectID: e.Attempt.ObjectID, FileID: e.Attempt.FileID}, e.Filename)
	defer u.removal.Release()
	if abortErr == nil { // it may remove the asset by itself
		stillOpen, abortErr = s.abort(ctx, e)
	}
	if abortErr == nil && stillOpen && e.Attempt.Completing {
		// A fact, before the asset is removed: should that have to be repeated, the upload
		// is not open any more, and would be taken for one that was completed after all.
		if err := s.neverCompleted(ctx, e); err != nil {
			return u, err
		}
	}
	if abortErr == nil && !stillOpen && e.Attempt.Completing {
		u.complete = true
		return u, u.removal.Close(ctx)
	}
	failed := abortErr
	if failed == nil {
		failed = u.removal.Finish(ctx)
	}
	if failed == nil || e.Tries < maxCancels {
		return u, failed
	}
	if unrestored := u.removal.Unrestored(failed); everyonesTrouble(failed) && unrestored != nil {
		if e.Tries < maxRestores {
			return u, failed // what went along comes back before the file begins again
		}
		u.unrestored = unrestored
	}
	if u.unrestored != nil || errors.As(failed, &u.unrestored) {
		return u, nil
	}
	dropfolder.LogEntry(s.log.Warn(), e).Str("object_id", e.Attempt.ObjectID).AnErr("reason", failed).
		Msg("an upload that was given up could not be cleaned up yet: it is tried again beside the work")
	u.chores, err = s.cleanUp(e, abortErr != nil)
	return u, err
}

// neverCompleted records that an upload was open until it was cancelled.
func (s *cancelling) neverCompleted(ctx context.Context, e journal.Entry) error {
	ctx, cancel := journal.Recording(ctx)
	defer cancel()
	return s.journal.Learn(ctx, e.ID, journal.Learned{Attempt: e.Attempt.ID, NeverCompleted: true})
}

// abort cancels the attempt's multipart upload, if it has one, and reports
// whether it was open until then.
func (s *cancelling) abort(ctx context.Context, e journal.Entry) (stillOpen bool, err error) {
	if e.Attempt.UploadID == "" {
		return true, nil
	}
	err = s.api.CancelUpload(ctx, completion(e))
	if errors.Is(err, tenovos.ErrNoSuchUpload) {
		return false, nil
	}
	return err == nil, err
}

// cleanUp makes chores of what an upload that was given up may have left: the
// open upload, if there may be one, and the empty asset.
func (c *core) cleanUp(e journal.Entry, upload bool) ([]journal.NewChore, error) {
	var open *tenovos.Completion
	if upload && e.Attempt.UploadID != "" {
		body := completion(e)
		open = &body
	}
	chore, err := chores.CleanUp(e, open, c.now())
	return []journal.NewChore{chore}, err
}

// maxCancels is how often a clean-up that is refused is tried before the file
// goes on without it.
const maxCancels = 3

// maxRestores is how often, while it is everyone's trouble, a file waits for what went
// along with its empty version; then it is held, and the duty goes on without it.
const maxRestores = 20

// everyonesTrouble reports an error that is likely to meet every entry.
func everyonesTrouble(err error) bool { return outage.Everybodys(err) }
