package file

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// quietly opens for reading without waiting for anyone: a pipe in the file's place, or
// a lease that somebody holds, must not block. A link is not followed.
const quietly = unix.O_RDONLY | unix.O_NONBLOCK | unix.O_NOFOLLOW | unix.O_CLOEXEC

// Open opens the file at path for reading. Its access time stays as it is, if the
// kernel allows that. The error is the kernel's own.
func Open(path string) (fd int, err error) {
	return traceless(func(flags int) (int, error) { return unix.Open(path, flags, 0) })
}

// OpenIn is Open for a file beneath root. The error is an *os.PathError. Unlike the
// kernel, os.Root follows a link in spite of O_NOFOLLOW, as long as it does not lead
// out: whoever minds compares what was opened with what was there before.
func OpenIn(root *os.Root, rel string) (*os.File, error) {
	return traceless(func(flags int) (*os.File, error) { return root.OpenFile(rel, flags, 0) })
}

// OpenDirIn opens a directory beneath root for the names in it and what kinds they are.
// Of a directory that os.Root opened Go asks for each name what it is, though the
// listing has told: on a share that is a call of the server for every file.
func OpenDirIn(root *os.Root, rel string) (*os.File, error) {
	opened, err := root.Open(rel)
	if err != nil {
		return nil, err
	}
	defer opened.Close() // the copy stays open
	fd, err := unix.FcntlInt(opened.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: rel, Err: err}
	}
	return os.NewFile(uintptr(fd), opened.Name()), nil
}

// traceless opens with O_NOATIME, and without where only that is refused: the file
// belongs to somebody else. Some servers of shares answer EACCES or EINVAL instead.
func traceless[T any](open func(flags int) (T, error)) (T, error) {
	opened, err := open(quietly | unix.O_NOATIME)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.EINVAL) {
		return open(quietly)
	}
	return opened, err
}
