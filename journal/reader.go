package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
)

// readers is the number of connections that read at once.
const readers = 4

// Reader reads a journal without ever changing it. Each method sees one
// consistent state. It is safe for concurrent use, also beside the owner in
// another process.
type Reader struct {
	db     *sql.DB
	onRead func()
}

// OpenReader opens the journal at path for reading. It neither creates nor
// migrates: ErrMissing if there is none, ErrNewer or ErrOlder if its schema is
// not the one this program knows, ErrCorrupt or ErrForeign if it is no journal.
func OpenReader(ctx context.Context, path string) (*Reader, error) {
	r, err := openReader(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("read journal %s: %w", path, err)
	}
	return r, nil
}

func openReader(ctx context.Context, path string) (*Reader, error) {
	path, err := locate(path)
	if err == nil {
		err = unlinked(path)
	}
	if err != nil {
		return nil, err
	}
	r, err := newReader(path)
	if err != nil {
		return nil, err
	}
	if err := current(ctx, r.db); err != nil {
		_ = r.Close() // the first error is the one to tell
		return nil, fail("read the schema version", err)
	}
	return r, nil
}

func newReader(path string) (*Reader, error) {
	db, err := connect(path, readerMode, readers)
	if err != nil {
		return nil, err
	}
	return &Reader{db: db}, nil
}

// Close closes the reader's connections.
func (r *Reader) Close() error { return r.db.Close() }

// read runs work on one snapshot.
func (r *Reader) read(ctx context.Context, op string, work func(*sql.Tx) error) error {
	if r.onRead != nil {
		r.onRead()
	}
	tx, err := r.db.BeginTx(ctx, nil)
	if err != nil {
		return fail(op, err)
	}
	defer func() { _ = tx.Rollback() }() // there is nothing to commit
	return fail(op, work(tx))
}

// each calls scan for every row of a query.
func each(ctx context.Context, tx *sql.Tx, scan func(*sql.Rows) error, query string, args ...any) error {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // Err has told what there is to tell
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// list is a slice as an argument of json_each, which lets one statement take
// any number of values.
func list[T any](values []T) string {
	if len(values) == 0 {
		return "[]"
	}
	b, err := json.Marshal(values)
	if err != nil {
		panic(err) // numbers and strings always marshal
	}
	return string(b)
}

// Unfinished counts the entries that a worker still has something to do for:
// those in a Runnable status, but for ClassFiling and ClassBatch. No folders means all folders.
func (r *Reader) Unfinished(ctx context.Context, folders []string) (int, error) {
	var n int
	err := r.read(ctx, "count unfinished entries", func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT count(*) FROM entries INDEXED BY entries_status
			WHERE (`+begunSQL+` OR `+queuedSQL+`) AND NOT (status = 'verified' AND class = '`+ClassFiling+`' AND tries > 2)
			  AND NOT (`+queuedSQL+` AND class = '`+ClassBatch+`')
			  AND (?1 = 0 OR folder IN (SELECT value FROM json_each(?2)))`, len(folders), list(folders)).Scan(&n)
	})
	return n, err
}

// KnownIDs tells which of the object and file ids belong to an attempt, an
// entry, also one that was pruned, or an open chore of this journal. Ids that it does not know are not in the result.
func (r *Reader) KnownIDs(ctx context.Context, ids []string) (map[string]bool, error) {
	known := make(map[string]bool)
	err := r.read(ctx, "look up asset ids", func(tx *sql.Tx) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var id string
			if err := rows.Scan(&id); err != nil {
				return err
			}
			known[id] = true
			return nil
		}, `WITH asked (id) AS (SELECT value FROM json_each(?) WHERE value <> '')
			SELECT id FROM asked
			WHERE EXISTS (SELECT 1 FROM attempts WHERE object_id = asked.id AND object_id <> '')
			   OR EXISTS (SELECT 1 FROM attempts WHERE file_id = asked.id AND file_id <> '')
			   OR EXISTS (SELECT 1 FROM entries WHERE object_id = asked.id AND object_id <> '')
			   OR EXISTS (SELECT 1 FROM pruned WHERE object_id = asked.id)
			   OR EXISTS (SELECT 1 FROM chores WHERE asked.id IN (object_id, file_id))`, list(ids))
	})
	return known, err
}
