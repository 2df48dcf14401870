package shelf

import (
	"path"
	"strings"
	"time"
	"unicode"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// OnDisk returns a pattern of a Destination with its fixed directories as they are
// called on the disk: one whose letters are composed in another way there is used, not
// made a second time.
func OnDisk(dir, pattern string) string {
	fixed, rest, placeholders := strings.Cut(pattern, "{")
	if !placeholders {
		return file.OnDisk(dir, pattern)
	}
	at := max(strings.LastIndexByte(fixed, '/'), 0)
	return file.OnDisk(dir, fixed[:at]) + fixed[at:] + "{" + rest
}

// Destination is where a file is moved to: pattern is a directory below the
// folder, in which {date} is the day, {folder} the folder's name and {path} the
// directories of the file's own path, nothing for a file that has none. Those come
// last where the pattern does not name them. Whatever the names are, it never leads
// above the fixed directories that the pattern begins with: there the file would be
// found again, and ingested without end.
func Destination(pattern, folder, file string, day time.Time) string {
	if !strings.Contains(pattern, "{path}") {
		pattern += "/{path}"
	}
	above := path.Dir(file)
	if above == "." {
		above = ""
	}
	dir := strings.NewReplacer("{date}", day.Format(time.DateOnly), "{folder}", oneName(folder), "{path}", above).Replace(pattern)
	names := strings.Split(dir, "/")
	for i, name := range names {
		if name == ".." { // made of pieces, such as ..{path}
			names[i] = "__"
		}
	}
	return path.Join(path.Join(names...), path.Base(file))
}

// oneName makes a text the name of one directory.
func oneName(text string) string {
	if text == "" || text == "." || text == ".." {
		return strings.Repeat("_", max(len(text), 1))
	}
	return strings.Map(func(r rune) rune {
		if r == '/' || unicode.IsControl(r) {
			return '_'
		}
		return r
	}, text)
}
