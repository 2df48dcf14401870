package sources

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/stage"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

const (
	// seekEvery is how often it is looked whether a file was found under another path.
	seekEvery = 500 * time.Millisecond

	// seekAtMost is how long that may take.
	seekAtMost = 2 * time.Minute
)

// sought remembers since when the files of entries are not where they were. Safe for
// concurrent use.
type sought struct {
	mu    sync.Mutex
	since map[int64]time.Time
}

// begin returns since when the file of an entry is missing.
func (s *sought) begin(id int64, now time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.since == nil {
		s.since = make(map[int64]time.Time)
	}
	if _, ok := s.since[id]; !ok {
		s.since[id] = now
	}
	return s.since[id]
}

func (s *sought) end(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.since, id)
}

// seek lets an entry that was begun wait, where its file may have another path: the
// watcher finds it there, and the entry gets that path when the new one is recognised.
// It returns cause once the file must be gone.
func (s *Sources) seek(ctx context.Context, e journal.Entry, cause error) error {
	if e.Kind != journal.File || !e.Status.Active() || errors.Is(cause, uploader.ErrSourceRemoved) {
		return cause
	}
	since := s.sought.begin(e.ID, s.Now())
	found, err := s.Paths.Displaced(ctx, e)
	if err != nil {
		return err
	}
	if (found || s.unscanned(e.Folder, since)) && s.Now().Sub(since) < seekAtMost {
		return &stage.WaitError{After: seekEvery, Reason: reasons.Sought}
	}
	s.sought.end(e.ID)
	return cause
}

// Displaced looks whether a file that is to be moved away, and is not where it was, has
// another path: there it is recognised. until is when to look again.
func (s *Sources) Displaced(ctx context.Context, e journal.Entry) (found bool, until time.Time, err error) {
	since := s.sought.begin(e.ID, s.Now())
	found, err = s.Paths.Displaced(ctx, e)
	if err != nil {
		return false, until, err
	}
	if !found && s.unscanned(e.Folder, since) && s.Now().Sub(since) < seekAtMost {
		return false, s.Now().Add(seekEvery), nil
	}
	s.sought.end(e.ID)
	return found, until, nil
}

// Forget has the file of an entry be sought anew, should it not be where it was again.
func (s *Sources) Forget(id int64) { s.sought.end(id) }

// unscanned reports whether the watcher may still find a file that got another path
// before a time.
func (s *Sources) unscanned(folder string, since time.Time) bool {
	if done, backfill := s.Walked(); backfill {
		return !done
	}
	f := s.folders[folder]
	if f.Scanned == nil { // nobody looks
		return false
	}
	last, polled := f.Scanned()
	if !last.After(s.Started) || polled && !last.After(since) {
		return true
	}
	if last.After(since) {
		since = last
	}
	return s.Now().Before(since.Add(2*f.Settle + time.Second))
}
