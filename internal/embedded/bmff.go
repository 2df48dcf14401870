package embedded

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// The types of uuid boxes that hold blocks.
const (
	uuidXMP  = "\xBE\x7A\xCF\xCB\x97\xA9\x42\xE8\x9C\x71\x99\x94\x91\xE3\xAF\xAC"
	uuidEXIF = "JpgTiffExif->JP2"
	uuidIPTC = "\x33\xC7\xA4\xD2\xB8\x1D\x47\x23\xA0\xBA\xF1\xA3\xE0\x97\xAD\x38"

	uuidPhotoshopEXIF = "\x05\x37\xCD\xAB\x9D\x0C\x44\x31\xA7\x2A\xFA\x56\x1F\x2A\x11\x3E"
)

// walkBMFF finds the blocks in the boxes of MP4 and QuickTime, HEIF and AVIF,
// JPEG 2000 and JPEG XL, whose structure is the same.
func walkBMFF(s *source, b *blocks) error {
	return s.boxes(0, s.size, func(kind string, from, to int64) error {
		switch kind {
		case "meta":
			return b.takeItems(s, from+4, to) // behind version and flags
		case "moov":
			if b.want.EXIF && b.raw.main == nil {
				raw, err := findCR3(s, from, to)
				if err != nil {
					return err
				}
				b.raw = raw
			}
			return s.boxes(from, to, func(kind string, from, to int64) error {
				if kind != "udta" {
					return nil
				}
				return s.boxes(from, to, func(kind string, from, to int64) error {
					return b.takeBox(s, kind, from, to)
				})
			})
		}
		return b.takeBox(s, kind, from, to)
	})
}

// boxes visits the boxes from one byte to another.
func (s *source) boxes(from, to int64, visit func(kind string, from, to int64) error) error {
	const head, wide = 8, 16
	for to-from >= head {
		h, err := s.peek(from, head)
		if err != nil {
			return err
		}
		size, kind, body := int64(binary.BigEndian.Uint32(h)), string(h[4:]), from+head
		switch size {
		case 0: // to the end, or a mere zero that ends QuickTime's user data
			if kind == "\x00\x00\x00\x00" {
				return nil
			}
			size = to - from
		case 1:
			if h, err = s.peek(from, wide); err != nil {
				return err
			}
			size, body = int64(binary.BigEndian.Uint64(h[head:])), from+wide
		}
		if size < body-from || size > to-from {
			return fmt.Errorf("the box at byte %d is cut short", from)
		}
		if err := visit(kind, body, from+size); err != nil {
			return err
		}
		from += size
	}
	return nil
}

func (b *blocks) takeBox(s *source, kind string, from, to int64) error {
	if kind == "uuid" && to-from > 16 {
		id, err := s.peek(from, 16)
		if err != nil {
			return err
		}
		kind, from = string(id), from+16
	}
	switch {
	case (kind == uuidXMP || kind == "XMP_") && b.want.XMP:
		packet, err := s.block(from, to-from)
		b.addXMP(packet)
		return err
	case kind == "xml " && b.want.XMP: // may be any XML
		text, err := s.block(from, to-from)
		if bytes.Contains(text, []byte("adobe:ns:meta/")) {
			b.addXMP(text)
		}
		return err
	case kind == uuidIPTC && b.want.IPTC && b.iptc == nil:
		var err error
		b.iptc, err = s.block(from, to-from)
		return err
	case (kind == uuidEXIF || kind == uuidPhotoshopEXIF || kind == "Exif") && b.want.EXIF && b.exif == nil:
		block, err := s.block(from, to-from)
		if kind == "Exif" {
			block = heifEXIF(block)
		}
		b.exif = block
		return err
	}
	return nil
}

// heifEXIF returns the TIFF structure of an Exif item, which begins with its offset.
func heifEXIF(item []byte) []byte {
	if len(item) < 4 {
		return item
	}
	off := int64(binary.BigEndian.Uint32(item))
	return item[min(int64(len(item)), 4+off):]
}
