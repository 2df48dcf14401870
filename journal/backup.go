package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Backup writes a complete, compact copy of the journal at path to a file that
// must not exist yet; its mode is 0600, because it holds live presigned URLs. It
// may run beside the owner.
func Backup(ctx context.Context, path, to string) (err error) {
	path, err = locate(path)
	if err != nil {
		return fmt.Errorf("back up journal %s: %w", path, err)
	}
	db, err := connect(path, "mode=ro", 1) // not query_only: that forbids VACUUM INTO as well
	if err != nil {
		return fmt.Errorf("back up the journal: %w", err)
	}
	defer db.Close()
	if err := current(ctx, db); err != nil {
		return fail("back up the journal", err)
	}
	if err := vacuum(ctx, db, to); err != nil {
		return fail("back up the journal to "+to, err)
	}
	return nil
}

// vacuum writes a copy of a database, durably, to a file that must not exist yet.
func vacuum(ctx context.Context, db *sql.DB, to string) (err error) {
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w and is not overwritten: name another one, or move it away", fs.ErrExist)
	}
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(to)) // half a copy is none
		}
	}()
	if err := f.Close(); err != nil { // VACUUM INTO accepts an empty file and keeps its mode
		return err
	}
	if _, err := db.ExecContext(ctx, `VACUUM INTO ?`, to); err != nil {
		return err
	}
	return syncFile(to)
}

func syncFile(name string) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
