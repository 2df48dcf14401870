package journal

import (
	"context"
	"database/sql"
)

// CancelQueued cancels those of some entries of which nothing was begun, settled or
// mapped, in one transaction, and returns them as they were. The others stay as they are.
func (q Requests) CancelQueued(ctx context.Context, ids []int64, why Reason) ([]Entry, error) {
	var done []Entry
	err := q.j.write(ctx, "cancel entries of which nothing was begun", func(tx *session) error {
		done = nil
		err := each(ctx, tx, func(rows *sql.Rows) error {
			e, err := scanEntry(rows.Scan)
			done = append(done, e)
			return err
		}, `SELECT `+entryColumns+` FROM entries e WHERE id IN {list ?} AND status IN {queued} ORDER BY id`, list(ids))
		if err != nil {
			return err
		}
		now := q.j.now()
		for _, e := range done {
			m := Move{ID: e.ID, From: e.Status, To: Cancelled, Reason: why}
			if err := m.check(); err != nil {
				return err
			}
			if _, err := advance(ctx, tx, m, now); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return done, nil
}
