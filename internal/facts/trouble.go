package facts

import (
	"errors"
	"io"
	"slices"
	"syscall"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// lasting are the errors of the file system that would be the same next time: what
// was asked for is not there, or not to be read.
var lasting = []error{
	syscall.ENOENT, syscall.ENOTDIR, syscall.EACCES, syscall.EPERM, syscall.ELOOP, syscall.ENAMETOOLONG, syscall.EINVAL, syscall.EISDIR,
	syscall.ENXIO, syscall.EOVERFLOW,
}

// passing reports trouble of the file system that may pass, as on a share whose
// server is away, or a disk with a bad moment. What a file holds is none.
func passing(err error) bool {
	_, system := errors.AsType[syscall.Errno](err)
	return errors.Is(err, file.ErrLocked) || system && !slices.ContainsFunc(lasting, func(e error) bool { return errors.Is(err, e) })
}

// ifPassing returns err if it is passing.
func ifPassing(err error) error {
	if passing(err) {
		return err
	}
	return nil
}

// troubleReader remembers the trouble that its reader had: what looks into a file
// takes an error for damage.
type troubleReader struct {
	r   io.ReaderAt
	err error
}

// ReadAt implements io.ReaderAt.
func (t *troubleReader) ReadAt(p []byte, off int64) (int, error) {
	n, err := t.r.ReadAt(p, off)
	err = file.Reading(err)
	if t.err == nil && passing(err) {
		t.err = err
	}
	return n, err
}
