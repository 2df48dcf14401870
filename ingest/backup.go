package ingest

import (
	"context"

	"github.com/tenovos-ingest/ingestd/internal/backupcopy"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/journal"
)

// backup answers an entry whose file is a backup copy. It waits a moment where the new
// file under the old name may be coming.
func (p *Pipeline) backup(ctx context.Context, e journal.Entry) (done bool, err error) {
	if e.AsNew {
		return false, nil
	}
	folder := p.folders[e.Folder]
	original, coming, err := backupcopy.Of(ctx, backupcopy.Place{
		FormerPaths: p.journal.Reader().FormerPaths,
		At:          func(rel string) (file.Stat, bool, error) { return p.hintAt(e.ID, e.Folder, rel, e.Path) },
		Wanted:      folder.Wants,
	}, e.File)
	if err != nil || original == "" {
		return false, err
	}
	if !coming {
		return true, &verdictError{verdict{to: journal.Ignored, reason: reasons.Backup(original)}}
	}
	if e.Reason == reasons.BackupWaits(original) || e.Reason == reasons.NameTaken { // which is waited for after this
		return false, nil
	}
	return true, deferEntry(ctx, p.journal, e.ID, e.Status, p.now().Add(folder.Settle), reasons.BackupWaits(original), false)
}
