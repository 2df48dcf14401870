package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// placeholderMargin is how long the URL of a placeholder must live for an upload
// to begin.
const placeholderMargin = time.Minute

var reasonTaken = journal.Reason{
	Class: reasons.ClassWaiting, Message: "its placeholder got content, or was deleted, in Tenovos: the file becomes the next version",
}

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
	return prev.Kind == journal.Placeholder && prev.Status == journal.Filed && prev.Attempt != nil && prev.Attempt.Vacant &&
		size <= tenovos.MultipartOver && now.Add(placeholderMargin).Before(prev.Attempt.Expires)
}

// fillPlaceholder makes a file the content of its path's placeholder rather than
// the next version: mapped -> created. It returns the entry as it is then, and the zero
// one where that cannot be.
func (p *Pipeline) fillPlaceholder(ctx context.Context, e journal.Entry, asset tenovos.NewAsset) (now journal.Entry, err error) {
	if asset.OriginalFileID == "" {
		return now, nil
	}
	prev, ok, err := p.journal.Previous(ctx, e)
	if err != nil || !ok || prev.OriginalFileID != asset.OriginalFileID || !TakesContent(prev, e.Size, p.now()) {
		return now, err
	}
	held, err := storedAsset(prev)
	if err != nil || held.TemplateID != asset.TemplateID { // no edit can change that
		return now, err
	}
	now, err = p.advance(ctx, journal.Move{ID: e.ID, From: journal.Mapped, To: journal.Created, Fills: prev.ID})
	if err == nil {
		p.entryLog(p.log.Info(), e).Str("object_id", prev.ObjectID).Msg("the file becomes the content of its placeholder")
	}
	return now, err
}

// prepare gives a placeholder the metadata and the security templates of the file
// that is to fill it, before anybody can see the content. One that has got content,
// or went, in Tenovos is left alone: the file is its next version.
func (p *Pipeline) prepare(ctx context.Context, e journal.Entry) error {
	taken := &verdictError{verdict{to: journal.Mapped, reason: reasonTaken}}
	now, err := p.api.Asset(ctx, e.FileID)
	switch {
	case errors.Is(err, tenovos.ErrNotFound), errors.Is(err, tenovos.ErrRejected):
		return taken
	case err != nil:
		return &lookError{fmt.Errorf("look at the placeholder: %w", err)}
	case now.Deleted() || now.HasContent || !now.Current:
		return taken
	}
	asset, err := storedAsset(e)
	if err != nil {
		return err
	}
	edit := tenovos.Edit{Metadata: tenovos.Changes(now.Metadata, asset.Metadata)}
	if !sameSet(now.SecurityIDs, asset.SecurityIDs) {
		edit.SecurityIDs = asset.SecurityIDs
	}
	if len(edit.Metadata) == 0 && len(edit.SecurityIDs) == 0 {
		return nil
	}
	err = p.api.UpdateAsset(ctx, e.ObjectID, edit)
	if errors.Is(err, tenovos.ErrNotFound) || errors.Is(err, tenovos.ErrRejected) {
		return taken
	}
	return err
}

// filled reports that the content of a file which was given up on its way into a
// placeholder has come there all the same.
func (p *Pipeline) filled(ctx context.Context, e journal.Entry) (bool, error) {
	a, err := p.api.Asset(ctx, e.FileID)
	switch {
	case errors.Is(err, tenovos.ErrNotFound), errors.Is(err, tenovos.ErrRejected):
		return false, nil
	case err != nil:
		return false, err
	case a.Deleted() || a.MD5 == "":
		return false, nil
	}
	same, err := p.sameChecksum(ctx, e, a.MD5)
	if isFolderGone(err) {
		return false, err
	}
	if _, own := errors.AsType[*verdictError](err); own || isFileSystemError(err) || isGone(err) {
		return false, nil // what was sent is not there any more
	}
	return same, err
}
