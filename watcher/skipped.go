package watcher

import (
	"path"
	"strings"
)

// Skipped tells why the watcher of a folder would never report a file, given its
// path below the folder, slash-separated; "" if it would.
func Skipped(f Folder, rel string) string {
	c := newFilter(f)
	below := &tree{path: f.Path}
	defer below.close()
	for i := range rel {
		if rel[i] == '/' && !c.dir(rel[:i]) {
			return "the directory " + rel[:i] + " is never entered: it is junk, excluded, or where finished files go"
		}
	}
	switch {
	case f.Texts.named(rel) && f.Texts.in(below, rel):
		return "it is a note that ingestd left for people"
	case c.file(rel) && below.attends(rel):
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

// Names tells which names below a folder its watcher looks at: which directories it
// enters, and which files in them it would report.
func Names(f Folder) (dir, file func(rel string) bool) {
	c := newFilter(f)
	return c.dir, c.file
}
