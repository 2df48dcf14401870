package facts

import (
	"path"
	"strconv"
	"strings"
	"time"
	"unicode"

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

// Key returns the form of a fact's name under which Facts holds it: names are
// compared without regard to case, "exif.DateTimeOriginal" is
// "exif.datetimeoriginal". Key(Key(name)) is Key(name).
func Key(name string) string {
	return norm.NFC.String(strings.ToLower(norm.NFC.String(name)))
}

// File is what the file system says of a file.
type File struct {
	Folder string // name of the drop folder
	Path   string // slash-separated, below the drop folder; need not be valid UTF-8
	Size   int64  // bytes
	// ModTime is zero where it is not known. One that nanoseconds since 1970 do not
	// reach is the nearest that they do, as filetime keeps it.
	ModTime time.Time
}

// The names under which Gather files what it knows of the file itself.
const (
	FileName     = "file.name"     // last part of the path
	FileStem     = "file.stem"     // the name without its extension
	FileExt      = "file.ext"      // the extension as written, without the dot
	FileSize     = "file.size"     // bytes, in decimal
	FileModified = "file.modified" // RFC 3339, in the zone of File.ModTime
	FileFolder   = "file.folder"   // name of the drop folder
)

// PathPrefix stands before the name of a path level.
const PathPrefix = "path."

// FileSources returns the names of the facts that every file can have.
func FileSources() []string {
	return []string{FileName, FileStem, FileExt, FileSize, FileModified, FileFolder}
}

// Gather returns what is known of f. The levels of a path that does not follow
// the pattern are not known. The zone of file.modified is that of f.ModTime;
// give local time to have dates as people there would write them.
func Gather(f File, levels Levels) Facts {
	name := Clean(path.Base(f.Path))
	stem, ext := SplitExt(name)
	known := Facts{}
	known.set(FileName, "the file's name", name)
	known.set(FileStem, "the file's name", stem)
	known.set(FileExt, "the file's name", strings.TrimPrefix(ext, "."))
	known.set(FileSize, "the file's size", strconv.FormatInt(f.Size, 10))
	if !f.ModTime.IsZero() {
		known.set(FileModified, "the file's modification time", f.ModTime.Format(time.RFC3339))
	}
	known.set(FileFolder, "the drop folder's name", Clean(f.Folder))
	for level, value := range levels.Match(f.Path) {
		known.set(PathPrefix+level, "the path's level "+strconv.Quote(level), Clean(value))
	}
	return known
}

func (f Facts) set(name, origin, value string) {
	if value != "" {
		f[Key(name)] = Fact{Values: []string{value}, Origin: origin}
	}
}

// Clean returns s as text that can be stored and compared: invalid bytes become
// U+FFFD, control characters go, and what remains is in normal form C.
func Clean(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, s)
	return norm.NFC.String(s)
}

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
