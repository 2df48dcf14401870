package journal

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"strconv"
	"sync"
	"time"
)

// walLimit is how large, in bytes, the -wal file may stay. SQLite empties it after some
// 4 MiB, unless a reader still looks at an older state; then it grows as long as that.
const walLimit = 8 << 20

// walRetry is how often a -wal file that has grown is tried to be emptied.
const walRetry = time.Second

// sizeLimit is for the owner's DSN: SQLite cuts the -wal file itself where commits go on
// after a reader let go.
var sizeLimit = "&_pragma=journal_size_limit(" + strconv.Itoa(walLimit) + ")"

// walTrimmer empties a -wal file that has grown, once nobody reads what is in it any
// more. SQLite would not do so before the next commits, and an idle daemon has none. It
// does nothing while the file is small.
type walTrimmer struct {
	path string // of the database

	mu      sync.Mutex
	cancel  context.CancelFunc // of the work under way; nil while there is none
	closed  bool
	running sync.WaitGroup
}

// grown reports whether the -wal file is larger than it may stay.
func (t *walTrimmer) grown() bool {
	info, err := os.Stat(t.path + "-wal")
	return err == nil && info.Size() > walLimit
}

// committed is told of each commit.
func (t *walTrimmer) committed() {
	if !t.grown() {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cancel != nil || t.closed {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.cancel = cancel
	t.running.Go(func() { t.trim(ctx) })
}

// trim tries until the file is small, or the journal closes. What goes wrong is tried
// again after a later commit: the file costs room, nothing else.
func (t *walTrimmer) trim(ctx context.Context) {
	defer func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.cancel()
		t.cancel = nil
	}()
	db, err := connect(t.path, askerMode, 1)
	if err != nil {
		return
	}
	defer db.Close()
	for t.grown() && ctx.Err() == nil {
		if errors.Is(emptyWAL(ctx, db), ErrCorrupt) {
			return
		}
		if t.grown() {
			wait(ctx, walRetry)
		}
	}
}

// emptyWAL copies what is in the -wal file, beside the work, and then truncates the file
// if nobody uses it. It waits for nobody: as long as it would, it held up every commit.
func emptyWAL(ctx context.Context, db *sql.DB) error {
	if _, err := db.ExecContext(ctx, `PRAGMA busy_timeout = 0`); err != nil {
		return fail("empty the -wal file", err)
	}
	for _, step := range []string{`PRAGMA wal_checkpoint(PASSIVE)`, `PRAGMA wal_checkpoint(TRUNCATE)`} {
		var busy, frames, copied int
		if err := db.QueryRowContext(ctx, step).Scan(&busy, &frames, &copied); err != nil {
			return fail("empty the -wal file", err)
		}
	}
	return nil
}

// close ends the work on the file, and waits for that.
func (t *walTrimmer) close() {
	t.mu.Lock()
	t.closed = true
	if t.cancel != nil {
		t.cancel()
	}
	t.mu.Unlock()
	t.running.Wait()
}

// wait returns after a time, or when ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
