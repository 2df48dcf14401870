package facts

import (
	"bytes"
	"encoding/binary"
)

// walkRIFF finds the blocks in the chunks of a WebP.
func walkRIFF(s *source, b *blocks) error {
	return riffChunks(s, func(kind string, off, length int64) (done bool, err error) {
		switch {
		case kind == "EXIF" && b.want.EXIF:
			if b.exif, err = s.block(off, length); err != nil {
				return false, err
			}
			// The standard has the bare block, some programs write a JPEG's.
			b.exif = bytes.TrimPrefix(b.exif, []byte(jpegEXIF+"\x00"))
		case kind == "XMP " && b.want.XMP:
			packet, err := s.block(off, length)
			if err != nil {
				return false, err
			}
			b.addXMP(packet)
		}
		return false, nil
	})
}

// riffChunks visits the chunks of a RIFF file until one is done; off and length are
// those of what a chunk holds.
func riffChunks(s *source, visit func(kind string, off, length int64) (done bool, err error)) error {
	const header, head = 12, 8
	for off := int64(header); s.size-off >= head; {
		h, err := s.peek(off, head)
		if err != nil {
			return err
		}
		kind, length := string(h[:4]), int64(binary.LittleEndian.Uint32(h[4:]))
		if done, err := visit(kind, off+head, length); done || err != nil {
			return err
		}
		off += head + length + length&1
	}
	return nil
}
