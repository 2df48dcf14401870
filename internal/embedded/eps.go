package embedded

import (
	"bytes"
	"encoding/binary"
	"regexp"
)

// dosEPS begins an EPS with a preview: where its PostScript is follows, and how long it is.
const dosEPS = "\xC5\xD0\xD3\xC6"

var epsMain = regexp.MustCompile(`(?:^|[\r\n])%{1,2}ADO_ContainsXMP:[ \t]*(\w+)`)

// walkEPS finds the XMP of a PostScript document, which says which of its packets is
// its own: those of pictures within may come before it or behind it.
func walkEPS(s *source, b *blocks) error {
	if !b.want.XMP {
		return nil
	}
	head, err := s.block(0, min(s.size, scanSize))
	if err != nil {
		return err
	}
	if bytes.HasPrefix(head, []byte(dosEPS)) && len(head) >= 12 {
		from, length := int64(binary.LittleEndian.Uint32(head[4:])), int64(binary.LittleEndian.Uint32(head[8:]))
		if from > s.size || length > s.size-from {
			return errCutShort
		}
		s = s.part(from, length)
		if head, err = s.block(0, min(s.size, scanSize)); err != nil {
			return err
		}
	}
	wanted := newest
	if m := epsMain.FindSubmatch(head); m != nil {
		switch string(m[1]) {
		case "MainFirst":
			wanted = theFirst
		case "MainLast":
			wanted = theLast
		case "NoMain":
			wanted = none
		}
	}
	packet, err := scanXMP(s, wanted)
	b.addXMP(packet)
	return err
}
