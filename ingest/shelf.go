package ingest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/tenovos-ingest/ingestd/uploader"
)

// shelf moves files about within one drop folder, named by slash-separated paths
// below it. It follows no link out of the folder and overwrites nothing.
type shelf struct {
	root *os.Root
	mode fs.FileMode // of directories that it makes: as the folder's own

	closed func() // told when it is
}

// openShelf opens a drop folder as openRoot does. What happens until it is closed
// counts as one call to the file system.
func (p *Pipeline) openShelf(folder string, id int64) (*shelf, error) {
	root, err := p.openRoot(folder, id)
	if err != nil {
		return nil, err
	}
	s := &shelf{root: root, closed: p.mounts[folder].begin(id)}
	info, err := root.Stat(".")
	if err != nil {
		s.close()
		return nil, &folderError{fmt.Errorf("look at the drop folder: %w", err)}
	}
	s.mode = info.Mode().Perm()
	return s, nil
}

func (s *shelf) close() {
	_ = s.root.Close() // nothing is written through it
	s.closed()
}

// look opens a regular file, if only to look at it where it cannot be read. What
// is not there, or is none, is fs.ErrNotExist.
func (s *shelf) look(rel string) (*os.File, uploader.Hint, error) {
	none := uploader.Hint{}
	info, err := s.root.Lstat(rel)
	if errors.Is(err, syscall.ENOTDIR) || err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "look at", Path: rel, Err: fs.ErrNotExist}
	}
	if err != nil {
		return nil, none, err
	}
	const quietly = syscall.O_NOFOLLOW | syscall.O_NONBLOCK | syscall.O_CLOEXEC
	file, err := s.root.OpenFile(rel, os.O_RDONLY|quietly, 0)
	if errors.Is(err, fs.ErrPermission) {
		file, err = s.root.OpenFile(rel, unix.O_PATH|quietly, 0)
	}
	if err != nil {
		return nil, none, err
	}
	now, err := file.Stat()
	if err == nil && !os.SameFile(info, now) {
		err = &fs.PathError{Op: "look at", Path: rel, Err: fs.ErrNotExist} // replaced meanwhile, perhaps by a link
	}
	if err != nil {
		_ = file.Close() // nothing was written
		return nil, none, err
	}
	return file, uploader.HintOf(now), nil
}

// names reports whether rel names the open file.
func (s *shelf) names(rel string, file *os.File) bool {
	there, err := s.root.Lstat(rel)
	if err != nil {
		return false
	}
	open, err := file.Stat()
	return err == nil && os.SameFile(there, open)
}

// move renames a file and makes the directories that it needs. fs.ErrExist if
// there is something of the name already.
func (s *shelf) move(from, to string) error {
	if err := s.makeDir(path.Dir(to)); err != nil {
		return err
	}
	source, err := s.root.Open(path.Dir(from))
	if err != nil {
		return err
	}
	defer source.Close() // nothing is written through it
	target, err := s.root.Open(path.Dir(to))
	if err != nil {
		return err
	}
	defer target.Close() // as above
	err = unix.Renameat2(int(source.Fd()), path.Base(from), int(target.Fd()), path.Base(to), unix.RENAME_NOREPLACE)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS), errors.Is(err, unix.ENOTSUP):
		return s.moveByLink(from, to)
	}
	return &os.LinkError{Op: "move", Old: from, New: to, Err: err}
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
	if _, err := s.root.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, &os.LinkError{Op: "move", Old: from, New: to, Err: fs.ErrExist})
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

// makeDir makes a directory with all above it. People who may delete in the
// folder may delete in them, too, whatever the umask is.
func (s *shelf) makeDir(rel string) error {
	err := s.root.Mkdir(rel, s.mode)
	switch {
	case err == nil:
		return s.root.Chmod(rel, s.mode)
	case errors.Is(err, fs.ErrExist):
		return nil
	case errors.Is(err, fs.ErrNotExist) && path.Dir(rel) != rel:
		if err := s.makeDir(path.Dir(rel)); err != nil {
			return err
		}
		return s.makeDir(rel)
	}
	return err
}

// maxNumber bounds the names that are tried where a name is taken.
const maxNumber = 10_000

// moveNumbered is move to the first free of rel, "name (2).ext", "name (3).ext".
// told is called with each name before it is tried.
func (s *shelf) moveNumbered(from, rel string, told func(to string) error) (string, error) {
	for n := 1; n <= maxNumber; n++ {
		to := numbered(rel, n)
		if err := told(to); err != nil {
			return "", err
		}
		if err := s.move(from, to); !errors.Is(err, fs.ErrExist) {
			return to, err
		}
	}
	return "", fmt.Errorf("move %q: %d files of the name %q lie there already: clear them away", from, maxNumber, rel)
}

func numbered(rel string, n int) string {
	if n == 1 {
		return rel
	}
	dir, name := path.Split(rel)
	ext := path.Ext(name)
	if ext == name {
		ext = ""
	}
	return dir + fmt.Sprintf("%s (%d)%s", name[:len(name)-len(ext)], n, ext)
}

// prune removes the directories that a file left empty, up to the folder itself.
func (s *shelf) prune(rel string) {
	for dir := path.Dir(rel); dir != "."; dir = path.Dir(dir) {
		if s.root.Remove(dir) != nil { // not empty, or not ours to remove
			return
		}
	}
}
