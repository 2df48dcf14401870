package facts

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Key returns the form of a fact's name under which Facts holds it: names are
// compared without regard to case, "exif.DateTimeOriginal" is
// "exif.datetimeoriginal". Key(Key(name)) is Key(name).
func Key(name string) string {
	return norm.NFC.String(strings.ToLower(norm.NFC.String(name)))
}
