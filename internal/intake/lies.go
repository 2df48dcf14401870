package intake

import (
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/shelf"
)

// statAt looks, in the flight of entry id, what lies at a path of a folder, if a file
// does that has another name than the one at other.
func (in *Intake) statAt(id int64, folder, rel, other string) (stat file.Stat, there bool, err error) {
	s, err := shelf.Open(in.Mounts, folder, id)
	if err != nil {
		return stat, false, err
	}
	defer s.Close()
	return s.Present(rel, other)
}
