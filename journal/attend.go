package journal

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Attend notes that the owner is at the open requests, and returns them, oldest
// first: whoever waits for an answer sees by it that the owner lives. One that was
// withdrawn is not among them. Where there are none it commits nothing.
func (q Requests) Attend(ctx context.Context) ([]Request, error) {
	out, err := q.Open(ctx)
	if err != nil || len(out) == 0 {
		return nil, err
	}
	err = q.j.write(ctx, "attend to requests", func(tx *session) (err error) {
		out, err = requestsOf(ctx, tx, `UPDATE requests SET seen_at = ? WHERE answered_at IS NULL RETURNING id, kind, args, asked_at`, q.j.now())
		return err
	}, AboutNothing)
	slices.SortFunc(out, func(a, b Request) int { return cmp.Compare(a.ID, b.ID) })
	return out, err
}

// Attended returns when the owner was last at a request; the zero time is never.
func (a Answers) Attended(ctx context.Context, id int64) (seen time.Time, err error) {
	err = a.r.ask(ctx, fmt.Sprintf("look after request %d", id), func(tx *session) error {
		var when sql.NullInt64
		err := tx.row(ctx, `SELECT seen_at FROM requests WHERE id = ?`, id).Scan(&when)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrUnknown
		}
		if when.Valid {
			seen = at(when.Int64)
		}
		return err
	})
	return seen, err
}

// Withdraw takes back a request that nobody answers, so that it is not carried out
// later; begun says that the owner was at it, and may have done some of it. ErrUnknown
// if it was answered meanwhile. It needs no lock, but no one may be in the middle of
// writing to the journal.
func Withdraw(ctx context.Context, path string, id int64) (begun bool, err error) {
	err = besideOwner(ctx, path, fmt.Sprintf("withdraw request %d", id), func(db *sql.DB) error {
		err := db.QueryRowContext(ctx, `UPDATE requests SET error = 'it was withdrawn', answered_at = ?
			WHERE id = ? AND answered_at IS NULL RETURNING seen_at IS NOT NULL`, ms(time.Now()), id).Scan(&begun)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrUnknown
		}
		return err
	})
	if err == nil {
		ring(path)
	}
	return begun, err
}

// askTick is how often another process looks for a gap between the owner's
// transactions, and askWait for how long.
const (
	askTick = 2 * time.Millisecond
	askWait = 30 * time.Second
)

// besideOwner writes to the journal at path from any process, in a gap that its owner
// leaves.
func besideOwner(ctx context.Context, path, op string, work func(*sql.DB) error) (err error) {
	defer func() { err = fail(op, err) }()
	abs, err := locate(path)
	if err == nil {
		err = unlinked(abs)
	}
	if err != nil {
		return err
	}
	db, err := connect(abs, askerMode, 1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tick := time.NewTicker(askTick)
	defer tick.Stop()
	for begun := time.Now(); ; {
		err := current(ctx, db)
		if err == nil {
			err = work(db)
		}
		if !isBusy(err) {
			return err
		}
		if time.Since(begun) >= askWait {
			return fmt.Errorf("its owner wrote for %v without a gap: look whether its disk keeps up, and try again: %w", askWait, err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
