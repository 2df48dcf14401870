package journal

import (
	"context"
	"database/sql"
)

// Backlog is what workers still have to do.
type Backlog struct {
	Files int64
	Bytes int64 // still to be sent: without the parts that are stored, and the files of which all are
}

// What waits is summed up in indexes that hold the sizes.
const (
	backlogReady = `SELECT count(*), coalesce(sum(size), 0) FROM entries INDEXED BY entries_next
		WHERE ` + queuedSQL + ` AND not_before = 0 AND folder IN (SELECT value FROM json_each(?))`
	backlogDeferred = `SELECT count(*), coalesce(sum(size), 0) FROM entries INDEXED BY entries_deferred
		WHERE ` + queuedSQL + ` AND not_before > 0 AND folder IN (SELECT value FROM json_each(?))`
	backlogBegun = `SELECT count(*), coalesce(sum(CASE
			WHEN status IN ('completing', 'verifying', 'verified') THEN 0
			ELSE max(0, size - (SELECT coalesce(sum(p.size), 0) FROM attempts a JOIN parts p ON p.attempt_id = a.id
				WHERE a.entry_id = e.id AND a.ended_at IS NULL AND p.done_at IS NOT NULL)) END), 0)
		FROM entries e INDEXED BY entries_begun
		WHERE ` + begunSQL + ` AND folder IN (SELECT value FROM json_each(?))`
)

// Backlog adds up what is left to do in the folders. It reads no filed entry:
// some 0.2 s for a million that wait.
func (r *Reader) Backlog(ctx context.Context, folders []string) (Backlog, error) {
	var sum Backlog
	err := r.read(ctx, "add up what is left", func(tx *sql.Tx) error {
		for _, query := range []string{backlogReady, backlogDeferred, backlogBegun} {
			var b Backlog
			if err := tx.QueryRowContext(ctx, query, list(folders)).Scan(&b.Files, &b.Bytes); err != nil {
				return err
			}
			sum.Files += b.Files
			sum.Bytes += b.Bytes
		}
		return nil
	})
	return sum, err
}
