package shelf

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"golang.org/x/sys/unix"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// Move renames a file and makes the directories that it needs. fs.ErrExist if
// there is something of the name already.
func (s *Shelf) Move(from, to string) error {
	if err := s.makeDir(path.Dir(to)); err != nil {
		return err
	}
	source, err := s.root.OpenDir(path.Dir(from))
	if err != nil {
		return err
	}
	defer source.Close() // nothing is written through it
	target, err := s.root.OpenDir(path.Dir(to))
	if err != nil {
		return err
	}
	defer target.Close() // as above
	err = unix.Renameat2(int(source.Fd()), path.Base(from), int(target.Fd()), path.Base(to), unix.RENAME_NOREPLACE)
	switch {
	case err == nil:
		return nil
	case cannotPromise(err):
		return s.moveByLink(from, to)
	}
	return &os.LinkError{Op: "move", Old: from, New: to, Err: err}
}

// cannotPromise reports that a file system cannot rename without overwriting.
func cannotPromise(err error) bool {
	return errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.ENOTSUP)
}

// moveByLink is Move where the file system cannot promise to overwrite nothing, as
// shares cannot: a second name is never given over a first. It may be cut off
// between the two steps, and finishes then when it is called again.
func (s *Shelf) moveByLink(from, to string) error {
	err := s.root.Link(from, to)
	switch {
	case err == nil:
		return s.root.Remove(from)
	case errors.Is(err, fs.ErrExist):
		if s.SameFile(from, to) {
			return s.root.Remove(from)
		}
		return err
	case errors.Is(err, fs.ErrNotExist):
		return err
	}
	// No hard links here. What somebody drops under the name between the look and
	// the Move is overwritten.
	if _, err := s.root.Lstat(to); err == nil {
		return &os.LinkError{Op: "move", Old: from, New: to, Err: fs.ErrExist}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return s.root.Rename(from, to)
}

// MakeRoom makes the directory that a file is to be moved into, and reports what will
// keep the move from succeeding.
func (s *Shelf) MakeRoom(from, to string) error {
	dir := path.Dir(to)
	if err := s.makeDir(dir); err != nil {
		return err
	}
	target, err := s.root.OpenDir(dir)
	if err != nil {
		return err
	}
	defer target.Close() // nothing is written through it
	if err := unix.Faccessat(int(target.Fd()), ".", unix.W_OK|unix.X_OK, 0); err != nil {
		return fmt.Errorf("nothing can be put into the directory %q: %w", dir, err)
	}
	there, err := target.Stat()
	if err != nil {
		return err
	}
	here, err := s.root.Lstat(path.Dir(from))
	if err == nil && file.StatOf(here).Dev != file.StatOf(there).Dev {
		err = fmt.Errorf("the directory %q is on another file system, and a file is only moved within its own: name one on that of the drop folder", dir)
	}
	return err
}
