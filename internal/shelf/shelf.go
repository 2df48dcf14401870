package shelf

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"syscall"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/mounts"
)

// Shelf moves files about within one drop folder, named by slash-separated paths
// below it. It follows no link and overwrites nothing. Close it.
type Shelf struct {
	root *file.Root
	like likeness // of what it makes
	id   int64    // of the entry that it moves, by which what it makes has a name of its own at first

	closed func() // called by Close
}

// Open opens a drop folder for the flight of an entry, 0 for none. What happens until it
// is closed counts as one mixed call to its file system, for whoever moves files writes
// down in between where they go.
func Open(m *mounts.Mounts, folder string, id int64) (*Shelf, error) {
	root, err := m.Open(folder, id)
	if err != nil {
		return nil, err
	}
	s := &Shelf{root: root, id: id, closed: m.BeginMixed(folder, id)}
	info, err := root.Stat()
	if err != nil {
		s.Close()
		return nil, mounts.Gone(fmt.Errorf("look at the drop folder: %w", err))
	}
	s.like = likenessOf(info)
	return s, nil
}

// Close ends the work beneath the folder.
func (s *Shelf) Close() {
	_ = s.root.Close() // nothing is written through it
	s.closed()
}

// OpenRegular opens a regular file, if only to look at it where it cannot be read. What
// is not there, or is none, is fs.ErrNotExist.
func (s *Shelf) OpenRegular(rel string) (*os.File, file.Stat, error) {
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

// Names reports whether rel names the open file.
func (s *Shelf) Names(rel string, opened *os.File) bool {
	there, err := s.root.Lstat(rel)
	if err != nil {
		return false
	}
	now, err := fresh(opened)
	return err == nil && oneFile(file.StatOf(there), now, opened)
}

// SameFile reports whether two names are of one file.
func (s *Shelf) SameFile(a, b string) bool {
	there, err := s.root.Lstat(a)
	if err != nil {
		return false
	}
	other, err := s.root.Lstat(b)
	return err == nil && os.SameFile(there, other)
}

// Holds reports whether there is something of the name, or may be: a link is
// nothing.
func (s *Shelf) Holds(rel string) bool { return s.root.Holds(rel) }

// Lacks returns nil if no file lies at rel for certain, see file.Root.Lacks.
func (s *Shelf) Lacks(rel string) error { return s.root.Lacks(rel) }

// Beside lists the names in the directory of a file.
func (s *Shelf) Beside(rel string) ([]string, error) {
	dir, err := s.root.OpenDir(path.Dir(rel))
	if err != nil {
		return nil, err
	}
	defer dir.Close() // nothing was written
	return dir.Readdirnames(-1)
}

// Prune removes the directories that a file left empty, up to the folder itself.
func (s *Shelf) Prune(rel string) {
	for dir := path.Dir(rel); dir != "."; dir = path.Dir(dir) {
		if s.root.Remove(dir) != nil { // not empty, or not ours to remove
			return
		}
	}
}
