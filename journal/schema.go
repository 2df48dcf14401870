package journal

import (
	"cmp"
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// migrations holds the schema as numbered steps; step n takes user_version
// from n-1 to n.
//
//go:embed migrations/*.sql
var embedded embed.FS

// migrations is where the steps are read from; a test has more of them.
var migrations fs.FS = embedded

// applicationID marks a database as a journal; the first migration sets it. Before there
// was a release its schema was another one, which had firstID.
const (
	applicationID = 0x696e676a
	firstID       = 0x696e6764
)

// The three ways to connect. The settings are in the DSN because a pragma
// reaches only the one connection of a pool that happens to run it. Who asks waits by
// itself for another process's transaction: SQLite looks so seldom that it would miss
// the short gaps between the many of a busy owner.
const (
	ownerMode  = "mode=rw&_busy_timeout=10000&_txlock=immediate&_journal_mode=WAL&_synchronous=FULL&_pragma=secure_delete(1)"
	askerMode  = "mode=rw&_busy_timeout=0&_txlock=immediate&_synchronous=FULL"
	readerMode = "mode=ro&_busy_timeout=10000&_query_only=1"
)

// connect opens a pool on an existing database. No mode creates the file.
func connect(path, mode string, conns int) (*sql.DB, error) { return connectBy("", path, mode, conns) }

// connectBy is connect by a driver of another name than SQLite's, if one is given.
func connectBy(driver, path, mode string, conns int) (*sql.DB, error) {
	name := (&url.URL{Path: path}).EscapedPath()
	db, err := sql.Open(cmp.Or(driver, "sqlite"), "file:"+name+"?_foreign_keys=1&_dqs=0&_defensive=1&_error_rc=1&"+mode)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

// locate returns the absolute path of an existing journal, or ErrMissing. A
// file of no bytes is what a crash between creating and filling it leaves.
func locate(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(abs) // the copy to restore may be a link
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode().IsRegular() && info.Size() == 0 {
		return "", ErrMissing
	}
	return abs, err
}

// steps returns the SQL of all migrations, in order.
func steps() ([]string, error) {
	names, err := fs.Glob(migrations, "migrations/*.sql") // sorted by name
	if err != nil {
		return nil, err
	}
	out := make([]string, len(names))
	for i, name := range names {
		if want := fmt.Sprintf("migrations/%04d_", i+1); !strings.HasPrefix(name, want) {
			return nil, fmt.Errorf("migration %s should be called %s*.sql", name, want)
		}
		body, err := fs.ReadFile(migrations, name)
		if err != nil {
			return nil, err
		}
		out[i] = string(body)
	}
	return out, nil
}

// version returns the schema version of a database; 0 is an empty one.
// ErrForeign if it holds something else, ErrNewer if it is ahead of us, ErrUnreleased if
// it is of a time before there was a release.
func version(ctx context.Context, db *sql.DB) (int, error) {
	var app, v, tables int
	err := db.QueryRowContext(ctx, `SELECT
		(SELECT application_id FROM pragma_application_id),
		(SELECT user_version FROM pragma_user_version),
		(SELECT count(*) FROM sqlite_schema)`).Scan(&app, &v, &tables)
	if err != nil {
		return 0, err
	}
	all, err := steps()
	switch {
	case err != nil:
		return 0, err
	case app == firstID:
		return 0, ErrUnreleased
	case app != applicationID && (app != 0 || v != 0 || tables != 0):
		return 0, ErrForeign
	case v > len(all):
		return 0, fmt.Errorf("%w (schema %d, this version knows %d)", ErrNewer, v, len(all))
	}
	return v, nil
}

// current is nil if the schema is exactly the one this program knows.
func current(ctx context.Context, db *sql.DB) error {
	v, err := version(ctx, db)
	if err != nil {
		return err
	}
	all, err := steps()
	if err != nil {
		return err
	}
	if v == 0 {
		return ErrMissing
	}
	if v < len(all) {
		return fmt.Errorf("%w (schema %d, this version needs %d)", ErrOlder, v, len(all))
	}
	return nil
}

// migrate brings the schema up to date, one transaction a step, so that a
// crash leaves a whole version behind.
func migrate(ctx context.Context, db *sql.DB, from int) error {
	all, err := steps()
	if err != nil {
		return err
	}
	for n := from; n < len(all); n++ {
		if err := migrateStep(ctx, db, all[n], n+1); err != nil {
			return fail(fmt.Sprintf("bring the journal to schema %d", n+1), err)
		}
	}
	return nil
}

func migrateStep(ctx context.Context, db *sql.DB, step string, to int) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // no effect after Commit
	if _, err := tx.ExecContext(ctx, step); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", to)); err != nil {
		return err
	}
	return tx.Commit()
}

// quickCheck reads the whole database and returns ErrCorrupt with the first
// damage it finds.
func quickCheck(ctx context.Context, db *sql.DB) error {
	var first string
	if err := db.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&first); err != nil {
		return fail("check the journal", err)
	}
	if first != "ok" {
		return fmt.Errorf("check the journal: %w: %s", ErrCorrupt, first)
	}
	return nil
}
