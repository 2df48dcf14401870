package file

import (
	"errors"
	"fmt"
	"slices"
	"syscall"
)

// ErrLocked is a file that is there and may be read, but not now: another program
// keeps it to itself, as on Windows many do with what they have open.
var ErrLocked = errors.New("another program has the file locked")

// lockedOpen is how a file system refuses to open such a file: a sharing violation of
// SMB, a program that is being executed, a lease.
var lockedOpen = []error{syscall.EBUSY, syscall.ETXTBSY, syscall.EAGAIN}

// lockedRead is how it refuses to read a file that it has opened. Who may read is
// asked when a file is opened, so that a refusal afterwards is a lock on a range of
// its bytes.
var lockedRead = append([]error{syscall.EACCES, syscall.EPERM, syscall.EDEADLK}, lockedOpen...)

// Opening makes ErrLocked of the error of an open that says so.
func Opening(err error) error { return locked(err, lockedOpen) }

// Reading makes ErrLocked of the error of a read, from a file that was opened, that
// says so.
func Reading(err error) error { return locked(err, lockedRead) }

func locked(err error, signs []error) error {
	if err == nil || errors.Is(err, ErrLocked) || !slices.ContainsFunc(signs, func(sign error) bool { return errors.Is(err, sign) }) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrLocked, err)
}
