package file

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Same reports whether two names differ in the composition of their letters at most.
func Same(a, b string) bool { return a == b || norm.NFC.String(a) == norm.NFC.String(b) }

// Fold returns the form of a name, or of a pattern of names, in which neither the
// case of its letters counts nor their composition. It keeps the number of letters,
// so that a ? in a pattern still stands for one: ß does not become ss.
func Fold(name string) string {
	if ascii(name) {
		return strings.ToLower(name)
	}
	// To upper case first: ς and σ, ſ and s, the Kelvin sign and k have that in common.
	folded := strings.Map(func(r rune) rune { return unicode.ToLower(unicode.ToUpper(r)) }, norm.NFC.String(name))
	// Some write the small letter of İ as an i with a dot above.
	return norm.NFC.String(strings.ReplaceAll(folded, "i\u0307", "i"))
}

// Forms returns the ways to write a name: as it is, and composed and decomposed where
// those are others.
func Forms(name string) []string {
	if ascii(name) {
		return []string{name}
	}
	forms := []string{name}
	for _, form := range []string{norm.NFC.String(name), norm.NFD.String(name)} {
		if form != name {
			forms = append(forms, form)
		}
	}
	return forms
}

// OnDisk returns what a path below dir is called there, where parts of it may be
// written in another composition than they have on the disk. What is not there, or
// cannot be looked for, keeps the name that it has.
func OnDisk(dir, rel string) string {
	if ascii(rel) {
		return rel
	}
	found := make([]string, 0, 4)
	for name := range strings.SplitSeq(filepath.ToSlash(rel), "/") {
		name = nameIn(dir, name)
		found = append(found, name)
		dir = filepath.Join(dir, name)
	}
	return strings.Join(found, "/")
}

// nameIn is OnDisk for one name.
func nameIn(dir, name string) string {
	if ascii(name) {
		return name
	}
	if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
		return name
	}
	list, err := os.OpenFile(dir, os.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return name
	}
	defer list.Close() // nothing was written
	for {
		names, err := list.Readdirnames(1000)
		for _, there := range names {
			if Same(there, name) {
				return there
			}
		}
		if err != nil { // io.EOF, or worse
			return name
		}
	}
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
