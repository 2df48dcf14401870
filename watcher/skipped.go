package watcher

import (
	"path"
	"path/filepath"
	"strings"
)

// Skipped tells why the watcher of a folder would never report a file, given its
// path below the folder, slash-separated; "" if it would.
func Skipped(f Folder, rel string) string {
	c := newFilter(f)
	for i := range rel {
		if rel[i] == '/' && !c.dir(rel[:i]) {
			return "the directory " + rel[:i] + " is never entered: it is junk, excluded, or where finished files go"
		}
	}
	switch {
	case c.file(rel) && attends(filepath.Join(f.Path, rel)):
		return "it only attends to the transfer of a file beside it"
	case c.file(rel):
		return ""
	case junkName(path.Base(rel)):
		return "the built-in junk list has such names"
	case c.marks(rel):
		return "it is the folder's marker"
	case c.ready.is(rel):
		return "it is named like the sentinel that says another file is complete"
	case matches(c.exclude, rel):
		return "exclude matches it"
	}
	return "no include pattern matches it: " + strings.Join(f.Include, ", ")
}
