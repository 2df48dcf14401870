package ingest

import (
	"context"
	"fmt"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/filing"
	"github.com/tenovos-ingest/ingestd/journal"
)

// newFiler makes what moves files out of their folders.
func (p *Pipeline) newFiler() *filing.Filer {
	return filing.New(filing.Config{
		Folders: p.cfg.Folders, Mounts: p.mounts, Hands: p.hands, Now: p.now, Log: p.log,
		Entries: p.journal, Intents: journal.FilingOf(p.journal),
		Proof: filing.Proof{
			OfVerified: func(ctx context.Context, e journal.Entry) error { return p.proofs.Prove(ctx, e, e) },
			OfEarlier:  p.stillInTenovos,
			SameBytes:  p.compare,
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

// stillInTenovos asks before a file is moved or deleted whose content came in earlier.
// What was in Tenovos then may have been removed there since, which is asked before it is
// deleted, and may never have been proved to be there, where the folder kept its files.
func (p *Pipeline) stillInTenovos(ctx context.Context, e journal.Entry, after dropfolder.After) error {
	if e.Status == journal.Duplicate {
		return p.proofs.ProveDuplicate(ctx, e)
	}
	if after == dropfolder.AfterDelete {
		seen, err := p.desk.Verify(ctx, e)
		if err == nil && !seen.Good() {
			err = fmt.Errorf("the file is not deleted, because Tenovos does not hold its content as it did: %s", seen.Detail)
		}
		if err != nil {
			return err
		}
	}
	return p.proofs.Prove(ctx, e, e)
}
