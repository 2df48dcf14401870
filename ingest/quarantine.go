package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/display"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
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
	folder := p.folders[e.Folder]
	return folder.FilingChore(e, p.now()), e.Kind == journal.File && !folder.After.Keeps(), nil
}

// fileResting moves the file of an entry that rests: one that failed to the
// folder's Failed, with a text beside it, one whose content Tenovos has to Done.
// What somebody sent round again is left, and so is a file that could not be read:
// its rights are still to come, and it goes in from where it is.
func (p *Pipeline) fileResting(ctx context.Context, c journal.Chore) (bool, error) {
	e, err := p.journal.Entry(ctx, c.EntryID)
	if errors.Is(err, journal.ErrUnknown) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if !p.hands.Take(e) { // an operator's request has it, and may change what is to be done
		return false, nil
	}
	defer p.hands.Release(e.ID)
	if e, err = p.journal.Entry(ctx, e.ID); err != nil {
		return false, err
	}
	folder, ours := p.folders[e.Folder]
	switch {
	case !ours:
		return false, fmt.Errorf("the folder %s is not configured any more", e.Folder)
	case !e.Taken() && p.now().Before(folder.LeftAlone(e, p.now())):
		return false, &notYetError{folder.LeftAlone(e, p.now())}
	case e.Status == journal.Failed && e.Reason.Class != reasons.ClassUnreadable && !folder.After.Keeps():
		to, err := p.takeAway(ctx, e, false, folder.Failed)
		if err == nil && to != "" {
			err = p.writeError(e, to)
		}
		return err == nil, err
	case e.Status == journal.Duplicate && folder.After == dropfolder.AfterMove,
		e.Status == journal.Filed && !folder.After.Keeps() && (!e.Taken() || p.isAside(e) || p.isHere(e)):
		if !e.Taken() || !p.isAside(e) {
			if err := p.stillInTenovos(ctx, e, folder.After); err != nil {
				return false, err
			}
		}
		_, err := p.takeAway(ctx, e, folder.After == dropfolder.AfterDelete, folder.Done)
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

// isHere reports whether an entry's file lies where it was found: what was to take it
// out of the folder may have ended before it did.
func (p *Pipeline) isHere(e journal.Entry) bool {
	s, err := p.openShelf(e.Folder, e.ID)
	if err != nil {
		return false
	}
	defer s.close()
	opened, hint, err := s.look(e.Path)
	if err != nil {
		return false
	}
	defer opened.Close() // nothing was written
	return e.Alike(e.Stat.Renumbered(hint, opened))
}

// returnAside gives a file its name back that was on its way out when its entry
// moved on: somebody dropped a newer one, or sent it round again.
func (p *Pipeline) returnAside(e journal.Entry) error {
	s, err := p.openShelf(e.Folder, e.ID)
	if err != nil {
		return err
	}
	defer s.close()
	if _, err := s.root.Lstat(asideOf(e)); errors.Is(err, fs.ErrNotExist) && e.Taken() {
		return s.lacks(asideOf(e))
	} else if err != nil {
		return nil //nolint:nilerr // there is nothing to return, or a scan finds it
	}
	_, err = s.moveNumbered(asideOf(e), e.Path, func(string) error { return nil })
	return err
}

// writeError tells whoever dropped a file why it was not ingested. The text gets its
// name when it is whole, so that a repetition finds it or writes it anew. It takes
// the place of an earlier one of the name, but of no other file.
func (p *Pipeline) writeError(e journal.Entry, at string) error {
	s, err := p.openShelf(e.Folder, e.ID)
	if err != nil {
		return err
	}
	defer s.close()
	text := errorText(e)
	draft := path.Join(s.birthplace(path.Dir(at)), path.Base(asideOf(e))+errorSuffix)
	if err := s.create(draft, text); err != nil {
		return err
	}
	_, err = firstName(at+errorSuffix, errorSuffix, func(name string) error {
		there := s.text(name)
		if there == text {
			return s.root.Remove(draft)
		}
		if strings.HasPrefix(there, display.Text(path.Base(e.Path))+errorTitle) && strings.Contains(there, errorNumber) { // of one that was put back
			if err := s.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return s.move(draft, name)
	})
	return err
}

// removeErrors removes what writeError wrote of an entry beside its file, and
// nothing that others have put under such a name.
func (s *shelf) removeErrors(e journal.Entry, at string) {
	_, _ = firstName(at+errorSuffix, errorSuffix, func(name string) error { // texts for people, perhaps deleted by them
		if _, err := s.root.Lstat(name); err != nil {
			return err
		}
		text := s.text(name)
		if strings.HasPrefix(text, display.Text(path.Base(e.Path))+errorTitle) && strings.Contains(text, fmt.Sprint(errorNumber, e.ID, " ")) {
			_ = s.root.Remove(name)
		}
		return fs.ErrExist
	})
}

// maxText bounds the files that are looked at for one of our texts.
const maxText = 64 << 10

// text returns what a file holds, "" for one that cannot be a text of ours.
func (s *shelf) text(rel string) string {
	file, hint, err := s.look(rel)
	if err != nil {
		return ""
	}
	defer file.Close() // nothing was written
	if hint.Size > maxText {
		return ""
	}
	text, err := io.ReadAll(io.LimitReader(file, maxText))
	if err != nil {
		return ""
	}
	return string(text)
}

// errorText is what stands beside a file that failed, for people who never saw
// ingestd. It is the same whenever it is written of the same failure.
func errorText(e journal.Entry) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s\r\nWhy: %s.\r\n", display.Text(path.Base(e.Path)), errorTitle, display.Text(strings.TrimSuffix(e.Reason.Message, ".")))
	if e.Reason.Hint != "" {
		fmt.Fprintf(&b, "What helps (for whoever runs ingestd): %s\r\n", display.Text(e.Reason.Hint))
	}
	where := "the folder " + e.Folder
	if dir := path.Dir(e.Path); dir != "." {
		where = fmt.Sprintf("%s of the folder %s", dir, e.Folder)
	}
	fmt.Fprintf(&b, "\r\nTo try again, put the file back into %s; this text can be deleted.\r\n", display.Text(where))
	fmt.Fprintf(&b, "%s%d and this time: %s.\r\n", errorNumber, e.ID, e.Since.Format("2006-01-02 15:04:05 -07:00"))
	return b.String()
}

// Parts of an errorText that tell it from other files.
const (
	errorTitle  = " was not ingested.\r\n"
	errorNumber = "If you ask for help, name the number "
)

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
			s.removeErrors(e, from)
		}
		return err
	}
	if file, _, err := s.look(e.Path); err == nil { // somebody was faster
		return file.Close()
	}
	return fmt.Errorf("its file is neither at %s nor at its place: put it there", e.MovedTo)
}
