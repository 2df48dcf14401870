package journal

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Notes are what people are told of their files by texts beside them. The journal keeps
// which are due: whatever moves an entry into Held or Failed, out of it, or to another
// path or reason within, makes its note due with the same commit, in folders that Tell.
type Notes struct{ j *Journal }

// NotesOf returns the notes of a journal.
func NotesOf(j *Journal) Notes { return Notes{j} }

// Note is the note of an entry, as far as it was written.
type Note struct {
	EntryID int64
	Path    string // where it was written; "" where there is none
	Told    []byte // what it was told for; empty where none was ever written
	Version int64
	Tries   int // how often it was deferred
}

// Tell says with what the notes of a folder are made besides what the journal knows; ""
// means that it has none. Where that is another text than before, all of them are due. It
// writes nothing where it is not.
func (n Notes) Tell(ctx context.Context, folder, with string) error {
	op := "set whether folder " + folder + " tells of files that are held"
	var now string
	err := n.j.reader.ask(ctx, op, func(tx *session) error {
		return tx.row(ctx, `SELECT coalesce((SELECT tell FROM folders WHERE name = ?), '')`, folder).Scan(&now)
	})
	if err != nil || now == with {
		return err
	}
	return n.j.write(ctx, op, func(tx *session) error {
		_, err := tx.exec(ctx, `INSERT INTO folders (name, tell) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET tell = excluded.tell`, folder, with)
		if err == nil && with != "" {
			_, err = tx.exec(ctx, `INSERT INTO notes (entry_id) SELECT id FROM entries {using entries_status}
				WHERE rests = 1 AND status IN ({held}, {failed}) AND folder = ? AND kind = '' ON CONFLICT (entry_id) DO NOTHING`, folder)
		}
		if err == nil {
			_, err = tx.exec(ctx, `UPDATE notes SET due = 0, tries = 0, version = version + 1
				WHERE (SELECT folder FROM entries e WHERE e.id = entry_id) = ?`, folder)
		}
		return err
	}, AboutNotes)
}

// Due returns up to limit notes of a folder that are due, longest due first.
func (n Notes) Due(ctx context.Context, now time.Time, folder string, limit int) (out []Note, err error) {
	err = n.j.reader.ask(ctx, "look for notes to write", func(tx *session) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var note Note
			var path []byte
			err := rows.Scan(&note.EntryID, &path, &note.Told, &note.Version, &note.Tries)
			note.Path = string(path)
			out = append(out, note)
			return err
		}, `SELECT n.entry_id, n.path, n.told, n.version, n.tries FROM notes n {using notes_due} CROSS JOIN entries e ON e.id = n.entry_id
			WHERE n.due <= ? AND e.folder = ? ORDER BY n.due, n.entry_id LIMIT ?`, ms(now), folder, limit)
	})
	return out, err
}

// Next returns when a note of a folder is due; false for never.
func (n Notes) Next(ctx context.Context, folder string) (due time.Time, some bool, err error) {
	err = n.j.reader.ask(ctx, "look when a note is due", func(tx *session) error {
		var next sql.NullInt64
		err := tx.row(ctx, `SELECT min(n.due) FROM notes n {using notes_due} CROSS JOIN entries e ON e.id = n.entry_id
			WHERE n.due IS NOT NULL AND e.folder = ?`, folder).Scan(&next)
		due, some = time.UnixMilli(next.Int64), next.Valid
		return err
	})
	return due, some, err
}

// Done records in one transaction what became of notes: each is as it should be for its
// Version. One whose entry has changed since stays due.
func (n Notes) Done(ctx context.Context, done []Note) error {
	if len(done) == 0 {
		return nil
	}
	return n.j.write(ctx, fmt.Sprintf("record %d notes", len(done)), func(tx *session) error {
		for _, note := range done {
			_, err := tx.exec(ctx, `UPDATE notes SET path = ?2, told = ?3, due = CASE version WHEN ?4 THEN NULL ELSE 0 END, tries = 0, message = ''
				WHERE entry_id = ?1`, note.EntryID, []byte(note.Path), append([]byte{}, note.Told...), note.Version)
			if err != nil {
				return err
			}
		}
		_, err := tx.exec(ctx, `DELETE FROM notes WHERE entry_id IN {list ?} AND due IS NULL AND path = x'' AND told = x''`, list(entriesOf(done)))
		return err
	}, AboutNothing)
}

func entriesOf(notes []Note) []int64 {
	ids := make([]int64, len(notes))
	for i, n := range notes {
		ids[i] = n.EntryID
	}
	return ids
}

// Defer leaves a note until a later time, with the reason why, unless its entry has changed
// since.
func (n Notes) Defer(ctx context.Context, note Note, until time.Time, message string) error {
	return n.j.write(ctx, fmt.Sprintf("defer the note of entry %d", note.EntryID), func(tx *session) error {
		_, err := tx.exec(ctx, `UPDATE notes SET due = ?, message = ?, tries = tries + 1 WHERE entry_id = ? AND version = ?`,
			ms(until), message, note.EntryID, note.Version)
		return err
	}, AboutNothing)
}

// At returns those of the paths of a folder at which notes were written.
func (n Notes) At(ctx context.Context, folder string, paths []string) (map[string]bool, error) {
	out := make(map[string]bool)
	err := n.j.reader.ask(ctx, "look up notes", func(tx *session) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var path []byte
			err := rows.Scan(&path)
			out[string(path)] = true
			return err
		}, `WITH p (wanted) AS MATERIALIZED {paths ?1} SELECT n.path FROM p CROSS JOIN notes n {using notes_path} ON n.path = wanted AND n.path <> x''
			CROSS JOIN entries e ON e.id = n.entry_id WHERE e.folder = ?2`, listPaths(paths), folder)
	})
	return out, err
}
