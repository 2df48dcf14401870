package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
)

// readers is the number of connections that read at once.
const readers = 4

// Reader reads a journal without ever changing it. Each method sees one
// consistent state. It is safe for concurrent use, also beside the owner in
// another process.
type Reader struct {
	path    string
	db      *sql.DB
	idle    chan *session // nil is one that has not connected yet
	closed  chan struct{}
	closing sync.Once
	onRead  func()
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
	r, err := newReader("", path)
	if err != nil {
		return nil, err
	}
	if err := current(ctx, r.db); err != nil {
		_ = r.Close() // the first error is the one to tell
		return nil, fail("read the schema version", err)
	}
	return r, nil
}

func newReader(driver, path string) (*Reader, error) {
	db, err := connectBy(driver, path, readerMode, readers+1) // one is for the integrity check
	if err != nil {
		return nil, err
	}
	r := &Reader{path: path, db: db, idle: make(chan *session, readers), closed: make(chan struct{})}
	for range readers {
		r.idle <- nil
	}
	return r, nil
}

// Close ends the use of the reader: it waits for who reads, and closes the connections.
func (r *Reader) Close() error {
	var err error
	r.closing.Do(func() { err = r.close() })
	return err
}

func (r *Reader) close() error {
	close(r.closed)
	var errs []error
	for range readers {
		if s := <-r.idle; s != nil {
			errs = append(errs, s.close())
		}
	}
	return errors.Join(append(errs, r.db.Close())...)
}

// take returns a session, which is to be put back into idle.
func (r *Reader) take(ctx context.Context) (s *session, err error) {
	select {
	case <-r.closed:
		return nil, errClosed
	default:
	}
	select {
	case s = <-r.idle:
	case <-r.closed:
		return nil, errClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if s == nil {
		if s, err = newSession(ctx, r.db); err != nil {
			r.idle <- nil
			return nil, err
		}
	}
	return s, nil
}

// read runs work, which may ask any number of questions, on one snapshot.
func (r *Reader) read(ctx context.Context, op string, work func(*session) error) error {
	return r.ask(ctx, op, func(tx *session) error {
		// Both are at once. When a context ends, the driver fails even what it has done.
		steady := context.WithoutCancel(ctx)
		if _, err := tx.exec(steady, `BEGIN`); err != nil {
			return err
		}
		defer func() { _, _ = tx.exec(steady, `ROLLBACK`) }() // there is nothing to commit
		return work(tx)
	})
}

// ask is read for work that is one question: a SELECT sees one state by itself.
func (r *Reader) ask(ctx context.Context, op string, work func(*session) error) error {
	if r.onRead != nil {
		r.onRead()
	}
	s, err := r.take(ctx)
	if err != nil {
		return fail(op, err)
	}
	defer func() { r.idle <- s }()
	return fail(op, work(s))
}

// Unfinished counts the entries that a worker still has something to do for:
// those in a Runnable status, but for ClassFiling and ClassBatch. No folders means all folders.
func (r *Reader) Unfinished(ctx context.Context, folders []string) (int, error) {
	var n int
	err := r.ask(ctx, "count unfinished entries", func(tx *session) error {
		return tx.row(ctx, `SELECT count(*) FROM work w JOIN entries e ON e.id = w.entry_id
			WHERE NOT (e.status = {verified} AND e.class = '`+ClassFiling+`' AND e.tries > 2)
			  AND NOT (w.lane < 2 AND e.class = '`+ClassBatch+`')
			  AND (?1 = 0 OR w.folder IN {list ?2})`, len(folders), list(folders)).Scan(&n)
	})
	return n, err
}

// KnownIDs tells which of the object and file ids belong to an attempt, an
// entry, also one that was pruned, or an open chore of this journal. Ids that it does not know are not in the result.
func (r *Reader) KnownIDs(ctx context.Context, ids []string) (map[string]bool, error) {
	known := make(map[string]bool)
	err := r.ask(ctx, "look up asset ids", func(tx *session) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var id string
			if err := rows.Scan(&id); err != nil {
				return err
			}
			known[id] = true
			return nil
		}, `WITH asked (id) AS {list ?}
			SELECT id FROM asked WHERE id <> '' AND (EXISTS (SELECT 1 FROM attempts WHERE object_id = asked.id AND object_id <> '')
			   OR EXISTS (SELECT 1 FROM attempts WHERE file_id = asked.id AND file_id <> '')
			   OR EXISTS (SELECT 1 FROM entries WHERE object_id = asked.id AND object_id <> '')
			   OR EXISTS (SELECT 1 FROM pruned WHERE object_id = asked.id)
			   OR EXISTS (SELECT 1 FROM chores WHERE asked.id IN (object_id, file_id)))`, list(ids))
	})
	return known, err
}
