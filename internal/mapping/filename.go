package mapping

import (
	"path"
	"strings"
	"unicode/utf8"

	"github.com/tenovos-ingest/ingestd/internal/metadata"
)

// maxFilename is the longest name, in bytes, that file systems and stores agree
// upon.
const maxFilename = 255

// Filename returns the name under which a file with this slash-separated path
// becomes an asset: its last part in normal form C, without control characters,
// invalid bytes replaced by U+FFFD, and no longer than 255 bytes, the extension
// kept. It is never empty.
func Filename(p string) string {
	_, base := path.Split(p)
	name := metadata.Clean(base)
	if strings.Trim(name, ". ") == "" {
		return "unnamed"
	}
	if len(name) <= maxFilename {
		return name
	}
	stem, ext := metadata.SplitExt(name)
	if len(ext) > 32 { // no extension, but a dot in a long name
		stem, ext = name, ""
	}
	cut := maxFilename - len(ext)
	for !utf8.RuneStart(stem[cut]) {
		cut--
	}
	return stem[:cut] + ext
}
