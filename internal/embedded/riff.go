package embedded

import (
	"bytes"
	"encoding/binary"
)

// walkRIFF finds the blocks in the chunks of WebP, WAV and AVI. What an editor of
// sound or video placed into another chunk is not the file's.
func walkRIFF(s *source, b *blocks) error {
	return riffChunks(s, func(kind string, off, length int64) (done bool, err error) {
		switch {
		case kind == "EXIF" && b.want.EXIF:
			if b.exif, err = s.block(off, length); err != nil {
				return false, err
			}
			// The standard has the bare block, some programs write a JPEG's.
			b.exif = bytes.TrimPrefix(b.exif, []byte(jpegEXIF+"\x00"))
		case (kind == "XMP " || kind == "XMP\x00" || kind == "_PMX") && b.want.XMP:
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
	var wide int64 // the length of data that a length of 32 bits cannot say
	for off := int64(header); s.size-off >= head; {
		h, err := s.peek(off, head)
		if err != nil {
			return err
		}
		kind, length := string(h[:4]), int64(binary.LittleEndian.Uint32(h[4:]))
		switch {
		case kind == "RIFF": // a large AVI has several
			off += header
			continue
		case kind == "ds64" && length >= 16:
			sizes, err := s.peek(off+head, 16)
			if err != nil {
				return err
			}
			wide = int64(binary.LittleEndian.Uint64(sizes[8:]))
		case kind == "data" && length == 0xFFFFFFFF && wide > 0 && wide <= s.size-off-head:
			length = wide
		}
		if done, err := visit(kind, off+head, length); done || err != nil {
			return err
		}
		off += head + length + length&1
	}
	return nil
}
