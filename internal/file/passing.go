package file

import (
	"errors"
	"io"
	"slices"
	"syscall"
)

// lasting are the errors of the file system that would be the same next time: what
// was asked for is not there, or not to be read.
var lasting = []error{
	syscall.ENOENT, syscall.ENOTDIR, syscall.EACCES, syscall.EPERM, syscall.ELOOP, syscall.ENAMETOOLONG, syscall.EINVAL, syscall.EISDIR,
	syscall.ENXIO, syscall.EOVERFLOW,
}

// Passing reports trouble of the file system that may pass, as on a share whose
// server is away, or a disk with a bad moment. What a file holds is none.
func Passing(err error) bool {
	_, system := errors.AsType[syscall.Errno](err)
	return errors.Is(err, ErrLocked) || system && !slices.ContainsFunc(lasting, func(e error) bool { return errors.Is(err, e) })
}

// IfPassing returns err if it is Passing.
func IfPassing(err error) error {
	if Passing(err) {
		return err
	}
	return nil
}

// TroubleReader remembers the first Passing trouble that its reader had: what looks
// into a file takes an error for damage.
type TroubleReader struct {
	Reader io.ReaderAt
	Err    error
}

// ReadAt implements io.ReaderAt.
func (t *TroubleReader) ReadAt(p []byte, off int64) (int, error) {
	n, err := t.Reader.ReadAt(p, off)
	err = Reading(err)
	if t.Err == nil && Passing(err) {
		t.Err = err
	}
	return n, err
}
