package shelf

import (
	"errors"
	"io/fs"
	"os"
	"path"

	"golang.org/x/sys/unix"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// OpenText opens a text for people, to be read and added to. Where there is none it is made,
// empty, with its directory. What is no file is file.ErrIrregular; a text that another program
// keeps to itself is file.ErrLocked.
func (s *Shelf) OpenText(rel string) (*os.File, error) {
	const flags = os.O_RDWR | os.O_APPEND | unix.O_NONBLOCK // nobody is waited for
	text, err := s.root.OpenFile(rel, flags, 0)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = s.newText(rel, flags)
	}
	if err != nil {
		return nil, file.Opening(err)
	}
	info, err := text.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: rel, Err: file.ErrIrregular}
	}
	if err != nil {
		_ = text.Close() // nothing was written
		return nil, err
	}
	return text, nil
}

func (s *Shelf) newText(rel string, flags int) (*os.File, error) {
	if err := s.makeDir(path.Dir(rel)); err != nil {
		return nil, err
	}
	in, err := s.directory(path.Dir(rel))
	if err != nil {
		return nil, err
	}
	defer in.Close() // nothing is written through it
	text, err := s.root.OpenFile(rel, flags|os.O_CREATE|os.O_EXCL, fs.FileMode(s.like.text))
	if err == nil {
		s.adjust(text, in)
	}
	return text, err
}
