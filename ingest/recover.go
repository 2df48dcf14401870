package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/holdings"
	"github.com/tenovos-ingest/ingestd/internal/outage"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// recover carries on from an intent whose outcome nobody recorded. The intents
// that need no question of their own go on where they stopped: created and
// uploading send what is missing, verifying looks again, cancelling repeats.
func (p *Pipeline) recover(ctx context.Context, e journal.Entry) (now journal.Entry, err error) {
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
		return now, fmt.Errorf("entry %d: %s is not in doubt", e.ID, e.Status)
	}
}

// recoverCreate looks for the empty asset of a lost create. One is removed before
// a new create; none, after several looks, means that there is none, and the doubt
// stays open as a chore; several cannot be told apart and are the operator's, and so is
// a search that does not show all that it finds.
func (p *Pipeline) recoverCreate(ctx context.Context, e journal.Entry) (now journal.Entry, err error) {
	lost, err := p.lostCreate(e)
	if err != nil {
		return now, err
	}
	found, err := p.holdings.OfLostCreate(ctx, lost)
	unsure := errors.Is(err, holdings.ErrInconclusive)
	if err != nil && !unsure {
		return now, &lookError{fmt.Errorf("look for the asset of a lost create: %w", err)}
	}
	chore, err := doubtChore(e, lost, p.now())
	if err != nil {
		return now, err
	}
	spent := e.Failures >= p.cfg.MaxAttempts
	m := journal.Move{ID: e.ID, From: journal.Creating, Chores: []journal.NewChore{chore}}
	switch {
	case unsure:
		m.To, m.Reason = journal.Held, reasons.UnsureTwin(lost.Filename, err)
	case len(found) == 1 && e.Kind != journal.File: // complete as it is
		a := found[0]
		m.To, m.Chores = journal.Uploading, nil
		m.Created = &journal.Creation{ObjectID: a.ObjectID, FileID: a.FileID, OriginalFileID: a.OriginalFileID}
	case len(found) == 1:
		a := found[0]
		m.To, m.Outcome, m.Reason, m.Chores = journal.Cancelling, journal.Mapped, reasons.LostCreate, nil
		m.Created = &journal.Creation{ObjectID: a.ObjectID, FileID: a.FileID, OriginalFileID: a.OriginalFileID}
		if spent {
			m.Outcome, m.Reason = journal.Failed, reasons.NoReply
		}
	case len(found) > 1:
		m.To, m.Reason = journal.Held, reasons.Twins(found)
	case e.Tries+1 < len(p.cfg.Looks):
		return now, deferEntry(ctx, p.journal, e.ID, e.Status, p.now().Add(p.cfg.Looks[e.Tries+1]), reasons.LostCreate, false)
	case spent:
		m.To, m.Reason = journal.Failed, reasons.NoReply
	default:
		m.To = journal.Mapped
	}
	if now, err = p.advance(ctx, m); err == nil && m.To.Resting() {
		p.logRest(e, m.To, m.Reason)
	}
	return now, err
}

// maxLooks bounds how often a completion that stays unanswered is looked into
// and repeated before a cancel settles it.
const maxLooks = 3

// recoverComplete looks at the asset first and completes again only where no
// content is to be seen. A store that knows no such upload may have completed it.
// After maxLooks a cancel is sent, which tells: an upload that it finds open was
// never completed, and one that it does not find has its content waited for.
func (p *Pipeline) recoverComplete(ctx context.Context, e journal.Entry) (now journal.Entry, err error) {
	unconfirmed := journal.Move{
		ID: e.ID, From: journal.Completing, To: journal.Verifying, Unconfirmed: true, Reason: reasons.Unconfirmed,
	}
	if e.Tries >= maxLooks && e.Reason.Class != reasons.ClassIntermediary && e.Reason.Class != reasons.ClassHeldUp {
		v := newAttempt(e, errNoCompletion, limits{attempts: p.cfg.MaxAttempts}, reasons.ClassAmbiguous,
			"Tenovos gives no clear answer to the upload's completion. Show this file's name to Tenovos support.")
		return p.giveUp(ctx, e, v)
	}
	if held, err := p.holdBack(ctx, e, outage.Call(e.Status)); held || err != nil {
		return now, err
	}
	asset, err := p.api.Asset(ctx, e.Attempt.FileID)
	if err != nil {
		return now, &lookError{fmt.Errorf("look at the asset of a lost completion: %w", err)}
	}
	if asset.HasContent {
		return p.advance(ctx, unconfirmed)
	}
	err = p.api.CompleteUpload(ctx, completion(e))
	switch {
	case err == nil:
		if err := p.circuits.Passed(ctx, e.ID, outage.BodySize(e), outage.Call(journal.Completing)); err != nil {
			return now, err
		}
		return p.advance(ctx, journal.Move{ID: e.ID, From: journal.Completing, To: journal.Verifying})
	case errors.Is(err, tenovos.ErrNotFound), errors.Is(err, tenovos.ErrNoSuchUpload):
		return p.advance(ctx, unconfirmed)
	}
	return now, err
}

var errNoCompletion = errors.New("the completion of the upload was not answered, time after time, and no content is to be seen")

// lookError is a question that got no answer, about a doubtful status or about the
// session: it says nothing about the file.
type lookError struct{ err error }

func (e *lookError) Error() string { return e.err.Error() }
func (e *lookError) Unwrap() error { return e.err }

// doubt is the chore that keeps looking for the asset of a lost create.
func (p *Pipeline) doubt(e journal.Entry) (journal.NewChore, error) {
	lost, err := p.lostCreate(e)
	if err != nil {
		return journal.NewChore{}, err
	}
	return doubtChore(e, lost, p.now())
}

// lostCreate describes the asset that a lost create may have left.
func (p *Pipeline) lostCreate(e journal.Entry) (holdings.LostCreate, error) {
	asset, err := dropfolder.StoredAsset(e)
	if err != nil {
		return holdings.LostCreate{}, err
	}
	if e.Attempt == nil {
		return holdings.LostCreate{}, fmt.Errorf("entry %d is creating without an attempt", e.ID)
	}
	return holdings.LostCreate{
		Filename: asset.Filename, TemplateID: asset.TemplateID, SecurityIDs: asset.SecurityIDs,
		OriginalFileID: asset.OriginalFileID, ContentPath: asset.ContentPath,
		From: p.skew.Theirs(e.Attempt.IntentAt).Add(-p.cfg.Skew), To: p.skew.Theirs(e.Attempt.IntentAt).Add(tenovos.CallSpan + p.cfg.Skew),
	}, nil
}

// doubtFor is how long a lost create is searched for again.
const doubtFor = 24 * time.Hour

// doubtChore keeps searching for the asset of a lost create after a new create is allowed.
func doubtChore(e journal.Entry, lost holdings.LostCreate, now time.Time) (journal.NewChore, error) {
	spec, err := json.Marshal(lost)
	if err != nil {
		return journal.NewChore{}, fmt.Errorf("store the doubt about %s: %w", e.Path, err)
	}
	return journal.NewChore{
		Kind: journal.ChoreTwin, Filename: lost.Filename, Spec: string(spec),
		NotBefore: now.Add(choreWait(0)), Until: now.Add(doubtFor),
	}, nil
}

// storedAsset reads the asset to create back from the journal.
func storedAsset(e journal.Entry) (tenovos.NewAsset, error) {
	var a tenovos.NewAsset
	if err := json.Unmarshal(e.Asset, &a); err != nil {
		return a, fmt.Errorf("read the stored asset of %s: %w", e.Path, err)
	}
	return a, nil
}
