package ingest

import (
	"context"
	"errors"
	"fmt"

	"github.com/tenovos-ingest/ingestd/internal/content"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// A touch moves the change time of a file and nothing else: a mode, an owner, a link or
// an attribute was set, or it was renamed. Content that was rewritten with its times
// put back looks the same. So a touch throws nothing away, and where something was sent
// the bytes decide: they are compared once, before they are declared whole, and once
// more before the file is filed, moved or deleted.

// resume compares the parts that an earlier process stored with the file's bytes, for
// the hint may lie. Where the file was touched since what was sent was last compared,
// all stored parts are compared. It returns the entry with the hint that holds then.
func (c *core) resume(ctx context.Context, e journal.Entry, src *uploader.Source) (journal.Entry, error) {
	touched := src.Hint().ChangeTime != e.ChangeTime
	if err := content.HoldsSent(ctx, e, src, func(p journal.Part) bool { return touched || p.DoneAt.Before(c.started) }); err != nil || !touched {
		return e, err
	}
	e.ChangeTime = src.Hint().ChangeTime
	return e, c.journal.Learn(ctx, e.ID, journal.Learned{Compared: e.ChangeTime})
}

// compare compares the file of an entry that was ingested with what was sent of it. It
// has the journal take the hint of the same bytes, and others, or where nothing is
// known of what was sent, as a new generation of the path.
func (c *core) compare(ctx context.Context, e journal.Entry, src *uploader.Source) (same bool, err error) {
	last, _, err := c.reader.LastAttempt(ctx, e)
	if err != nil {
		return false, err
	}
	same, err = content.Of(src).Same(ctx, last)
	if err != nil {
		return false, err
	}
	if !same {
		return false, c.journal.AdmitRewritten(ctx, e.With(src.Hint()))
	}
	return true, c.journal.Learn(ctx, e.ID, journal.Learned{Compared: src.Hint().ChangeTime})
}

// lastLook looks once more at a file that stays, before its entry is filed: from then
// on a touch is a touch. What cannot be looked at any more is left to the watcher.
func (c *core) lastLook(ctx context.Context, e journal.Entry) error {
	if e.Kind != journal.File || !c.folders[e.Folder].After.Keeps() || !c.mounts.Usable(e.Folder) {
		return nil
	}
	src, err := c.open(e)
	if err != nil {
		return nil //nolint:nilerr // it is in; what became of the file since is another matter
	}
	defer src.Close()
	if src.Hint().ChangeTime == e.ChangeTime || !e.Alike(src.Hint()) {
		return nil
	}
	_, err = c.compare(ctx, e, src)
	if isFileSystemError(err) || isGone(err) || errors.Is(err, uploader.ErrSourceChanged) {
		return nil
	}
	return err
}

// rehash hashes the file of an entry, if that is still what was seen, and stores the hash.
func (c *core) rehash(ctx context.Context, e journal.Entry) ([]byte, error) {
	src, err := c.open(e)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	if !e.Alike(src.Hint()) {
		return nil, fmt.Errorf("%s: %w", e.Path, uploader.ErrSourceChanged)
	}
	sum, err := src.SHA256(ctx)
	if err != nil {
		return nil, err
	}
	return sum, c.journal.Learn(ctx, e.ID, journal.Learned{SHA256: sum})
}
