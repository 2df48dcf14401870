package facts

import (
	"bytes"
	"encoding/binary"
)

// walkRIFF finds the blocks in the chunks of a WebP.
func walkRIFF(s *source, b *blocks) error {
	const header, head = 12, 8
	for off := int64(header); s.size-off >= head; {
		h, err := s.peek(off, head)
		if err != nil {
			return err
		}
		kind, length := string(h[:4]), int64(binary.LittleEndian.Uint32(h[4:]))
		switch {
		case kind == "EXIF" && b.want.EXIF:
			if b.exif, err = s.block(off+head, length); err != nil {
				return err
			}
			// The standard has the bare block, some programs write a JPEG's.
			b.exif = bytes.TrimPrefix(b.exif, []byte(jpegEXIF+"\x00"))
		case kind == "XMP " && b.want.XMP:
			packet, err := s.block(off+head, length)
			if err != nil {
				return err
			}
			b.addXMP(packet)
		}
		off += head + length + length&1
	}
	return nil
}
