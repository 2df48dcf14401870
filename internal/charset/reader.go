package charset

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	stdunicode "unicode"
	stdutf16 "unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// MarkUTF8 is the byte order mark of UTF-8.
const MarkUTF8 = "\xEF\xBB\xBF"

var (
	markUTF16LE = []byte{0xFF, 0xFE}
	markUTF16BE = []byte{0xFE, 0xFF}

	// binaryMagics are the first bytes of what people take for a text file:
	// .xlsx (and every ZIP archive) and .xls.
	binaryMagics = [][]byte{[]byte("PK\x03\x04"), {0xD0, 0xCF, 0x11, 0xE0}}
)

var errBinary = errors.New("this is a workbook or an archive, not a text file; export it as text")

// textHead is how much of a text is looked at to tell UTF-16.
const textHead = 4096

// NewReader returns the text of r, in UTF-8 without a byte order mark. A mark tells
// what it is; else it is in the encoding, or where that is nil in UTF-16 if its bytes
// say so. Anything else passes as it is: marked says whether it claims to be UTF-8.
func NewReader(r *bufio.Reader, encoding encoding.Encoding) (text io.Reader, marked bool, err error) {
	head, err := r.Peek(textHead)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false, err
	}
	for _, magic := range binaryMagics {
		if bytes.HasPrefix(head, magic) {
			return nil, false, errBinary
		}
	}
	little, big := utf16Zeros(head)
	var order binary.ByteOrder
	mark := unicode.IgnoreBOM
	switch {
	case bytes.HasPrefix(head, []byte(MarkUTF8)):
		_, err := r.Discard(len(MarkUTF8))
		return r, true, err
	case bytes.HasPrefix(head, markUTF16LE):
		order, mark = binary.LittleEndian, unicode.UseBOM
	case bytes.HasPrefix(head, markUTF16BE):
		order, mark = binary.BigEndian, unicode.UseBOM
	case encoding != nil:
		return transform.NewReader(r, encoding.NewDecoder()), true, nil
	case little:
		order = binary.LittleEndian
	case big:
		order = binary.BigEndian
	default:
		return r, false, nil
	}
	endian := unicode.LittleEndian
	if order == binary.BigEndian {
		endian = unicode.BigEndian
	}
	return transform.NewReader(&strictUTF16{r: r, order: order}, unicode.UTF16(endian, mark).NewDecoder()), true, nil
}

// utf16Zeros says whether head is UTF-16: its zero bytes lie nearly all on one side,
// and there are as many of them as Western text has, or it reads so as lines of text.
func utf16Zeros(head []byte) (little, big bool) {
	var zeros [2]int
	for i, b := range head {
		if b == 0 {
			zeros[i%2]++
		}
	}
	many := max(1, len(head)/8)
	on := func(side int, order binary.ByteOrder) bool {
		return zeros[side] > 0 && zeros[1-side] <= zeros[side]/8 && (zeros[side] >= many || utf16Lines(head, order))
	}
	return on(1, binary.LittleEndian), on(0, binary.BigEndian)
}

// utf16Lines says whether head is UTF-16 that ends lines and has no character that is
// none of a text. ASCII with a stray zero byte has.
func utf16Lines(head []byte, order binary.ByteOrder) bool {
	units := make([]uint16, 0, len(head)/2)
	for pair := range slices.Chunk(head[:len(head)/2*2], 2) {
		units = append(units, order.Uint16(pair))
	}
	if n := len(units); n > 0 && stdutf16.IsSurrogate(rune(units[n-1])) {
		units = units[:n-1] // its other half may come behind the head
	}
	lines := false
	for _, r := range stdutf16.Decode(units) {
		switch {
		case r == '\n' || r == '\r':
			lines = true
		case r == utf8.RuneError || r != '\t' && !stdunicode.IsGraphic(r):
			return false
		}
	}
	return lines
}

// ASCII says whether s reads the same in every encoding that is read here.
func ASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
