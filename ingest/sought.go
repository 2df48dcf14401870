package ingest

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
func (p *Pipeline) seek(ctx context.Context, e journal.Entry, cause error) error {
	if e.Kind != journal.File || !e.Status.Active() || errors.Is(cause, uploader.ErrSourceRemoved) {
		return cause
	}
	since := p.sought.begin(e.ID, p.now())
	found, err := p.reader.Displaced(ctx, e)
	if err != nil {
		return err
	}
	if (found || p.unscanned(e.Folder, since)) && p.now().Sub(since) < seekAtMost {
		return &stage.WaitError{After: seekEvery, Reason: reasons.Sought}
	}
	p.sought.end(e.ID)
	return cause
}

// unscanned reports whether the watcher may still find a file that got another path
// before a time.
func (p *Pipeline) unscanned(folder string, since time.Time) bool {
	if p.once {
		return !closed(p.source)
	}
	f := p.folders[folder]
	if f.Scanned == nil { // nobody looks
		return false
	}
	last, polled := f.Scanned()
	if !last.After(p.started) || polled && !last.After(since) {
		return true
	}
	if last.After(since) {
		since = last
	}
	return p.now().Before(since.Add(2*f.Settle + time.Second))
}

// fileRenamed notes that the file of an entry was found at another path of its folder.
func (p *Pipeline) fileRenamed(old journal.Entry, now string) {
	p.sought.end(old.ID) // it may get another path again, and is then sought anew
	p.wake()
	p.entryLog(p.log.Info(), old).Str("now", now).Msg("a file that was ingested, or is being ingested, has a new path")
}
