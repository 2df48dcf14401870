package outage

import (
	"errors"
	"sync"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// foreignRest is how long nothing is created after Tenovos handed out a URL that is not
// used: each create would make an asset, only to have it removed.
const foreignRest = 5 * time.Minute

// ForeignURLs remembers that Tenovos hands out upload URLs that are not used. Files are
// held meanwhile, not tried: it takes somebody to look. The zero value remembers nothing.
// Safe for concurrent use.
type ForeignURLs struct {
	mu     sync.Mutex
	until  time.Time
	reason journal.Reason
}

// Note looks at the outcome of an upload.
func (f *ForeignURLs) Note(err error, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case errors.Is(err, uploader.ErrForeignHost):
		f.until, f.reason = now.Add(foreignRest), reasons.Foreign(err)
	case err == nil:
		f.until = time.Time{}
	}
}

// Forget has the next file be tried: somebody asked for it.
func (f *ForeignURLs) Forget() { f.Note(nil, time.Time{}) }

// Refusal is why nothing is created now; false where something may be.
func (f *ForeignURLs) Refusal(now time.Time) (journal.Reason, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reason, now.Before(f.until)
}
