package journal

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// The errors that a caller can tell apart with errors.Is. Their text is meant
// for the operator.
var (
	ErrLocked     = errors.New("another ingestd owns this journal")
	ErrMissing    = errors.New("there is no journal here; check the key journal of the configuration, or run `ingestd run` or `ingestd backfill` once, which creates it")
	ErrCorrupt    = errors.New("the journal is damaged; stop ingestd, keep a copy of the file, and restore a back-up of it (or rescue what is readable with `sqlite3 FILE .recover`)")
	ErrNewer      = errors.New("the journal was written by a newer ingestd; use that version or a newer one")
	ErrOlder      = errors.New("the journal was written by an older ingestd; start the daemon of this version once to bring it up to date")
	ErrUnreleased = errors.New("the journal was written by an ingestd from before the first release, whose journals are read no more; move it away with the files beside it (-wal, -shm, .lock), and begin anew with `ingestd backfill --adopt`, which takes over what Tenovos holds")
	ErrRemoved    = errors.New("the journal's file was removed or replaced underneath; nothing more can be recorded: stop ingestd, put the file or a back-up of it back, and start again")
	ErrOrphaned   = errors.New("the journal is gone, but what is left beside it (-wal, .lock) shows that there was one; put it or a back-up of it back (`ingestd restore`), or begin anew with `ingestd backfill --adopt`, which recognises what Tenovos holds")
	ErrNetwork    = errors.New("the journal lies on a network file system, whose locks and syncs cannot be relied on; put it on a local disk")
	ErrLinked     = errors.New("a link, or something else that is no file of its own, lies in the place of a file of the journal; look who put it there, and remove it")
	ErrForeign    = errors.New("this database is not a journal of ingestd; check the path")
	ErrFull       = errors.New("there is no room for the journal; free space on its disk, nothing recorded so far is lost")
	ErrBusy       = errors.New("another process is writing to the journal and does not let go of it")
	ErrJournal    = errors.New("the journal cannot be used") // matches every failure of the database itself
	ErrMoved      = errors.New("the entry is no longer in the expected status")
	ErrIllegal    = errors.New("no such move")
	ErrNameBusy   = errors.New("an asset of the same file name is being created")
	ErrUnknown    = errors.New("the journal has no such record")
)

// UnlessMoved drops the error of what somebody else was faster with.
func UnlessMoved(err error) error {
	if errors.Is(err, ErrMoved) || errors.Is(err, ErrUnknown) {
		return nil
	}
	return err
}

// fail wraps err with what was being done and, where SQLite's code has a
// meaning to the operator, with the error that says so.
func fail(op string, err error) error {
	if err == nil {
		return nil
	}
	if se, ok := errors.AsType[*sqlite.Error](err); ok {
		switch se.Code() & 0xff {
		case sqlite3.SQLITE_FULL:
			err = fmt.Errorf("%w: %w", ErrFull, err)
		case sqlite3.SQLITE_BUSY:
			err = fmt.Errorf("%w: %w", ErrBusy, err)
		case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
			err = fmt.Errorf("%w: %w", ErrCorrupt, err)
		case sqlite3.SQLITE_INTERRUPT: // the caller's context ended
			return fmt.Errorf("%s: %w", op, err)
		}
		return fmt.Errorf("%s: %w: %w", op, ErrJournal, err)
	}
	return fmt.Errorf("%s: %w", op, err)
}

// isBusy reports that another process's transaction is in the way.
func isBusy(err error) bool {
	se, ok := errors.AsType[*sqlite.Error](err)
	return ok && se.Code()&0xff == sqlite3.SQLITE_BUSY
}

// violatesUnique reports whether err is SQLite's refusal of a second row with
// one key.
func violatesUnique(err error) bool {
	var se *sqlite.Error
	return errors.As(err, &se) && se.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE
}
