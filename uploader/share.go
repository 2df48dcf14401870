package uploader

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// What shares do that local disks do not.

// Expect has the Source take the numbers of a hint that its path gave before, if only
// these differ and may do so by themselves.
func (s *Source) Expect(h file.Stat) { s.hint = h.Renumbered(s.hint, s.file) }

// known is what the file system says of the file now, with the numbers that it had.
func (s *Source) known(now file.Stat) file.Stat { return s.hint.Renumbered(now, s.file) }

// Readable reads the first and the last byte: file.ErrLocked tells that another program
// keeps them to itself before anything is begun that does not wait.
func (s *Source) Readable() error {
	for _, at := range []int64{0, s.hint.Size - 1} {
		if at < 0 {
			continue
		}
		if _, err := s.read(make([]byte, 1), at); errors.Is(err, file.ErrLocked) {
			return err
		}
	}
	return nil // whoever reads it all finds out about the rest
}

// openError is sourceError of an open. EINVAL: the client of a share sees the file by
// a name that it lost on the server. That the file is gone is for the caller to
// confirm.
func openError(name string, err error) error {
	if errors.Is(err, syscall.EINVAL) {
		return fmt.Errorf("%q: %w: %w", name, ErrSourceGone, err)
	}
	return sourceError(name, file.Opening(err))
}
