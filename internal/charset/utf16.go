package charset

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	stdutf16 "unicode/utf16"
)

// strictUTF16 passes UTF-16 on as it is, up to what is none: the half of a character,
// which a decoder would replace, and the half of a unit at the end of a file that was
// cut off.
type strictUTF16 struct {
	r     io.Reader
	order binary.ByteOrder

	ready []byte // checked
	odd   []byte // the first byte of a unit
	high  []byte // a unit whose other half is to follow
	line  int    // how many have ended
	cr    bool   // the last unit ended one, and a line feed behind it ends no other
	err   error
	buf   [4096]byte
}

func (s *strictUTF16) Read(p []byte) (int, error) {
	for len(s.ready) == 0 && s.err == nil {
		s.fill()
	}
	if len(s.ready) == 0 {
		return 0, s.err
	}
	n := copy(p, s.ready)
	s.ready = s.ready[n:]
	return n, nil
}

// fill checks what comes next.
func (s *strictUTF16) fill() {
	n, err := s.r.Read(s.buf[:])
	data := slices.Concat(s.odd, s.buf[:n])
	whole := len(data) &^ 1
	out := make([]byte, 0, len(s.high)+whole)
	for i := 0; i < whole; i += 2 {
		unit := data[i : i+2]
		if !s.follows(s.order.Uint16(unit)) {
			s.ready, s.err = out, s.wrong()
			return
		}
		if s.half(unit) {
			continue
		}
		out = append(append(out, s.high...), unit...)
		s.high = nil
	}
	s.ready, s.odd = out, slices.Clone(data[whole:])
	if s.err = err; errors.Is(err, io.EOF) && len(s.odd)+len(s.high) > 0 {
		s.err = fmt.Errorf("line %d ends in the middle of a character of UTF-16: the file was cut off; save it anew", 1+s.line)
	}
}

// half keeps the first half of a character until the second is there.
func (s *strictUTF16) half(unit []byte) bool {
	if s.high != nil || !stdutf16.IsSurrogate(rune(s.order.Uint16(unit))) {
		return false
	}
	s.high = slices.Clone(unit)
	return true
}

// follows reports whether a unit may stand behind what was read, and counts lines.
func (s *strictUTF16) follows(unit uint16) bool {
	first, second := unit&0xFC00 == 0xD800, unit&0xFC00 == 0xDC00
	if s.high != nil != second || s.high != nil && first {
		return false
	}
	if unit == '\r' || unit == '\n' && !s.cr {
		s.line++
	}
	s.cr = unit == '\r'
	return true
}

func (s *strictUTF16) wrong() error {
	return fmt.Errorf("line %d holds half a character of UTF-16; save the file anew, as UTF-8 or Unicode text", 1+s.line)
}
