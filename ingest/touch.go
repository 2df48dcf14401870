package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// A touch moves the change time of a file and nothing else: a mode, an owner, a link or
// an attribute was set, or it was renamed. Content that was rewritten with its times
// put back looks the same. So a touch throws nothing away, and where something was sent
// the bytes decide: they are compared once, before they are declared whole, and once
// more before the file is filed, moved or deleted.

// ledger is where the journal keeps what was sent.
type ledger interface {
	Entry(ctx context.Context, id int64) (journal.Entry, error)
	learner
}

// resume compares the parts that an earlier process stored with the file's bytes, for
// the hint may lie. Where the file was touched since what was sent was last compared,
// all stored parts are compared. It returns the entry with the hint that holds then.
func resume(ctx context.Context, l ledger, e journal.Entry, src *uploader.Source, started time.Time) (journal.Entry, error) {
	touched := src.Hint().ChangeTime != e.ChangeTime
	if err := holdsSent(ctx, e, src, func(p journal.Part) bool { return touched || p.DoneAt.Before(started) }); err != nil || !touched {
		return e, err
	}
	e.ChangeTime = src.Hint().ChangeTime
	return e, compared(ctx, l, e.ID, e.ChangeTime)
}

// confirm compares what was sent of an entry with what its file holds now, if that was
// touched since it was opened.
func confirm(ctx context.Context, l ledger, e journal.Entry, src *uploader.Source) error {
	now, err := src.Now()
	if err != nil || now.ChangeTime == e.ChangeTime {
		return err
	}
	if e, err = l.Entry(ctx, e.ID); err != nil { // with all that was sent
		return err
	}
	if err := holdsSent(ctx, e, src, func(journal.Part) bool { return true }); err != nil {
		return err
	}
	return compared(ctx, l, e.ID, now.ChangeTime)
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
func compare(ctx context.Context, j *journal.Journal, e journal.Entry, src *uploader.Source) (same bool, err error) {
	last, _, err := j.Reader().LastAttempt(ctx, e)
	if err != nil {
		return false, err
	}
	same, err = (&content{src: src}).same(ctx, last)
	if err != nil {
		return false, err
	}
	if !same {
		return false, j.AdmitRewritten(ctx, e.With(src.Hint()))
	}
	return true, compared(ctx, j, e.ID, src.Hint().ChangeTime)
}

// lastLook looks once more at a file that stays, before its entry is filed: from then
// on a touch is a touch. What cannot be looked at any more is left to the watcher.
func (p *Pipeline) lastLook(ctx context.Context, e journal.Entry) error {
	if e.Kind != journal.File || !p.folders[e.Folder].After.Keeps() || !p.mounts.Usable(e.Folder) {
		return nil
	}
	src, err := p.open(e)
	if err != nil {
		return nil //nolint:nilerr // it is in; what became of the file since is another matter
	}
	defer src.Close()
	if src.Hint().ChangeTime == e.ChangeTime || !e.Alike(src.Hint()) {
		return nil
	}
	_, err = compare(ctx, p.journal, e, src)
	if isFileSystemError(err) || isGone(err) || errors.Is(err, uploader.ErrSourceChanged) {
		return nil
	}
	return err
}
