package chores

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/filing"
	"github.com/tenovos-ingest/ingestd/internal/hands"
	"github.com/tenovos-ingest/ingestd/internal/holdings"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/removal"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// Uploads are the multipart uploads of an account.
type Uploads interface {
	CancelUpload(ctx context.Context, c tenovos.Completion) error
}

// Holdings are what an account holds.
type Holdings interface {
	// OfLostCreate returns the empty assets that a lost create may have left.
	OfLostCreate(ctx context.Context, l holdings.LostCreate) ([]tenovos.Asset, error)
	// Unknown returns the assets whose ids the journal does not know.
	Unknown(ctx context.Context, assets []tenovos.Asset) ([]tenovos.Asset, error)
}

// Creates tells of the creates that are on their way.
type Creates interface {
	// NameCreating reports that an asset of a filename is just being created.
	NameCreating(ctx context.Context, filename string) (bool, error)
}

// Orphans cleans up in Tenovos what creates and removals of ours have left.
type Orphans struct {
	Uploads  Uploads
	Holdings Holdings
	Creates  Creates
	Remover  *removal.Remover
	Entries  filing.Entries
	Duties   journal.Duties
	Hands    *hands.Hands
	Now      func() time.Time
	Log      zerolog.Logger
}

// Kinds are the kinds of chores that this is.
func (o *Orphans) Kinds() map[journal.ChoreKind]Kind {
	return map[journal.ChoreKind]Kind{
		journal.ChoreCancel:  o.cancel,
		journal.ChoreDelete:  o.delete,
		journal.ChoreTwin:    o.search,
		journal.ChoreRestore: o.restore,
	}
}

// cancel cancels the upload of an attempt that was given up, and then
// removes its asset.
func (o *Orphans) cancel(ctx context.Context, c journal.Chore) (bool, error) {
	var upload tenovos.Completion
	if err := json.Unmarshal([]byte(c.Spec), &upload); err != nil {
		return false, fmt.Errorf("read the upload to cancel: %w", err)
	}
	m, err := o.Remover.Begin(ctx, c.EntryID, removal.Version{ObjectID: c.ObjectID, FileID: c.FileID}, c.Filename) // the cancel may remove the asset by itself
	if err != nil {
		return false, err
	}
	defer m.Release()
	if err := o.Uploads.CancelUpload(ctx, upload); err != nil && !errors.Is(err, tenovos.ErrNoSuchUpload) {
		return false, err
	}
	_, err = m.Complete(ctx)
	return err == nil, err
}

// delete removes the empty asset of an upload that was given up.
func (o *Orphans) delete(ctx context.Context, c journal.Chore) (bool, error) {
	_, err := o.Remover.Remove(ctx, c.EntryID, removal.Version{ObjectID: c.ObjectID, FileID: c.FileID}, c.Filename)
	return err == nil, err
}

// restore looks at what a removal may have taken along, unless whoever removes
// has the entry in hand.
func (o *Orphans) restore(ctx context.Context, c journal.Chore) (bool, error) {
	e, err := o.Entries.Entry(ctx, c.EntryID)
	if err != nil {
		return false, err
	}
	if !o.Hands.Take(e) {
		return false, &filing.NotYetError{Until: o.Now().Add(wait(0))}
	}
	defer o.Hands.Release(e.ID)
	c, open, err := o.Duties.Find(ctx, c.ObjectID)
	if err != nil || !open { // since it was listed, the removal has finished
		return err == nil, err
	}
	done, until, err := o.Remover.LookAgain(ctx, c)
	if _, lost := errors.AsType[*removal.UnrestoredError](err); lost && c.Tries == 0 {
		dropfolder.LogEntry(o.Log.Warn(), e).Str("reason", reasons.Message(err)).Msg("versions of an asset that went along with one of ours cannot be brought back yet: tried again until they can")
	}
	if !until.IsZero() {
		return false, &filing.NotYetError{Until: until}
	}
	return done, err
}

// search looks for the late empty asset of a create whose reply was lost, and
// removes it. The doubt ends after a day.
func (o *Orphans) search(ctx context.Context, c journal.Chore) (bool, error) {
	var lost holdings.LostCreate
	if err := json.Unmarshal([]byte(c.Spec), &lost); err != nil {
		return false, fmt.Errorf("read the doubt: %w", err)
	}
	found, err := o.Holdings.OfLostCreate(ctx, lost)
	if err != nil || len(found) == 0 {
		return false, err
	}
	if len(found) > 1 {
		return false, fmt.Errorf("%s", reasons.Twins(found).Message)
	}
	// What was found may be of a create whose reply is still on its way. Asked in
	// this order: an entry that left creating in between has stored its ids.
	if busy, err := o.Creates.NameCreating(ctx, lost.Filename); busy || err != nil {
		return false, err
	}
	if found, err = o.Holdings.Unknown(ctx, found); err != nil {
		return false, err
	}
	for _, a := range found {
		removed, err := o.Remover.Remove(ctx, c.EntryID, removal.VersionOf(a), lost.Filename)
		if err != nil {
			return false, err
		}
		if !removed {
			continue
		}
		o.Log.Info().Str("filename", lost.Filename).Str("object_id", a.ObjectID).
			Msg("removed the empty asset of a create whose reply had been lost")
	}
	return false, nil // more may come until the doubt ends
}
