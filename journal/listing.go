package journal

import (
	"context"
	"database/sql"
)

// Listing answers what a page shows of a journal of any size: each of its lists is read
// from an index and has an end.
type Listing struct{ r *Reader }

// ListingOf returns the lists of a journal that is read.
func ListingOf(r *Reader) Listing { return Listing{r} }

const (
	restingReasons = `SELECT id, path, class, message, hint FROM entries {using entries_status}
		WHERE rests = 1 AND status = ? AND folder = ? AND id > ? ORDER BY id LIMIT ?`

	listedWork = `SELECT entry_id FROM work {using work_due} WHERE lane = ? ORDER BY not_before, entry_id LIMIT ?`

	// Of a drop that waits, each mapped file has the reason.
	batchReason = `SELECT message, hint FROM entries {using entries_batch}
		WHERE ` + inBatch + ` AND folder = ? AND batch = ? AND status = {mapped} LIMIT 1`
)

// Reasons calls yield with the reason of each entry of a folder that rests in a status,
// by id and behind the id after, until it has done so for limit of them or yield returns
// false.
func (l Listing) Reasons(ctx context.Context, folder string, status Status, after int64, limit int, yield func(id int64, path string, r Reason) bool) error {
	return l.r.ask(ctx, "list reasons", func(tx *session) error {
		return eachUntil(ctx, tx, func(rows *sql.Rows) (bool, error) {
			var id int64
			var path []byte
			var r Reason
			if err := rows.Scan(&id, &path, &r.Class, &r.Message, &r.Hint); err != nil {
				return false, err
			}
			return yield(id, string(path), r), nil
		}, restingReasons, status, folder, after, limit)
	})
}

// Begun returns up to limit entries of which something was begun in Tenovos.
func (l Listing) Begun(ctx context.Context, limit int) ([]Entry, error) {
	return l.work(ctx, 2, limit)
}

// Deferred returns up to limit entries that wait for their turn again after a trouble,
// what is due first before the rest.
func (l Listing) Deferred(ctx context.Context, limit int) ([]Entry, error) {
	return l.work(ctx, 1, limit)
}

func (l Listing) work(ctx context.Context, lane, limit int) (out []Entry, err error) {
	err = l.r.read(ctx, "list what is under way", func(tx *session) error {
		ids, err := idsOf(ctx, tx, listedWork, lane, limit)
		if err != nil {
			return err
		}
		for _, id := range ids {
			e, err := scanEntry(tx.row(ctx, `SELECT `+entryColumns+` FROM entries e WHERE e.id = ?`, id).Scan)
			if err != nil {
				return err
			}
			out = append(out, e)
		}
		return nil
	})
	return out, err
}

// WaitingBatch is a drop that was not released, and what it waits for.
type WaitingBatch struct {
	Dir    string // below its folder; "" is the folder itself
	Files  int
	Reason Reason
}

// Batches returns up to limit drops of a folder that were not released, by name.
func (l Listing) Batches(ctx context.Context, folder string, limit int) (out []WaitingBatch, err error) {
	err = l.r.read(ctx, "list drops that wait", func(tx *session) error {
		err := eachUntil(ctx, tx, func(rows *sql.Rows) (bool, error) {
			var dir []byte
			err := rows.Scan(&dir)
			out = append(out, WaitingBatch{Dir: string(dir)})
			return len(out) < limit, err
		}, openBatches, folder)
		if err != nil {
			return err
		}
		for i := range out {
			b := &out[i]
			in, err := Batch{folder, b.Dir}.state(ctx, tx)
			if err == nil {
				b.Files = in.Members()
				err = each(ctx, tx, func(rows *sql.Rows) error { return rows.Scan(&b.Reason.Message, &b.Reason.Hint) }, batchReason, folder, []byte(b.Dir))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// eachUntil is each until scan returns false.
func eachUntil(ctx context.Context, s *session, scan func(*sql.Rows) (bool, error), text string, args ...any) error {
	rows, err := s.query(ctx, text, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // Err has told what there is to tell
	for rows.Next() {
		if more, err := scan(rows); err != nil || !more {
			return err
		}
	}
	return rows.Err()
}
