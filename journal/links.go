package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Root runs commands on a journal whose directory belongs to the service's user. So
// nothing that this user, or somebody in its place, put there leads root elsewhere: no
// link is followed, no pipe waited for, and what is done to a file is done to what was
// looked at. SQLite follows no link but one in the place of the database itself, and
// that is refused before.

// unlinked refuses a journal in the place of whose files lies something else: ErrLinked.
func unlinked(path string) error {
	for _, name := range []string{path, path + "-wal", path + "-shm", path + "-journal", path + ".lock"} {
		if err := withFile(name, func(int, unix.Stat_t) error { return nil }); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// withFile does something to a file of the journal by a descriptor that can neither be
// read nor written, so that to close it takes no lock of SQLite away.
func withFile(name string, do func(fd int, st unix.Stat_t) error) error {
	fd, err := unix.Open(name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return &fs.PathError{Op: "open", Path: name, Err: err}
	}
	defer unix.Close(fd) // nothing was written
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return &fs.PathError{Op: "look at", Path: name, Err: err}
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return fmt.Errorf("%w (%s)", ErrLinked, name)
	case st.Nlink > 1 && os.Geteuid() == 0:
		return fmt.Errorf("%w (%s has another name elsewhere)", ErrLinked, name)
	}
	return do(fd, st)
}

// chmod sets the mode of a file that withFile opened.
func chmod(fd int, mode uint32) error {
	return unix.Fchmodat(unix.AT_FDCWD, "/proc/self/fd/"+strconv.Itoa(fd), mode, 0)
}
