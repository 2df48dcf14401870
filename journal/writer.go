package journal

import (
	"context"
	"database/sql"
	"errors"
	"runtime"
)

// groupLimit is how many pieces of work one commit takes at the most.
const groupLimit = 64

// errClosed is the answer to whoever writes to a journal that was closed.
var errClosed = errors.New("the journal is closed")

// writer is the goroutine that owns the connection that writes. What waits for it when
// it begins is committed together: an fsync serves as many as there are.
type writer struct {
	s      *session
	pieces chan piece
	closed chan struct{} // closed when nothing more is taken
	ended  chan struct{} // closed when the goroutine has ended

	// before is asked before each commit: an error of it is everyone's. after is told of
	// each commit that is durable, before anyone is answered.
	before func() error
	after  func()
}

// piece is what one caller wants to have written: all of it or nothing.
type piece struct {
	ctx    context.Context //nolint:containedctx // it is asked once, when the piece's turn comes
	work   func(*session) error
	answer chan<- error
}

// newWriter takes the connection of db and begins to write.
func newWriter(ctx context.Context, db *sql.DB, before func() error, after func()) (*writer, error) {
	s, err := newSession(ctx, db)
	if err != nil {
		return nil, err
	}
	s.steady = true
	w := &writer{s: s, pieces: make(chan piece), closed: make(chan struct{}), ended: make(chan struct{}), before: before, after: after}
	go w.run()
	return w, nil
}

// close ends the writer once what it is at is committed.
func (w *writer) close() error {
	close(w.closed)
	<-w.ended
	return w.s.close()
}

// write has a piece of work written. When it returns nil that is durable, when it returns
// an error nothing of it is. A context that ends before the piece's turn is its error;
// from then on it is waited for: a bounded number of pieces goes into one commit.
func (w *writer) write(ctx context.Context, work func(*session) error) error {
	answer := make(chan error, 1)
	select {
	case w.pieces <- piece{ctx, work, answer}:
		return <-answer
	case <-ctx.Done():
		return ctx.Err()
	case <-w.closed:
		return errClosed
	}
}

func (w *writer) run() {
	defer close(w.ended)
	group := make([]piece, 0, groupLimit)
	for {
		select {
		case p := <-w.pieces:
			group = w.gather(append(group[:0], p))
			w.commit(group)
			clear(group)
		case <-w.closed:
			return
		}
	}
}

// gather adds what waits already, and what comes while others run that could run now: a
// busy machine fills the group, an idle one is not waited for.
func (w *writer) gather(group []piece) []piece {
	for idle := 0; len(group) < groupLimit && idle < 2; {
		select {
		case p := <-w.pieces:
			group, idle = append(group, p), 0
		default:
			idle++
			runtime.Gosched()
		}
	}
	return group
}

// commit runs the pieces, each on its own, and commits what they did in one transaction.
// An error of a piece undoes that piece; one of the transaction is everyone's.
func (w *writer) commit(group []piece) {
	errs := make([]error, len(group))
	if err := w.transaction(group, errs); err != nil {
		for i := range errs { // what a piece failed with may be owed to another, which is undone, too
			errs[i] = err
		}
	}
	for i, p := range group {
		p.answer <- errs[i]
	}
}

// transaction fills in the error of each piece, and returns the one of them all.
func (w *writer) transaction(group []piece, errs []error) (err error) {
	if err := w.before(); err != nil {
		return err
	}
	ctx := context.Background()
	if _, err := w.s.exec(ctx, `BEGIN IMMEDIATE`); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_, _ = w.s.exec(ctx, `ROLLBACK`) // SQLite may have rolled back by itself
		}
	}()
	done := 0
	for i, p := range group {
		errs[i] = p.ctx.Err()
		if errs[i] != nil {
			continue
		}
		var broken error
		if errs[i], broken = w.piece(ctx, p); broken != nil {
			return broken
		}
		if errs[i] == nil {
			done++
		}
	}
	if done == 0 {
		_, err := w.s.exec(ctx, `ROLLBACK`)
		return err
	}
	if _, err := w.s.exec(ctx, `COMMIT`); err != nil {
		return err
	}
	w.after()
	return nil
}

// piece runs one piece under a savepoint. Broken is an error after which the transaction
// cannot go on: it is what the piece failed with where SQLite has rolled back all of it,
// for want of room for example.
func (w *writer) piece(ctx context.Context, p piece) (err, broken error) {
	if _, err := w.s.exec(ctx, `SAVEPOINT piece`); err != nil {
		return nil, err
	}
	err = p.work(w.s)
	if err != nil {
		if _, lost := w.s.exec(ctx, `ROLLBACK TO piece`); lost != nil {
			return nil, err
		}
	}
	if _, lost := w.s.exec(ctx, `RELEASE piece`); lost != nil {
		return nil, errors.Join(err, lost)
	}
	return err, nil
}
