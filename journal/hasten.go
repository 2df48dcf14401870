package journal

import (
	"context"
	"database/sql"
)

// hastenBatch is how many entries Hasten makes due in one transaction: others write, too.
const hastenBatch = 1000

// waitingSQL selects the ids of entries (at most ?3) that are deferred beyond a time (?1)
// for a reason of a class (?2).
const waitingSQL = `
	SELECT id FROM entries INDEXED BY entries_begun WHERE ` + begunSQL + ` AND not_before > ?1 AND class = ?2
	UNION ALL
	SELECT id FROM entries INDEXED BY entries_queued WHERE ` + queuedSQL + ` AND not_before > ?1 AND class = ?2
	LIMIT ?3`

// Hasten makes the entries that are deferred for a reason of a class due at once. Where
// there are none it commits nothing.
func (j *Journal) Hasten(ctx context.Context, class string) error {
	const op = "end a wait"
	for {
		var some bool
		err := j.reader.read(ctx, op, func(tx *sql.Tx) error {
			return tx.QueryRowContext(ctx, `SELECT EXISTS (`+waitingSQL+`)`, j.now(), class, 1).Scan(&some)
		})
		if err != nil || !some {
			return err
		}
		err = j.write(ctx, op, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `UPDATE entries SET not_before = ?1 WHERE id IN (`+waitingSQL+`)`, j.now(), class, hastenBatch)
			return err
		})
		if err != nil {
			return err
		}
	}
}
