package file

import (
	"errors"
	"io"
	"os"
	"syscall"
	"testing"
)

// Who may not read is told at the open, so that a refusal of a read is a lock.
func TestLocked(t *testing.T) {
	for _, tt := range []struct {
		err           error
		opening, read bool
	}{
		{nil, false, false},
		{io.EOF, false, false},
		{syscall.EACCES, false, true},
		{syscall.EPERM, false, true},
		{syscall.EBUSY, true, true},
		{syscall.ETXTBSY, true, true},
		{syscall.EAGAIN, true, true},
		{syscall.EIO, false, false},
		{syscall.ENOENT, false, false},
	} {
		err := tt.err
		if err != nil {
			err = &os.PathError{Op: "do", Path: "f", Err: err}
		}
		if got := Opening(err); errors.Is(got, ErrLocked) != tt.opening || !errors.Is(got, tt.err) {
			t.Errorf("open: %v became %v", tt.err, got)
		}
		if got := Reading(err); errors.Is(got, ErrLocked) != tt.read || !errors.Is(got, tt.err) {
			t.Errorf("read: %v became %v", tt.err, got)
		}
	}
}
