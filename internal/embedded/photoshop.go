package embedded

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// Photoshop's image resources that hold blocks.
const (
	resourceIPTC = 0x0404
	resourceEXIF = 0x0422
	resourceXMP  = 0x0424
)

// walkPSD finds the blocks among the image resources of a PSD or PSB.
func walkPSD(s *source, b *blocks) error {
	const header = 26
	h, err := s.peek(header, 4) // the length of the colour table
	if err != nil {
		return err
	}
	off := header + 4 + int64(binary.BigEndian.Uint32(h))
	if h, err = s.peek(off, 4); err != nil {
		return err
	}
	length := int64(binary.BigEndian.Uint32(h))
	if off += 4; length > s.size-off {
		return errCutShort
	}
	return b.walkResources(s, off, off+length)
}

// readResources finds the blocks among image resources in memory.
func (b *blocks) readResources(resources []byte) error {
	size := int64(len(resources))
	return b.walkResources(newSource(bytes.NewReader(resources), size), 0, size)
}

// resourceSignatures begin a resource; all but the first are of other programs.
var resourceSignatures = []string{"8BIM", "PHUT", "DCSR", "AgHg", "MeSa"}

// walkResources reads only those resources that matter: others hold previews. A
// resource is signature, number, name, length and data, the latter two padded to
// an even number of bytes.
func (b *blocks) walkResources(s *source, off, end int64) error {
	const smallest = 12
	for end-off >= smallest {
		h, err := s.peek(off, smallest)
		if err != nil {
			return err
		}
		if !slices.Contains(resourceSignatures, string(h[:4])) {
			return errors.New("an image resource does not begin where the one before it ends")
		}
		number, name := binary.BigEndian.Uint16(h[4:]), int64(h[6])
		off += 6 + (name+2)&^1
		if h, err = s.peek(off, 4); err != nil {
			return err
		}
		length := int64(binary.BigEndian.Uint32(h))
		if off += 4; length > end-off {
			return fmt.Errorf("image resource %#04x is cut short", number)
		}
		if err := b.takeResource(s, number, off, length); err != nil {
			return err
		}
		off += length + length&1
	}
	return nil
}

func (b *blocks) takeResource(s *source, number uint16, off, length int64) (err error) {
	switch {
	case number == resourceIPTC && b.want.IPTC && b.iptc == nil:
		b.iptc, err = s.block(off, length)
	case number == resourceEXIF && b.want.EXIF && b.exif == nil:
		b.exif, err = s.block(off, length)
	case number == resourceXMP && b.want.XMP:
		var packet []byte
		packet, err = s.block(off, length)
		b.addXMP(packet)
	}
	return err
}
