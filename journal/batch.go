package journal

import (
	"bytes"
	"context"
	"database/sql"
	"time"
)

// Batches are what folders whose files are created together (batch: all) consist of: a
// batch is what lies below one top directory of the folder, or in the folder itself. Its
// members are the entries that were admitted since it was last released, so that what
// comes later is a batch of its own.
type Batches struct{ j *Journal }

// BatchesOf returns the batches of a journal.
func BatchesOf(j *Journal) Batches { return Batches{j} }

const (
	// inBatch selects members. The partial index carries the same text.
	inBatch = `batch IS NOT NULL AND status IN ({settled}, {mapped}, {held}, {failed})`

	// Each batch of a folder is one seek in the index.
	openBatches = `WITH RECURSIVE d (batch) AS (
			SELECT min(batch) FROM entries {using entries_batch} WHERE ` + inBatch + ` AND folder = ?1
			UNION ALL
			SELECT (SELECT min(batch) FROM entries {using entries_batch} WHERE ` + inBatch + ` AND folder = ?1 AND batch > d.batch)
			FROM d WHERE d.batch IS NOT NULL)
		SELECT batch FROM d WHERE batch IS NOT NULL`

	batchMembers = `SELECT status, count(*), max(seen_at), max(mod_time) FROM entries {using entries_batch}
		WHERE ` + inBatch + ` AND folder = ? AND batch = ? GROUP BY status`

	batchDuplicates = `SELECT count(*) FROM entries {using entries_batch}
		WHERE ` + inBatch + ` AND folder = ? AND batch = ? AND status = {settled}
		  AND class IN ('` + ClassDuplicate + `', '` + ClassBatch + `')`

	// What is released: it can be run at once, and is in no batch any more.
	mappedFolder  = `(SELECT id FROM entries {using entries_batch} WHERE ` + inBatch + ` AND status = {mapped} AND folder = ?2)`
	mappedBatch   = `(SELECT id FROM entries {using entries_batch} WHERE ` + inBatch + ` AND status = {mapped} AND folder = ?2 AND batch = ?3)`
	mappedSeen    = `(SELECT id FROM entries {using entries_batch} WHERE ` + inBatch + ` AND status = {mapped} AND folder = ?2 AND batch = ?3 AND seen_at <= ?4)`
	runAtOnce     = `UPDATE work SET not_before = 0, lane = 0 WHERE lane = 1 AND ?1 > 0 AND entry_id IN `
	releaseMapped = `UPDATE entries SET batch = NULL, class = '', message = '', hint = '', tries = 0, updated = ?1 WHERE id IN `

	batchBlockers = `SELECT ` + entryColumns + ` FROM entries e
		WHERE id IN (SELECT id FROM entries {using entries_batch}
			WHERE ` + inBatch + ` AND folder = ? AND batch = ? AND status IN ({held}, {failed})) AND id > ? ORDER BY id LIMIT ?`
)

// Batch names a batch of a folder by its top directory; "" is the folder itself.
type Batch struct{ Folder, Dir string }

// BatchState counts the members of a batch.
type BatchState struct {
	Settled  int // they are still to be mapped, but for Copies
	Copies   int // settled, and waiting for another file with the same content
	Mapped   int
	Blocking int // held or failed
	// LastSeen is when the last member was admitted, LastModTime the time of the
	// newest file, in unix nanoseconds.
	LastSeen    time.Time
	LastModTime int64
}

// Members is how many files the batch has.
func (s BatchState) Members() int { return s.Settled + s.Copies + s.Mapped + s.Blocking }

// Set says whether a folder's files are created batch by batch. If that changes, what is
// queued waits for its batch from now on, or for none. If not, what waited for somebody no
// longer does as far as is known: that is for the caller to find out.
func (bs Batches) Set(ctx context.Context, folder string, batch bool) error {
	var now bool
	op := "set how the files of folder " + folder + " wait for each other"
	err := bs.j.reader.ask(ctx, op, func(tx *session) error {
		return tx.row(ctx, `SELECT coalesce((SELECT batch FROM folders WHERE name = ?), 0)`, folder).Scan(&now)
	})
	if err != nil || !now && !batch {
		return err
	}
	return bs.j.write(ctx, op, func(tx *session) error {
		if now == batch {
			_, err := tx.exec(ctx, `UPDATE entries SET class = CASE status WHEN {settled} THEN '`+ClassDuplicate+`' ELSE '' END
				WHERE folder = ? AND `+inBatch+` AND class = '`+ClassBatch+`'`, folder)
			return err
		}
		_, err := tx.exec(ctx, `INSERT INTO folders (name, batch) VALUES (?, ?)
			ON CONFLICT (name) DO UPDATE SET batch = excluded.batch`, folder, batch)
		if err != nil {
			return err
		}
		if batch {
			return setBatches(ctx, tx, `SELECT e.id, e.path FROM work w JOIN entries e ON e.id = w.entry_id WHERE w.folder = ? AND w.lane < 2`, folder)
		}
		if _, err := release(ctx, tx, mappedFolder, bs.j.now(), folder); err != nil {
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

// setBatches gives the entries whose ids and paths a query yields the batches of their
// paths.
func setBatches(ctx context.Context, tx *session, query string, args ...any) error {
	batches := make(map[int64][]byte)
	err := each(ctx, tx, func(rows *sql.Rows) error {
		var id int64
		var path []byte
		err := rows.Scan(&id, &path)
		batches[id] = topDir(path)
		return err
	}, query, args...)
	for id, batch := range batches {
		if err == nil {
			_, err = tx.exec(ctx, `UPDATE entries SET batch = ? WHERE id = ?`, batch, id)
		}
	}
	return err
}

// topDir is the batch of a path.
func topDir(path []byte) []byte {
	dir, _, below := bytes.Cut(path, []byte("/"))
	if !below {
		return []byte{}
	}
	return bytes.Clone(dir)
}

// In lists the batches of a folder that have members.
func (bs Batches) In(ctx context.Context, folder string) ([]Batch, error) {
	var out []Batch
	err := bs.j.reader.ask(ctx, "list the batches of folder "+folder, func(tx *session) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var dir []byte
			err := rows.Scan(&dir)
			out = append(out, Batch{folder, string(dir)})
			return err
		}, openBatches, folder)
	})
	return out, err
}

// State counts the members of a batch.
func (bs Batches) State(ctx context.Context, b Batch) (s BatchState, err error) {
	err = bs.j.reader.read(ctx, "count the members of a batch", func(tx *session) (err error) {
		s, err = b.state(ctx, tx)
		return err
	})
	return s, err
}

func (b Batch) state(ctx context.Context, tx *session) (BatchState, error) {
	var s BatchState
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
	}, batchMembers, b.Folder, []byte(b.Dir))
	if err == nil && s.Settled > 0 {
		err = tx.row(ctx, batchDuplicates, b.Folder, []byte(b.Dir)).Scan(&s.Copies)
		s.Settled -= s.Copies
	}
	return s, err
}

// Blockers returns up to limit of the held and failed members of a batch whose id
// is above after, by id.
func (bs Batches) Blockers(ctx context.Context, b Batch, after int64, limit int) ([]Entry, error) {
	var out []Entry
	err := bs.j.reader.ask(ctx, "list what holds a batch back", func(tx *session) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			e, err := scanEntry(rows.Scan)
			out = append(out, e)
			return err
		}, batchBlockers, b.Folder, []byte(b.Dir), after, limit)
	})
	return out, err
}

// SetReason gives the mapped members of a batch, which wait or are about to, the reason
// why, if the batch is still as it was judged: else ErrMoved.
func (bs Batches) SetReason(ctx context.Context, b Batch, judged BatchState, r Reason) error {
	return bs.j.write(ctx, "say what a batch waits for", func(tx *session) error {
		if err := b.still(ctx, tx, judged); err != nil {
			return err
		}
		_, err := tx.exec(ctx, `UPDATE entries SET class = ?1, message = ?2, hint = ?3, updated = ?4
			WHERE id IN (SELECT id FROM entries {using entries_batch} WHERE `+inBatch+` AND folder = ?5 AND batch = ?6 AND status = {mapped})
			  AND (message <> ?2 OR class <> ?1)`, r.Class, r.Message, r.Hint, bs.j.now(), b.Folder, []byte(b.Dir))
		return err
	})
}

// Release lets the mapped members of a batch be created, in one transaction; from then on
// they are in no batch. ErrMoved if the batch is not as it was judged any more.
func (bs Batches) Release(ctx context.Context, b Batch, judged BatchState) error {
	return bs.j.write(ctx, "release a batch", func(tx *session) error {
		if err := b.still(ctx, tx, judged); err != nil {
			return err
		}
		_, err := release(ctx, tx, mappedBatch, bs.j.now(), b.Folder, []byte(b.Dir))
		return err
	})
}

// ReleaseSeen is Release for those members alone that were admitted at a time
// or earlier, whatever the others are. It returns how many there were.
func (bs Batches) ReleaseSeen(ctx context.Context, b Batch, until time.Time) (n int, err error) {
	err = bs.j.write(ctx, "release files", func(tx *session) error {
		n, err = release(ctx, tx, mappedSeen, bs.j.now(), b.Folder, []byte(b.Dir), ms(until))
		return err
	}, AboutNothing)
	if n > 0 {
		bs.j.news.tell(AboutEntries)
	}
	return n, err
}

// still returns ErrMoved unless a batch is as it was judged.
func (b Batch) still(ctx context.Context, tx *session, judged BatchState) error {
	now, err := b.state(ctx, tx)
	if err == nil && now != judged {
		err = ErrMoved
	}
	return err
}
