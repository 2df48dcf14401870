package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// sqlCounts is what a journal asked of its database.
type sqlCounts struct {
	parsed  int // SQL texts handed over to be parsed, those of transactions included
	pieces  int // writes that were asked to be durable
	commits int // transactions that reached the disk; each may hold several pieces
	selects int // SELECTs carried out
	reads   int // transactions that only read; a SELECT outside of one is one by itself
}

func (c sqlCounts) minus(o sqlCounts) sqlCounts {
	return sqlCounts{c.parsed - o.parsed, c.pieces - o.pieces, c.commits - o.commits, c.selects - o.selects, c.reads - o.reads}
}

// countingDriver is SQLite's driver, and counts what passes through it.
type countingDriver struct {
	driver.Driver
	name string // for journal.Options

	mu    sync.Mutex
	total sqlCounts
	texts map[string]int // how often each text was carried out or parsed, for the log
}

var countingDrivers atomic.Int64 // a name is registered once in the life of a process

func newCountingDriver() (*countingDriver, error) {
	db, err := sql.Open("sqlite", "")
	if err != nil {
		return nil, err
	}
	d := &countingDriver{Driver: db.Driver(), texts: map[string]int{}, name: fmt.Sprint("counting-", countingDrivers.Add(1))}
	sql.Register(d.name, d)
	return d, db.Close()
}

func (d *countingDriver) counts() sqlCounts {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.total
}

// takeTexts lists the texts since the last call, the most frequent first.
func (d *countingDriver) takeTexts() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out strings.Builder
	for _, text := range slices.SortedFunc(maps.Keys(d.texts), func(a, b string) int { return d.texts[b] - d.texts[a] }) {
		fmt.Fprintf(&out, "%6d  %.150s\n", d.texts[text], strings.Join(strings.Fields(text), " "))
	}
	clear(d.texts)
	return out.String()
}

func (d *countingDriver) count(text string, change func(*sqlCounts)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(&d.total)
	d.texts[text]++
}

// Open implements driver.Driver.
func (d *countingDriver) Open(dsn string) (driver.Conn, error) {
	c, err := d.Driver.Open(dsn)
	if err != nil {
		return nil, err
	}
	return &countedConn{sqliteConn: c.(sqliteConn), driver: d, reader: strings.Contains(dsn, "mode=ro")}, nil
}

// sqliteConn is what SQLite's driver offers on a connection, but for what needs its
// own type.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// countedConn is one connection. Only one goroutine uses it at a time.
type countedConn struct {
	sqliteConn
	driver *countingDriver
	reader bool // it cannot write

	inside bool // of a transaction
	pieces int  // savepoints of the transaction
}

func (c *countedConn) parsed(text string) {
	c.driver.count("parsed: "+text, func(n *sqlCounts) { n.parsed++ })
}

// ran notes a statement that was carried out. Transactions begin and end by
// statements as well as by BeginTx. What waited together is a savepoint each in one
// transaction; a transaction without savepoints is one piece.
func (c *countedConn) ran(text string) {
	verb, rest, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(text)), " ")
	alone := !c.inside
	switch verb = strings.TrimRight(verb, ";\n\t"); {
	case verb == "BEGIN":
		c.inside, c.pieces = true, 0
	case verb == "SAVEPOINT":
		c.pieces++
	case verb == "ROLLBACK" && strings.HasPrefix(rest, "TO"), verb == "RELEASE", verb == "PRAGMA":
	case verb == "COMMIT", verb == "END", verb == "ROLLBACK":
		c.ended(text, verb != "ROLLBACK")
	case verb == "SELECT", verb == "WITH" && !strings.Contains(rest, "UPDATE ") && !strings.Contains(rest, "INSERT ") && !strings.Contains(rest, "DELETE "):
		c.driver.count(text, func(n *sqlCounts) {
			n.selects++
			if alone {
				n.reads++
			}
		})
	default:
		c.driver.count(text, func(n *sqlCounts) {
			if alone {
				n.pieces++
				n.commits++
			}
		})
	}
}

func (c *countedConn) ended(text string, committed bool) {
	c.inside = false
	c.driver.count(text, func(n *sqlCounts) {
		switch {
		case c.reader:
			n.reads++
		case committed:
			n.commits++
			n.pieces += max(1, c.pieces)
		}
	})
}

func (c *countedConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	c.parsed(text)
	s, err := c.sqliteConn.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	return &countedStmt{sqliteStmt: s.(sqliteStmt), conn: c, text: text}, nil
}

func (c *countedConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	c.parsed(text)
	c.ran(text)
	return c.sqliteConn.ExecContext(ctx, text, args)
}

func (c *countedConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	c.parsed(text)
	c.ran(text)
	return c.sqliteConn.QueryContext(ctx, text, args)
}

func (c *countedConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	c.parsed("BEGIN")
	tx, err := c.sqliteConn.BeginTx(ctx, o)
	if err != nil {
		return nil, err
	}
	c.ran("BEGIN")
	return &countedTx{tx, c}, nil
}

// countedTx ends a transaction by a text of its own.
type countedTx struct {
	driver.Tx
	conn *countedConn
}

func (t *countedTx) Commit() error   { return t.end("COMMIT", t.Tx.Commit) }
func (t *countedTx) Rollback() error { return t.end("ROLLBACK", t.Tx.Rollback) }

func (t *countedTx) end(text string, end func() error) error {
	t.conn.parsed(text)
	t.conn.ran(text)
	return end()
}

type sqliteStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// countedStmt is a prepared statement: to carry it out parses nothing.
type countedStmt struct {
	sqliteStmt
	conn *countedConn
	text string
}

func (s *countedStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	s.conn.ran(s.text)
	return s.sqliteStmt.ExecContext(ctx, args)
}

func (s *countedStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	s.conn.ran(s.text)
	return s.sqliteStmt.QueryContext(ctx, args)
}
