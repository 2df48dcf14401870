package shelf

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// A name that a share can be asked for need not be the name of anything: where the
// case of names does not count, a file answers to the name that it had before its case
// was changed, and the client of a share may see a file for a while by the name that it
// had before a rename on the server. What a directory lists are its names.

// names returned at once by a listing.
const listedAtOnce = 1000

// Lists reports whether each part of a path is in the listing of its directory, as it
// is written.
func (s *Shelf) Lists(rel string) (bool, error) {
	dir := "."
	for part := range strings.SplitSeq(rel, "/") {
		there, err := s.listsIn(dir, part)
		if !there || err != nil {
			return false, err
		}
		dir = path.Join(dir, part)
	}
	return true, nil
}

func (s *Shelf) listsIn(dir, name string) (bool, error) {
	d, err := s.root.OpenDir(dir)
	if absent(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer d.Close() // nothing was written
	for {
		some, err := d.Readdirnames(listedAtOnce)
		if slices.Contains(some, name) {
			return true, nil
		}
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
}

// absent reports the error of a path that leads to nothing.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ESTALE)
}

// renamedAway makes fs.ErrNotExist of the error of opening what was just seen, where
// that is because the name was lost on the server.
func (s *Shelf) renamedAway(rel string, err error) error {
	if !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ESTALE) {
		return err
	}
	if there, lerr := s.Lists(rel); lerr != nil || there {
		return err
	}
	return &fs.PathError{Op: "open", Path: rel, Err: fs.ErrNotExist}
}

// Present looks at the regular file of a name, without opening it. What lies there by
// another name, written as other is or on a share, is not there.
func (s *Shelf) Present(rel, other string) (hint file.Stat, there bool, err error) {
	info, err := s.root.Lstat(rel)
	if absent(err) || err == nil && !info.Mode().IsRegular() {
		return hint, false, nil
	}
	if err != nil {
		return hint, false, err
	}
	if strings.EqualFold(rel, other) || !s.trusted(path.Dir(rel)) {
		if there, err = s.Lists(rel); !there || err != nil {
			return hint, false, err
		}
	}
	return file.StatOf(info), true, nil
}

// trusted reports whether a directory is on a file system that changes through this
// kernel alone.
func (s *Shelf) trusted(dir string) bool {
	d, err := s.root.OpenPath(dir)
	if err != nil {
		return false
	}
	defer d.Close() // nothing was written
	kind, _ := file.KindOf(int(d.Fd()))
	return kind.Trusted()
}

// oneFile reports whether two looks, the latter at an open file, were at one file.
func oneFile(a, b file.Stat, opened *os.File) bool {
	return a.Dev == b.Dev && a.Ino == b.Ino || a.Renumbered(b, opened) == a
}

// fresh is what the server of a share says of an open file, or the kernel.
func fresh(opened *os.File) (file.Stat, error) {
	st, err := file.LookOpen(opened)
	return file.StatOfSys(&st), err
}
