package facts

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
}

// tiffEntry is an entry of a directory.
type tiffEntry struct {
	tag, typ uint16
	count    uint32
	inline   [4]byte // the value or its offset
}

// tiffSizes holds the bytes of a value by its type.
var tiffSizes = [...]int64{1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}

const (
	tiffASCII    = 2
	tiffRational = 5
	tiffUTF8     = 129 // EXIF 3.0
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
	return t, nil
}

// directory returns the entries of the directory at off: of one that is cut
// short those that are there, with the error.
func (t *tiffReader) directory(off int64) ([]tiffEntry, error) {
	head, err := t.s.peek(off, 2)
	if err != nil {
		return nil, fmt.Errorf("a directory lies outside (%w)", err)
	}
	count := int64(t.order.Uint16(head))
	var cut error
	if there := (t.s.size - off - 2) / 12; there < count {
		cut = fmt.Errorf("a directory has %d of its %d entries", there, count)
		count = there
	}
	raw, err := t.s.block(off+2, count*12)
	if err != nil {
		return nil, err
	}
	entries := make([]tiffEntry, count)
	for i := range entries {
		b := raw[i*12:]
		entries[i] = tiffEntry{t.order.Uint16(b), t.order.Uint16(b[2:]), t.order.Uint32(b[4:]), [4]byte(b[8:12])}
	}
	return entries, cut
}

// value returns the bytes of an entry's value, of which there must be no more
// than limit.
func (t *tiffReader) value(e tiffEntry, limit int64) ([]byte, error) {
	size := int64(1)
	switch {
	case int(e.typ) < len(tiffSizes) && tiffSizes[e.typ] > 0:
		size = tiffSizes[e.typ]
	case e.typ != tiffUTF8:
		return nil, fmt.Errorf("its type %d is unknown", e.typ)
	}
	if size *= int64(e.count); size > limit {
		return nil, fmt.Errorf("it is longer than %d bytes", limit)
	}
	if size <= 4 {
		return e.inline[:size], nil
	}
	return t.s.block(int64(t.order.Uint32(e.inline[:])), size)
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
			b.iptc = value
		case tagPhotoshop:
			resources = value
		}
	}
	if b.iptc == nil && resources != nil {
		return b.readResources(resources)
	}
	return cut
}
