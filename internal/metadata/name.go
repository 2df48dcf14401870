package metadata

import (
	"net/url"
	"path"
	"strings"
)

// SplitExt splits a file name before its last dot. A name that starts with its
// only dot, or ends in one, has no extension.
func SplitExt(name string) (stem, ext string) {
	ext = path.Ext(name)
	stem = strings.TrimSuffix(name, ext)
	if stem == "" || ext == "." {
		return name, ""
	}
	return stem, ext
}

// Loose returns the name of a file as one who misspells it would write it.
func Loose(file string) string {
	name := path.Base(Clean(file))
	if plain, err := url.PathUnescape(name); err == nil {
		name = Clean(plain)
	}
	if name == "." || name == "/" {
		return ""
	}
	return looser.Replace(Key(name))
}

var looser = strings.NewReplacer(" ", "", "_", "", "-", "", "+", "", "\u00a0", "")

// Squeeze returns the form of a name in which neither case nor spaces, - and _ count:
// "File_Name" is "filename".
func Squeeze(name string) string { return squeezer.Replace(Key(name)) }

var squeezer = strings.NewReplacer(" ", "", "_", "", "-", "")

// Perhaps says in brackets which file may be meant, where one is known.
func Perhaps(likely string) string {
	if likely == "" {
		return ""
	}
	return " (perhaps `" + likely + "`)"
}
