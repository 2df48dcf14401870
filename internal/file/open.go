package file

import (
	"errors"

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

// traceless opens with O_NOATIME, and without where only that is refused: the file
// belongs to somebody else. Some servers of shares answer EACCES or EINVAL instead.
func traceless[T any](open func(flags int) (T, error)) (T, error) {
	opened, err := open(quietly | unix.O_NOATIME)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.EINVAL) {
		return open(quietly)
	}
	return opened, err
}
