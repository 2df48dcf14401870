package journal

import (
	"bufio"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
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

// Owner returns the process that owns the journal at path, as the kernel tells it; 0
// is none, or one that cannot be told.
func Owner(path string) (pid int) {
	info, err := os.Stat(path + ".lock")
	if err != nil {
		return 0
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	locks, err := os.Open("/proc/locks")
	if err != nil || !ok {
		return 0
	}
	defer func() { _ = locks.Close() }() // read only
	for lines := bufio.NewScanner(locks); lines.Scan(); {
		// 1: FLOCK  ADVISORY  WRITE 706 08:01:3221 0 EOF
		f := strings.Fields(lines.Text())
		if len(f) < 6 || f[1] != "FLOCK" || f[3] != "WRITE" || !strings.HasSuffix(f[5], ":"+strconv.FormatUint(stat.Ino, 10)) {
			continue
		}
		found, err := strconv.Atoi(f[4])
		if err != nil || found <= 0 || pid != 0 && pid != found {
			return 0
		}
		pid = found
	}
	return pid
}
