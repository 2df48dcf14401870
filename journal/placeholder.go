package journal

import (
	"context"
	"database/sql"
	"errors"
)

// fills reports a move that makes a file the content of an asset which is there.
func (m Move) fills() bool { return m.From == Mapped && m.To == Created }

// fill opens an attempt that puts a file into the asset of a placeholder, whose URL
// it takes: ErrMoved if that one is not filed, or has none any more.
func fill(ctx context.Context, tx *session, m Move, now int64) error {
	var c Creation
	var attempt int64
	err := moved(tx.exec(ctx, `INSERT INTO attempts (entry_id, number, intent_at, fills, object_id, file_id, original_file_id, expires, part_size)
		SELECT e.id, 1 + (SELECT count(*) FROM attempts WHERE entry_id = e.id), ?, p.id, v.object_id, v.file_id, v.original_file_id, v.expires, e.size
		FROM entries e, entries p JOIN attempts v ON v.entry_id = p.id
		WHERE e.id = ? AND p.id = ? AND p.status = {filed} AND v.vacant = 1`, now, m.ID, m.Fills))
	if err != nil {
		return err
	}
	err = tx.row(ctx, `SELECT id, object_id, file_id, original_file_id FROM attempts WHERE entry_id = ? AND ended_at IS NULL`, m.ID).
		Scan(&attempt, &c.ObjectID, &c.FileID, &c.OriginalFileID)
	if err != nil {
		return err
	}
	for _, step := range []struct {
		sql  string
		args []any
	}{
		{`UPDATE parts SET attempt_id = ?, size = (SELECT size FROM entries WHERE id = ?)
			WHERE attempt_id IN (SELECT id FROM attempts WHERE entry_id = ? AND vacant = 1)`, []any{attempt, m.ID, m.Fills}},
		{`UPDATE attempts SET vacant = 0 WHERE entry_id = ?`, []any{m.Fills}},
	} {
		if _, err := tx.exec(ctx, step.sql, step.args...); err != nil {
			return err
		}
	}
	return setIDs(ctx, tx, m.ID, c)
}

// supersedePlaceholder ends the placeholder whose asset holds an entry's content now,
// if there is one: from here on the asset is that entry's.
func supersedePlaceholder(ctx context.Context, tx *session, entry, now int64) error {
	var placeholder int64
	err := tx.row(ctx, `UPDATE entries SET status = {superseded}, since = ?1, updated = ?1, mark = NULL
		WHERE status = {filed} AND id = (SELECT fills FROM attempts WHERE entry_id = ?2 ORDER BY number DESC LIMIT 1)
		RETURNING id`, now, entry).Scan(&placeholder)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // as nearly always
	}
	if err != nil {
		return err
	}
	if _, err := tx.exec(ctx, `DELETE FROM edits WHERE entry_id = ?`, placeholder); err != nil {
		return err
	}
	return setReplaced(ctx, tx, placeholder)
}

// keepVacancy closes the open attempt of a placeholder without wiping its URL, and
// wipes those that have died. False if there is no such attempt.
func keepVacancy(ctx context.Context, tx *session, entry, now int64) (bool, error) {
	n, err := affect(ctx, tx, `UPDATE attempts SET ended_at = ?1, vacant = 1 WHERE entry_id = ?2 AND ended_at IS NULL AND upload_id = ''
		AND EXISTS (SELECT 1 FROM entries WHERE id = ?2 AND kind = 'placeholder')
		AND EXISTS (SELECT 1 FROM parts WHERE attempt_id = attempts.id AND url IS NOT NULL)`, now, entry)
	if err != nil || n == 0 {
		return false, err
	}
	if _, err := tx.exec(ctx, `DELETE FROM parts WHERE attempt_id IN (SELECT id FROM attempts WHERE vacant = 1 AND expires <= ?)`, now); err != nil {
		return false, err
	}
	_, err = tx.exec(ctx, `UPDATE attempts SET vacant = 0 WHERE vacant = 1 AND expires <= ?`, now)
	return true, err
}

// Filling returns the entry whose file is on its way into a placeholder's asset; 0
// if there is none.
func (r *Reader) Filling(ctx context.Context, placeholder int64) (entry int64, err error) {
	err = r.ask(ctx, "look for what fills a placeholder", func(tx *session) error {
		return tx.row(ctx, `SELECT coalesce(max(a.entry_id), 0) FROM entries p JOIN attempts a ON a.object_id = p.object_id
			WHERE p.id = ? AND p.object_id <> '' AND a.object_id <> '' AND a.fills = p.id AND a.ended_at IS NULL`, placeholder).Scan(&entry)
	})
	return entry, err
}
