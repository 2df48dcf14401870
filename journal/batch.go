package journal

import (
	"bytes"
	"context"
	"database/sql"
	"time"
)

// A drop is what lies below one top directory of a folder whose files are created
// together, or in the folder itself. Its members are the entries that were admitted
// since it was last released, so that what comes later is a drop of its own.

const (
	// inDrop selects members. The partial index carries the same text.
	inDrop = `batch IS NOT NULL AND status IN ({settled}, {mapped}, {held}, {failed})`

	// Each drop of a folder is one seek in the index.
	openDrops = `WITH RECURSIVE d (batch) AS (
			SELECT min(batch) FROM entries {using entries_batch} WHERE ` + inDrop + ` AND folder = ?1
			UNION ALL
			SELECT (SELECT min(batch) FROM entries {using entries_batch} WHERE ` + inDrop + ` AND folder = ?1 AND batch > d.batch)
			FROM d WHERE d.batch IS NOT NULL)
		SELECT batch FROM d WHERE batch IS NOT NULL`

	dropMembers = `SELECT status, count(*), max(seen_at), max(mod_time) FROM entries {using entries_batch}
		WHERE ` + inDrop + ` AND folder = ? AND batch = ? GROUP BY status`

	dropDuplicates = `SELECT count(*) FROM entries {using entries_batch}
		WHERE ` + inDrop + ` AND folder = ? AND batch = ? AND status = {settled}
		  AND class IN ('` + ClassDuplicate + `', '` + ClassBatch + `')`

	// What is released: it can be run at once, and is in no drop any more.
	mappedFolder  = `(SELECT id FROM entries {using entries_batch} WHERE ` + inDrop + ` AND status = {mapped} AND folder = ?2)`
	mappedDrop    = `(SELECT id FROM entries {using entries_batch} WHERE ` + inDrop + ` AND status = {mapped} AND folder = ?2 AND batch = ?3)`
	mappedSeen    = `(SELECT id FROM entries {using entries_batch} WHERE ` + inDrop + ` AND status = {mapped} AND folder = ?2 AND batch = ?3 AND seen_at <= ?4)`
	runAtOnce     = `UPDATE work SET not_before = 0, lane = 0 WHERE lane = 1 AND ?1 > 0 AND entry_id IN `
	releaseMapped = `UPDATE entries SET batch = NULL, class = '', message = '', hint = '', tries = 0, updated = ?1 WHERE id IN `

	dropBlockers = `SELECT ` + entryColumns + ` FROM entries e
		WHERE id IN (SELECT id FROM entries {using entries_batch}
			WHERE ` + inDrop + ` AND folder = ? AND batch = ? AND status IN ({held}, {failed})) AND id > ? ORDER BY id LIMIT ?`
)

// Drop names the drop of a folder by its top directory; "" is the folder itself.
type Drop struct{ Folder, Dir string }

// DropState counts the members of a drop.
type DropState struct {
	Settled  int // they are still to be mapped, but for Copies
	Copies   int // settled, and waiting for another file with the same content
	Mapped   int
	Blocking int // held or failed
	// LastSeen is when the last member was admitted, LastModTime the time of the
	// newest file, in unix nanoseconds.
	LastSeen    time.Time
	LastModTime int64
}

// Members is how many files the drop has.
func (s DropState) Members() int { return s.Settled + s.Copies + s.Mapped + s.Blocking }

// SetBatch says whether a folder's files are created drop by drop. If that changes,
// what is queued waits for its drop from now on, or for none. If not, what waited for
// somebody no longer does as far as is known: that is for the caller to find out.
func (j *Journal) SetBatch(ctx context.Context, folder string, batch bool) error {
	var now bool
	op := "set how the files of folder " + folder + " wait for each other"
	err := j.reader.ask(ctx, op, func(tx *session) error {
		return tx.row(ctx, `SELECT coalesce((SELECT batch FROM folders WHERE name = ?), 0)`, folder).Scan(&now)
	})
	if err != nil || !now && !batch {
		return err
	}
	return j.write(ctx, op, func(tx *session) error {
		if now == batch {
			_, err := tx.exec(ctx, `UPDATE entries SET class = CASE status WHEN {settled} THEN '`+ClassDuplicate+`' ELSE '' END
				WHERE folder = ? AND `+inDrop+` AND class = '`+ClassBatch+`'`, folder)
			return err
		}
		_, err := tx.exec(ctx, `INSERT INTO folders (name, batch) VALUES (?, ?)
			ON CONFLICT (name) DO UPDATE SET batch = excluded.batch`, folder, batch)
		if err != nil {
			return err
		}
		if batch {
			return setDrops(ctx, tx, `SELECT e.id, e.path FROM work w JOIN entries e ON e.id = w.entry_id WHERE w.folder = ? AND w.lane < 2`, folder)
		}
		if _, err := release(ctx, tx, mappedFolder, j.now(), folder); err != nil {
			return err
		}
		_, err = tx.exec(ctx, `UPDATE entries SET batch = NULL WHERE folder = ? AND batch IS NOT NULL`, folder)
		return err
	})
}

// release lets the mapped members that a condition selects be created.
func release(ctx context.Context, tx *session, which string, now int64, args ...any) (int, error) {
	args = append([]any{now}, args...)
	if _, err := tx.exec(ctx, runAtOnce+which, args...); err != nil {
		return 0, err
	}
	return affect(ctx, tx, releaseMapped+which, args...)
}

// setDrops gives the entries whose ids and paths a query yields the drops of their paths.
func setDrops(ctx context.Context, tx *session, query string, args ...any) error {
	drops := make(map[int64][]byte)
	err := each(ctx, tx, func(rows *sql.Rows) error {
		var id int64
		var path []byte
		err := rows.Scan(&id, &path)
		drops[id] = topDir(path)
		return err
	}, query, args...)
	for id, drop := range drops {
		if err == nil {
			_, err = tx.exec(ctx, `UPDATE entries SET batch = ? WHERE id = ?`, drop, id)
		}
	}
	return err
}

// topDir is the drop of a path.
func topDir(path []byte) []byte {
	dir, _, below := bytes.Cut(path, []byte("/"))
	if !below {
		return []byte{}
	}
	return bytes.Clone(dir)
}

// Drops lists the drops of a folder that have members.
func (j *Journal) Drops(ctx context.Context, folder string) ([]Drop, error) {
	var out []Drop
	err := j.reader.ask(ctx, "list the drops of folder "+folder, func(tx *session) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var dir []byte
			err := rows.Scan(&dir)
			out = append(out, Drop{folder, string(dir)})
			return err
		}, openDrops, folder)
	})
	return out, err
}

// DropState counts the members of a drop.
func (j *Journal) DropState(ctx context.Context, d Drop) (s DropState, err error) {
	err = j.reader.read(ctx, "count the members of a drop", func(tx *session) (err error) {
		s, err = d.state(ctx, tx)
		return err
	})
	return s, err
}

func (d Drop) state(ctx context.Context, tx *session) (DropState, error) {
	var s DropState
	err := each(ctx, tx, func(rows *sql.Rows) error {
		var status Status
		var n int
		var seen, modTime int64
		if err := rows.Scan(&status, &n, &seen, &modTime); err != nil {
			return err
		}
		switch status {
		case Settled:
			s.Settled = n
		case Mapped:
			s.Mapped = n
		default:
			s.Blocking += n
		}
		if t := at(seen); t.After(s.LastSeen) {
			s.LastSeen = t
		}
		s.LastModTime = max(s.LastModTime, modTime)
		return nil
	}, dropMembers, d.Folder, []byte(d.Dir))
	if err == nil && s.Settled > 0 {
		err = tx.row(ctx, dropDuplicates, d.Folder, []byte(d.Dir)).Scan(&s.Copies)
		s.Settled -= s.Copies
	}
	return s, err
}

// Blockers returns up to limit of the held and failed members of a drop whose id
// is above after, by id.
func (j *Journal) Blockers(ctx context.Context, d Drop, after int64, limit int) ([]Entry, error) {
	var out []Entry
	err := j.reader.ask(ctx, "list what holds a drop back", func(tx *session) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			e, err := scanEntry(rows.Scan)
			out = append(out, e)
			return err
		}, dropBlockers, d.Folder, []byte(d.Dir), after, limit)
	})
	return out, err
}

// TellDrop gives the mapped members of a drop, which wait or are about to, the
// reason why, if the drop is still as it was judged: else ErrMoved.
func (j *Journal) TellDrop(ctx context.Context, d Drop, judged DropState, r Reason) error {
	return j.write(ctx, "say what a drop waits for", func(tx *session) error {
		if err := d.still(ctx, tx, judged); err != nil {
			return err
		}
		_, err := tx.exec(ctx, `UPDATE entries SET class = ?1, message = ?2, hint = ?3, updated = ?4
			WHERE id IN (SELECT id FROM entries {using entries_batch} WHERE `+inDrop+` AND folder = ?5 AND batch = ?6 AND status = {mapped})
			  AND (message <> ?2 OR class <> ?1)`, r.Class, r.Message, r.Hint, j.now(), d.Folder, []byte(d.Dir))
		return err
	})
}

// ReleaseDrop lets the mapped members of a drop be created, in one transaction; from
// then on they are in no drop. ErrMoved if the drop is not as it was judged any more.
func (j *Journal) ReleaseDrop(ctx context.Context, d Drop, judged DropState) error {
	return j.write(ctx, "release a drop", func(tx *session) error {
		if err := d.still(ctx, tx, judged); err != nil {
			return err
		}
		_, err := release(ctx, tx, mappedDrop, j.now(), d.Folder, []byte(d.Dir))
		return err
	})
}

// ReleaseSeen is ReleaseDrop for those members alone that were admitted at a time
// or earlier, whatever the others are. It returns how many there were.
func (j *Journal) ReleaseSeen(ctx context.Context, d Drop, until time.Time) (n int, err error) {
	err = j.write(ctx, "release files", func(tx *session) error {
		n, err = release(ctx, tx, mappedSeen, j.now(), d.Folder, []byte(d.Dir), ms(until))
		return err
	}, AboutNothing)
	if n > 0 {
		j.news.tell(AboutEntries)
	}
	return n, err
}

func (d Drop) still(ctx context.Context, tx *session, judged DropState) error {
	now, err := d.state(ctx, tx)
	if err == nil && now != judged {
		err = ErrMoved
	}
	return err
}

// CompanionsIn returns the companions in a directory of a folder, "." for the folder
// itself, that are wanted, and not any below. What is wanted must show from the path: to
// look at a share that hangs would keep others from the journal.
func (j *Journal) CompanionsIn(ctx context.Context, folder, dir string, wanted func(path string) bool) ([]string, error) {
	var found []string
	err := j.reader.ask(ctx, "look for a manifest", func(tx *session) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var path []byte
			if err := rows.Scan(&path); err != nil {
				return err
			}
			if wanted(string(path)) {
				found = append(found, string(path))
			}
			return nil
		}, `SELECT path FROM companions {using companions_mark} WHERE place = ? AND folder = ?`, placeOf(folder, dir+"/x"), folder)
	})
	return found, err
}
