package embedded

import (
	"bytes"
	"encoding/binary"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"github.com/tenovos-ingest/ingestd/internal/exif"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
	"github.com/tenovos-ingest/ingestd/internal/xmltree"
)

// videoKeys are the keys of QuickTime and Android, without what they begin with, and
// what is told of them.
var videoKeys = map[string]string{
	"creationdate": "creation date", "utc_offset": zoneOffset,
	"make": "Make", "manufacturer": "Make", "model": "Model", "software": "Software",
	"title": "Title", "displayname": "Title", "author": "Author", "artist": "Author", "description": "Description",
	"comment": "Comment", "copyright": "Copyright", "keywords": "Keywords", "genre": "Genre", "album": "Album",
	"producer": "Producer", "director": "Director", "date": "day", "location.iso6709": isoPlace, "location": isoPlace,
}

var videoVendors = []string{"com.apple.quicktime.", "com.android.", "com.samsung.android."}

// videoItems are the names of user data, of iTunes, and of 3GPP.
var videoItems = map[string]string{
	"\xA9mak": "Make", "\xA9mod": "Model", "\xA9swr": "Software", "\xA9nam": "Title", "titl": "Title",
	"\xA9aut": "Author", "\xA9ART": "Author", "auth": "Author", "perf": "Author", "\xA9des": "Description", "desc": "Description", "dscp": "Description",
	"\xA9cmt": "Comment", "\xA9cpy": "Copyright", "cprt": "Copyright", "keyw": "Keywords", "\xA9key": "Keywords", "\xA9gen": "Genre", "gnre": "Genre",
	"\xA9alb": "Album", "albm": "Album", "\xA9prd": "Producer", "\xA9dir": "Director", "\xA9day": "day", "\xA9xyz": isoPlace,
}

const (
	isoPlace = "place"
	maxKey   = 128 // bytes of a key; each item repeats it
)

// sayOf notes a text under what it is told as.
func (v *movie) sayOf(name, text string) {
	if name == isoPlace {
		if !v.place.known() {
			v.place = parsePlace(strings.TrimSpace(text))
		}
		return
	}
	v.say(name, text)
}

// meta reads keys and their values (QuickTime), items (iTunes), or XML (Sony).
// QuickTime's box has no version, that of the standard has one.
func (v *movie) meta(from, to int64) {
	if h, err := v.peek(from, min(8, to-from)); err != nil || len(h) < 8 || string(h[4:]) != "hdlr" {
		from += 4
	}
	var keys []string
	v.within(from, to, func(kind string, from, to int64) (err error) {
		switch kind {
		case "keys":
			keys, err = v.keys(from, to)
		case "ilst":
			v.within(from, to, func(kind string, from, to int64) error { return v.item(keys, kind, from, to) })
		case "xml ":
			return v.sony(from+4, to)
		}
		return err
	})
}

// keys reads the names of items.
func (v *movie) keys(from, to int64) (keys []string, err error) {
	b, err := v.block(from, to-from)
	if err != nil {
		return nil, err
	}
	c := cursor{b: b}
	c.skip(4)
	for count := c.uint(4); count > 0 && len(keys) < maxBoxes; count-- {
		size := c.uint(4)
		c.skip(4)
		if size < 8 || size-8 > uint64(len(c.b)) || c.short {
			return keys, errCutShort
		}
		key := c.take(int(size - 8))
		keys = append(keys, string(key[:min(len(key), maxKey)])) // a longer one is none that is known
	}
	return keys, nil
}

// item reads the first value of an item.
func (v *movie) item(keys []string, kind string, from, to int64) error {
	name := videoItems[kind]
	if i := binary.BigEndian.Uint32([]byte(kind)); keys != nil && i >= 1 && int64(i) <= int64(len(keys)) {
		key := strings.ToLower(keys[i-1])
		for _, vendor := range videoVendors {
			key = strings.TrimPrefix(key, vendor)
		}
		name = videoKeys[key]
	}
	if name == "" {
		return nil
	}
	return v.firstBox(from, to, func(kind string, from, to int64) error {
		if kind != "data" || to-from < 8 {
			return nil
		}
		b, err := v.block(from, min(to-from, 8+metadata.MaxValue))
		if err != nil {
			return err
		}
		switch binary.BigEndian.Uint32(b) {
		case 0, 1:
			v.sayOf(name, latin1(b[8:]))
		case 2:
			v.sayOf(name, utf16(b[8:], binary.BigEndian))
		}
		return errFound
	})
}

// userData reads a box of user data.
func (v *movie) userData(kind string, from, to int64) error {
	name := videoItems[kind]
	switch {
	case kind == "meta":
		v.meta(from, to)
		return nil
	case kind == "loci":
		return v.location(from, to)
	case name == "":
		return nil
	}
	b, err := v.block(from, min(to-from, 4+metadata.MaxValue))
	if err != nil {
		return err
	}
	if name == "day" {
		name = "user's date"
	}
	if kind[0] != 0xA9 { // of 3GPP: version, flags, language, text
		if len(b) > 6 {
			v.sayOf(name, marked(b[6:]))
		}
		return nil
	}
	// Lengths with languages and texts, of which the first counts; or the bare text.
	if c := (cursor{b: b}); len(b) >= 4 {
		size, language := c.uint(2), c.uint(2)
		if size > 0 && size <= uint64(len(c.b)) {
			v.sayOf(name, userText(c.take(int(size)), language))
			return nil
		}
	}
	v.sayOf(name, latin1(b))
	return nil
}

// userText decodes a text of user data: a low language is one of the Macintosh, whose
// text is in its encoding, though many programs write UTF-8.
func userText(raw []byte, language uint64) string {
	if language >= 0x400 || utf8.Valid(raw) {
		return marked(raw)
	}
	text, err := charmap.Macintosh.NewDecoder().Bytes(raw)
	if err != nil {
		return ""
	}
	return string(text)
}

// marked decodes a text in UTF-16 that has a mark, or in UTF-8, up to its first zero.
func marked(raw []byte) string {
	if hasPrefix(raw, "\xFE\xFF", "\xFF\xFE") {
		return utf16(raw, binary.BigEndian)
	}
	text, _, _ := strings.Cut(latin1(raw), "\x00")
	return text
}

// location reads the place of a 3GPP file: longitude, latitude and altitude in
// fractions of 1/65536.
func (v *movie) location(from, to int64) error {
	b, err := v.block(from, min(to-from, 4096))
	if err != nil {
		return err
	}
	c := cursor{b: b}
	c.skip(6)
	c.skip(nameEnd(c.b) + 1) // and the role
	degrees := func() float64 { return float64(int32(c.uint(4))) / 65536 }
	longitude, latitude, altitude := degrees(), degrees(), degrees()
	if c.short {
		return errCutShort
	}
	if !v.place.known() {
		v.place = newPlace(latitude, longitude)
		v.place.altitude = exif.Decimal(altitude, 3)
	}
	return nil
}

// nameEnd returns where a name of 3GPP ends: behind a zero, in UTF-16 behind two.
func nameEnd(b []byte) int {
	if !hasPrefix(b, "\xFE\xFF", "\xFF\xFE") {
		return bytes.IndexByte(b, 0) + 1
	}
	for i := 2; i+1 < len(b); i += 2 {
		if b[i] == 0 && b[i+1] == 0 {
			return i + 2
		}
	}
	return len(b)
}

// sony reads what Sony's cameras say in XML, which has the zone of the date.
func (v *movie) sony(from, to int64) error {
	if v.camera {
		return nil
	}
	text, err := v.block(from, to-from)
	if err != nil || !bytes.Contains(text[:min(len(text), peekSize)], []byte("NonRealTimeMeta")) {
		return err
	}
	v.camera = true
	root, err := xmltree.Parse(bytes.TrimRight(text, "\x00"))
	if err != nil {
		return err
	}
	for _, n := range root.Children {
		switch n.Name.Local {
		case "CreationDate":
			v.say("camera's date", n.Attribute("value"))
		case "Device":
			v.say("Make", n.Attribute("manufacturer"))
			v.say("Model", n.Attribute("modelName"))
		}
	}
	return nil
}

// place is where something was taken, in the form of EXIF's facts.
type place struct{ latitude, longitude, altitude string }

func (p place) known() bool { return p.latitude != "" }

func newPlace(latitude, longitude float64) place {
	if math.Abs(latitude) > 90 || math.Abs(longitude) > 180 {
		return place{}
	}
	return place{latitude: exif.Decimal(latitude, 7), longitude: exif.Decimal(longitude, 7)}
}

var iso6709 = regexp.MustCompile(`^([+-])(\d{1,6})(\.\d*)?([+-])(\d{1,7})(\.\d*)?([+-]\d+(?:\.\d*)?)?`)

// parsePlace reads a place as ISO 6709 writes it: +27.5916+086.5640+8850/, also with
// minutes, or with minutes and seconds (+2735.496+08633.84/).
func parsePlace(text string) place {
	m := iso6709.FindStringSubmatch(text)
	if m == nil {
		return place{}
	}
	p := newPlace(sexagesimal(m[1], m[2], m[3], 2), sexagesimal(m[4], m[5], m[6], 3))
	if altitude, err := strconv.ParseFloat(m[7], 64); err == nil && p.known() {
		p.altitude = exif.Decimal(altitude, 3)
	}
	return p
}

// sexagesimal reads degrees of at most so many digits, which may be followed by two
// of minutes and two of seconds.
func sexagesimal(sign, whole, fraction string, digits int) float64 {
	parts := []string{whole}
	for len(parts[0]) > digits {
		cut := len(parts[0]) - 2
		parts = append([]string{parts[0][:cut], parts[0][cut:]}, parts[1:]...)
	}
	parts[len(parts)-1] += fraction
	degrees, unit := 0.0, 1.0
	for _, part := range parts {
		n, _ := strconv.ParseFloat(part, 64) // digits
		degrees, unit = degrees+n*unit, unit/60
	}
	if sign == "-" {
		return -degrees
	}
	return degrees
}
