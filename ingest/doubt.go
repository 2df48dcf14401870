package ingest

import (
	"fmt"

	"github.com/tenovos-ingest/ingestd/internal/chores"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/holdings"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// doubt is the chore that keeps looking for the asset of a lost create.
func (c *core) doubt(e journal.Entry) (journal.NewChore, error) {
	lost, err := c.lostCreate(e)
	if err != nil {
		return journal.NewChore{}, err
	}
	return chores.Doubt(lost, c.now())
}

// lostCreate describes the asset that a lost create may have left.
func (c *core) lostCreate(e journal.Entry) (holdings.LostCreate, error) {
	asset, err := dropfolder.StoredAsset(e)
	if err != nil {
		return holdings.LostCreate{}, err
	}
	if e.Attempt == nil {
		return holdings.LostCreate{}, fmt.Errorf("entry %d is creating without an attempt", e.ID)
	}
	return holdings.LostCreate{
		Filename: asset.Filename, TemplateID: asset.TemplateID, SecurityIDs: asset.SecurityIDs,
		OriginalFileID: asset.OriginalFileID, ContentPath: asset.ContentPath,
		From: c.skew.Theirs(e.Attempt.IntentAt).Add(-c.cfg.Skew), To: c.skew.Theirs(e.Attempt.IntentAt).Add(tenovos.CallSpan + c.cfg.Skew),
	}, nil
}
