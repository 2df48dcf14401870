package ingest

import (
	"context"

	"github.com/tenovos-ingest/ingestd/journal"
)

// Release tells what the rules of a folder, and the names that they are about,
// are: sum is any text that differs when they differ. Where they have changed,
// what they held back goes round again: files held or failed for their metadata,
// and those that no rule matched. It returns how many. It may be called before Run
// and beside it.
func (p *Pipeline) Release(ctx context.Context, folder, sum string) (int, error) {
	n, err := journal.FoldersOf(p.journal).SetRules(ctx, folder, sum)
	if n > 0 {
		p.wake()
	}
	return n, err
}
