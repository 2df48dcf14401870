package manifest

import (
	"slices"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"github.com/tenovos-ingest/ingestd/internal/charset"
)

// bestEncoding returns the encoding of single bytes that some cells seem to have.
func bestEncoding(cells []string) *charmap.Charmap {
	if slices.ContainsFunc(cells, func(cell string) bool { return !utf8.ValidString(cell) }) {
		if western, _ := charset.Western(slices.Values(cells), maxHeader); western != nil {
			return western
		}
	}
	return charmap.Windows1252
}

// maxWeighed bounds how much of the cells with characters beyond ASCII is weighed, in
// bytes, and maxHeader how much of a header alone.
const (
	maxWeighed = 6_000
	maxHeader  = 100
)
