package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// placeholderMargin is how long the URL of a placeholder must live for an upload
// to begin.
const placeholderMargin = time.Minute

// keepURL stores with a placeholder where content for it could still be put.
func keepURL(c *journal.Creation, up tenovos.Upload) {
	if len(up.URLs) != 1 || up.UploadID != "" {
		return
	}
	url := uploader.URL(up.URLs[0])
	if dies, ok := uploader.Expiry(url.URL); ok { // else nobody knows until when
		c.Expires, c.Parts = dies, []journal.Part{{Number: url.Number, URL: url.URL}}
	}
}

// TakesContent reports whether a file of a size can become the content of what was
// ingested before it, at a time: a placeholder whose URL lives. What would be a
// multipart upload cannot.
func TakesContent(prev journal.Entry, size int64, now time.Time) bool {
	_, ok := prev.Attempt.Vacancy()
	return ok && prev.Kind == journal.Placeholder && prev.Status == journal.Filed && size <= tenovos.MultipartOver &&
		now.Add(placeholderMargin).Before(prev.Attempt.Expires)
}

// fillPlaceholder makes a file the content of its path's placeholder rather than
// the next version: mapped -> created. It answers false where that cannot be, as
// when the asset got content, or went, in Tenovos.
func (p *Pipeline) fillPlaceholder(ctx context.Context, e journal.Entry, asset tenovos.NewAsset) (bool, error) {
	if asset.OriginalFileID == "" {
		return false, nil
	}
	prev, ok, err := p.journal.Previous(ctx, e)
	if err != nil || !ok || prev.OriginalFileID != asset.OriginalFileID || !TakesContent(prev, e.Size, p.now()) {
		return false, err
	}
	held, err := storedAsset(prev)
	if err != nil {
		return false, err
	}
	if held.TemplateID != asset.TemplateID { // no edit can change that
		return false, nil
	}
	now, err := p.api.Asset(ctx, prev.FileID)
	switch {
	case errors.Is(err, tenovos.ErrNotFound), errors.Is(err, tenovos.ErrRejected):
		return false, nil
	case err != nil:
		return false, &lookError{fmt.Errorf("look at the placeholder: %w", err)}
	case now.Deleted() || now.HasContent || !now.Current:
		return false, nil
	}
	held.NoContent, held.Size, held.OriginalFileID = false, e.Size, prev.OriginalFileID
	stored, err := json.Marshal(held)
	if err != nil {
		return false, fmt.Errorf("store the asset of %s: %w", e.Path, err)
	}
	part, _ := prev.Attempt.Vacancy()
	part.Size = e.Size
	err = p.advance(ctx, journal.Move{
		ID: e.ID, From: journal.Mapped, To: journal.Created, Fills: prev.ID, Asset: stored, Filename: held.Filename,
		Created: &journal.Creation{
			ObjectID: prev.ObjectID, FileID: prev.FileID, OriginalFileID: prev.OriginalFileID,
			Expires: prev.Attempt.Expires, PartSize: e.Size, Parts: []journal.Part{part},
		},
	})
	if err == nil {
		p.entryLog(p.log.Info(), e).Str("object_id", prev.ObjectID).Msg("the file is the content of its placeholder")
	}
	return true, err
}
