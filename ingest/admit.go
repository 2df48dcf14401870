package ingest

import (
	"context"
	"fmt"

	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/watcher"
)

// Admit records settled files; what the journal knows already is passed over, so
// that events, scans and walks may repeat themselves. It is the watcher's Emit.
func (p *Pipeline) Admit(ctx context.Context, files []watcher.File) error {
	found := make([]journal.Found, len(files))
	for i, f := range files {
		found[i] = journal.Found(f)
	}
	n, err := p.journal.Admit(ctx, found)
	if err != nil {
		return fmt.Errorf("record %d files of folder %s: %w", len(files), files[0].Folder, err)
	}
	if n > 0 {
		p.wake()
	}
	return nil
}

// wake tells the dispatcher that the queue may have changed.
func (p *Pipeline) wake() {
	select {
	case p.poke <- struct{}{}:
	default:
	}
}
