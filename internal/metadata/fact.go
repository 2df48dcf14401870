package metadata

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Fact is one thing known of a file; most have one value. At least one of Values is
// not empty. In a list an empty one keeps its place: the lists of two facts belong
// together by position. Origin says in words where it came from.
type Fact struct {
	Values []string
	Origin string
}

// Facts holds a file's facts by the [Key] of the name rules call them by:
// "path.brand", "file.stem". What is not known has no entry.
type Facts map[string]Fact

// Set adds a fact of one value, unless that is empty.
func (f Facts) Set(name, origin, value string) {
	if value != "" {
		f[Key(name)] = Fact{Values: []string{value}, Origin: origin}
	}
}

// Key returns the form of a fact's name under which Facts holds it: names are
// compared without regard to case, "exif.DateTimeOriginal" is
// "exif.datetimeoriginal". Key(Key(name)) is Key(name).
func Key(name string) string {
	return norm.NFC.String(strings.ToLower(norm.NFC.String(name)))
}

// Gap says that a source of facts could not be read, so that what it would
// tell is missing. Source is the prefix of the facts' names without its dot,
// Message a sentence for people.
type Gap struct{ Source, Message string }
