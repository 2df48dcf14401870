package charset

import (
	"strings"

	"golang.org/x/text/encoding/charmap"
)

// Decode returns s, read in an encoding of single bytes, in UTF-8. Bytes that the
// encoding does not define become U+FFFD.
func Decode(s string, encoding *charmap.Charmap) string {
	var out strings.Builder
	out.Grow(len(s) + len(s)/8)
	for i := range len(s) {
		out.WriteRune(encoding.DecodeByte(s[i]))
	}
	return out.String()
}
