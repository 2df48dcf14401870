package journal

import (
	"context"
	"database/sql"
	"time"
)

// The two halves of the queue. INDEXED BY makes a query fail rather than read a
// million filed entries, should it ever stop fitting its index.
const (
	begunFirst = `SELECT ` + entryColumns + ` FROM entries e INDEXED BY entries_begun
		WHERE ` + begunSQL + ` AND not_before <= ?1 AND id NOT IN (SELECT value FROM json_each(?2))
		  AND folder IN (SELECT value FROM json_each(?4))
		ORDER BY not_before, id LIMIT ?3`

	// A path's generations take turns: each waits until the earlier ones rest.
	queuedNext = `SELECT ` + entryColumns + ` FROM entries e INDEXED BY entries_queued
		WHERE ` + queuedSQL + ` AND not_before <= ?1 AND id NOT IN (SELECT value FROM json_each(?2))
		  AND folder IN (SELECT value FROM json_each(?4))
		  AND NOT EXISTS (SELECT 1 FROM entries b
			WHERE b.folder = e.folder AND b.path = e.path AND b.generation < e.generation
			  AND (b.` + begunSQL + ` OR b.` + queuedSQL + `))
		ORDER BY not_before, id LIMIT ?3`

	nextWake = `SELECT min(t) FROM (
		SELECT min(not_before) AS t FROM entries INDEXED BY entries_begun WHERE ` + begunSQL + ` AND not_before > ?1
		UNION ALL
		SELECT min(not_before) FROM entries INDEXED BY entries_queued WHERE ` + queuedSQL + ` AND not_before > ?1
		UNION ALL
		SELECT min(not_before) FROM chores WHERE not_before > ?1)`
)

// Runnable returns up to limit entries of the folders that may run now and are
// not in skip, each with its open attempt. What was begun comes first, because its URLs are
// dying and its promises are open; within that and within the rest the order
// is by NotBefore, then ID. A settled or mapped entry waits while an earlier
// generation of its path is runnable.
func (j *Journal) Runnable(ctx context.Context, now time.Time, folders []string, skip []int64, limit int) ([]Entry, error) {
	var out []Entry
	err := j.reader.read(ctx, "claim entries", func(tx *sql.Tx) error {
		for _, query := range []string{begunFirst, queuedNext} {
			err := each(ctx, tx, func(rows *sql.Rows) error {
				e, err := scanEntry(rows.Scan)
				out = append(out, e)
				return err
			}, query, ms(now), list(skip), limit-len(out), list(folders))
			if err != nil {
				return err
			}
		}
		for i := range out {
			if err := openAttempt(ctx, tx, &out[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// NextWake returns the earliest time after now at which an entry or a chore
// becomes due; false if none will.
func (j *Journal) NextWake(ctx context.Context, now time.Time) (time.Time, bool, error) {
	var next sql.NullInt64
	err := j.reader.read(ctx, "find the next entry due", func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, nextWake, ms(now)).Scan(&next)
	})
	return at(next.Int64), next.Valid, err
}

// NameCreating reports whether an entry with the file name is in creating: an
// asset of that name may exist whose id is not stored yet.
func (j *Journal) NameCreating(ctx context.Context, filename string) (bool, error) {
	var creating bool
	err := j.reader.read(ctx, "look for a create of "+filename, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM entries WHERE filename = ? AND status = 'creating')`, filename).
			Scan(&creating)
	})
	return creating, err
}
