package report

import (
	"cmp"
	"context"
	"slices"

	"github.com/tenovos-ingest/ingestd/journal"
)

// EntriesOf returns entries by their ids; what the journal does not know is missing.
func EntriesOf(ctx context.Context, r *journal.Reader, ids []int64) (map[int64]Entry, error) {
	out := make(map[int64]Entry, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	obstacles, err := journal.ListingOf(r).Obstacles(ctx, ids)
	if err != nil {
		return nil, err
	}
	hours, err := journal.HoursOf(ctx, r)
	if err != nil {
		return nil, err
	}
	err = r.Entries(ctx, journal.Filter{IDs: ids}, func(e journal.Entry) error {
		out[e.ID] = entryOf(e, obstacles[e.ID], hours[e.Folder])
		return nil
	})
	return out, err
}

// Begun returns up to limit files of which something was begun in Tenovos, and Deferred
// those that wait for their turn again after a trouble.
func Begun(ctx context.Context, r *journal.Reader, limit int) ([]Entry, error) {
	return entriesOf(journal.ListingOf(r).Begun(ctx, limit))
}

// Deferred is described with Begun.
func Deferred(ctx context.Context, r *journal.Reader, limit int) ([]Entry, error) {
	return entriesOf(journal.ListingOf(r).Deferred(ctx, limit))
}

func entriesOf(list []journal.Entry, err error) ([]Entry, error) {
	out := make([]Entry, len(list))
	for i, e := range list {
		out[i] = entryOf(e, journal.Obstacle{}, "")
	}
	return out, err
}

// sortBy sorts by a number, and leaves what is equal in its order.
func sortBy[T any](list []T, by func(T) int) {
	slices.SortStableFunc(list, func(a, b T) int { return cmp.Compare(by(a), by(b)) })
}
