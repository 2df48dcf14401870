package embedded

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/exif"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
)

// Tags of EXIF that this file knows by number.
const (
	tagSubfileType  = 0x00FE
	tagImageWidth   = 0x0100
	tagImageHeight  = 0x0101
	tagExifIFD      = 0x8769
	tagGPSIFD       = 0x8825
	tagGPSLatitude  = 0x0002
	tagGPSLongitude = 0x0004
	tagGPSAltitude  = 0x0006
)

// exifReader reads the tags of one EXIF block. It is a reader of our own because
// the libraries lose what an archive wants: the zeros of sub-seconds, texts that
// are not ASCII, the difference between no latitude and latitude 0, and word of
// what is damaged.
type exifReader struct {
	*tiffReader
	facts  *metadata.Bounded
	met    map[uint16]bool   // tags; the first of a kind counts
	texts  map[uint16]string // tags that are told together with another: dates, hemispheres
	damage []error
}

// exifPart is a TIFF structure that holds tags; a source that is nil has none.
type exifPart struct {
	s    *source
	tags map[uint16]exif.Tag // of its first directory
}

// emitEXIF turns the tags of a block, which may come in several parts, into facts,
// named as in EXIF and as in ExifTool where these differ. Of a damaged block the
// tags that can be read are facts, and the error says what is lost.
func emitEXIF(c *metadata.Bounded, parts []exifPart) error {
	r := &exifReader{facts: c, met: map[uint16]bool{}, texts: map[uint16]string{}}
	for _, part := range parts {
		if part.s == nil {
			continue
		}
		t, err := openTIFF(part.s)
		if err != nil {
			r.damage = append(r.damage, err)
			continue
		}
		r.tiffReader = t
		r.read(t.first, part.tags)
	}
	r.emitDates()
	r.emitPlace()
	return damageError(r.damage)
}

// damageError returns what is damaged as one error, nil where nothing is.
func damageError(damage []error) error {
	const shown = 3
	more := len(damage) - shown
	if more > 0 {
		damage = append(slices.Clone(damage[:shown]), fmt.Errorf("%d more like this", more))
	}
	var all error
	for _, d := range damage {
		if all == nil {
			all = d
			continue
		}
		all = fmt.Errorf("%w; %w", all, d)
	}
	return all
}

// read tells the tags of a directory and of those that it points to. The
// directory of the thumbnail, which follows the first, is of no interest.
func (r *exifReader) read(off int64, tags map[uint16]exif.Tag) {
	entries, err := r.directory(off)
	if err != nil {
		r.damage = append(r.damage, err)
	}
	for _, e := range entries {
		if e.tag == tagSubfileType && r.order.Uint32(e.inline)&1 == 1 {
			tags = withoutSize(tags) // of a smaller picture, with which raw formats begin
		}
	}
	for _, e := range entries {
		tag, known := tags[e.tag]
		pointer := e.tag == tagExifIFD || e.tag == tagGPSIFD
		if r.met[e.tag] || !known && !pointer {
			continue
		}
		r.met[e.tag] = true
		switch e.tag {
		case tagExifIFD:
			r.read(r.offset(e), exif.Tags)
		case tagGPSIFD:
			r.read(r.offset(e), exif.GPSTags)
		default:
			r.met[e.tag] = r.tell(e, tag) // a blank one may stand before another
		}
	}
}

func withoutSize(tags map[uint16]exif.Tag) map[uint16]exif.Tag {
	rest := make(map[uint16]exif.Tag, len(tags))
	for id, tag := range tags {
		if id != tagImageWidth && id != tagImageHeight {
			rest[id] = tag
		}
	}
	return rest
}

// tell makes a tag a fact, or keeps its text for the fact that it is a part of. It
// reports whether there is a text.
func (r *exifReader) tell(e tiffEntry, tag exif.Tag) bool {
	raw, err := r.value(e, metadata.MaxValue)
	if err != nil {
		r.damage = append(r.damage, fmt.Errorf("%s: %w", tag.Name(), err))
		return true
	}
	text := metadata.Lines(r.text(e.typ, raw, tag.Form))
	if tag.Part {
		r.texts[e.tag] = text
	}
	if tag.Form != exif.FormDate && tag.Form != exif.FormDegrees && e.tag != tagGPSAltitude {
		r.add(tag.Names, text)
	}
	return text != ""
}

func (r *exifReader) add(names, text string) {
	for name := range strings.FieldsSeq(names) {
		r.facts.Add(ExifPrefix+name, "the EXIF tag "+name, text)
	}
}

// emitDates tells the dates, each with its fraction of a second and its offset
// from UTC where they are known. A date is never converted: its day is the day of
// the place where the picture was taken.
func (r *exifReader) emitDates() {
	for _, d := range []struct{ date, fraction, offset uint16 }{
		{0x0132, 0x9290, 0x9010}, {0x9003, 0x9291, 0x9011}, {0x9004, 0x9292, 0x9012},
	} {
		if text, known := r.texts[d.date]; known {
			r.add(exif.Tags[d.date].Names, dateTime(text, r.texts[d.fraction], r.texts[d.offset]))
		}
	}
}

var (
	exifDate = regexp.MustCompile(`^(\d{4})[:/.-](\d\d)[:/.-](\d\d)(?:[ T](\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?)?$`)
	digits   = regexp.MustCompile(`^\d{1,9}$`)
	offset   = regexp.MustCompile(`^(Z|[+-]\d\d:\d\d)$`)
)

// dateTime writes a date of EXIF ("2006:01:02 15:04:05") as 2006-01-02T15:04:05,
// with the fraction and the offset that have tags of their own. A date that is
// blank or all zeros is not known; one that is no date stays as it is.
func dateTime(text, fraction, zone string) string {
	if strings.Trim(text, "0:/. -T") == "" {
		return ""
	}
	m := exifDate.FindStringSubmatch(text)
	if m == nil {
		return text
	}
	day := m[1] + "-" + m[2] + "-" + m[3]
	if m[4] == "" {
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			return text
		}
		return day
	}
	written := day + "T" + m[4]
	if _, err := time.Parse("2006-01-02T15:04:05", written); err != nil {
		return text
	}
	switch {
	case m[5] != "":
		written += m[5]
	case digits.MatchString(fraction):
		written += "." + fraction
	}
	switch {
	case m[6] != "":
		written += m[6]
	case offset.MatchString(zone):
		written += zone
	}
	return written
}

// emitPlace tells latitude, longitude and altitude with their signs. A number
// without its hemisphere says nothing.
func (r *exifReader) emitPlace() {
	for _, axis := range []struct {
		tag, ref           uint16
		positive, negative string
		limit              float64
	}{
		{tagGPSLatitude, 0x0001, "N", "S", 90},
		{tagGPSLongitude, 0x0003, "E", "W", 180},
		{tagGPSAltitude, 0x0005, "0", "1", 1e6},
	} {
		text, ref := r.texts[axis.tag], strings.ToUpper(r.texts[axis.ref])
		if axis.tag == tagGPSAltitude && ref == "" {
			ref = "0" // above the sea, unless it is said to be below
		}
		number, err := strconv.ParseFloat(text, 64)
		if err != nil || number > axis.limit || ref != axis.positive && ref != axis.negative {
			continue
		}
		if ref == axis.negative && number != 0 {
			text = "-" + text
		}
		r.add(exif.GPSTags[axis.tag].Names, text)
	}
}
