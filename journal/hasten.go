package journal

import (
	"context"
	"database/sql"
)

// hastenBatch is how many entries Hasten makes due in one transaction: others write, too.
const hastenBatch = 1000

// Hasten makes the entries that are deferred for a reason of a class due at once.
func (j *Journal) Hasten(ctx context.Context, class string) error {
	for {
		var n int64
		err := j.write(ctx, "end a wait", func(tx *sql.Tx) error {
			res, err := tx.ExecContext(ctx, `UPDATE entries SET not_before = ?1 WHERE id IN (
				SELECT id FROM entries INDEXED BY entries_begun WHERE `+begunSQL+` AND not_before > ?1 AND class = ?2
				UNION ALL
				SELECT id FROM entries INDEXED BY entries_queued WHERE `+queuedSQL+` AND not_before > ?1 AND class = ?2
				LIMIT ?3)`, j.now(), class, hastenBatch)
			if err != nil {
				return err
			}
			n, err = res.RowsAffected()
			return err
		})
		if err != nil || n < hastenBatch {
			return err
		}
	}
}
