package embedded

import (
	"encoding/binary"
	"errors"
)

// uuidCanon is the type of the box in which a CR3 keeps what Canon's TIFF-based raw
// files have in directories.
const uuidCanon = "\x85\xC0\xB6\x87\x82\x0F\x11\xE0\x81\x11\xF4\xCE\x46\x2B\x6A\x48"

// cr3 are the blocks of EXIF in a CR3, each a TIFF of its own; nil where one is missing.
type cr3 struct{ main, exif, gps *source }

// findCR3 looks for the blocks in a moov box; a video has none.
func findCR3(s *source, from, to int64) (found cr3, err error) {
	err = s.firstBox(from, to, func(kind string, from, to int64) error {
		if kind != "uuid" || to-from < 16 {
			return nil
		}
		id, err := s.peek(from, 16)
		if err != nil {
			return err
		}
		if string(id) != uuidCanon {
			return nil
		}
		err = s.firstBox(from+16, to, func(kind string, from, to int64) error {
			block := s.part(from, to-from)
			switch kind {
			case "CMT1":
				found.main = block
			case "CMT2":
				found.exif = block
			case "CMT4":
				found.gps = block
			}
			return nil
		})
		if err != nil {
			return err
		}
		return errFound
	})
	return found, err
}

// rafMagic begins a raw file of Fujifilm.
const rafMagic = "FUJIFILMCCD-RAW "

// walkRAF finds the blocks in the JPEG that a RAF holds.
func walkRAF(s *source, b *blocks) error {
	h, err := s.peek(0x54, 8)
	if err != nil {
		return err
	}
	off, length := int64(binary.BigEndian.Uint32(h)), int64(binary.BigEndian.Uint32(h[4:]))
	return walkJPEG(s.part(off, length), b)
}

// rafSize returns the size of the raw picture without its borders.
func rafSize(s *source) (imageSize, error) {
	const croppedSize = 0x0111
	h, err := s.peek(0x5C, 8)
	if err != nil {
		return imageSize{}, err
	}
	dir := s.part(int64(binary.BigEndian.Uint32(h)), int64(binary.BigEndian.Uint32(h[4:])))
	if h, err = dir.peek(0, 4); err != nil {
		return imageSize{}, err
	}
	count, off := binary.BigEndian.Uint32(h), int64(4)
	for ; count > 0; count-- {
		if h, err = dir.peek(off, 4); err != nil {
			return imageSize{}, err
		}
		tag, length := binary.BigEndian.Uint16(h), int64(binary.BigEndian.Uint16(h[2:]))
		if tag == croppedSize && length == 4 {
			if h, err = dir.peek(off+4, 4); err != nil {
				return imageSize{}, err
			}
			return imageSize{int64(binary.BigEndian.Uint16(h[2:])), int64(binary.BigEndian.Uint16(h))}, nil
		}
		off += 4 + length
	}
	return imageSize{}, nil
}

// minoltaMagic begins a raw file of Minolta.
const minoltaMagic = "\x00MRM"

// walkMRW finds the TIFF in a raw file of Minolta.
func walkMRW(s *source, b *blocks) error {
	tiff, err := minoltaBlock(s, "\x00TTW")
	if err != nil || tiff == nil {
		return err
	}
	return walkTIFF(tiff, b)
}

// mrwSize returns the size of the picture without its borders.
func mrwSize(s *source) (imageSize, error) {
	dimensions, err := minoltaBlock(s, "\x00PRD")
	if err != nil || dimensions == nil {
		return imageSize{}, err
	}
	h, err := dimensions.peek(12, 4)
	if err != nil {
		return imageSize{}, err
	}
	return imageSize{int64(binary.BigEndian.Uint16(h[2:])), int64(binary.BigEndian.Uint16(h))}, nil
}

// minoltaBlock returns a block of a raw file of Minolta, nil where it has none.
func minoltaBlock(s *source, kind string) (*source, error) {
	h, err := s.peek(4, 4)
	if err != nil {
		return nil, err
	}
	end := 8 + int64(binary.BigEndian.Uint32(h))
	for off := int64(8); off < end; {
		if h, err = s.peek(off, 8); err != nil {
			return nil, err
		}
		length := int64(binary.BigEndian.Uint32(h[4:]))
		if string(h[:4]) == kind {
			return s.part(off+8, length), nil
		}
		off += 8 + length
	}
	return nil, nil
}

// sigmaMagic begins a raw file of Sigma.
const sigmaMagic = "FOVb"

// x3fSize reads the header, which has its third form since version 4.
func x3fSize(head []byte) (imageSize, error) {
	if len(head) < 48 {
		return imageSize{}, errCutShort
	}
	at := func(i int) int64 { return int64(binary.LittleEndian.Uint32(head[i:])) }
	if at(4) >= 4<<16 {
		return imageSize{at(40), at(44)}, nil
	}
	return imageSize{at(28), at(32)}, nil
}

// walkX3F finds the blocks in the JPEGs that a raw file of Sigma holds.
func walkX3F(s *source, b *blocks) error {
	const entry, header, jpegFormat, maxEntries = 12, 28, 18, 256
	h, err := s.peek(s.size-4, 4)
	if err != nil {
		return err
	}
	dir := int64(binary.LittleEndian.Uint32(h))
	if h, err = s.peek(dir, 12); err != nil {
		return err
	}
	if string(h[:4]) != "SECd" {
		return errors.New("its directory is not where its end says")
	}
	count := min(int64(binary.LittleEndian.Uint32(h[8:])), maxEntries)
	for i := range count {
		if h, err = s.peek(dir+12+entry*i, entry); err != nil {
			return err
		}
		kind := string(h[8:])
		off, length := int64(binary.LittleEndian.Uint32(h)), int64(binary.LittleEndian.Uint32(h[4:]))
		if kind != "IMA2" && kind != "IMAG" || length < header {
			continue
		}
		if h, err = s.peek(off, header); err != nil {
			return err
		}
		if binary.LittleEndian.Uint32(h[12:]) != jpegFormat {
			continue
		}
		if err := walkJPEG(s.part(off+header, length-header), b); err != nil {
			return err
		}
	}
	return nil
}
