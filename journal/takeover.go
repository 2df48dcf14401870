package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// History is how much the journal knows of a folder.
type History struct {
	Name, Path string
	Seen       int // entries
}

// Histories returns the folders of which the journal knows any file, by name.
func (r *Reader) Histories(ctx context.Context) ([]History, error) {
	var out []History
	err := r.ask(ctx, "list folders", func(tx *session) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var h History
			err := rows.Scan(&h.Name, &h.Path, &h.Seen)
			out = append(out, h)
			return err
		}, `SELECT name, path, seen FROM folders WHERE seen > 0 ORDER BY name`)
	})
	return out, err
}

// beyond is above any generation.
const beyond = 1 << 40

// TakeOver makes all that the journal knows of a folder another folder's, which has the
// path of that by now, and forgets the first. It returns how many entries that were; none
// where it knows no such folder, as after the first time.
//
// Where the new folder has entries already, those of the old come before them: what was
// not ingested of the old path by then is superseded.
func TakeOver(ctx context.Context, j *Journal, from, to string) (taken int, err error) {
	op := fmt.Sprintf("make the history of folder %s that of %s", from, to)
	var known bool
	err = j.reader.ask(ctx, op, func(tx *session) error {
		return tx.row(ctx, `SELECT EXISTS (SELECT 1 FROM folders WHERE name = ?)`, from).Scan(&known)
	})
	if err != nil || !known || from == to {
		return 0, err
	}
	err = j.write(ctx, op, func(tx *session) error {
		if err := tx.row(ctx, `SELECT count(*) FROM entries WHERE folder = ?`, from).Scan(&taken); err != nil {
			return err
		}
		const both = ` folder = ?1 AND path IN (SELECT path FROM entries WHERE folder = ?2)`
		const outrun = both + ` AND (status IN ({settled}, {mapped}, {failed}, {ignored}, {cancelled}) OR status = {held} AND class <> '` + ClassUnverified + `')`
		const elsewhere = "the folder was ingested under another name meanwhile"
		now := j.now()
		if err := removeMismatches(ctx, tx, from, to, now); err != nil {
			return err
		}
		for _, step := range []struct {
			sql  string
			args []any
		}{
			{`INSERT INTO folders (name, path, seen, pruned, sort, rules, batch) SELECT ?, path, seen, pruned, sort, rules, batch FROM folders WHERE name = ?
				ON CONFLICT (name) DO UPDATE SET seen = folders.seen + excluded.seen, pruned = folders.pruned + excluded.pruned`, []any{to, from}},
			// The generations of a path that both have: first those of the old folder.
			{`UPDATE entries SET mark = NULL WHERE` + both, []any{from, to}},
			{`INSERT INTO events (at, entry_id, kind, was, message) SELECT ?3, id, {superseded}, status, ?4 FROM entries WHERE` + outrun, []any{from, to, now, elsewhere}},
			{`UPDATE entries SET status = {superseded}, rests = 1, class = '', hint = '', since = ?3, updated = ?3, message = ?4 WHERE` + outrun,
				[]any{from, to, now, elsewhere}},
			{`UPDATE entries SET generation = generation + ?3 WHERE` + both, []any{to, from, beyond}},
			{`UPDATE entries AS e SET generation = generation - ?3 + (SELECT max(generation) FROM entries o WHERE o.folder = ?2 AND o.path = e.path)
				WHERE folder = ?1 AND generation > ?3`, []any{to, from, beyond}},
			{`DELETE FROM companions WHERE folder = ?1 AND path IN (SELECT path FROM companions WHERE folder = ?2)`, []any{from, to}},
			{`UPDATE companions SET folder = ? WHERE folder = ?`, []any{to, from}},
			{`UPDATE pruned SET folder = ? WHERE folder = ?`, []any{to, from}},
			{`UPDATE entries SET folder = ? WHERE folder = ?`, []any{to, from}},
			{`DELETE FROM work WHERE folder = ? AND entry_id IN (SELECT id FROM entries WHERE folder = ? AND status = {superseded})`, []any{from, to}},
			{`DELETE FROM folders WHERE name = ?`, []any{from}},
		} {
			if _, err := tx.exec(ctx, step.sql, step.args...); err != nil {
				return err
			}
		}
		if err := replaceAll(ctx, tx, to, nil); err != nil {
			return err
		}
		waiting, err := idsOf(ctx, tx, `SELECT entry_id FROM work WHERE folder = ?`, from)
		if err != nil {
			return err
		}
		if err := refresh(ctx, tx, waiting...); err != nil {
			return err
		}
		return errors.Join(markAnew(ctx, tx, to, marksOfEntries), markAnew(ctx, tx, to, marksOfCompanions))
	})
	return taken, err
}

// removeMismatches has the assets removed of what failed with other bytes and is
// superseded when one folder takes over another.
func removeMismatches(ctx context.Context, tx *session, from, to string, now int64) error {
	ids, err := idsOf(ctx, tx, `SELECT id FROM entries WHERE status = {failed} AND folder = ? AND class = '`+ClassMismatch+`'
		AND path IN (SELECT path FROM entries WHERE folder = ?)`, from, to)
	for _, id := range ids {
		if err == nil {
			err = removeMismatch(ctx, tx, id, now)
		}
	}
	return err
}

// anew is how the rows of a folder are read for their marks, and get them: their path,
// their generation, whether they have a mark, and the hint.
type anew struct{ read, set string }

var (
	marksOfEntries = anew{
		`SELECT path, generation, mark IS NOT NULL, size, mod_time, change_time, dev, ino FROM entries WHERE folder = ?`,
		`UPDATE entries SET place = ?, mark = CASE ? WHEN 0 THEN mark ELSE ? END WHERE folder = ? AND path = ? AND generation = ?`,
	}
	marksOfCompanions = anew{
		`SELECT path, 0, true, size, mod_time, change_time, dev, ino FROM companions WHERE folder = ?`,
		`UPDATE companions SET place = ?, mark = CASE ? WHEN 0 THEN mark ELSE ? END WHERE folder = ? AND path = ? AND ? = 0`,
	}
)

// markAnew gives the rows of a folder the places, and those that have one the marks,
// that its name makes.
func markAnew(ctx context.Context, tx *session, folder string, of anew) error {
	type row struct {
		path                    []byte
		generation, place, mark int64
		marked                  bool
	}
	var all []row
	err := each(ctx, tx, func(rows *sql.Rows) error {
		var r row
		f := file.File{Folder: folder}
		var dev, ino int64
		err := rows.Scan(&r.path, &r.generation, &r.marked, &f.Size, &f.ModTime, &f.ChangeTime, &dev, &ino)
		f.Path, f.Dev, f.Ino = string(r.path), uint64(dev), uint64(ino)
		r.place, r.mark = placeOf(folder, f.Path), markOf(f)
		all = append(all, r)
		return err
	}, of.read, folder)
	if err != nil {
		return err
	}
	for _, r := range all {
		if _, err := tx.exec(ctx, of.set, r.place, r.marked, r.mark, folder, r.path, r.generation); err != nil {
			return err
		}
	}
	return nil
}
