package filing

import (
	"context"
	"errors"
	"fmt"
	"path"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/notes"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/shelf"
	"github.com/tenovos-ingest/ingestd/journal"
)

// NotYetError puts the moving of a file off that is still left alone, or sought, or work of
// another kind whose time has not come.
type NotYetError struct{ Until time.Time }

func (e *NotYetError) Error() string {
	return "the file is left alone until " + e.Until.Format(time.DateTime)
}

// ChoreOf is the work of moving the file of an entry that comes to rest in to, in a
// folder that does not keep its files; false where there is none.
func (f *Filer) ChoreOf(ctx context.Context, id int64, to journal.Status) (journal.NewChore, bool, error) {
	if to != journal.Failed && to != journal.Duplicate {
		return journal.NewChore{}, false, nil
	}
	e, err := f.Entries.Entry(ctx, id)
	if err != nil {
		return journal.NewChore{}, false, err
	}
	folder := f.folders[e.Folder]
	return folder.FilingChore(e, f.Now()), e.Kind == journal.File && !folder.After.Keeps(), nil
}

// FileResting moves the file of an entry that rests, and reports whether that is done: one
// that failed to the folder's Failed, with a text beside it, one whose content Tenovos has
// to Done. What somebody sent round again is left, and so is a file that could not be read:
// its rights are still to come, and it goes in from where it is.
func (f *Filer) FileResting(ctx context.Context, c journal.Chore) (bool, error) {
	e, err := f.Entries.Entry(ctx, c.EntryID)
	if errors.Is(err, journal.ErrUnknown) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if !f.Hands.Take(e) { // an operator's request has it, and may change what is to be done
		return false, nil
	}
	defer f.Hands.Release(e.ID)
	if e, err = f.Entries.Entry(ctx, e.ID); err != nil {
		return false, err
	}
	folder, ours := f.folders[e.Folder]
	switch {
	case !ours:
		return false, fmt.Errorf("the folder %s is not configured any more", e.Folder)
	case !e.Taken() && f.Now().Before(folder.LeftAlone(e, f.Now())):
		return false, &NotYetError{Until: folder.LeftAlone(e, f.Now())}
	case e.Status == journal.Failed && e.Reason.Class != reasons.ClassUnreadable && !folder.After.Keeps():
		to, err := f.takeAway(ctx, e, false, folder.Failed)
		if err == nil && to != "" {
			e.MovedTo = to
			err = f.writeError(e, to)
		}
		return err == nil, err
	case e.Status == journal.Duplicate && folder.After == dropfolder.AfterMove,
		e.Status == journal.Filed && !folder.After.Keeps() && (!e.Taken() || f.isHidden(ctx, e) || f.isHere(ctx, e)):
		if !e.Taken() || !f.isHidden(ctx, e) {
			if err := f.Proof.OfEarlier(ctx, e, folder.After); err != nil {
				return false, err
			}
		}
		_, err := f.takeAway(ctx, e, folder.After == dropfolder.AfterDelete, folder.Done)
		return err == nil, err
	}
	if e.Status == journal.Filed && e.Taken() && !folder.After.Keeps() && !f.isHidden(ctx, e) {
		err = f.forgetRenamed(ctx, e)
	} else {
		err = f.unhide(ctx, e)
	}
	return err == nil, err
}

// forgetRenamed takes the intent back to move the file of an entry that rests, if the file
// got another path before it was taken: there it is recognised.
func (f *Filer) forgetRenamed(ctx context.Context, e journal.Entry) error {
	d, err := f.depart(ctx, e)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.ForgetRenamed()
}

// isHidden reports whether an entry's file is on its way out of the folder.
func (f *Filer) isHidden(ctx context.Context, e journal.Entry) bool {
	d, err := f.depart(ctx, e)
	if err != nil {
		return false
	}
	defer d.Close()
	return d.IsHidden()
}

// isHere reports whether an entry's file lies where it was found: what was to take it
// out of the folder may have ended before it did.
func (f *Filer) isHere(ctx context.Context, e journal.Entry) bool {
	d, err := f.depart(ctx, e)
	if err != nil {
		return false
	}
	defer d.Close()
	return d.IsHere()
}

// unhide gives a file its name back that was on its way out when its entry
// moved on: somebody dropped a newer one, or sent it round again.
func (f *Filer) unhide(ctx context.Context, e journal.Entry) error {
	d, err := f.depart(ctx, e)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Unhide()
}

// writeError tells whoever dropped a file, which lies at a path by now, why it was not
// ingested.
func (f *Filer) writeError(e journal.Entry, at string) error {
	s, err := shelf.Open(f.Mounts, e.Folder, e.ID)
	if err != nil {
		return err
	}
	defer s.Close()
	_, err = s.WriteNote(at, path.Base(e.Path), notes.Failed, f.Text(e))
	return err
}
