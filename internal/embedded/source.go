package embedded

import (
	"errors"
	"fmt"
	"io"
)

// The bounds of what is read of one file. They serve a photograph many times
// over, and end the reading of a file that is made to be read for ever.
const (
	maxReads = 400_000   // calls of ReadAt
	maxBytes = 256 << 20 // bytes
	maxBlock = 8 << 20   // bytes of a block of metadata
	peekSize = 512
)

var (
	errCutShort   = errors.New("it is cut short")
	errUnreadable = errors.New("the file cannot be read")
)

// source reads pieces of a file, or of a block of one, within the bounds. Not
// for several goroutines.
type source struct {
	r      io.ReaderAt
	size   int64
	spent  *spent
	window []byte // what peek read last
	at     int64  // where the window begins
}

type spent struct{ reads, bytes int64 }

func newSource(r io.ReaderAt, size int64) *source {
	return &source{r: r, size: size, spent: &spent{}}
}

// part is a piece of the file as a source of its own, within the same bounds. What of
// it lies beyond the end is not there.
func (s *source) part(off, size int64) *source {
	off = min(max(off, 0), s.size)
	size = min(max(size, 0), s.size-off)
	return &source{r: io.NewSectionReader(s.r, off, size), size: size, spent: s.spent}
}

// peek returns n bytes, at most peekSize, that are valid until the next call.
func (s *source) peek(off, n int64) ([]byte, error) {
	if off < 0 || n < 0 || off > s.size-n {
		return nil, errCutShort
	}
	if from := off - s.at; from >= 0 && from+n <= int64(len(s.window)) {
		return s.window[from : from+n], nil
	}
	if s.window == nil {
		s.window = make([]byte, peekSize)
	}
	s.at, s.window = off, s.window[:min(peekSize, s.size-off)]
	if err := s.fill(s.window, off); err != nil {
		s.window = s.window[:0]
		return nil, err
	}
	return s.window[:n], nil
}

// block returns n bytes of its own.
func (s *source) block(off, n int64) ([]byte, error) {
	if off < 0 || n < 0 || off > s.size-n {
		return nil, errCutShort
	}
	if n > maxBlock {
		return nil, fmt.Errorf("it is larger than %d MiB", maxBlock>>20)
	}
	b := make([]byte, n)
	return b, s.fill(b, off)
}

func (s *source) fill(b []byte, off int64) error {
	s.spent.reads++
	s.spent.bytes += int64(len(b))
	if s.spent.reads > maxReads || s.spent.bytes > maxBytes {
		return errors.New("it is in too many pieces")
	}
	n, err := s.r.ReadAt(b, off)
	switch {
	case n == len(b):
		return nil
	case err == nil, errors.Is(err, io.EOF):
		return errCutShort
	}
	return fmt.Errorf("%w: %w", errUnreadable, err)
}
