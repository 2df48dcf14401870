package ingest

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/tenovos-ingest/ingestd/internal/batches"
	"github.com/tenovos-ingest/ingestd/internal/chores"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/holdings"
	"github.com/tenovos-ingest/ingestd/internal/outage"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/stage"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// creating is the stages from the asset to create to its ids and URLs.
type creating struct{ *core }

// intend decides whether the asset of a mapped entry is created now: mapped -> creating.
// Only one create of a filename is in doubt at any time, because an asset whose reply was
// lost can be told from another only by its name: the journal refuses a second intent.
func (s *creating) intend(ctx context.Context, w *work) (journal.Move, error) {
	if w.InDrop {
		return s.waitForDrop(w), nil
	}
	asset, err := dropfolder.StoredAsset(w.Entry)
	if err != nil {
		return journal.Move{}, err
	}
	if m, held := s.holdBack(&w.Work, needs(w.Entry, asset)...); held {
		return m, nil
	}
	// The intent tells whether another create of the name is in doubt. That is asked ahead
	// of it where something of the account's may be taken over first, and by an entry that
	// has waited: so it need not look at its file time after time.
	if s.cfg.Adopt || w.Tries > 0 {
		busy, err := s.reader.NameCreating(ctx, asset.Filename)
		if err != nil {
			return journal.Move{}, err
		}
		if busy {
			return w.Stays(s.now().Add(w.NameWait()), w.Reason), nil
		}
	}
	if w.Kind == journal.File {
		if err := s.foreign.refusal(s.now()); err != nil {
			return journal.Move{}, err
		}
		if err := s.unchanged(w.Entry); err != nil {
			return journal.Move{}, err
		}
	}
	if err := s.api.Ready(ctx); err != nil { // before the intent: a refused login creates nothing
		return journal.Move{}, &stage.LookError{Err: err}
	}
	m, err := s.adopt(ctx, w, asset)
	if err != nil {
		return journal.Move{}, &stage.HoldingsError{Err: err}
	}
	s.passed(&w.Work, math.MaxInt64, outage.Call(journal.Mapped))
	if m.ID != 0 {
		return m, nil
	}
	return w.Moves(journal.Creating, journal.Reason{}), nil
}

// mayCreate reports that nothing is in the way of creating the asset of a settled entry at
// once. Whatever is, the stage of mapped entries looks at, and answers.
func (c *core) mayCreate(ctx context.Context, w *stage.Work, asset tenovos.NewAsset) bool {
	if w.InDrop || c.cfg.Adopt {
		return false
	}
	if _, held := c.circuits.HoldBack(w.Entry, needs(w.Entry, asset)...); held {
		return false
	}
	if w.Kind == journal.File && (c.foreign.refusal(c.now()) != nil || c.unchanged(w.Entry) != nil) {
		return false
	}
	if c.api.Ready(ctx) != nil {
		return false
	}
	c.passed(w, math.MaxInt64, outage.Call(journal.Mapped)) // as the stage of mapped entries has it
	return true
}

// needs names the circuits that the creation of an entry's asset needs.
func needs(e journal.Entry, asset tenovos.NewAsset) []string {
	names := []string{outage.Create(asset), outage.Call(journal.Creating), outage.Call(journal.Mapped)}
	if e.Kind == journal.File {
		names = append(names, outage.ContentStore)
	}
	return names
}

// waitForDrop lets a mapped entry wait until its drop is released.
func (s *creating) waitForDrop(w *work) journal.Move {
	m := w.Stays(batches.Waits(w.Entry, s.now()))
	m.Stay.ForDrop = true
	return m
}

// unchanged reports ErrSourceChanged when the file is not what was mapped, and
// file.ErrLocked when it cannot be read for now. The watcher sends round again what was
// touched while it waited.
func (c *core) unchanged(e journal.Entry) error {
	src, err := c.open(e)
	if err != nil {
		return err
	}
	defer src.Close()
	if !e.Alike(src.Hint()) {
		return fmt.Errorf("%s: %w", e.Path, uploader.ErrSourceChanged)
	}
	return src.Readable()
}

// create asks Tenovos for the asset of an intent that was just recorded: creating ->
// uploading. An intent that is found is in doubt: the process died, or the reply was lost,
// before the ids were stored, and an asset may exist that nobody knows.
func (s *creating) create(ctx context.Context, w *work) (journal.Move, error) {
	if !w.fresh {
		return s.recoverCreate(ctx, w)
	}
	asset, err := dropfolder.StoredAsset(w.Entry)
	if err != nil {
		return journal.Move{}, err
	}
	up, err := s.api.CreateAsset(ctx, asset)
	if err != nil {
		return s.notCreated(ctx, w, asset, up, err)
	}
	s.gate.Worked()
	s.skew.Log()
	created, err := plan(w.Entry, up)
	if err != nil {
		m := w.Moves(journal.Cancelling, reasons.Of(reasons.ClassPlan, err,
			"The store handed out a number of upload URLs that fits no documented part size. Report it to Tenovos support; `ingestd retry ID` tries again."))
		m.Outcome, m.Created = journal.Failed, &created
		return m, nil
	}
	m := w.Moves(journal.Uploading, journal.Reason{})
	m.Created = &created
	s.passed(&w.Work, math.MaxInt64, outage.Create(asset), outage.Call(journal.Creating))
	return m, nil
}

// notCreated sorts out a create that failed. Only here is it known whether the
// call took place; whoever finds the entry in creating later knows nothing.
func (s *creating) notCreated(ctx context.Context, w *work, asset tenovos.NewAsset, up tenovos.Upload, cause error) (journal.Move, error) {
	switch {
	case up.ObjectID != "": // made, but the reply is of no use
		r := reasons.Of(reasons.ClassAmbiguous, cause, "Tenovos makes assets, and does not say where their content goes. Show the message to Tenovos support.")
		everyones, recorded := s.circuits.RefusedAlike(w.ID, outage.Call(journal.Creating), r)
		if recorded != nil {
			w.Afterwards(func(ctx context.Context, _ journal.Entry) error { return recorded(ctx) })
		}
		m := w.Moves(journal.Cancelling, r)
		m.Outcome, m.CountFailure = journal.Mapped, !everyones
		m.Created = &journal.Creation{ObjectID: up.ObjectID, FileID: up.FileID, OriginalFileID: up.OriginalFileID, UploadID: up.UploadID}
		return m, nil
	case errors.Is(cause, tenovos.ErrAmbiguous):
		return journal.Move{}, cause
	case errors.Is(cause, tenovos.ErrIntermediary) && !errors.Is(cause, tenovos.ErrSession):
		return journal.Move{}, cause // who answers in Tenovos' place may have let the call through: it is looked for
	case asset.OriginalFileID != "" && (errors.Is(cause, tenovos.ErrRejected) || errors.Is(cause, tenovos.ErrNotFound)):
		if gone, lookErr := s.holdings.Gone(ctx, asset.OriginalFileID); lookErr == nil && gone {
			return journal.Move{}, stage.Held(reasons.OriginalGone)
		}
	}
	w.unmade = true
	return journal.Move{}, cause
}

// plan turns the reply to a create into what the journal stores. On an error the
// result still holds the ids, so that the upload can be cancelled.
func plan(e journal.Entry, up tenovos.Upload) (journal.Creation, error) {
	c := journal.Creation{ObjectID: up.ObjectID, FileID: up.FileID, OriginalFileID: up.OriginalFileID, UploadID: up.UploadID}
	if e.Kind != journal.File { // nothing is uploaded
		return c, nil
	}
	urls := make([]uploader.URL, len(up.URLs))
	for i, u := range up.URLs {
		urls[i] = uploader.URL(u)
	}
	parts, err := uploader.Plan(e.Size, urls)
	if err != nil {
		return c, err
	}
	c.PartSize = parts[0].Size
	c.Parts = make([]journal.Part, len(parts))
	for i, part := range parts {
		c.Parts[i] = journal.Part{Number: part.Number, Offset: part.Offset, Size: part.Size, URL: part.URL}
		if t, ok := uploader.Expiry(part.URL); ok && (c.Expires.IsZero() || t.Before(c.Expires)) {
			c.Expires = t
		}
	}
	return c, nil
}

// recoverCreate looks for the empty asset of a lost create. One is removed before
// a new create; none, after several looks, means that there is none, and the doubt
// stays open as a chore; several cannot be told apart and are the operator's, and so is
// a search that does not show all that it finds.
func (s *creating) recoverCreate(ctx context.Context, w *work) (journal.Move, error) {
	lost, err := s.lostCreate(w.Entry)
	if err != nil {
		return journal.Move{}, err
	}
	found, err := s.holdings.OfLostCreate(ctx, lost)
	unsure := errors.Is(err, holdings.ErrInconclusive)
	if err != nil && !unsure {
		return journal.Move{}, &stage.LookError{Err: fmt.Errorf("look for the asset of a lost create: %w", err)}
	}
	chore, err := chores.Doubt(lost, s.now())
	if err != nil {
		return journal.Move{}, err
	}
	spent := w.Failures >= s.cfg.MaxAttempts
	m := journal.Move{ID: w.ID, From: journal.Creating, Chores: []journal.NewChore{chore}}
	switch {
	case unsure:
		m.To, m.Reason = journal.Held, reasons.UnsureTwin(lost.Filename, err)
	case len(found) == 1 && w.Kind != journal.File: // complete as it is
		m.To, m.Chores, m.Created = journal.Uploading, nil, creationOf(found[0])
	case len(found) == 1:
		m.To, m.Outcome, m.Reason, m.Chores, m.Created = journal.Cancelling, journal.Mapped, reasons.LostCreate, nil, creationOf(found[0])
		if spent {
			m.Outcome, m.Reason = journal.Failed, reasons.NoReply
		}
	case len(found) > 1:
		m.To, m.Reason = journal.Held, reasons.Twins(found)
	case w.Tries+1 < len(s.cfg.Looks):
		return w.Stays(s.now().Add(s.cfg.Looks[w.Tries+1]), reasons.LostCreate), nil
	case spent:
		m.To, m.Reason = journal.Failed, reasons.NoReply
	default:
		m.To = journal.Mapped
	}
	return m, nil
}

func creationOf(a tenovos.Asset) *journal.Creation {
	return &journal.Creation{ObjectID: a.ObjectID, FileID: a.FileID, OriginalFileID: a.OriginalFileID}
}
