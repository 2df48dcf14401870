package ingest

import (
	"context"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/filing"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// newFiler makes what moves files out of their folders.
func (p *Pipeline) newFiler() *filing.Filer {
	return filing.New(filing.Config{
		Folders: p.cfg.Folders, Mounts: p.mounts, Hands: p.hands, Now: p.now, Log: p.log,
		Entries: p.journal, Intents: journal.FilingOf(p.journal),
		Proof: filing.Proof{
			OfVerified: func(ctx context.Context, e journal.Entry) error { return p.proofs.Prove(ctx, e, e) },
			OfEarlier:  p.stillInTenovos,
			SameBytes: func(ctx context.Context, e journal.Entry, src *uploader.Source) (bool, error) {
				return compare(ctx, p.journal, e, src)
			},
		},
		CompanionKnown: func(ctx context.Context, companion file.File) (bool, error) {
			fresh, err := journal.CompanionsOf(p.journal).Unknown(ctx, []file.File{companion})
			return len(fresh) == 0, err
		},
		Displaced: p.displaced,
	})
}

// displaced looks whether a file that is to be moved away, and is not where it was, has
// another path: there it is recognised. until is when to look again.
func (p *Pipeline) displaced(ctx context.Context, e journal.Entry) (found bool, until time.Time, err error) {
	since := p.sought.begin(e.ID, p.now())
	found, err = p.journal.Reader().Displaced(ctx, e)
	if err != nil {
		return false, until, err
	}
	if !found && p.unscanned(e.Folder, since) && p.now().Sub(since) < seekAtMost {
		return false, p.now().Add(seekEvery), nil
	}
	p.sought.end(e.ID)
	return found, until, nil
}
