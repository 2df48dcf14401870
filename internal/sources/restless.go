package sources

import (
	"sync"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/journal"
)

// maxRestless bounds of how many paths that is counted.
const maxRestless = 10_000

// restarts counts how often the upload of a path was given up because its file really
// changed. Each time the entry may be another. Safe for concurrent use.
type restarts struct {
	mu    sync.Mutex
	count map[place]int
}

type place struct{ folder, path string }

// begin counts another one.
func (r *restarts) begin(e journal.Entry) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count == nil || len(r.count) >= maxRestless {
		r.count = make(map[place]int)
	}
	at := place{e.Folder, e.Path}
	r.count[at]++
	return r.count[at]
}

// end forgets a path that came to rest.
func (r *restarts) end(e journal.Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.count, place{e.Folder, e.Path})
}

// Restless counts that the upload of an entry is given up because its file really changed,
// and returns the reason, which tells how often that was. It is said aloud once.
func (s *Sources) Restless(e journal.Entry) journal.Reason {
	n := s.restarts.begin(e)
	reason := reasons.Restless(n)
	if n == reasons.RestlessFrom {
		dropfolder.LogEntry(s.Log.Warn(), e).Int("times", n).Str("hint", reason.Hint).
			Msg("the file changes again and again while it is uploaded: each time its upload begins anew")
	}
	return reason
}

// Quiet forgets how often the file at the path of an entry changed.
func (s *Sources) Quiet(e journal.Entry) { s.restarts.end(e) }
