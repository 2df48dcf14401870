package ingest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/mounts"
)

// shelf moves files about within one drop folder, named by slash-separated paths
// below it. It follows no link and overwrites nothing.
type shelf struct {
	root *file.Root
	like likeness // of what it makes
	id   int64    // of the entry that it moves, by which what it makes has a name of its own at first

	closed func() // told when it is
}

// openShelf opens a drop folder as openRoot does. What happens until it is closed
// counts as one mixed call to its file system.
func (p *Pipeline) openShelf(folder string, id int64) (*shelf, error) {
	root, err := p.mounts.Open(folder, id)
	if err != nil {
		return nil, err
	}
	s := &shelf{root: root, id: id, closed: p.mounts.BeginMixed(folder, id)} // the journal is written in between
	info, err := root.Stat()
	if err != nil {
		s.close()
		return nil, mounts.Gone(fmt.Errorf("look at the drop folder: %w", err))
	}
	s.like = likenessOf(info)
	return s, nil
}

func (s *shelf) close() {
	_ = s.root.Close() // nothing is written through it
	s.closed()
}

// look opens a regular file, if only to look at it where it cannot be read. What
// is not there, or is none, is fs.ErrNotExist.
func (s *shelf) look(rel string) (*os.File, file.Stat, error) {
	none := file.Stat{}
	info, err := s.root.Lstat(rel)
	if errors.Is(err, syscall.ENOTDIR) || err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "look at", Path: rel, Err: fs.ErrNotExist}
	}
	if err != nil {
		return nil, none, err
	}
	opened, err := s.root.Open(rel)
	if errors.Is(err, fs.ErrPermission) {
		opened, err = s.root.OpenPath(rel)
	}
	if err != nil {
		return nil, none, file.Opening(s.renamedAway(rel, err))
	}
	now, err := fresh(opened)
	if err == nil && !oneFile(file.StatOf(info), now, opened) {
		err = &fs.PathError{Op: "look at", Path: rel, Err: fs.ErrNotExist} // replaced meanwhile, perhaps by a link
	}
	if err != nil {
		_ = opened.Close() // nothing was written
		return nil, none, err
	}
	return opened, now, nil
}

// names reports whether rel names the open file.
func (s *shelf) names(rel string, opened *os.File) bool {
	there, err := s.root.Lstat(rel)
	if err != nil {
		return false
	}
	now, err := fresh(opened)
	return err == nil && oneFile(file.StatOf(there), now, opened)
}

// move renames a file and makes the directories that it needs. fs.ErrExist if
// there is something of the name already.
func (s *shelf) move(from, to string) error {
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

// moveByLink is move where the file system cannot promise to overwrite nothing, as
// shares cannot: a second name is never given over a first. It may be cut off
// between the two steps, and finishes then when it is called again.
func (s *shelf) moveByLink(from, to string) error {
	err := s.root.Link(from, to)
	switch {
	case err == nil:
		return s.root.Remove(from)
	case errors.Is(err, fs.ErrExist):
		if s.sameFile(from, to) {
			return s.root.Remove(from)
		}
		return err
	case errors.Is(err, fs.ErrNotExist):
		return err
	}
	// No hard links here. What somebody drops under the name between the look and
	// the move is overwritten.
	if _, err := s.root.Lstat(to); err == nil {
		return &os.LinkError{Op: "move", Old: from, New: to, Err: fs.ErrExist}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return s.root.Rename(from, to)
}

// sameFile reports whether two names are of one file.
func (s *shelf) sameFile(a, b string) bool {
	there, err := s.root.Lstat(a)
	if err != nil {
		return false
	}
	other, err := s.root.Lstat(b)
	return err == nil && os.SameFile(there, other)
}

// room makes the directory that a file is to be moved into, and reports what will
// keep the move from succeeding.
func (s *shelf) room(from, to string) error {
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

// prune removes the directories that a file left empty, up to the folder itself.
func (s *shelf) prune(rel string) {
	for dir := path.Dir(rel); dir != "."; dir = path.Dir(dir) {
		if s.root.Remove(dir) != nil { // not empty, or not ours to remove
			return
		}
	}
}

// holds reports whether there is something of the name, or may be: a link is nothing.
func (s *shelf) holds(rel string) bool { return s.root.Holds(rel) }
