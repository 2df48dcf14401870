package shelf

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/display"
)

// errorSuffix is what follows the name of a file that failed in the name of the
// text beside it that says why.
const errorSuffix = ".error.txt"

// Failure is why the file of the entry for which a shelf was opened was not ingested.
type Failure struct {
	Folder, Path  string // the folder's name, and where the file was found
	Message, Hint string
	Since         time.Time
}

// WriteError tells whoever dropped a file, which lies at a path by now, why it was not
// ingested. The text gets its name when it is whole, so that a repetition finds it or
// writes it anew. It takes the place of an earlier one of the name, but of no other file.
func (s *Shelf) WriteError(at string, f Failure) error {
	text := s.errorText(f)
	draft := path.Join(s.birthplace(path.Dir(at)), path.Base(HiddenName(f.Path, s.id))+errorSuffix)
	if err := s.create(draft, text); err != nil {
		return err
	}
	_, err := firstName(at+errorSuffix, errorSuffix, func(name string) error {
		there := s.text(name)
		if there == text {
			return s.root.Remove(draft)
		}
		if isErrorText(there, path.Base(f.Path), errorNumber) { // of one that was put back
			if err := s.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return s.Move(draft, name)
	})
	return err
}

// removeErrors removes what WriteError wrote of the entry and its file, name, beside where
// that lies, and nothing that others have put under such a name.
func (s *Shelf) removeErrors(at, name string) {
	_, _ = firstName(at+errorSuffix, errorSuffix, func(rel string) error { // texts for people, perhaps deleted by them
		if _, err := s.root.Lstat(rel); err != nil {
			return err
		}
		if isErrorText(s.text(rel), name, fmt.Sprint(errorNumber, s.id, " ")) {
			_ = s.root.Remove(rel)
		}
		return fs.ErrExist
	})
}

// maxText bounds the files that are looked at for one of our texts.
const maxText = 64 << 10

// text returns what a file holds, "" for one that cannot be a text of ours.
func (s *Shelf) text(rel string) string {
	file, hint, err := s.OpenRegular(rel)
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
func (s *Shelf) errorText(f Failure) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s\r\nWhy: %s.\r\n", display.Text(path.Base(f.Path)), errorTitle, display.Text(strings.TrimSuffix(f.Message, ".")))
	if f.Hint != "" {
		fmt.Fprintf(&b, "What helps (for whoever runs ingestd): %s\r\n", display.Text(f.Hint))
	}
	where := "the folder " + f.Folder
	if dir := path.Dir(f.Path); dir != "." {
		where = fmt.Sprintf("%s of the folder %s", dir, f.Folder)
	}
	fmt.Fprintf(&b, "\r\nTo try again, put the file back into %s; this text can be deleted.\r\n", display.Text(where))
	fmt.Fprintf(&b, "%s%d and this time: %s.\r\n", errorNumber, s.id, f.Since.Format("2006-01-02 15:04:05 -07:00"))
	return b.String()
}

// Parts of an errorText that tell it from other files.
const (
	errorTitle  = " was not ingested.\r\n"
	errorNumber = "If you ask for help, name the number "
)

// isErrorText reports that a text is an errorText of a file of a name, with a mark in it.
func isErrorText(text, name, mark string) bool {
	return strings.HasPrefix(text, display.Text(name)+errorTitle) && strings.Contains(text, mark)
}
