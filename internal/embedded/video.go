package embedded

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/exif"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
)

// videoNames are the names of what is told of a video, each with its other names.
var videoNames = [][]string{
	{"CreationDate", "CreateDate", "Created"}, {"ModifyDate", "Modified"},
	{"Duration"}, {"Width"}, {"Height"}, {"Rotation"},
	{"Make"}, {"Model"}, {"Software"},
	{"GPSLatitude", "Latitude"}, {"GPSLongitude", "Longitude"}, {"GPSAltitude", "Altitude"},
	{"Title"}, {"Author", "Artist"}, {"Description"}, {"Comment"}, {"Copyright"}, {"Keywords"}, {"Genre"}, {"Album"}, {"Producer"}, {"Director"},
}

// videoFormats are formats that are known to tell such things and are not read.
var videoFormats = []struct{ magic, name string }{
	{"\x1A\x45\xDF\xA3", "Matroska and WebM"},
	{"\x06\x0E\x2B\x34\x02\x05\x01\x01\x0D\x01\x02", "MXF"},
	{"\x30\x26\xB2\x75\x8E\x66\xCF\x11\xA6\xD9\x00\xAA\x00\x62\xCE\x6C", "Windows Media"},
	{"FLV\x01", "Flash"},
	{"\x00\x00\x01\xBA", "MPEG"},
	{"\x00\x00\x01\xB3", "MPEG"},
	{".RMF", "RealMedia"},
}

// pictureBrands begin a file of boxes that is a picture.
var pictureBrands = []string{"jP  ", "JXL ", "ftypmif1", "ftyphei", "ftypavif", "ftypcrx ", "ftypjp", "ftypjxl "}

// emitVideo tells what MP4, QuickTime and their like say of themselves: when, where
// and with what they were taken, how long and how large they are, and their titles.
// A sound tells what of it it has; a picture that is made of the same boxes, nothing.
func emitVideo(c *metadata.Bounded, s *source, head []byte, _ []string) error {
	if len(head) > 11 && hasPrefix(head, "RIFF") && hasPrefix(head[8:], "AVI ") {
		return notRead("this version does not read AVI files")
	}
	for _, f := range videoFormats {
		if hasPrefix(head, f.magic) {
			return notRead("this version does not read " + f.name + " files")
		}
	}
	if !isBMFF(head) || hasPrefix(head[4:], pictureBrands...) {
		return nil
	}
	v := movie{source: s, texts: map[string]string{}}
	err := s.firstBox(0, s.size, func(kind string, from, to int64) error {
		switch {
		case kind == "moov":
			v.moov(from, to)
		case kind == "meta": // of Sony's cameras, behind the moov
			v.meta(from, to)
		case kind == "moof" && v.found: // only fragments follow
			return errFound
		}
		return nil
	})
	if err != nil && !v.found {
		v.damage = append(v.damage, err)
	}
	v.emit(c)
	return damageError(v.damage)
}

// movie gathers what the boxes of a video say.
type movie struct {
	*source
	found    bool              // there is a moov
	unpacked bool              // it is a compressed one
	camera   bool              // the XML of a camera was met
	texts    map[string]string // by the names of videoNames, and by those of dates below
	created  time.Time         // of the movie, else of its picture's track, in UTC
	modified time.Time
	scale    uint64 // units of a second
	duration uint64 // in such units, 0 where it is not known
	picture  imageSize
	rotation string
	place    place
	damage   []error
	visited  int // boxes
}

// The texts that are dates, the best first; a zone is only known of these.
var videoDates = []string{"creation date", "camera's date", "user's date", "day"}

const zoneOffset = "zone" // the text that is the offset from UTC where the video was taken

// say notes a text; the first of a name counts.
func (v *movie) say(name, text string) {
	if text = metadata.Lines(text); v.texts[name] == "" {
		v.texts[name] = text
	}
}

// within visits the boxes of a box; damage in one does not cost the others.
func (v *movie) within(from, to int64, visit func(kind string, from, to int64) error) {
	err := v.boxes(from, to, func(kind string, from, to int64) error {
		if v.visited++; v.visited > maxBoxes {
			return errBoxes
		}
		err := visit(kind, from, to)
		if err != nil {
			v.damage = append(v.damage, fmt.Errorf("its box %s: %w", metadata.Clean(kind), err))
			err = nil
		}
		return err
	})
	if err != nil && !(errors.Is(err, errBoxes) && len(v.damage) > 0) {
		v.damage = append(v.damage, err)
	}
}

// moov reads the box that describes the whole.
func (v *movie) moov(from, to int64) {
	v.found = true
	v.within(from, to, func(kind string, from, to int64) error {
		switch kind {
		case "mvhd":
			return v.header(from, to)
		case "mvex":
			v.within(from, to, func(kind string, from, to int64) error {
				if kind != "mehd" {
					return nil
				}
				return v.fragments(from, to)
			})
		case "trak":
			return v.track(from, to)
		case "meta":
			v.meta(from, to)
		case "udta":
			v.within(from, to, v.userData)
		case "cmov":
			v.within(from, to, v.compressed)
		}
		return nil
	})
}

// compressed reads a description that is compressed, as old QuickTime wrote it.
func (v *movie) compressed(kind string, from, to int64) error {
	if kind != "cmvd" || v.unpacked {
		return nil
	}
	data, err := v.block(from, to-from)
	if err != nil {
		return err
	}
	moov, err := inflate(data[min(4, len(data)):], maxBlock) // behind its size
	if err != nil {
		return err
	}
	outer := v.source
	defer func() { v.source = outer }()
	v.source, v.unpacked = newSource(bytes.NewReader(moov), int64(len(moov))), true
	v.spent = outer.spent
	v.within(0, v.source.size, func(kind string, from, to int64) error {
		if kind == "moov" {
			v.moov(from, to)
		}
		return nil
	})
	return nil
}

// full returns the first bytes of a box with version and flags, and a cursor behind
// these.
func (v *movie) full(from, to int64) (version uint64, c cursor, err error) {
	b, err := v.block(from, min(to-from, 256))
	if err != nil {
		return 0, c, err
	}
	c.b = b
	version = c.uint(1)
	c.skip(3)
	return version, c, nil
}

// wide is how many bytes times and durations have.
func wide(version uint64) int {
	if version == 1 {
		return 8
	}
	return 4
}

func (v *movie) header(from, to int64) error {
	version, c, err := v.full(from, to)
	if err != nil {
		return err
	}
	size := wide(version)
	created, modified := c.uint(size), c.uint(size)
	scale, duration := c.uint(4), c.uint(size)
	if c.short {
		return errCutShort
	}
	v.created, v.modified, v.scale = quickTime(created), quickTime(modified), scale
	if duration != uint64(1)<<(8*size-1)<<1-1 {
		v.duration = duration
	}
	return nil
}

// fragments reads the duration of a video whose header is written before it is known.
func (v *movie) fragments(from, to int64) error {
	version, c, err := v.full(from, to)
	if duration := c.uint(wide(version)); err == nil && !c.short && v.duration == 0 {
		v.duration = duration
	}
	return err
}

// quickTime turns seconds since 1904 into a time, the zero time where they are 0. A
// time before 1970 was counted from there, which is a mistake that programs make.
func quickTime(seconds uint64) time.Time {
	const since1904, year9999 = 2082844800, 253402300800
	switch {
	case seconds == 0 || seconds >= since1904+year9999:
		return time.Time{}
	case seconds >= since1904:
		seconds -= since1904
	}
	return time.Unix(int64(seconds), 0).UTC()
}

// track reads what a track says if it is the first with pictures.
func (v *movie) track(from, to int64) error {
	var header cursor
	var version uint64
	var visual bool
	var coded imageSize
	var created, media time.Time
	var err error
	v.within(from, to, func(kind string, from, to int64) error {
		switch kind {
		case "tkhd":
			version, header, err = v.full(from, to)
			return err
		case "mdia":
			v.within(from, to, func(kind string, from, to int64) error {
				switch kind {
				case "mdhd":
					version, c, err := v.full(from, to)
					media = quickTime(c.uint(wide(version)))
					return err
				case "hdlr":
					_, c, err := v.full(from, to)
					c.skip(4)
					visual = string(c.take(4)) == "vide"
					return err
				case "minf":
					coded, err = v.codedSize(from, to)
					return err
				}
				return nil
			})
		}
		return nil
	})
	if !visual || v.picture.known() {
		return nil
	}
	created = quickTime(header.uint(wide(version)))
	header.skip(wide(version) + 4 + 4 + wide(version) + 16)
	a, b := int32(header.uint(4)), int32(header.uint(4))
	header.skip(28)
	v.picture = imageSize{int64(header.uint(4) >> 16), int64(header.uint(4) >> 16)}
	if header.short || !v.picture.known() {
		v.picture = coded
	}
	if !header.short {
		angle := math.Atan2(float64(b), float64(a)) * 180 / math.Pi
		v.rotation = exif.Decimal(math.Mod(angle+360, 360), 3)
	}
	for _, at := range []time.Time{created, media} {
		if v.created.IsZero() {
			v.created = at
		}
	}
	return nil
}

// codedSize returns the size of the pictures as they are coded.
func (v *movie) codedSize(from, to int64) (size imageSize, err error) {
	v.within(from, to, func(kind string, from, to int64) error {
		if kind != "stbl" {
			return nil
		}
		v.within(from, to, func(kind string, from, to int64) error {
			if kind != "stsd" {
				return nil
			}
			_, c, err := v.full(from, to)
			c.skip(4 + 32) // the count, and what of the first entry stands before
			size = imageSize{int64(c.uint(2)), int64(c.uint(2))}
			return err
		})
		return nil
	})
	return size, nil
}

// emit tells what was gathered.
func (v *movie) emit(c *metadata.Bounded) {
	v.texts["CreationDate"] = v.date()
	if !v.modified.IsZero() {
		v.texts["ModifyDate"] = v.modified.Format(time.RFC3339)
	}
	if v.scale > 0 && v.duration > 0 {
		v.texts["Duration"] = exif.Decimal(float64(v.duration)/float64(v.scale), 3)
	}
	if v.picture.known() {
		v.texts["Width"], v.texts["Height"] = strconv.FormatInt(v.picture.width, 10), strconv.FormatInt(v.picture.height, 10)
		v.texts["Rotation"] = v.rotation
	}
	v.texts["GPSLatitude"], v.texts["GPSLongitude"], v.texts["GPSAltitude"] = v.place.latitude, v.place.longitude, v.place.altitude
	for _, names := range videoNames {
		if text := v.texts[names[0]]; text != "" {
			c.AddAll(VideoPrefix, names, "what the video tells of itself ("+names[0]+")", text)
		}
	}
}

// date returns when the video was taken: what a text says of it, since that has the
// zone, else the header's time, which is in UTC.
func (v *movie) date() string {
	for _, name := range videoDates {
		if written := timeOf(v.texts[name]); strings.Contains(written, "T") {
			if name != "day" || v.created.IsZero() {
				return written
			}
		}
	}
	if v.created.IsZero() {
		return timeOf(v.texts["day"])
	}
	if at, err := time.Parse("-0700", v.texts[zoneOffset]); err == nil {
		return v.created.In(at.Location()).Format(time.RFC3339)
	}
	return v.created.Format(time.RFC3339)
}
