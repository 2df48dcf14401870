package dropfolder

import (
	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/journal"
)

// LogEntry adds to a line of the log the fields that name an entry.
func LogEntry(line *zerolog.Event, e journal.Entry) *zerolog.Event {
	return line.Str("folder", e.Folder).Str("path", e.Path).Int64("id", e.ID)
}
