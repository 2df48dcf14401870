package ingest

import (
	"errors"
	"sync"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/stage"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// foreignRest is how long nothing is created after Tenovos handed out a URL that is not
// used: each create would make an asset, only to have it removed.
const foreignRest = 5 * time.Minute

// foreignURLs remembers that Tenovos hands out upload URLs that are not used. Files are
// held meanwhile, not tried: it takes somebody to look. Safe for concurrent use.
type foreignURLs struct {
	mu     sync.Mutex
	until  time.Time
	reason journal.Reason
}

// note looks at the outcome of an upload.
func (f *foreignURLs) note(err error, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case errors.Is(err, uploader.ErrForeignHost):
		f.until, f.reason = now.Add(foreignRest), reasons.Foreign(err)
	case err == nil:
		f.until = time.Time{}
	}
}

// forget has the next file be tried: somebody asked for it.
func (f *foreignURLs) forget() { f.note(nil, time.Time{}) }

// refusal is why nothing is created now; nil where something may be.
func (f *foreignURLs) refusal(now time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !now.Before(f.until) {
		return nil
	}
	return stage.Held(f.reason)
}
