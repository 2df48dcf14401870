package facts

import (
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// bestEncoding returns the encoding of single bytes that some cells seem to have.
func bestEncoding(cells []string) *charmap.Charmap {
	if slices.ContainsFunc(cells, func(cell string) bool { return !utf8.ValidString(cell) }) {
		if western, _ := westernReading(slices.Values(cells), maxHeader); western != nil {
			return western
		}
	}
	return charmap.Windows1252
}

// fromBytes returns s, read in an encoding of single bytes, in UTF-8. Bytes that the
// encoding does not define become U+FFFD.
func fromBytes(s string, encoding *charmap.Charmap) string {
	var out strings.Builder
	out.Grow(len(s) + len(s)/8)
	for i := range len(s) {
		out.WriteRune(encoding.DecodeByte(s[i]))
	}
	return out.String()
}
