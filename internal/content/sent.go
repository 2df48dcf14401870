package content

import (
	"context"
	"fmt"

	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// Confirm compares what was sent of an entry, which has all of it, with what its file
// holds now, if that was touched since it was opened. It returns the change time at which
// they were the same, 0 where nothing was to be compared.
func Confirm(ctx context.Context, e journal.Entry, src *uploader.Source) (compared int64, err error) {
	now, err := src.Now()
	if err != nil || now.ChangeTime == e.ChangeTime {
		return 0, err
	}
	return now.ChangeTime, HoldsSent(ctx, e, src, func(journal.Part) bool { return true })
}

// HoldsSent is ErrSourceChanged unless the file holds the stored parts that which
// chooses.
func HoldsSent(ctx context.Context, e journal.Entry, src *uploader.Source, which func(journal.Part) bool) error {
	if e.Attempt == nil {
		return nil
	}
	stored := Of(src)
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
