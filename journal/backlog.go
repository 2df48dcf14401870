package journal

import (
	"context"
)

// Backlog is what workers still have to do.
type Backlog struct {
	Files int64
	Bytes int64 // still to be sent: without the parts that are stored, and the files of which all are
}

// The size of what waits stands in its row of work.
const (
	backlogWaiting = `SELECT count(*), coalesce(sum(size), 0) FROM work WHERE lane < 2 AND folder IN {list ?}`
	backlogBegun   = `SELECT count(*), coalesce(sum(CASE
			WHEN e.status IN ({completing}, {verifying}, {verified}) THEN 0
			WHEN e.size > s.sent THEN e.size - s.sent
			ELSE 0 END), 0)
		FROM (SELECT w.entry_id, (SELECT coalesce(sum(p.size), 0) FROM attempts a JOIN parts p ON p.attempt_id = a.id
				WHERE a.entry_id = w.entry_id AND a.ended_at IS NULL AND p.done_at IS NOT NULL) AS sent
			FROM work w WHERE w.lane = 2 AND w.folder IN {list ?}) s
		JOIN entries e ON e.id = s.entry_id`
)

// Backlog adds up what is left to do in the folders. It reads no filed entry:
// some 0.2 s for a million that wait.
func (r *Reader) Backlog(ctx context.Context, folders []string) (Backlog, error) {
	var sum Backlog
	err := r.ask(ctx, "add up what is left", func(tx *session) error {
		for _, query := range []string{backlogWaiting, backlogBegun} {
			var b Backlog
			if err := tx.row(ctx, query, list(folders)).Scan(&b.Files, &b.Bytes); err != nil {
				return err
			}
			sum.Files += b.Files
			sum.Bytes += b.Bytes
		}
		return nil
	})
	return sum, err
}
