package embedded

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/tenovos-ingest/ingestd/internal/exif"
)

// text writes the value of a tag; "" says that it is not known.
func (r *exifReader) text(typ uint16, raw []byte, form exif.Form) string {
	switch form {
	case exif.FormComment:
		return r.comment(raw)
	case exif.FormUTF16:
		return utf16(raw, binary.LittleEndian)
	case exif.FormASCII:
		return text8(raw)
	case exif.FormCopyright:
		return copyrights(raw)
	case exif.FormDegrees:
		return degrees(r.numbers(typ, raw))
	case exif.FormClock:
		return clock(r.numbers(typ, raw))
	}
	if form == exif.FormSigned && len(raw) == 8 {
		typ = tiffSignedRational
	}
	if form == exif.FormByte && len(raw) > 0 {
		raw = raw[:1]
	}
	if isBytes := typ == 1 || typ == 6 || typ == 7; isBytes && len(raw) > 1 && form != exif.FormBytes {
		return "" // a number of a type that it never has: which one is not known
	}
	if typ == tiffASCII || typ == tiffUTF8 {
		text := text8(raw)
		if form == exif.FormDay {
			text = dateTime(text, "", "")
		}
		return text
	}
	numbers := r.numbers(typ, raw)
	texts := make([]string, len(numbers))
	known := false
	for i, n := range numbers {
		texts[i] = form.Number(n)
		known = known || texts[i] != exif.Undefined
	}
	if !known {
		return ""
	}
	return strings.Join(texts, " ")
}

// numbers returns the numbers of a value; what is not known (0/0) is NaN.
func (r *exifReader) numbers(typ uint16, raw []byte) []float64 {
	if typ == tiffASCII || int(typ) >= len(tiffSizes) || tiffSizes[typ] == 0 {
		return nil // text
	}
	size := int(tiffSizes[typ])
	numbers := make([]float64, 0, len(raw)/size)
	for ; len(raw) >= size; raw = raw[size:] {
		numbers = append(numbers, r.number(typ, raw))
	}
	return numbers
}

func (r *exifReader) number(typ uint16, b []byte) float64 {
	ratio := func(a, b float64) float64 {
		if b == 0 {
			return math.NaN()
		}
		return a / b
	}
	switch typ {
	case 3:
		return float64(r.order.Uint16(b))
	case 4, 13:
		return float64(r.order.Uint32(b))
	case 16, 18:
		return float64(r.order.Uint64(b))
	case 17:
		return float64(int64(r.order.Uint64(b)))
	case tiffRational:
		return ratio(float64(r.order.Uint32(b)), float64(r.order.Uint32(b[4:])))
	case 6:
		return float64(int8(b[0]))
	case 8:
		return float64(int16(r.order.Uint16(b)))
	case 9:
		return float64(int32(r.order.Uint32(b)))
	case tiffSignedRational:
		return ratio(float64(int32(r.order.Uint32(b))), float64(int32(r.order.Uint32(b[4:]))))
	case 11:
		return float64(math.Float32frombits(r.order.Uint32(b)))
	case 12:
		return math.Float64frombits(r.order.Uint64(b))
	}
	return float64(b[0])
}

// degrees writes degrees, minutes and seconds as one number; seven places are a
// centimetre.
func degrees(n []float64) string {
	if len(n) == 2 {
		n = append(n, 0)
	}
	if len(n) != 3 || math.IsNaN(n[0]+n[1]) {
		return ""
	}
	if math.IsNaN(n[2]) {
		n[2] = 0 // 0/0 where minutes have a fraction
	}
	return exif.Decimal(n[0]+n[1]/60+n[2]/3600, 7)
}

// clock writes hours, minutes and seconds as 15:04:05.
func clock(n []float64) string {
	if len(n) != 3 || !(n[0] < 24 && n[1] < 60 && n[2] < 61) {
		return ""
	}
	two := func(f float64, places int) string {
		text := exif.Decimal(f, places)
		if f < 10 {
			text = "0" + text
		}
		return text
	}
	return two(math.Floor(n[0]), 0) + ":" + two(math.Floor(n[1]), 0) + ":" + two(n[2], 3)
}

// comment decodes a text that names its encoding in its first eight bytes.
func (r *exifReader) comment(raw []byte) string {
	const code = 8
	if len(raw) < code {
		return text8(raw)
	}
	switch strings.TrimRight(string(raw[:code]), "\x00 ") {
	case "UNICODE":
		return utf16(raw[code:], r.order)
	case "ASCII", "":
		return text8(raw[code:])
	case "JIS":
		return "" // no camera that is known writes it
	}
	return text8(raw) // against the standard, and common
}

// utf16 decodes text in UTF-16 up to its first zero.
func utf16(raw []byte, order binary.ByteOrder) string {
	endian := unicode.LittleEndian
	if order == binary.BigEndian {
		endian = unicode.BigEndian
	}
	text, err := unicode.UTF16(endian, unicode.UseBOM).NewDecoder().Bytes(raw[:len(raw)&^1])
	if err != nil {
		return ""
	}
	before, _, _ := strings.Cut(string(text), "\x00")
	return before
}

// copyrights tells the photographer's copyright and behind it the editor's, of which
// the standard has a zero after each. The first may be blank.
func copyrights(raw []byte) string {
	photographer, rest, _ := bytes.Cut(raw, []byte{0})
	editor, _, _ := bytes.Cut(rest, []byte{0})
	var parts []string
	for _, part := range [][]byte{photographer, editor} {
		if text := strings.TrimSpace(text8(part)); text != "" {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, "; ")
}

// text8 decodes a text of single bytes, or of UTF-8, which the standards came to
// late and programs early. A zero ends it: what stands behind is what was in the
// camera's memory.
func text8(raw []byte) string {
	before, _, _ := bytes.Cut(raw, []byte{0})
	text := strings.TrimSpace(string(before))
	if utf8.ValidString(text) {
		return text
	}
	latin, err := charmap.Windows1252.NewDecoder().String(text)
	if err != nil {
		return ""
	}
	return latin
}
