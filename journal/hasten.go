package journal

import (
	"context"
	"time"
)

// Deferred are the entries of a journal that wait until a time.
type Deferred struct{ j *Journal }

// DeferredOf returns the deferred entries of a journal.
func DeferredOf(j *Journal) Deferred { return Deferred{j} }

// hastenBatch is how many entries Hasten makes due in one transaction: others write, too.
const hastenBatch = 1000

// Hasten makes the entries that are deferred for a reason of a class due at once. Where
// there are none it commits nothing.
func (d Deferred) Hasten(ctx context.Context, class string) error {
	for {
		n, err := d.hasten(ctx, class, d.j.now(), hastenBatch)
		if err != nil || n < hastenBatch {
			return err
		}
	}
}

// HastenSome does so with those of them that are deferred until after a time, and of
// these with the n that would be due first.
func (d Deferred) HastenSome(ctx context.Context, class string, after time.Time, n int) error {
	_, err := d.hasten(ctx, class, max(ms(after), d.j.now()), n)
	return err
}

// deferredSQL selects the ids of the ?3 entries that are due first of those that are
// deferred beyond a time (?1) for a reason of a class (?2).
const deferredSQL = `SELECT w.entry_id FROM work w JOIN entries e ON e.id = w.entry_id
	WHERE w.lane IN (1, 2) AND w.not_before > ?1 AND e.class = ?2 ORDER BY w.not_before LIMIT ?3`

func (d Deferred) hasten(ctx context.Context, class string, after int64, limit int) (n int64, err error) {
	const op = "end a wait"
	var some bool
	err = d.j.reader.ask(ctx, op, func(tx *session) error {
		return tx.row(ctx, `SELECT EXISTS (`+deferredSQL+`)`, after, class, 1).Scan(&some)
	})
	if err != nil || !some {
		return 0, err
	}
	err = d.j.write(ctx, op, func(tx *session) error {
		res, err := tx.exec(ctx, `UPDATE work SET not_before = ?4 WHERE entry_id IN (`+deferredSQL+`)`, after, class, limit, d.j.now())
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	return n, err
}
