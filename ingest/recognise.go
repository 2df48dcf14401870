package ingest

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/tenovos-ingest/ingestd/journal"
)

// recognise looks for what is known of a settled file's content. done says that
// the entry has been dealt with; else original is the asset that it becomes a
// version of by its path, "" where the path says nothing.
func (p *Pipeline) recognise(ctx context.Context, e journal.Entry, file *content) (original string, done bool, err error) {
	folder := p.folders[e.Folder]
	prev, known, err := p.journal.Previous(ctx, e)
	if err != nil {
		return "", false, err
	}
	same := false
	if known {
		if same, err = file.same(ctx, prev); err != nil {
			return "", false, err
		}
	}
	if !same {
		if done, err := p.renamed(ctx, e, file, prev); done || err != nil {
			return "", done, err
		}
	}
	skips := folder.Duplicates != DuplicatesUpload && folder.Duplicates != "" && e.Size > 0 && !e.AsNew
	version := known && (folder.VersionByPath || folder.VersionByFilename || prev.Kind != journal.File) && !e.AsNew
	switch {
	case same && !prev.Taken():
		return "", true, p.mergeUnchanged(ctx, e, prev)
	case same && prev.Status == journal.Withdrawn && !e.AsNew: // dropped once more; somebody did not want it
		return "", true, &verdictError{verdict{to: journal.Held, reason: reasonDroppedWithdrawn}}
	case same && skips: // dropped once more, after the first was moved away
		return "", true, &verdictError{folder.Duplicates.verdict(prev)}
	case version && prev.Status == journal.Withdrawn:
		return "", true, &verdictError{verdict{to: journal.Held, reason: reasonChangedWithdrawn}}
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
	var chores []journal.NewChore
	if !p.folders[e.Folder].After.keeps() {
		chores = append(chores, journal.NewChore{Kind: journal.ChoreFile, Filename: filepath.Base(prev.Path)})
	}
	return p.journal.Unchanged(ctx, e.ID, chores...)
}

// verdict is what becomes of content that Tenovos has from another file.
func (d Duplicates) verdict(original journal.Entry) verdict {
	to := journal.Duplicate
	if d == DuplicatesHold {
		to = journal.Held
	}
	return verdict{to: to, reason: reasonDuplicate(original)}
}

// answerDuplicate ends an entry whose content another path has in Tenovos, or
// lets it wait while the other one is on its way there.
func (p *Pipeline) answerDuplicate(ctx context.Context, e journal.Entry, policy Duplicates, file *content) (bool, error) {
	original, found, err := p.original(ctx, e, file)
	if err != nil || !found {
		return false, err
	}
	if original.Status != journal.Filed {
		return true, p.journal.Defer(ctx, e.ID, e.Status, p.now().Add(pollWait(e.Tries)), reasonWaits(original), false)
	}
	return true, &verdictError{policy.verdict(original)}
}

// renamed recognises a file that had another path of its folder when it was
// ingested: a reorganised archive is not ingested again. One that is still on its
// way under the old path is waited for.
//
// prev is what the path held before, if anything was ingested of it. Where the file
// of that has got another path in turn, names were exchanged or moved up; else it was
// overwritten, and this is its next content.
func (p *Pipeline) renamed(ctx context.Context, e journal.Entry, file *content, prev journal.Entry) (bool, error) {
	same, err := p.journal.SameFile(ctx, e)
	if err != nil || len(same) == 0 {
		return false, err
	}
	if prev.ID != 0 {
		displaced, err := p.journal.Displaced(ctx, prev)
		if err != nil {
			return false, err
		}
		if !displaced && e.Tries == 0 && prev.Kind == journal.File { // it may not have been found yet
			return true, p.journal.Defer(ctx, e.ID, e.Status, p.now().Add(p.folders[e.Folder].Settle), reasonNameTaken, false)
		}
		if !displaced {
			return false, nil
		}
	}
	for _, old := range same {
		if there, err := p.stillThere(old); err != nil || there {
			if err != nil {
				return false, err
			}
			continue // a second name of one file, not a new one
		}
		if old.Status != journal.Filed {
			return true, p.journal.Defer(ctx, e.ID, e.Status, p.now().Add(pollWait(e.Tries)), reasonWaits(old), false)
		}
		if same, err := file.same(ctx, old); err != nil || !same {
			if err != nil {
				return false, err
			}
			continue
		}
		if err := p.journal.Renamed(ctx, e.ID, old); err != nil {
			return false, err
		}
		p.entryLog(p.log.Info(), old).Str("now", e.Path).Msg("a file that was ingested has a new path")
		return true, nil
	}
	return false, nil
}

// stillThere reports whether an entry's path still holds its file.
func (p *Pipeline) stillThere(e journal.Entry) (bool, error) {
	s, err := p.openShelf(e.Folder, e.ID)
	if err != nil {
		return false, err
	}
	defer s.close()
	file, hint, err := s.look(e.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return hint.Ino == e.Ino && hint.Dev == e.Dev, file.Close()
}
