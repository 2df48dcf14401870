package ingest

import (
	"sync"

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

// notice has the verdict on a file that changed under its upload tell how often that
// was, and says it aloud once.
func (p *Pipeline) notice(e journal.Entry, v *verdict) {
	if v.reason.Class != reasons.ClassChanged || e.Status != journal.Uploading && e.Status != journal.Completing {
		return
	}
	n := p.restarts.begin(e)
	v.reason = reasons.Restless(n)
	if n == reasons.RestlessFrom {
		p.entryLog(p.log.Warn(), e).Int("times", n).Str("hint", v.reason.Hint).
			Msg("the file changes again and again while it is uploaded: each time its upload begins anew")
	}
}
