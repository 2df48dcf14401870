package shelf

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/mounts"
)

// Absence tells which files are not there below a directory, without following a
// link, as the watcher does not. It keeps the directory open that was asked about last,
// so that to ask about many files of one costs little.
type Absence struct {
	root  *os.File
	dir   string   // the directory asked about last
	at    *os.File // that, or the nearest above it that is there; nil if it is not known
	there bool     // it is that
}

// AbsenceBelow returns what tells which files are not there below a drop folder; its error
// is one for mounts.IsGone. It is to be closed before the root.
func AbsenceBelow(root *file.Root) (*Absence, error) {
	f, err := root.OpenDir(".")
	if err != nil {
		return nil, mounts.Gone(fmt.Errorf("look at the drop folder: %w", err))
	}
	return &Absence{root: f, dir: ".", at: f, there: true}, nil
}

// Close closes the directories that it keeps open.
func (l *Absence) Close() {
	l.leave()
	_ = l.root.Close() // nothing was written
}

func (l *Absence) leave() {
	if l.at != nil && l.at != l.root {
		_ = l.at.Close() // nothing was written
	}
}

// Certain reports that no regular file lies at rel, for certain. dev is the file system
// that it lay on.
func (l *Absence) Certain(rel string, dev uint64) bool {
	if dir := path.Dir(rel); dir != l.dir {
		l.turnTo(dir)
	}
	if l.at == nil {
		return false
	}
	if l.there {
		var st unix.Stat_t
		err := unix.Fstatat(int(l.at.Fd()), path.Base(rel), &st, unix.AT_SYMLINK_NOFOLLOW)
		if err == nil {
			return st.Mode&unix.S_IFMT != unix.S_IFREG
		}
		if !errors.Is(err, unix.ENOENT) {
			return false
		}
	}
	return !l.unmounted(dev)
}

// CertainInPlace is Certain of a file that lies where we put it: nothing is concluded from a
// directory that is not there as one, which may be away for a moment, or a link.
func (l *Absence) CertainInPlace(rel string, dev uint64) bool { return l.Certain(rel, dev) && l.there }

// turnTo opens a directory, or the nearest above it that is there.
func (l *Absence) turnTo(dir string) {
	l.leave()
	l.dir, l.at, l.there = dir, l.root, true
	if dir == "." {
		return
	}
	for name := range strings.SplitSeq(dir, "/") {
		fd, err := unix.Openat(int(l.at.Fd()), name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
			l.there = false
			return
		}
		l.leave()
		if l.at = nil; err != nil { // it may be there, and cannot be looked into
			return
		}
		l.at = os.NewFile(uintptr(fd), dir)
	}
}

// unmounted reports whether the directory is what a share leaves that is not mounted:
// empty, and on another file system than the file was. On overlayfs files and
// directories differ in that anyway.
func (l *Absence) unmounted(dev uint64) bool {
	var st unix.Stat_t
	var system unix.Statfs_t
	fd := int(l.at.Fd())
	if unix.Fstat(fd, &st) != nil || unix.Fstatfs(fd, &system) != nil {
		return true
	}
	if st.Dev == dev || system.Type == unix.OVERLAYFS_SUPER_MAGIC {
		return false
	}
	if _, err := l.at.Seek(0, io.SeekStart); err != nil {
		return true
	}
	_, err := l.at.Readdirnames(1)
	return err != nil // io.EOF: it is empty
}
