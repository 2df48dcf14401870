package ingest

import (
	"cmp"
	"context"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// adopt takes over an asset that the account holds already, see intake.Adoptable:
// mapped -> verified. The move is zero where there is no such asset.
func (c *core) adopt(ctx context.Context, w *work, asset tenovos.NewAsset) (m journal.Move, err error) {
	best, err := c.intake.Adoptable(ctx, w.Entry, asset)
	if best == nil || err != nil {
		return m, err
	}
	m = w.Moves(journal.Verified, reasons.Adopted)
	m.Created = creationOf(*best)
	m.Created.OriginalFileID = cmp.Or(best.OriginalFileID, best.FileID)
	if w.Kind == journal.File { // so that it is recognised when it is touched
		if m.Learned.SHA256, err = c.contentSum(ctx, w.Entry); err != nil {
			return journal.Move{}, err
		}
	}
	dropfolder.LogEntry(c.log.Info(), w.Entry).Str("object_id", best.ObjectID).Msg("the account holds this asset already: adopted")
	return m, nil
}

// contentSum is the SHA-256 of an entry's file.
func (c *core) contentSum(ctx context.Context, e journal.Entry) ([]byte, error) {
	src, err := c.open(e)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	return src.SHA256(ctx)
}
