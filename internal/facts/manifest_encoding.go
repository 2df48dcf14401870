package facts

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// byteEncoding weighs in which encoding of single bytes a text makes words: in
// Windows-1252, or in Mac Roman, in which Excel for Mac exports. Each counts the
// letters that it finds beside letters of ASCII, where they can stand.
type byteEncoding struct{ windows, mac int }

// weigh counts the letters of a text.
func (e *byteEncoding) weigh(text string) {
	for i := range len(text) {
		if text[i] < utf8.RuneSelf {
			continue
		}
		var before, after rune
		if i > 0 {
			before = asciiLetter(text[i-1])
		}
		if i+1 < len(text) {
			after = asciiLetter(text[i+1])
		}
		if inWord(before, charmap.Windows1252.DecodeByte(text[i]), after) {
			e.windows++
		}
		if inWord(before, charmap.Macintosh.DecodeByte(text[i]), after) {
			e.mac++
		}
	}
}

// best returns the encoding that makes more words, Windows-1252 where none does.
func (e *byteEncoding) best() *charmap.Charmap {
	if e.mac > e.windows {
		return charmap.Macintosh
	}
	return charmap.Windows1252
}

// asciiLetter returns a letter of ASCII, and 0 for any other byte.
func asciiLetter(b byte) rune {
	if r := rune(b); r < utf8.RuneSelf && unicode.IsLetter(r) {
		return r
	}
	return 0
}

// inWord says whether a character can stand in a word between two letters of ASCII,
// of which one may be missing. A capital stands at its beginning, or among capitals.
func inWord(before, r, after rune) bool {
	switch {
	case before == 0 && after == 0:
		return false
	case r == '’':
		return before != 0 && after != 0
	case (r < 'À' || r > 'ÿ') && !strings.ContainsRune("ŒœŠšŽžŸ", r):
		return false
	case unicode.IsUpper(r):
		return !unicode.IsLower(before) && (before == 0 || !unicode.IsLower(after))
	}
	return unicode.IsLower(r) && !unicode.IsUpper(after)
}

// bestEncoding returns the encoding of single bytes that some cells seem to have.
func bestEncoding(cells []string) *charmap.Charmap {
	var e byteEncoding
	for _, cell := range cells {
		e.weigh(cell)
	}
	return e.best()
}

// fromBytes returns s, read in an encoding of single bytes, in UTF-8. The five bytes
// that Windows-1252 does not define become U+FFFD.
func fromBytes(s string, encoding *charmap.Charmap) string {
	var out strings.Builder
	out.Grow(len(s) + len(s)/8)
	for i := range len(s) {
		out.WriteRune(encoding.DecodeByte(s[i]))
	}
	return out.String()
}
