package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// beforeSQL finds the latest generation of a path before one whose content reached Tenovos.
var beforeSQL = ` FROM entries e WHERE folder = ? AND path = ? AND generation < ? AND ` + of("e", ingested) + ` ORDER BY generation DESC LIMIT 1`

// previousID finds the id of that one by an entry's own; 0 if there is none.
var previousID = `SELECT coalesce((SELECT p.id FROM entries p
		WHERE p.folder = e.folder AND p.path = e.path AND p.generation < e.generation AND ` + of("p", ingested) + `
		ORDER BY p.generation DESC LIMIT 1), 0) FROM entries e WHERE e.id = ?`

// Latest returns the latest generation of a path, without its Attempt. False if
// the journal does not know the path.
func (r *Reader) Latest(ctx context.Context, folder, path string) (Entry, bool, error) {
	var e Entry
	var ok bool
	err := r.ask(ctx, "find the latest generation of a path", func(tx *session) (err error) {
		e, err = scanEntry(tx.row(ctx, `SELECT `+entryColumns+` FROM entries e
			WHERE folder = ? AND path = ? ORDER BY generation DESC LIMIT 1`, folder, []byte(path)).Scan)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		ok = err == nil
		return err
	})
	return e, ok, err
}

// Previous returns the latest earlier generation of e's path whose content was
// ingested: verified, filed, withdrawn, or held as unverified. Its Attempt is
// its last one, ended or not, with the parts and their MD5. False if there is
// none.
func (r *Reader) Previous(ctx context.Context, e Entry) (Entry, bool, error) {
	var p Entry
	var ok bool
	op := fmt.Sprintf("find what was ingested before entry %d", e.ID)
	err := r.read(ctx, op, func(tx *session) (err error) {
		p, err = scanEntry(tx.row(ctx, `SELECT `+entryColumns+beforeSQL, e.Folder, []byte(e.Path), e.Generation).Scan)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		ok = true
		return lastAttempt(ctx, tx, &p)
	})
	return p, ok, err
}

// merge lets the entry called previous take over the hint, the open chores and
// the place of the entry called id, which is deleted. What became of its file is an event.
func merge(ctx context.Context, tx *session, id, previous int64, place int, what Reason, now int64) error {
	var n Entry
	var dev, ino int64
	var at int64
	var mark sql.NullInt64
	err := tx.row(ctx, `SELECT folder, size, mod_time, change_time, dev, ino, sha256, place, mark FROM entries WHERE id = ?`, id).
		Scan(&n.Folder, &n.Size, &n.ModTime, &n.ChangeTime, &dev, &ino, &n.SHA256, &at, &mark)
	if err != nil {
		return err
	}
	for _, step := range []struct {
		sql  string
		args []any
	}{
		{`UPDATE chores SET entry_id = ? WHERE entry_id = ?`, []any{previous, id}},
		{`DELETE FROM entries WHERE id = ?`, []any{id}}, // first: the place is taken until then
		{`UPDATE entries SET size = ?, mod_time = ?, change_time = ?, dev = ?, ino = ?, sha256 = coalesce(sha256, ?), generation = ?, place = ?, mark = ?
			WHERE id = ?`, []any{n.Size, n.ModTime, n.ChangeTime, dev, ino, n.SHA256, place, at, mark, previous}},
		{`UPDATE folders SET seen = seen - 1 WHERE name = ?`, []any{n.Folder}},
		{`UPDATE events SET entry_id = ? WHERE entry_id = ?`, []any{previous, id}},
		{`INSERT INTO events (at, entry_id, kind, was, class, message) SELECT ?, id, status, status, ?, ? FROM entries WHERE id = ?`,
			[]any{now, what.Class, what.Message, previous}},
	} {
		if _, err := tx.exec(ctx, step.sql, step.args...); err != nil {
			return err
		}
	}
	return refresh(ctx, tx, previous)
}

// LastAttempt returns e with its last attempt, ended or not, and the attempt's
// parts. False if there was none.
func (r *Reader) LastAttempt(ctx context.Context, e Entry) (Entry, bool, error) {
	err := r.ask(ctx, fmt.Sprintf("read the last attempt of entry %d", e.ID), func(tx *session) error {
		return lastAttempt(ctx, tx, &e)
	})
	return e, e.Attempt != nil, err
}

// HasNewer reports whether a later generation of e's path is recorded.
func (r *Reader) HasNewer(ctx context.Context, e Entry) (bool, error) {
	var newer bool
	err := r.ask(ctx, fmt.Sprintf("look for a generation after entry %d", e.ID), func(tx *session) error {
		return tx.row(ctx, `SELECT EXISTS (SELECT 1 FROM entries WHERE folder = ? AND path = ? AND generation > ?)`,
			e.Folder, []byte(e.Path), e.Generation).Scan(&newer)
	})
	return newer, err
}
