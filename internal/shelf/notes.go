package shelf

import (
	"errors"
	"io"
	"io/fs"
	"path"

	"github.com/tenovos-ingest/ingestd/internal/display"
	"github.com/tenovos-ingest/ingestd/internal/notes"
)

// WriteNote writes a note about the file of the entry, name, beside where that lies, and
// returns its path. The text gets that when it is whole, so that a repetition finds it or
// writes it anew. It takes the place of an earlier note on a file of the name that nobody
// has changed, and of no other file: then it is the next of its name.
func (s *Shelf) WriteNote(at, name string, kind notes.Kind, text string) (string, error) {
	draft := s.draft(at, name, kind)
	if err := s.create(draft, text); err != nil {
		return "", err
	}
	return firstName(at+string(kind), string(kind), func(rel string) error {
		there := s.text(rel)
		if there == text {
			return s.root.Remove(draft)
		}
		if m, ok := notes.Read(there); ok && m.Intact && m.File == display.Text(name) {
			if err := s.root.Remove(rel); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return s.Move(draft, rel)
	})
}

// RemoveNotes removes the notes on the file of the entry, name, beside where that lies or
// lay, and at another path, unless that is "": those that nobody has changed, and nothing
// else that has such a name.
func (s *Shelf) RemoveNotes(at, name string, kind notes.Kind, known string) error {
	if err := s.root.Remove(s.draft(at, name, kind)); err != nil && !absent(err) { // cut off by a crash
		return err
	}
	if known != "" {
		if err := s.removeNote(known, s.id); err != nil {
			return err
		}
	}
	_, err := firstName(at+string(kind), string(kind), func(rel string) error {
		if _, err := s.root.Lstat(rel); err != nil {
			return err
		}
		if err := s.removeNote(rel, s.id); err != nil {
			return err
		}
		return fs.ErrExist // there may be more
	})
	if absent(err) {
		return nil
	}
	return err
}

// RemoveNote removes the note at a path, whatever entry it is about, if nobody has changed
// it.
func (s *Shelf) RemoveNote(rel string) error { return s.removeNote(rel, 0) }

// removeNote removes the note of an entry, 0 for any, if nobody has changed it.
func (s *Shelf) removeNote(rel string, entry int64) error {
	if m, ok := notes.Read(s.text(rel)); !ok || !m.Intact || entry != 0 && m.Entry != entry {
		return nil
	}
	if err := s.root.Remove(rel); err != nil && !absent(err) {
		return err
	}
	return nil
}

// draft is where a note is written before it gets its name: a hidden file.
func (s *Shelf) draft(at, name string, kind notes.Kind) string {
	return path.Join(s.birthplace(path.Dir(at)), path.Base(HiddenName(name, s.id))+string(kind))
}

// Note reads what lies at a path, if that is a note.
func (s *Shelf) Note(rel string) (text string, is notes.Mark, ok bool) {
	text = s.text(rel)
	is, ok = notes.Read(text)
	return text, is, ok
}

// text returns what a file holds, "" for one that cannot be a note.
func (s *Shelf) text(rel string) string {
	file, hint, err := s.OpenRegular(rel)
	if err != nil {
		return ""
	}
	defer file.Close() // nothing was written
	if hint.Size > notes.MaxSize {
		return ""
	}
	text, err := io.ReadAll(io.LimitReader(file, notes.MaxSize))
	if err != nil {
		return ""
	}
	return string(text)
}
