package file

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"syscall"

	"golang.org/x/sys/unix"
)

// Lacks returns nil if no file lies at rel for certain: the directory that it would be in
// is there and it is not in that, or that directory is not there either. A link, or
// anything else in the place of a directory, may be there for a moment only.
func (r *Root) Lacks(rel string) error {
	for at := rel; ; at = path.Dir(at) {
		dir, err := r.OpenDir(path.Dir(at))
		if path.Dir(at) != "." && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)) {
			continue
		}
		if err != nil {
			return err
		}
		st, err := Look(int(dir.Fd()), path.Base(at), true)
		_ = dir.Close() // nothing was written
		switch {
		case errors.Is(err, fs.ErrNotExist), err == nil && at == rel && st.Mode&unix.S_IFMT != unix.S_IFREG:
			return nil
		case err == nil && at == rel:
			return fmt.Errorf("%q came back just now", at)
		case err == nil:
			return fmt.Errorf("%q is no directory, or came back just now", at)
		}
		return err
	}
}

// Holds reports whether there is something of the name, or may be: a link is
// nothing.
func (r *Root) Holds(rel string) bool {
	info, err := r.Lstat(rel)
	if err == nil {
		return info.Mode()&fs.ModeSymlink == 0
	}
	return !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR)
}
