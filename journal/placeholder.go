package journal

import (
	"context"
	"database/sql"
)

// Vacancy returns the URL of an ended attempt of a placeholder, as its only part:
// nothing was put there yet. False if it has none any more, or never had one.
func (a *Attempt) Vacancy() (Part, bool) {
	if a == nil || !a.vacant || len(a.Parts) != 1 {
		return Part{}, false
	}
	return a.Parts[0], true
}

// fills reports a move that makes a file the content of an asset which is there.
func (m Move) fills() bool { return m.From == Mapped && m.To == Created }

// fill opens an attempt that puts a file into the asset of the placeholder called
// from, whose URL it takes: ErrMoved if that one is not filed, or has none any more.
// What the file's own metadata changes is an edit.
func fill(ctx context.Context, tx *sql.Tx, m Move, now int64) error {
	err := moved(tx.ExecContext(ctx, `DELETE FROM parts WHERE attempt_id IN (SELECT a.id FROM attempts a JOIN entries e ON e.id = a.entry_id
		WHERE e.id = ? AND e.status = 'filed' AND a.vacant = 1)`, m.Fills))
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE attempts SET vacant = 0 WHERE entry_id = ?`, m.Fills); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO attempts (entry_id, number, intent_at, fills)
		SELECT ?1, coalesce(max(number), 0) + 1, ?2, 1 FROM attempts WHERE entry_id = ?1`, m.ID, now)
	if err != nil {
		return err
	}
	if err := fillAttempt(ctx, tx, m.ID, *m.Created); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO edits (entry_id, asked_at) VALUES (?, ?)`+openEdit, m.ID, now)
	return err
}

// supersedePlaceholder ends the placeholder whose asset holds an entry's content
// now: from here on the asset is that entry's.
func supersedePlaceholder(ctx context.Context, tx *sql.Tx, entry, now int64) error {
	const theOne = `SELECT p.id FROM entries e JOIN entries p ON p.object_id = e.object_id
		WHERE e.id = ? AND e.object_id <> '' AND p.object_id <> '' AND p.id <> e.id AND p.kind = 'placeholder' AND p.status = 'filed'`
	if _, err := tx.ExecContext(ctx, `DELETE FROM edits WHERE entry_id IN (`+theOne+`)`, entry); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE entries SET status = 'superseded', since = ?, updated = ?, mark = NULL WHERE id IN (`+theOne+`)`,
		now, now, entry)
	return err
}

// keepVacancy closes the open attempt of a placeholder without wiping its URL, and
// wipes those that have died. False if there is no such attempt.
func keepVacancy(ctx context.Context, tx *sql.Tx, entry, now int64) (bool, error) {
	n, err := affect(ctx, tx, `UPDATE attempts SET ended_at = ?1, vacant = 1 WHERE entry_id = ?2 AND ended_at IS NULL AND upload_id = ''
		AND EXISTS (SELECT 1 FROM entries WHERE id = ?2 AND kind = 'placeholder') AND EXISTS (SELECT 1 FROM parts WHERE attempt_id = attempts.id AND url IS NOT NULL)`, now, entry)
	if err != nil || n == 0 {
		return false, err
	}
	return true, endVacancies(ctx, tx, now)
}

// endVacancies forgets the kept URLs that have died.
func endVacancies(ctx context.Context, tx *sql.Tx, now int64) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM parts WHERE attempt_id IN (SELECT id FROM attempts WHERE vacant = 1 AND expires <= ?)`, now)
	if err == nil {
		_, err = tx.ExecContext(ctx, `UPDATE attempts SET vacant = 0 WHERE vacant = 1 AND expires <= ?`, now)
	}
	return err
}
