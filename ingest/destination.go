package ingest

import (
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// onDisk returns a pattern of a Destination with its fixed directories as they are
// called on the disk: one whose letters are composed in another way there is used, not
// made a second time.
func onDisk(dir, pattern string) string {
	fixed, rest, placeholders := strings.Cut(pattern, "{")
	if !placeholders {
		return file.OnDisk(dir, pattern)
	}
	at := max(strings.LastIndexByte(fixed, '/'), 0)
	return file.OnDisk(dir, fixed[:at]) + fixed[at:] + "{" + rest
}
