package ingest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/tenovos-ingest/ingestd/journal"
)

// errorSuffix is what follows the name of a file that failed in the name of the
// text beside it that says why.
const errorSuffix = ".error.txt"

// fileChore is the work of moving the file of an entry that rests in to, in a
// folder that does not keep its files; false where there is none.
func (p *Pipeline) fileChore(ctx context.Context, id int64, to journal.Status) (journal.NewChore, bool, error) {
	if to != journal.Failed && to != journal.Duplicate {
		return journal.NewChore{}, false, nil
	}
	e, err := p.journal.Entry(ctx, id)
	if err != nil {
		return journal.NewChore{}, false, err
	}
	return journal.NewChore{Kind: journal.ChoreFile, Filename: path.Base(e.Path)}, e.Kind == journal.File && !p.folders[e.Folder].After.keeps(), nil
}

// fileResting moves the file of an entry that rests: one that failed to the
// folder's Failed, with a text beside it, one whose content Tenovos has to Done.
// What somebody sent round again is left.
func (p *Pipeline) fileResting(ctx context.Context, c journal.Chore) (bool, error) {
	e, err := p.journal.Entry(ctx, c.EntryID)
	if errors.Is(err, journal.ErrUnknown) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if !p.take(e) { // an operator's request has it, and may change what is to be done
		return false, nil
	}
	defer p.release(e.ID)
	if e, err = p.journal.Entry(ctx, e.ID); err != nil {
		return false, err
	}
	folder, ours := p.folders[e.Folder]
	switch {
	case !ours:
		return false, fmt.Errorf("the folder %s is not configured any more", e.Folder)
	case e.Status == journal.Failed && !folder.After.keeps():
		to, err := p.takeAway(ctx, e, false, folder.Failed)
		if err == nil && to != "" {
			err = p.writeError(e, to)
		}
		return err == nil, err
	case e.Status == journal.Duplicate && folder.After == AfterMove,
		e.Status == journal.Filed && !folder.After.keeps() && (!e.Taken() || p.isAside(e)):
		_, err := p.takeAway(ctx, e, folder.After == AfterDelete, folder.Done)
		return err == nil, err
	}
	err = p.returnAside(e)
	return err == nil, err
}

// isAside reports whether an entry's file is on its way out of the folder.
func (p *Pipeline) isAside(e journal.Entry) bool {
	s, err := p.openShelf(e.Folder, e.ID)
	if err != nil {
		return false
	}
	defer s.close()
	_, err = s.root.Lstat(asideOf(e))
	return err == nil
}

// returnAside gives a file its name back that was on its way out when its entry
// moved on: somebody dropped a newer one, or sent it round again.
func (p *Pipeline) returnAside(e journal.Entry) error {
	s, err := p.openShelf(e.Folder, e.ID)
	if err != nil {
		return err
	}
	defer s.close()
	if _, err := s.root.Lstat(asideOf(e)); err != nil {
		return nil //nolint:nilerr // there is nothing to return
	}
	_, err = s.moveNumbered(asideOf(e), e.Path, func(string) error { return nil })
	return err
}

// writeError tells whoever dropped a file why it was not ingested.
func (p *Pipeline) writeError(e journal.Entry, at string) error {
	s, err := p.openShelf(e.Folder, e.ID)
	if err != nil {
		return err
	}
	defer s.close()
	return s.root.WriteFile(at+errorSuffix, []byte(errorText(e, p.now())), 0o644)
}

// errorText is what stands beside a file that failed, for people who never saw
// ingestd.
func errorText(e journal.Entry, now time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s was not ingested.\r\n\r\nWhy: %s.\r\n", path.Base(e.Path), strings.TrimSuffix(e.Reason.Message, "."))
	if e.Reason.Hint != "" {
		fmt.Fprintf(&b, "What helps (for whoever runs ingestd): %s\r\n", e.Reason.Hint)
	}
	where := "the folder " + e.Folder
	if dir := path.Dir(e.Path); dir != "." {
		where = fmt.Sprintf("%s of the folder %s", dir, e.Folder)
	}
	fmt.Fprintf(&b, "\r\nTo try again, put the file back into %s; this text can be deleted.\r\n", where)
	fmt.Fprintf(&b, "If you ask for help, name the number %d and this time: %s.\r\n", e.ID, now.Format("2006-01-02 15:04:05 -07:00"))
	return b.String()
}

// bringBack puts the file of an entry that is to be tried again where it was.
func (p *Pipeline) bringBack(e journal.Entry) error {
	if !e.Taken() {
		return nil
	}
	s, err := p.openShelf(e.Folder, e.ID)
	if err != nil {
		return err
	}
	defer s.close()
	t := &taking{shelf: s, p: p, e: e}
	for _, from := range []string{e.Aside, e.MovedTo} {
		file, _, err := s.look(from)
		if from == "" || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		same := t.sameContent(file)
		_ = file.Close() // nothing was written
		if !same {
			continue
		}
		err = s.move(from, e.Path)
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("another file lies at its place by now; the one that failed is %s: %w", from, err)
		}
		if err == nil && from == e.MovedTo {
			_ = s.root.Remove(from + errorSuffix) // a text for people, perhaps deleted by them
		}
		return err
	}
	if file, _, err := s.look(e.Path); err == nil { // somebody was faster
		return file.Close()
	}
	return fmt.Errorf("its file is neither at %s nor at its place: put it there", e.MovedTo)
}
