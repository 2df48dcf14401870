package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// tiffReader reads the directories of a TIFF structure, which is what an EXIF
// block is and what most raw formats are.
type tiffReader struct {
	s     *source
	order binary.ByteOrder
	first int64 // where the first directory begins
	big   bool  // BigTIFF: counts and offsets have eight bytes
}

// tiffEntry is an entry of a directory.
type tiffEntry struct {
	tag, typ uint16
	count    uint64
	inline   []byte // the value or its offset: four bytes, eight in BigTIFF
}

// tiffSizes holds the bytes of a value by its type.
var tiffSizes = [...]int64{1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}

const (
	tiffASCII          = 2
	tiffLong           = 4
	tiffRational       = 5
	tiffSignedRational = 10
	tiffLong8          = 16 // of BigTIFF, as the next
	tiffIFD8           = 18
	tiffUTF8           = 129 // EXIF 3.0

	maxEntries = 1 << 16 // of a directory
)

func openTIFF(s *source) (*tiffReader, error) {
	head, err := s.peek(0, 8)
	if err != nil {
		return nil, err
	}
	t := &tiffReader{s: s}
	switch string(head[:2]) {
	case "II":
		t.order = binary.LittleEndian
	case "MM":
		t.order = binary.BigEndian
	default:
		return nil, errors.New("its byte order is not given")
	}
	t.first = int64(t.order.Uint32(head[4:]))
	const bigMagic = 43
	if t.order.Uint16(head[2:]) == bigMagic {
		if t.order.Uint16(head[4:]) != 8 {
			return nil, errors.New("its offsets are of a size that is not supported")
		}
		if head, err = t.s.peek(8, 8); err != nil {
			return nil, err
		}
		t.big, t.first = true, int64(t.order.Uint64(head))
	}
	return t, nil
}

// offset returns where an entry points to.
func (t *tiffReader) offset(e tiffEntry) int64 {
	if len(e.inline) == 8 && (e.typ == tiffLong8 || e.typ == tiffIFD8 || e.size() > 8) {
		return int64(t.order.Uint64(e.inline))
	}
	return int64(t.order.Uint32(e.inline))
}

// size returns how many bytes the value has, 0 where its type is unknown.
func (e tiffEntry) size() int64 {
	each := int64(0)
	switch {
	case int(e.typ) < len(tiffSizes):
		each = tiffSizes[e.typ]
	case e.typ == tiffUTF8:
		each = 1
	}
	const most = 1 << 40 // as good as endless
	return each * int64(min(e.count, most))
}

// directory returns the entries of the directory at off: of one that is cut
// short those that are there, with the error.
func (t *tiffReader) directory(off int64) ([]tiffEntry, error) {
	head, each := int64(2), int64(12)
	if t.big {
		head, each = 8, 20
	}
	h, err := t.s.peek(off, head)
	if err != nil {
		return nil, fmt.Errorf("a directory lies outside (%w)", err)
	}
	count := int64(t.order.Uint16(h))
	if t.big {
		count = int64(min(t.order.Uint64(h), maxEntries+1))
	}
	var cut error
	if there := (t.s.size - off - head) / each; there < count {
		cut = fmt.Errorf("a directory has %d of its %d entries", there, count)
		count = there
	}
	if count > maxEntries {
		return nil, fmt.Errorf("a directory has more than %d entries", maxEntries)
	}
	raw, err := t.s.block(off+head, count*each)
	if err != nil {
		return nil, err
	}
	entries := make([]tiffEntry, count)
	for i := range entries {
		b := raw[int64(i)*each:][:each]
		entries[i] = tiffEntry{t.order.Uint16(b), t.order.Uint16(b[2:]), uint64(t.order.Uint32(b[4:])), b[8:]}
		if t.big {
			entries[i].count, entries[i].inline = t.order.Uint64(b[4:]), b[12:]
		}
	}
	return entries, cut
}

// value returns the bytes of an entry's value, of which there must be no more
// than limit.
func (t *tiffReader) value(e tiffEntry, limit int64) ([]byte, error) {
	size := e.size()
	switch {
	case size == 0 && e.count > 0:
		return nil, fmt.Errorf("its type %d is unknown", e.typ)
	case size > limit:
		return nil, fmt.Errorf("it is longer than %d bytes", limit)
	case size <= int64(len(e.inline)):
		return e.inline[:size], nil
	}
	return t.s.block(t.offset(e), size)
}

// The tags of the first directory that hold other blocks.
const (
	tagXMP       = 700
	tagIPTC      = 33723
	tagPhotoshop = 34377
)

// walkTIFF finds the blocks of a TIFF file or of a raw format that is one.
func walkTIFF(s *source, b *blocks) error {
	b.tiff = s
	t, err := openTIFF(s)
	if err != nil {
		return err
	}
	entries, cut := t.directory(t.first)
	var resources []byte
	for _, e := range entries {
		wanted := e.tag == tagXMP && b.want.XMP || (e.tag == tagIPTC || e.tag == tagPhotoshop) && b.want.IPTC
		if !wanted {
			continue
		}
		value, err := t.value(e, maxBlock)
		if err != nil {
			cut = fmt.Errorf("tag %d cannot be read: %w", e.tag, err)
			continue
		}
		switch e.tag {
		case tagXMP:
			b.addXMP(value)
		case tagIPTC:
			b.iptc = iimOf(e, value)
		case tagPhotoshop:
			resources = value
		}
	}
	if b.iptc == nil && resources != nil {
		return b.readResources(resources)
	}
	return cut
}

// iimOf returns the datasets that a TIFF holds. By the type of the tag they are
// numbers of four bytes, so that some programs turned them when they changed the
// byte order of the file.
func iimOf(e tiffEntry, value []byte) []byte {
	const begins = 0x1C
	if e.typ != tiffLong || len(value) < 4 || value[0] == begins || value[3] != begins {
		return value
	}
	turned := make([]byte, 0, len(value))
	for ; len(value) >= 4; value = value[4:] {
		turned = append(turned, value[3], value[2], value[1], value[0])
	}
	return turned
}
