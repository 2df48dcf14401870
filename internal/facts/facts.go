package facts

import (
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
)

// The names under which Gather files what it knows of the file itself.
const (
	FileName     = "file.name"     // last part of the path
	FileStem     = "file.stem"     // the name without its extension
	FileExt      = "file.ext"      // the extension as written, without the dot
	FileSize     = "file.size"     // bytes, in decimal
	FileModified = "file.modified" // RFC 3339, in the zone of the time that Gather is given
	FileFolder   = "file.folder"   // name of the drop folder
)

// PathPrefix stands before the name of a path level.
const PathPrefix = "path."

// FileSources returns the names of the facts that every file can have.
func FileSources() []string {
	return []string{FileName, FileStem, FileExt, FileSize, FileModified, FileFolder}
}

// Gather returns what is known of f. The levels of a path that does not follow
// the pattern are not known. modified is when it was modified, zero where that is not
// known; give local time to have dates as people there would write them.
func Gather(f file.File, modified time.Time, levels Levels) metadata.Facts {
	name := metadata.Clean(path.Base(f.Path))
	stem, ext := metadata.SplitExt(name)
	known := metadata.Facts{}
	known.Set(FileName, "the file's name", name)
	known.Set(FileStem, "the file's name", stem)
	known.Set(FileExt, "the file's name", strings.TrimPrefix(ext, "."))
	known.Set(FileSize, "the file's size", strconv.FormatInt(f.Size, 10))
	if !modified.IsZero() {
		known.Set(FileModified, "the file's modification time", modified.Format(time.RFC3339))
	}
	known.Set(FileFolder, "the drop folder's name", metadata.Clean(f.Folder))
	for level, value := range levels.Match(f.Path) {
		known.Set(PathPrefix+level, "the path's level "+strconv.Quote(level), metadata.Clean(value))
	}
	return known
}
