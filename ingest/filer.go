package ingest

import (
	"context"

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
			OfVerified: func(ctx context.Context, e journal.Entry) error { return p.proofs.prove(ctx, e, e) },
			OfEarlier:  p.stillInTenovos,
			SameBytes: func(ctx context.Context, e journal.Entry, src *uploader.Source) (bool, error) {
				return compare(ctx, p.journal, e, src)
			},
		},
		CompanionKnown: func(ctx context.Context, companion file.File) (bool, error) {
			fresh, err := p.journal.Reader().UnknownCompanions(ctx, []file.File{companion})
			return len(fresh) == 0, err
		},
	})
}
