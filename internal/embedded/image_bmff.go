package embedded

import (
	"encoding/binary"
	"errors"
)

// isBMFF says whether a file is made of boxes, as MP4, QuickTime, HEIF, JPEG 2000
// and JPEG XL are.
func isBMFF(head []byte) bool {
	return len(head) >= 8 && hasPrefix(head[4:], "ftyp", "moov", "mdat", "wide", "free", "skip", "pnot", "jP  ", "JXL ")
}

// maxBoxes bounds the boxes of one level that are passed on the way to one.
const maxBoxes = 20_000

var (
	errFound = errors.New("found") // ends a walk through boxes
	errBoxes = errors.New("it is in too many boxes")
)

// firstBox visits the boxes from one byte to another until visit returns errFound,
// which is no error, or there are too many.
func (s *source) firstBox(from, to int64, visit func(kind string, from, to int64) error) error {
	left := maxBoxes
	err := s.boxes(from, to, func(kind string, from, to int64) error {
		if left--; left < 0 {
			return errBoxes
		}
		return visit(kind, from, to)
	})
	if errors.Is(err, errFound) {
		return nil
	}
	return err
}

// bmffSize returns the size of the picture in a file of boxes, none for a video:
// of HEIF and AVIF that of the primary item before it is turned, of JPEG 2000 and
// JPEG XL that of the codestream, of CR3 that of the raw picture.
func bmffSize(s *source) (size imageSize, err error) {
	err = s.firstBox(0, s.size, func(kind string, from, to int64) (err error) {
		switch kind {
		case "meta":
			size, err = heifSize(s, from+4, to)
		case "jp2h":
			err = s.firstBox(from, to, func(kind string, from, _ int64) error {
				if kind != "ihdr" {
					return nil
				}
				h, err := s.peek(from, 8)
				if err != nil {
					return err
				}
				size = imageSize{int64(binary.BigEndian.Uint32(h[4:])), int64(binary.BigEndian.Uint32(h))}
				return errFound
			})
		case "jxlc", "jxlp":
			if kind == "jxlp" {
				from += 4 // the number of the part
			}
			var h []byte
			if h, err = s.peek(from, min(16, to-from)); err == nil && hasPrefix(h, "\xFF\x0A") {
				size, err = jxlSize(h[2:])
			}
		case "moov":
			var raw cr3
			if raw, err = findCR3(s, from, to); err == nil && raw.main != nil {
				size, err = tiffSize(raw.main)
			}
		}
		if err == nil && size.known() {
			return errFound
		}
		return err
	})
	return size, err
}

// heifSize returns the extent (ispe) of the primary item.
func heifSize(s *source, from, to int64) (size imageSize, err error) {
	var primary uint64
	var extents []imageSize // by the number of the property, from 0
	var uses []byte         // which item has which properties
	err = s.firstBox(from, to, func(kind string, from, to int64) error {
		switch kind {
		case "pitm":
			h, err := s.block(from, min(to-from, 8))
			if err != nil {
				return err
			}
			primary = uint64(primaryItem(h))
		case "iprp":
			return s.firstBox(from, to, func(kind string, from, to int64) (err error) {
				switch kind {
				case "ipco":
					return s.firstBox(from, to, func(kind string, from, _ int64) error {
						one := imageSize{}
						if kind == "ispe" {
							h, err := s.peek(from, 12)
							if err != nil {
								return err
							}
							one = imageSize{int64(binary.BigEndian.Uint32(h[4:])), int64(binary.BigEndian.Uint32(h[8:]))}
						}
						extents = append(extents, one)
						return nil
					})
				case "ipma":
					uses, err = s.block(from, to-from)
				}
				return err
			})
		}
		return nil
	})
	if err != nil {
		return imageSize{}, err
	}
	for _, index := range propertiesOf(uses, primary) {
		if index >= 1 && index <= uint64(len(extents)) && extents[index-1].known() {
			return extents[index-1], nil
		}
	}
	return imageSize{}, nil
}

// propertiesOf returns the numbers of an item's properties, from 1.
func propertiesOf(ipma []byte, item uint64) (indexes []uint64) {
	c := cursor{b: ipma}
	version := c.uint(1)
	flags := c.uint(3)
	idSize, indexSize, mask := 2, 1, uint64(0x7F)
	if version > 0 {
		idSize = 4
	}
	if flags&1 == 1 {
		indexSize, mask = 2, 0x7FFF
	}
	for count := c.uint(4); count > 0 && !c.short; count-- {
		id := c.uint(idSize)
		for n := c.uint(1); n > 0; n-- {
			if index := c.uint(indexSize) & mask; id == item && !c.short {
				indexes = append(indexes, index)
			}
		}
	}
	return indexes
}

// j2kSize reads the header of a codestream of JPEG 2000.
func j2kSize(head []byte) (imageSize, error) {
	if len(head) < 24 {
		return imageSize{}, errCutShort
	}
	at := func(i int) int64 { return int64(binary.BigEndian.Uint32(head[i:])) }
	return imageSize{at(8) - at(16), at(12) - at(20)}, nil
}

// jxlSize reads the first bits of a codestream of JPEG XL, behind its signature.
func jxlSize(stream []byte) (imageSize, error) {
	pos, short := 0, false
	bits := func(n int) (number int64) {
		for i := range n {
			if pos/8 >= len(stream) {
				short = true
				return 0
			}
			number |= int64(stream[pos/8]>>(pos%8)&1) << i
			pos++
		}
		return number
	}
	small := bits(1) == 1
	side := func() int64 {
		if small {
			return 8 * (bits(5) + 1)
		}
		return 1 + bits([...]int{9, 13, 18, 30}[bits(2)])
	}
	size := imageSize{height: side()}
	switch ratio := bits(3); ratio {
	case 0:
		size.width = side()
	default:
		part := [...][2]int64{1: {1, 1}, {12, 10}, {4, 3}, {3, 2}, {16, 9}, {5, 4}, {2, 1}}[ratio]
		size.width = size.height * part[0] / part[1]
	}
	if short {
		return imageSize{}, errCutShort
	}
	return size, nil
}
