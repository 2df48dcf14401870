package ingest

import (
	"context"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/shelf"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// recognise looks for what is known of a settled file's content. prev is what its
// path held before, if anything was ingested of it. done says that the entry has been
// dealt with; else original is the asset that it becomes a version of by its path, ""
// where the path says nothing.
func (p *Pipeline) recognise(ctx context.Context, e journal.Entry, file *content, prev journal.Entry) (original string, done bool, err error) {
	folder := p.folders[e.Folder]
	known, same := prev.ID != 0, false
	if known {
		if same, err = file.same(ctx, prev); err != nil {
			return "", false, err
		}
	}
	if !same {
		if done, err := p.backup(ctx, e); done || err != nil {
			return "", done, err
		}
		if done, err := p.renamed(ctx, e, file, prev); done || err != nil {
			return "", done, err
		}
	}
	skips := folder.Duplicates != dropfolder.DuplicatesUpload && folder.Duplicates != "" && e.Size > 0 && !e.AsNew
	version := known && (folder.VersionByPath || folder.VersionByFilename || folder.Continued(prev) || prev.Kind != journal.File) && !e.AsNew
	switch {
	case same && !prev.Taken():
		return "", true, p.mergeUnchanged(ctx, e, prev)
	case same && prev.Status == journal.Withdrawn && !e.AsNew: // dropped once more; somebody did not want it
		return "", true, &verdictError{verdict{to: journal.Held, reason: reasons.DroppedWithdrawn}}
	case same && skips: // dropped once more, after the first was moved away
		return "", true, &verdictError{duplicateOf(folder.Duplicates, e, prev)}
	case version && prev.Status == journal.Withdrawn:
		return "", true, &verdictError{verdict{to: journal.Held, reason: reasons.ChangedWithdrawn}}
	case version:
		return prev.OriginalFileID, false, nil
	case skips:
		done, err := p.answerDuplicate(ctx, e, folder.Duplicates, file)
		return "", done, err
	}
	return "", false, nil
}

// mergeUnchanged ends an entry that proved to hold what its path held before. If
// that is still to be moved away, as after a touch in the last moment, it is.
func (p *Pipeline) mergeUnchanged(ctx context.Context, e, prev journal.Entry) error {
	return mergeUnchanged(ctx, p.journal, e.ID, p.filer.ChoresOfKnown(prev)...)
}

// duplicateOf is what becomes of an entry whose content Tenovos has from another file.
func duplicateOf(d dropfolder.Duplicates, e, original journal.Entry) verdict {
	to := journal.Duplicate
	if d == dropfolder.DuplicatesHold {
		to = journal.Held
	}
	return verdict{to: to, reason: reasons.Duplicate(original), looked: &e.ChangeTime}
}

// answerDuplicate ends an entry whose content another path has in Tenovos, or
// lets it wait while the other one is on its way there.
func (p *Pipeline) answerDuplicate(ctx context.Context, e journal.Entry, policy dropfolder.Duplicates, file *content) (bool, error) {
	original, found, err := p.original(ctx, e, file)
	if err != nil || !found {
		return false, err
	}
	if original.Status != journal.Filed {
		return true, deferEntry(ctx, p.journal, e.ID, e.Status, p.now().Add(tenovos.PollWait(e.Tries)), reasons.Waits(original), false)
	}
	return true, &verdictError{duplicateOf(policy, e, original)}
}

// renamed recognises a file that had another path of its folder when it was
// ingested: a reorganised archive is not ingested again. One whose upload is under way
// goes on under the new path. One that is being cancelled, or filed, is waited for.
//
// Where the path held another file before, prev, it counts whether that got another
// path in turn: then names were exchanged or moved up. Else it was overwritten, and
// this is its next content.
func (p *Pipeline) renamed(ctx context.Context, e journal.Entry, file *content, prev journal.Entry) (bool, error) {
	same, err := p.journal.Reader().SameFile(ctx, e)
	if err != nil {
		return false, err
	}
	replaced := prev.ID != 0 && prev.Kind == journal.File && !prev.Taken() // what we took left the name free
	if replaced {
		displaced, err := p.journal.Reader().Displaced(ctx, prev)
		if err != nil {
			return false, err
		}
		if displaced && len(same) == 0 { // it takes its asset along first
			return true, p.waitForName(ctx, e)
		}
		replaced = !displaced
	}
	for _, old := range same {
		at, there, err := p.hintAt(e.ID, old.Folder, old.Path, e.Path)
		if err != nil {
			return false, err
		}
		if there && at.Ino == old.Ino && at.Dev == old.Dev {
			continue // a second name of one file, not a new one
		}
		if replaced && !(there && at.Ino == prev.Ino && at.Dev == prev.Dev) {
			if e.Reason == reasons.NameTaken {
				p.leaveBehind(old)
				continue
			}
			return true, deferEntry(ctx, p.journal, e.ID, e.Status, p.now().Add(p.folders[e.Folder].Settle), reasons.NameTaken, false) // it may not have been found yet
		}
		if old.Status == journal.Verified || old.Status == journal.Cancelling {
			return true, deferEntry(ctx, p.journal, e.ID, e.Status, p.now().Add(tenovos.PollWait(e.Tries)), reasons.Waits(old), false)
		}
		if sent := old.Status == journal.Filed || sentWhole(old); sent { // else its upload compares what it sends
			if same, err := file.same(ctx, old); err != nil || !same {
				if err != nil {
					return false, err
				}
				continue
			}
		}
		return true, p.takePath(ctx, e, old)
	}
	return false, nil
}

// leaveBehind ends the sending of an entry whose file overwrote another: it is that
// path's next content. The next look at the entry finds its own path empty.
func (p *Pipeline) leaveBehind(e journal.Entry) { p.hands.Abort(e.ID) }

// takePath gives an entry the path of another, which was found to be about its file. If
// that is still to be moved away, it is.
func (p *Pipeline) takePath(ctx context.Context, e, old journal.Entry) error {
	if err := mergeRenamed(ctx, p.journal, e.ID, old, p.filer.ChoresOfKnown(old)...); err != nil {
		return err
	}
	p.sought.end(old.ID) // it may get another path again, and is then sought anew
	p.wake()
	p.entryLog(p.log.Info(), old).Str("now", e.Path).Msg("a file that was ingested, or is being ingested, has a new path")
	return nil
}

// hintAt looks, in the flight of entry id, what lies at a path of a folder, if a file
// does that has another name than the one at other.
func (p *Pipeline) hintAt(id int64, folder, rel, other string) (hint file.Stat, there bool, err error) {
	s, err := shelf.Open(p.mounts, folder, id)
	if err != nil {
		return hint, false, err
	}
	defer s.Close()
	return s.Present(rel, other)
}
