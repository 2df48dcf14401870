package stage

import (
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// Files opens the files of drop folders, in the flight of the entry called id.
type Files interface {
	Source(folder, rel string, id int64, expected file.Stat) (*uploader.Source, error)
}

// Open opens an entry's file beneath its drop folder, where it was moved to if it was, in
// the flight of the entry called id.
func Open(files Files, id int64, e journal.Entry) (*uploader.Source, error) {
	at := e.Path
	if e.Status.Resting() && e.MovedTo != "" {
		at = e.MovedTo
	}
	return files.Source(e.Folder, at, id, e.Stat)
}
