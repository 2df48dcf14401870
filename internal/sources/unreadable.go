package sources

import (
	"context"

	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/journal"
)

// RetryUnreadable sends round again what failed because it could not be read: a new
// process may have other rights.
func RetryUnreadable(ctx context.Context, j *journal.Journal, folders []string) error {
	var again []journal.Entry
	err := j.Reader().Entries(ctx, journal.Filter{Statuses: []journal.Status{journal.Failed}, Folders: folders}, func(e journal.Entry) error {
		if e.Reason.Class == reasons.ClassUnreadable && !e.Taken() {
			again = append(again, e)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, e := range again {
		newer, err := j.Reader().HasNewer(ctx, e)
		if err == nil && !newer {
			_, err = j.Advance(ctx, journal.Move{ID: e.ID, From: journal.Failed, To: journal.Settled, ResetCounts: true, AsNew: e.AsNew})
			err = journal.UnlessMoved(err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
