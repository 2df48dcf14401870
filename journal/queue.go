package journal

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"slices"
	"time"
)

// What the queue is asked. Each question is one range of an index of the table work.
const (
	// It is read only as far as needed. What it passes over are the entries of
	// folders that may have no more: some 0.3 µs each.
	begunDue = `SELECT e.id, e.folder, e.path, e.size FROM work w JOIN entries e ON e.id = w.entry_id
		WHERE w.lane = 2 AND w.not_before <= ?1 AND w.entry_id NOT IN {list ?2}
		  AND w.folder || '' IN {list ?3}
		ORDER BY w.not_before, w.entry_id`

	// What was not begun is returned whole, with its place in the order of its folder. A
	// path's generations take turns: each waits until the earlier ones rest.
	itsTurn = `SELECT ` + entryColumns + `, w.sort_key FROM work w JOIN entries e ON e.id = w.entry_id
		WHERE w.folder = ?1 AND w.entry_id NOT IN {list ?2}
		  AND NOT EXISTS (SELECT 1 FROM entries b
			WHERE b.folder = e.folder AND b.path = e.path AND b.generation < e.generation AND b.status IN {unfinished})`

	// Deferred entries have a lane of their own, so that any number of them at the
	// head of an order costs nothing.
	readyFirst  = itsTurn + ` AND w.lane = 0 AND w.not_before = 0 ORDER BY w.sort_key, w.entry_id LIMIT ?3`
	readyLast   = itsTurn + ` AND w.lane = 0 AND w.not_before = 0 ORDER BY w.sort_key DESC, w.entry_id DESC LIMIT ?3`
	deferredDue = itsTurn + ` AND w.lane = 1 AND w.not_before <= ?4 ORDER BY w.not_before, w.sort_key, w.entry_id LIMIT ?3`
	// Both kinds in one question. What comes of the two is in no order.
	waitingDue = `SELECT * FROM (` + deferredDue + `) UNION ALL SELECT * FROM (` + readyFirst + `)`
	// Those whose upload was given up, and that are to begin again.
	againDue = itsTurn + ` AND w.lane = 1 AND w.not_before <= ?4 AND w.status = {mapped}
		AND EXISTS (SELECT 1 FROM attempts a WHERE a.entry_id = w.entry_id) ORDER BY w.not_before, w.sort_key, w.entry_id LIMIT ?3`

	nextWake = `SELECT min(t) FROM (
		SELECT min(not_before) AS t FROM work WHERE lane = 2 AND not_before > ?1
		UNION ALL
		SELECT min(not_before) FROM work WHERE lane = 1 AND not_before > ?1
		UNION ALL
		SELECT min(not_before) FROM chores WHERE not_before > ?1) due`
)

// Share is what a folder may have of one hand-out.
type Share struct {
	Folder string
	Limit  int // entries at most, begun ones included
	// Last is how many of these may come from the end of the folder's order, which
	// with OrderMixed are the largest files. They go before the others.
	Last int
	// DeferredFirst gives the first turn to an entry that was deferred and is due,
	// rather than to one that was not. Who turns it over after each turn of the
	// folder lets neither kind wait for the end of the other.
	DeferredFirst bool
	// OnlyBegun keeps what was not begun back: the folder has what is on its way, and what
	// begins again after an attempt that did not get through.
	OnlyBegun bool
}

// Claim is an entry that may run now, as it is when it is claimed. Of one that was begun
// only ID, Folder, Path and Size are told: its attempt and parts are to be read once it
// is in hand, because meanwhile another may have recorded more of them.
type Claim struct {
	Entry
	Last bool // it is from the end of the order

	sortKey []byte
}

// Whole reports that a claim holds the entry as the method Entry returns it.
func (c Claim) Whole() bool { return c.Status != "" }

// Runnable returns up to limit entries that may run now and are not in skip,
// within the folders' shares. What was begun comes first, because its URLs are
// dying and its promises are open, longest due first. Then the folders take turns in
// the order of shares, an entry a turn, each in its own order. A settled or
// mapped entry waits while an earlier generation of its path is runnable.
func (j *Journal) Runnable(ctx context.Context, now time.Time, shares []Share, skip []int64, limit int) ([]Claim, error) {
	var out []Claim
	err := j.reader.read(ctx, "claim entries", func(tx *session) error {
		q := queue{tx: tx, now: ms(now), skip: list(skip)}
		shares := slices.Clone(shares)
		var err error
		if out, err = q.begun(ctx, shares, limit); err != nil {
			return err
		}
		var turns [][]Claim
		for _, s := range shares {
			if len(turns) >= limit-len(out) {
				break // nobody behind them gets a turn
			}
			mine, err := q.waiting(ctx, s, limit-len(out))
			if err != nil {
				return err
			}
			if len(mine) > 0 {
				turns = append(turns, mine)
			}
		}
		out = append(out, takeTurns(turns, limit-len(out))...)
		return nil
	})
	return out, err
}

// queue is one look at the queue.
type queue struct {
	tx   *session
	now  int64
	skip string
}

// begun returns entries that were begun, and takes them off the shares.
func (q queue) begun(ctx context.Context, shares []Share, limit int) ([]Claim, error) {
	open := make(map[string]*Share, len(shares))
	names := make([]string, 0, len(shares))
	for i, s := range shares {
		if s.Limit > 0 {
			open[s.Folder] = &shares[i]
			names = append(names, s.Folder)
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	rows, err := q.tx.query(ctx, begunDue, q.now, q.skip, list(names))
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err has told what there is to tell
	var out []Claim
	for len(out) < limit && rows.Next() {
		var c Claim
		if err := rows.Scan(&c.ID, &c.Folder, &c.Path, &c.Size); err != nil {
			return nil, err
		}
		if s := open[c.Folder]; s.Limit > 0 {
			s.Limit--
			out = append(out, c)
		}
	}
	return out, rows.Err()
}

// waiting returns the entries of a folder that were not begun, as they take its
// turns.
func (q queue) waiting(ctx context.Context, s Share, limit int) ([]Claim, error) {
	n := min(s.Limit, limit)
	if n <= 0 {
		return nil, nil
	}
	if s.OnlyBegun {
		return q.ask(ctx, againDue, s.Folder, q.skip, n, q.now)
	}
	due, err := q.ask(ctx, waitingDue, s.Folder, q.skip, n, q.now)
	if err != nil {
		return nil, err
	}
	var first, last, deferred []Claim
	for _, c := range due {
		if c.NotBefore.IsZero() {
			first = append(first, c)
		} else {
			deferred = append(deferred, c)
		}
	}
	inTurn := func(a, b Claim) int { // of what was not deferred all times are zero
		return cmp.Or(a.NotBefore.Compare(b.NotBefore), bytes.Compare(a.sortKey, b.sortKey), cmp.Compare(a.ID, b.ID))
	}
	slices.SortFunc(deferred, inTurn)
	slices.SortFunc(first, inTurn)
	if s.Last > 0 {
		if last, err = q.ask(ctx, readyLast, s.Folder, q.skip, min(s.Last, n)); err != nil {
			return nil, err
		}
	}
	for i, c := range last { // in a short queue the two ends meet
		last[i].Last = true
		first = slices.DeleteFunc(first, func(f Claim) bool { return f.ID == c.ID })
	}
	kinds := [][]Claim{append(last, first...), deferred}
	if s.DeferredFirst {
		slices.Reverse(kinds)
	}
	return takeTurns(kinds, n), nil
}

func (q queue) ask(ctx context.Context, query string, args ...any) ([]Claim, error) {
	var out []Claim
	err := each(ctx, q.tx, func(rows *sql.Rows) error {
		var c Claim
		var err error
		c.Entry, err = scanEntry(func(columns ...any) error { return rows.Scan(append(columns, &c.sortKey)...) })
		out = append(out, c)
		return err
	}, query, args...)
	return out, err
}

// takeTurns returns up to limit of the claims: the first of each list, then the
// second of each, and so on.
func takeTurns(lists [][]Claim, limit int) []Claim {
	var out []Claim
	for i := 0; ; i++ {
		more := false
		for _, l := range lists {
			if i >= len(l) {
				continue
			}
			if len(out) >= limit {
				return out
			}
			out, more = append(out, l[i]), true
		}
		if !more {
			return out
		}
	}
}

// NextWake returns the earliest time after now at which an entry or a chore
// becomes due; false if none will.
func (j *Journal) NextWake(ctx context.Context, now time.Time) (time.Time, bool, error) {
	var next sql.NullInt64
	err := j.reader.ask(ctx, "find the next entry due", func(tx *session) error {
		return tx.row(ctx, nextWake, ms(now)).Scan(&next)
	})
	return at(next.Int64), next.Valid, err
}

// NameCreating reports whether an entry with the file name is in creating: an
// asset of that name may exist whose id is not stored yet.
func (r *Reader) NameCreating(ctx context.Context, filename string) (bool, error) {
	var creating bool
	err := r.ask(ctx, "look for a create of "+filename, func(tx *session) error {
		return tx.row(ctx, `SELECT EXISTS (SELECT 1 FROM entries WHERE filename = ? AND status = {creating})`, filename).
			Scan(&creating)
	})
	return creating, err
}
