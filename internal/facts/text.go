package facts

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	stdunicode "unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// maxNameSize bounds the name of a fact, in bytes: names are repeated for each row
// and each element, so long ones multiply.
const maxNameSize = 512

var (
	markUTF8    = []byte{0xEF, 0xBB, 0xBF}
	markUTF16LE = []byte{0xFF, 0xFE}
	markUTF16BE = []byte{0xFE, 0xFF}

	// binaryMagics are the first bytes of what people take for a text file:
	// .xlsx (and every ZIP archive) and .xls.
	binaryMagics = [][]byte{[]byte("PK\x03\x04"), {0xD0, 0xCF, 0x11, 0xE0}}
)

var errBinary = errors.New("this is a workbook or an archive, not a text file; export it as text")

// textReader returns the text of r, in UTF-8 without a byte order mark. UTF-16
// is known by its mark, or without one by the zero bytes of its ASCII letters.
// Anything else passes as it is: marked says whether it claims to be UTF-8.
func textReader(r *bufio.Reader) (text io.Reader, marked bool, err error) {
	head, err := r.Peek(256)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false, err
	}
	for _, magic := range binaryMagics {
		if bytes.HasPrefix(head, magic) {
			return nil, false, errBinary
		}
	}
	little, big := utf16Zeros(head)
	switch {
	case bytes.HasPrefix(head, markUTF8):
		_, err := r.Discard(len(markUTF8))
		return r, true, err
	case bytes.HasPrefix(head, markUTF16LE), little:
		return transform.NewReader(r, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder()), true, nil
	case bytes.HasPrefix(head, markUTF16BE), big:
		return transform.NewReader(r, unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewDecoder()), true, nil
	}
	return r, false, nil
}

// utf16Zeros says whether the zero bytes of head lie as those of UTF-16 do: in a
// quarter of the pairs or more, and nearly all on one side.
func utf16Zeros(head []byte) (little, big bool) {
	var zeros [2]int
	for i, b := range head {
		if b == 0 {
			zeros[i%2]++
		}
	}
	many := max(1, len(head)/8)
	return zeros[1] >= many && zeros[0] <= zeros[1]/8, zeros[0] >= many && zeros[1] <= zeros[0]/8
}

// ascii says whether s reads the same in every encoding that is read here.
func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

var breaks = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ", "\t", " ")

// tidy is Clean for a text that may have lines: breaks and tabs become spaces, so
// that the words beside them stay apart, and spaces at the ends go.
func tidy(s string) string { return strings.TrimSpace(Clean(breaks.Replace(s))) }

// lineEnds are those of every system, and what else begins a line.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\v", "\n", "\f", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n", "\t", " ")

// tidyLines is tidy for a text whose lines count: they end with line feeds, have no
// spaces at their ends, and empty ones stay between others.
func tidyLines(s string) string {
	s = lineEnds.Replace(s)
	if !strings.Contains(s, "\n") {
		return strings.TrimSpace(Clean(s))
	}
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRightFunc(Clean(line), stdunicode.IsSpace)
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// excerpt shortens a text for a message.
func excerpt(s string) string {
	s = tidy(s)
	if short := []rune(s); len(short) > 40 {
		return string(short[:40]) + "…"
	}
	return s
}
