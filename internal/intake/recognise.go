package intake

import (
	"context"

	"github.com/tenovos-ingest/ingestd/internal/backupcopy"
	"github.com/tenovos-ingest/ingestd/internal/content"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// recognise looks for what is known of a settled file's content. prev is what its
// path held before, if anything was ingested of it. It returns the move that answers the
// entry, or else original, the asset that it becomes a version of by its path, "" where
// the path says nothing.
func (in *Intake) recognise(ctx context.Context, w *settled, have *content.Content, prev journal.Entry) (original string, m journal.Move, err error) {
	folder := in.folders[w.Folder]
	known, same := prev.ID != 0, false
	if known {
		if same, err = have.Same(ctx, prev); err != nil {
			return "", m, err
		}
	}
	if !same {
		if m, err = in.backupCopy(ctx, w); m.ID != 0 || err != nil {
			return "", m, err
		}
		if m, err = in.renamed(ctx, w, have, prev); m.ID != 0 || err != nil {
			return "", m, err
		}
	}
	skips := folder.Duplicates != dropfolder.DuplicatesUpload && folder.Duplicates != "" && w.Size > 0 && !w.AsNew
	version := known && (folder.VersionByPath || folder.VersionByFilename || folder.Continued(prev) || prev.Kind != journal.File) && !w.AsNew
	switch {
	case same && !prev.Taken(): // if the file is still to be moved away, as after a touch in the last moment, it is
		w.recognised(Unchanged, prev)
		m = w.Stays(in.Now(), journal.Reason{})
		m.Stay.Unchanged, m.Chores = true, in.filingOf(prev)
		return "", m, nil
	case same && prev.Status == journal.Withdrawn && !w.AsNew: // dropped once more; somebody did not want it
		return "", w.Moves(journal.Held, reasons.DroppedWithdrawn), nil
	case same && skips: // dropped once more, after the first was moved away
		return "", duplicateOf(w, folder.Duplicates, prev), nil
	case version && prev.Status == journal.Withdrawn:
		return "", w.Moves(journal.Held, reasons.ChangedWithdrawn), nil
	case version:
		w.recognised(Continues, prev)
		return prev.OriginalFileID, m, nil
	case skips:
		m, err = in.answerDuplicate(ctx, w, folder.Duplicates, have)
		return "", m, err
	}
	return "", m, nil
}

// filingOf is the work of moving the file of an entry away that is filed and did not
// lie where it was looked for then, or was another.
func (in *Intake) filingOf(e journal.Entry) []journal.NewChore {
	folder := in.folders[e.Folder]
	if folder.After.Keeps() || e.Status.Active() {
		return nil
	}
	return []journal.NewChore{folder.FilingChore(e, in.Now())}
}

// duplicateOf is what becomes of an entry whose content Tenovos has from another file. It
// does not hold for a file that is touched before that is recorded.
func duplicateOf(w *settled, d dropfolder.Duplicates, original journal.Entry) journal.Move {
	w.recognised(Copy, original)
	to := journal.Duplicate
	if d == dropfolder.DuplicatesHold {
		to = journal.Held
	}
	m := w.Moves(to, reasons.Duplicate(original))
	m.ChangeTime = &w.ChangeTime
	return m
}

// answerDuplicate ends an entry whose content another path has in Tenovos, or
// lets it wait while the other one is on its way there.
func (in *Intake) answerDuplicate(ctx context.Context, w *settled, policy dropfolder.Duplicates, have *content.Content) (m journal.Move, err error) {
	original, found, err := in.original(ctx, w.Entry, have)
	if err != nil || !found {
		return m, err
	}
	if original.Status != journal.Filed {
		w.recognised(Copy, original)
		return w.Stays(in.Now().Add(tenovos.PollWait(w.Tries)), reasons.Waits(original)), nil
	}
	return duplicateOf(w, policy, original), nil
}

// backupCopy answers an entry whose file is a backup copy. It waits a moment where the new
// file under the old name may be coming.
func (in *Intake) backupCopy(ctx context.Context, w *settled) (m journal.Move, err error) {
	if w.AsNew {
		return m, nil
	}
	folder := in.folders[w.Folder]
	original, coming, err := backupcopy.Of(ctx, backupcopy.Place{
		FormerPaths: in.Journal.FormerPaths,
		At:          func(rel string) (file.Stat, bool, error) { return in.statAt(w.ID, w.Folder, rel, w.Path) },
		Wanted:      folder.Wants,
	}, w.File)
	if err != nil || original == "" {
		return m, err
	}
	if !coming {
		return w.Moves(journal.Ignored, reasons.Backup(original)), nil
	}
	if w.Reason == reasons.BackupWaits(original) || w.Reason == reasons.NameTaken { // which is waited for after this
		return m, nil
	}
	return w.Stays(in.Now().Add(folder.Settle), reasons.BackupWaits(original)), nil
}

// renamed recognises a file that had another path of its folder when it was
// ingested: a reorganised archive is not ingested again. One whose upload is under way
// goes on under the new path. One that is being cancelled, or filed, is waited for.
//
// Where the path held another file before, prev, it counts whether that file was found at
// another path in turn: then two names were exchanged, or a row of names moved up. Else the
// path was overwritten, and this file is its next content.
func (in *Intake) renamed(ctx context.Context, w *settled, have *content.Content, prev journal.Entry) (m journal.Move, err error) {
	same, err := in.Journal.SameFile(ctx, w.Entry)
	if err != nil {
		return m, err
	}
	replaced := prev.ID != 0 && prev.Kind == journal.File && !prev.Taken() // what we took left the name free
	if replaced {
		displaced, err := in.Journal.Displaced(ctx, prev)
		if err != nil {
			return m, err
		}
		if displaced && len(same) == 0 { // it takes its asset along first
			return w.Stays(in.Now().Add(w.NameWait()), w.Reason), nil
		}
		replaced = !displaced
	}
	for _, old := range same {
		at, there, err := in.statAt(w.ID, old.Folder, old.Path, w.Path)
		if err != nil {
			return m, err
		}
		if there && at.Ino == old.Ino && at.Dev == old.Dev {
			continue // a second name of one file, not a new one
		}
		if replaced && !(there && at.Ino == prev.Ino && at.Dev == prev.Dev) {
			if w.Reason == reasons.NameTaken {
				in.Abort(old.ID) // it overwrote another: it is that path's next content, and the old entry finds its own path empty
				continue
			}
			return w.Stays(in.Now().Add(in.folders[w.Folder].Settle), reasons.NameTaken), nil // it may not have been found yet
		}
		if old.Status == journal.Verified || old.Status == journal.Cancelling || old.Taken() { // its file may be on its way out
			w.recognised(Renamed, old)
			return w.Stays(in.Now().Add(tenovos.PollWait(w.Tries)), reasons.Waits(old)), nil
		}
		if old.Status == journal.Filed || content.SentWhole(old) { // else its upload compares what it sends
			if same, err := have.Same(ctx, old); err != nil || !same {
				if err != nil {
					return m, err
				}
				continue
			}
		}
		return in.takePath(w, old), nil
	}
	return m, nil
}

// takePath gives an entry the path of another, which was found to be about its file. If
// that is still to be moved away, it is.
func (in *Intake) takePath(w *settled, old journal.Entry) journal.Move {
	w.recognised(Renamed, old)
	m := w.Stays(in.Now(), journal.Reason{})
	m.Stay.Renamed, m.Chores = &old, in.filingOf(old)
	w.Afterwards(func(context.Context, journal.Entry) error {
		in.Renamed(old, w.Path)
		return nil
	})
	return m
}
