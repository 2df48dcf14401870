package ingest

import (
	"context"
	"errors"
	"fmt"

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
	if err := holdsSent(ctx, e, src, func(p journal.Part) bool { return touched || p.DoneAt.Before(c.started) }); err != nil || !touched {
		return e, err
	}
	e.ChangeTime = src.Hint().ChangeTime
	return e, c.learn(ctx, e.ID, journal.Learned{Compared: e.ChangeTime})
}

// confirm compares what was sent of an entry, which has all of it, with what its file
// holds now, if that was touched since it was opened. It returns the change time at which
// they were the same, 0 where nothing was to be compared.
func confirm(ctx context.Context, e journal.Entry, src *uploader.Source) (compared int64, err error) {
	now, err := src.Now()
	if err != nil || now.ChangeTime == e.ChangeTime {
		return 0, err
	}
	return now.ChangeTime, holdsSent(ctx, e, src, func(journal.Part) bool { return true })
}

// holdsSent is ErrSourceChanged unless the file holds the stored parts that which
// chooses.
func holdsSent(ctx context.Context, e journal.Entry, src *uploader.Source, which func(journal.Part) bool) error {
	if e.Attempt == nil {
		return nil
	}
	stored := content{src: src}
	for _, part := range e.Attempt.Parts {
		if part.ETag == "" || len(part.MD5) == 0 || !which(part) {
			continue
		}
		same, err := stored.holds(ctx, part)
		if err != nil {
			return err
		}
		if !same {
			return fmt.Errorf("%s: part %d was sent with other bytes: %w", e.Path, part.Number, uploader.ErrSourceChanged)
		}
	}
	return nil
}

// compare compares the file of an entry that was ingested with what was sent of it. It
// has the journal take the hint of the same bytes, and others, or where nothing is
// known of what was sent, as a new generation of the path.
func (c *core) compare(ctx context.Context, e journal.Entry, src *uploader.Source) (same bool, err error) {
	last, _, err := c.reader.LastAttempt(ctx, e)
	if err != nil {
		return false, err
	}
	same, err = (&content{src: src}).same(ctx, last)
	if err != nil {
		return false, err
	}
	if !same {
		return false, c.journal.AdmitRewritten(ctx, e.With(src.Hint()))
	}
	return true, c.learn(ctx, e.ID, journal.Learned{Compared: src.Hint().ChangeTime})
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
