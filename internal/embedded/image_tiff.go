package embedded

import (
	"cmp"
	"slices"
)

// tiffMagics begin a TIFF and the raw formats that are TIFF within.
var tiffMagics = []string{"II*\x00", "MM\x00*", "II+\x00", "MM\x00+", "IIU\x00", "IIRO", "IIRS", "MMOR", "II\xBC"}

// Tags that tell a picture's size beside those of facts.
const (
	tagSubIFDs    = 0x014A
	tagExifWidth  = 0xA002
	tagExifHeight = 0xA003
	tagXRWidth    = 0xBC80 // JPEG XR
	tagXRHeight   = 0xBC81
)

// maxDirectories bounds the directories of a TIFF that are looked at.
const maxDirectories = 64

// tiffPicture is what a directory says of its picture.
type tiffPicture struct {
	size imageSize
	full bool // it is said to be the whole picture
	less bool // it is said to be a smaller one of it
}

// tiffSize returns the size of the main picture of a TIFF or raw file: the first
// that is said to be in full resolution, else the first. Canon's and Phase One's raw
// files have it among the tags of EXIF, Panasonic's as the borders of the sensor.
func tiffSize(s *source) (imageSize, error) {
	t, err := openTIFF(s)
	if err != nil {
		return imageSize{}, err
	}
	head, err := s.peek(0, 12)
	if err != nil {
		return imageSize{}, err
	}
	camera := hasPrefix(head[8:], "CR", "IIII", "MMMM")
	panasonic := hasPrefix(head, "IIU\x00")
	w := tiffPictures{tiffReader: t}
	w.chain(t.first)
	switch {
	case camera && w.exif.known():
		return w.exif, nil
	case panasonic && w.sensor.known():
		return w.sensor, nil
	}
	if i := slices.IndexFunc(w.pictures, func(p tiffPicture) bool { return p.full }); i >= 0 {
		return w.pictures[i].size, nil
	}
	if len(w.pictures) > 0 && (w.damage == nil || !w.pictures[0].less && !camera && !panasonic) {
		return w.pictures[0].size, nil
	}
	return imageSize{}, w.damage // where it may be hidden behind the damage
}

// tiffPictures gathers the sizes that a file's directories tell.
type tiffPictures struct {
	*tiffReader
	seen         int // directories
	pictures     []tiffPicture
	exif, sensor imageSize
	damage       error // of the first directory that cannot be read, wholly or in part
}

// chain looks at a directory, those within it, and those that follow it.
func (w *tiffPictures) chain(off int64) {
	for off != 0 && w.seen < maxDirectories {
		entries := w.look(off, true)
		head, each, pointer := int64(2), int64(12), int64(4)
		if w.big {
			head, each, pointer = 8, 20, 8
		}
		next, err := w.s.peek(off+head+each*int64(entries), pointer)
		if entries == 0 || err != nil {
			return // the last need not say so
		}
		off = w.unsigned(next)
	}
}

// look notes what a directory says. It returns how many entries it has.
func (w *tiffPictures) look(off int64, outer bool) (count int) {
	w.seen++
	entries, err := w.directory(off)
	if err != nil {
		w.damage = cmp.Or(w.damage, err)
	}
	p := tiffPicture{}
	var border [4]int64 // top, left, bottom, right
	var within []int64
	for _, e := range entries {
		switch e.tag {
		case tagSubfileType:
			p.full, p.less = w.integer(e) == 0, w.integer(e)&1 == 1
		case tagImageWidth, tagXRWidth:
			p.size.width = w.integer(e)
		case tagImageHeight, tagXRHeight:
			p.size.height = w.integer(e)
		case 4, 5, 6, 7:
			border[e.tag-4] = w.integer(e)
		case tagExifWidth:
			w.exif.width = w.integer(e)
		case tagExifHeight:
			w.exif.height = w.integer(e)
		case tagExifIFD, tagSubIFDs:
			within = append(within, w.offsets(e)...)
		}
	}
	if p.size.known() {
		w.pictures = append(w.pictures, p)
	}
	if outer && w.seen == 1 {
		w.sensor = imageSize{border[3] - border[1], border[2] - border[0]}
	}
	for _, off := range within {
		if outer && w.seen < maxDirectories {
			w.look(off, false)
		}
	}
	return len(entries)
}

// integer returns the first number of an entry that is within the entry, else 0.
func (w *tiffPictures) integer(e tiffEntry) int64 {
	switch e.typ {
	case 3:
		return int64(w.order.Uint16(e.inline))
	case tiffLong, 13:
		return int64(w.order.Uint32(e.inline))
	case tiffLong8, tiffIFD8:
		if len(e.inline) == 8 {
			return w.unsigned(e.inline)
		}
	}
	return 0
}

// unsigned returns a number of four or eight bytes, 0 where it is beyond all files.
func (w *tiffPictures) unsigned(b []byte) int64 {
	if len(b) == 4 {
		return int64(w.order.Uint32(b))
	}
	return max(0, int64(w.order.Uint64(b)))
}

// offsets returns the directories that an entry points to.
func (w *tiffPictures) offsets(e tiffEntry) (offs []int64) {
	raw, err := w.value(e, 8*maxDirectories)
	if err != nil {
		w.damage = cmp.Or(w.damage, err)
	}
	size := 4
	switch e.typ {
	case tiffLong, 13:
	case tiffLong8, tiffIFD8:
		size = 8
	default:
		return nil
	}
	for ; len(raw) >= size; raw = raw[size:] {
		offs = append(offs, w.unsigned(raw[:size]))
	}
	return offs
}
