package embedded

import (
	"bytes"
	"cmp"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/xmp"
)

// The headers of a JPEG's segments.
const (
	jpegEXIF      = "Exif\x00"
	jpegXMP       = "http://ns.adobe.com/xap/1.0/\x00"
	jpegExtension = "http://ns.adobe.com/xmp/extension/\x00"
	jpegPhotoshop = "Photoshop 3.0\x00"
)

// walkJPEG finds the blocks in the segments before the picture.
func walkJPEG(s *source, b *blocks) error {
	var resources []byte // may take several segments
	err := jpegSegments(s, func(marker byte, off, length int64) (done bool, err error) {
		if !(marker == 0xE1 && (b.want.EXIF || b.want.XMP) || marker == 0xED && b.want.IPTC) {
			return false, nil
		}
		segment, err := s.block(off, length)
		if err != nil {
			return false, err
		}
		if more, ok := bytes.CutPrefix(segment, []byte(jpegPhotoshop)); ok && marker == 0xED {
			if len(resources)+len(more) > maxBlock {
				return false, fmt.Errorf("its Photoshop block is larger than %d MiB", maxBlock>>20)
			}
			resources = append(resources, more...)
			return false, nil
		}
		return false, b.takeAPP1(segment)
	})
	if resources == nil {
		return err
	}
	// What was met before the damage is read all the same.
	return cmp.Or(err, b.readResources(resources))
}

// jpegSegments visits the segments before the picture until one is done; off and
// length are those of what a segment holds. Bytes that belong to no segment are
// passed over, as those who show the picture do; the error tells of the first of them.
func jpegSegments(s *source, visit func(marker byte, off, length int64) (done bool, err error)) error {
	const maxStrays = 100
	var damage error
	strays := 0
	for off := int64(2); ; {
		head, err := s.peek(off, 4)
		if err != nil {
			return err
		}
		if head[0] != 0xFF {
			if damage == nil {
				damage = fmt.Errorf("at byte %d no segment begins", off)
			}
			if strays++; strays > maxStrays {
				return damage
			}
			if off, err = jpegNext(s, off); err != nil {
				return damage
			}
			continue
		}
		marker, length := head[1], int64(binary.BigEndian.Uint16(head[2:]))
		switch {
		case marker == 0xFF: // fills
			off++
			continue
		case marker <= 0x01 || marker >= 0xD0 && marker <= 0xD8: // stands alone
			off += 2
			continue
		case marker == 0xD9 || marker == 0xDA: // the end, the picture
			return damage
		case length < 2:
			return fmt.Errorf("the segment at byte %d has no length", off)
		}
		if done, err := visit(marker, off+4, length-2); done || err != nil {
			return err
		}
		off += 2 + length
	}
}

// jpegNext returns where the next marker may begin.
func jpegNext(s *source, off int64) (int64, error) {
	const farthest = 64 << 10
	for end := min(off+farthest, s.size); off < end; {
		stray, err := s.peek(off, min(peekSize, end-off))
		if err != nil {
			return 0, err
		}
		if next := bytes.IndexByte(stray, 0xFF); next >= 0 {
			return off + int64(next), nil
		}
		off += int64(len(stray))
	}
	return 0, errCutShort
}

func (b *blocks) takeAPP1(segment []byte) error {
	if tiff, ok := bytes.CutPrefix(segment, []byte(jpegEXIF)); ok && len(tiff) > 0 && b.want.EXIF && b.exif == nil {
		b.exif = tiff[1:]
		return nil
	}
	// Of the header's "http" some write four other letters.
	if len(segment) > 4 && bytes.HasPrefix(segment[4:], []byte(jpegXMP[4:])) && b.want.XMP {
		b.addXMP(segment[len(jpegXMP):])
		return nil
	}
	if part, ok := bytes.CutPrefix(segment, []byte(jpegExtension)); ok && b.want.XMP {
		return b.ext.add(part)
	}
	return nil
}

// extensions are the parts of an ExtendedXMP: what of a JPEG's XMP does not go
// into one segment of 64 KiB.
type extensions struct {
	parts []extension
	bytes int
}

type extension struct {
	guid        string // the MD5 of the whole, in upper-case hex
	whole, from uint32
	data        []byte
}

func (x *extensions) add(part []byte) error {
	const header = 40
	if len(part) < header {
		return errors.New("a part of its ExtendedXMP is cut short")
	}
	if x.bytes += len(part); x.bytes > xmp.MaxSize+xmp.MaxSize/8 {
		return fmt.Errorf("its ExtendedXMP is larger than %d MiB", xmp.MaxSize>>20)
	}
	x.parts = append(x.parts, extension{
		string(part[:32]), binary.BigEndian.Uint32(part[32:]), binary.BigEndian.Uint32(part[36:]), part[header:],
	})
	return nil
}

// assemble returns the extension that the main packet asks for, nil where it
// asks for none.
func (x *extensions) assemble(main []xmp.Property) ([]byte, error) {
	i := slices.IndexFunc(main, func(p xmp.Property) bool {
		return p.Is("http://ns.adobe.com/xmp/note/", "HasExtendedXMP")
	})
	if i < 0 {
		return nil, nil
	}
	guid := main[i].Value.Text
	parts := slices.DeleteFunc(slices.Clone(x.parts), func(p extension) bool { return p.guid != guid })
	slices.SortStableFunc(parts, func(a, b extension) int { return cmp.Compare(a.from, b.from) })
	var whole []byte
	for _, p := range parts {
		if int64(p.from) != int64(len(whole)) {
			return nil, errors.New("a part is missing")
		}
		whole = append(whole, p.data...)
	}
	if len(parts) == 0 || int64(parts[0].whole) != int64(len(whole)) {
		return nil, errors.New("a part is missing")
	}
	if sum := md5.Sum(whole); !strings.EqualFold(hex.EncodeToString(sum[:]), guid) {
		return nil, errors.New("its MD5 is not the one that the first part names")
	}
	return whole, nil
}
