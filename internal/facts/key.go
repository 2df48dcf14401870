package facts

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Key is the form in which facts are stored and looked up: the case of a name
// does not count.
func Key(name string) string { return strings.ToLower(norm.NFC.String(name)) }
