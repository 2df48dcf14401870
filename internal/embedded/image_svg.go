package embedded

import (
	"bytes"
	"compress/gzip"
	"encoding/xml"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/xmltree"
)

// svgHead is how much of a file is searched for the root of an SVG.
const svgHead = 64 << 10

// svgSize reads the size of an SVG, also of a compressed one, from the attributes
// of its root: what they say in absolute units, else the extent of the view box. It
// is in pixels of CSS, of which 96 are an inch. Text that is no SVG has no size.
func svgSize(s *source) (imageSize, error) {
	text, err := s.block(0, min(s.size, svgHead))
	if err != nil {
		return imageSize{}, err
	}
	if hasPrefix(text, "\x1F\x8B") {
		z, err := gzip.NewReader(bytes.NewReader(text))
		if err != nil {
			return imageSize{}, nil // another format
		}
		text, _ = io.ReadAll(io.LimitReader(z, svgHead)) // what is there before the end is enough
	}
	if text, err = xmltree.Decode(text); err != nil {
		return imageSize{}, nil
	}
	d := xmltree.NewDecoder(text)
	d.Strict = false
	for {
		token, err := d.RawToken()
		if err != nil {
			return imageSize{}, nil
		}
		if root, ok := token.(xml.StartElement); ok {
			if root.Name.Local != "svg" {
				return imageSize{}, nil
			}
			return svgRoot(root.Attr), nil
		}
	}
}

func svgRoot(attrs []xml.Attr) imageSize {
	var width, height string
	var box []string
	for _, a := range attrs {
		switch {
		case a.Name.Space != "":
		case a.Name.Local == "width":
			width = a.Value
		case a.Name.Local == "height":
			height = a.Value
		case a.Name.Local == "viewBox":
			box = strings.FieldsFunc(a.Value, func(r rune) bool { return strings.ContainsRune(" ,\t\r\n", r) })
		}
	}
	size := imageSize{pixels(width), pixels(height)}
	if !size.known() && len(box) == 4 {
		size = imageSize{pixels(box[2]), pixels(box[3])}
	}
	return size
}

var (
	cssLength = regexp.MustCompile(`^\+?(\d{1,9}(?:\.\d*)?|\.\d+)(px|in|cm|mm|q|pt|pc)?$`)
	cssPixels = map[string]float64{
		"": 1, "px": 1, "in": 96, "cm": 96 / 2.54, "mm": 96 / 25.4, "q": 96 / 101.6, "pt": 96.0 / 72, "pc": 16,
	}
)

// pixels returns a length in whole pixels, 0 where it is relative to something.
func pixels(length string) int64 {
	m := cssLength.FindStringSubmatch(strings.ToLower(strings.TrimSpace(length)))
	if m == nil {
		return 0
	}
	n, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return 0
	}
	return int64(math.Round(n * cssPixels[m[2]]))
}
