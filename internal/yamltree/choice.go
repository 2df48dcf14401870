package yamltree

import (
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"golang.org/x/text/unicode/norm"
	"gopkg.in/yaml.v3"
)

// Choice returns a text that must be one of known. Those of a later version are
// refused as such. It returns "" after a complaint.
func (r *Reader) Choice(n *yaml.Node, what string, known, later []string) string {
	text, ok := r.Text(n, what)
	switch {
	case !ok:
		return ""
	case slices.Contains(later, text):
		r.Add(At(n), "", "%s: %s is not supported by this version", what, text)
		return ""
	case !slices.Contains(known, text):
		hint := SuggestOf(text, known)
		if _, masked := r.shown[n]; masked {
			hint = "" // it could give away what a secret is like
		}
		r.Add(At(n), hint, "%s cannot be %s", what, r.Quote(n))
		return ""
	}
	return text
}

// Glob checks a doublestar pattern of paths below a folder and returns it in
// normal form C, or "" after a complaint.
func (r *Reader) Glob(n *yaml.Node, pattern, what string) string {
	switch {
	case pattern == "" || !doublestar.ValidatePattern(pattern):
		r.Add(At(n), "such as **/*.{jpg,png}; every [ and { must be closed", "%s: %s is no pattern of paths", what, r.Quote(n))
		return ""
	case strings.HasPrefix(pattern, "/") || strings.HasSuffix(pattern, "/"):
		r.Add(At(n), "paths count from the folder, without a slash at either end", "%s: %s matches no path", what, r.Quote(n))
		return ""
	}
	return norm.NFC.String(pattern)
}
