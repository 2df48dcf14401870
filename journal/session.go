package journal

import (
	"context"
	"database/sql"
	"errors"
)

// session is one connection with the statements that were prepared on it: each text of
// the program is parsed once for each connection. One goroutine uses it at a time.
type session struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
	// steady lets a statement that was begun end whatever becomes of its context.
	// SQLite answers the interruption of a statement that writes by rolling back the whole
	// transaction, in which other pieces of work are, too.
	steady bool
}

// newSession takes a connection of db for itself until it is closed.
func newSession(ctx context.Context, db *sql.DB) (*session, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &session{conn: conn, stmts: make(map[string]*sql.Stmt)}, nil
}

// close gives the connection back.
func (s *session) close() error {
	var errs []error
	for _, stmt := range s.stmts {
		errs = append(errs, stmt.Close())
	}
	return errors.Join(append(errs, s.conn.Close())...)
}

// prepared returns the statement of a text, which is written as dialect.go
// says. The text must be a constant of the program, for the statement is kept as long as
// the connection.
func (s *session) prepared(text string) (*sql.Stmt, error) {
	if stmt, ok := s.stmts[text]; ok {
		return stmt, nil
	}
	stmt, err := s.conn.PrepareContext(context.Background(), inDialect(text)) //nolint:sqlclosecheck // closed with the session
	if err != nil {
		return nil, err
	}
	s.stmts[text] = stmt
	return stmt, nil
}

func (s *session) context(ctx context.Context) context.Context {
	if s.steady {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

// exec runs a statement that returns no rows.
func (s *session) exec(ctx context.Context, text string, args ...any) (sql.Result, error) {
	stmt, err := s.prepared(text)
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(s.context(ctx), args...)
}

// row is the answer of a statement that returns one row at the most.
type row struct {
	*sql.Row
	err error
}

// Scan is that of sql.Row.
func (r row) Scan(to ...any) error {
	if r.err != nil {
		return r.err
	}
	return r.Row.Scan(to...)
}

// row runs a statement of whose rows the first is wanted.
func (s *session) row(ctx context.Context, text string, args ...any) row {
	stmt, err := s.prepared(text)
	if err != nil {
		return row{err: err}
	}
	return row{Row: stmt.QueryRowContext(s.context(ctx), args...)}
}

// query runs a statement that returns rows.
func (s *session) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	stmt, err := s.prepared(text)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(s.context(ctx), args...)
}

// each calls scan for every row of a query.
func each(ctx context.Context, s *session, scan func(*sql.Rows) error, text string, args ...any) error {
	rows, err := s.query(ctx, text, args...)
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

// affect runs a statement and returns how many rows it changed.
func affect(ctx context.Context, s *session, text string, args ...any) (int, error) {
	res, err := s.exec(ctx, text, args...)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}
