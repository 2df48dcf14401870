package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/sys/unix"
)

// checkWait is how long Open waits for the integrity check. A journal of up to
// some 100,000 entries is checked completely in that time; the check of a
// larger one goes on beside the work.
const checkWait = 500 * time.Millisecond

// lockWait is how long Open tries to get the lock: Owned holds it for a moment
// when it looks.
const lockWait = 300 * time.Millisecond

// Options are the optional parts of a Journal.
type Options struct {
	// Clock tells the time that is stored; nil is time.Now.
	Clock func() time.Time
	// OnCommit, if not nil, is called after each transaction that wrote, before
	// the methods that wrote return. It must not write, for whoever writes waits for it.
	OnCommit func()
	// OnRead, if not nil, is called before each look that the owner takes at the journal.
	OnRead func()
	// Anew lets Open begin a new journal where the -wal file of a lost one lies; it
	// is moved aside.
	Anew bool
	// Driver is the name of the database/sql driver that the owner and its reader
	// connect by; "" is SQLite's. A test counts what passes through one of its own.
	Driver string
	// WatchLock has the kernel tell of other processes' requests (Listen). Without it, as
	// in tests that make time themselves, the lock file is looked at from time to time.
	WatchLock bool
}

// Journal is the owner's handle: it alone changes entries. It is safe for
// concurrent use; writes take turns.
type Journal struct {
	db       *sql.DB // of one connection, the writer's: SQLite has one
	writer   *writer
	reader   *Reader
	fresh    bool // there was no journal before
	path     string
	file     os.FileInfo // which file path named when it was opened
	lock     *flock.Flock
	clock    func() time.Time
	onCommit func()
	wal      walTrimmer
	closing  sync.Once
	news     news
	gauges   gauges

	watchLock bool

	stopCheck context.CancelFunc
	checked   chan struct{}         // closed when the integrity check has ended
	damage    atomic.Pointer[error] // what it found; from then on nothing is written
}

// Open takes ownership of the journal at path, creates it (mode 0600, its
// directory 0700) where there is none, and brings its schema up to date.
//
// It also checks the integrity of the whole file. Where that takes longer than
// half a second, the check goes on in the background until it is done or the
// journal is closed, and if it finds damage every later write fails with
// ErrCorrupt.
//
// Errors: a LockedError if a live process owns it, which is ErrLocked, ErrCorrupt, ErrNewer, ErrForeign,
// ErrNetwork, ErrOrphaned, ErrLinked.
func Open(ctx context.Context, path string, o Options) (*Journal, error) {
	j, err := open(ctx, path, o)
	if err != nil {
		return nil, fmt.Errorf("open journal %s: %w", path, err)
	}
	return j, nil
}

func open(ctx context.Context, path string, o Options) (_ *Journal, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	j := &Journal{clock: o.Clock, onCommit: o.OnCommit, watchLock: o.WatchLock}
	if j.clock == nil {
		j.clock = time.Now
	}
	defer func() {
		if err != nil {
			_ = j.Close() // the first error is the one to tell
		}
	}()
	if err := local(filepath.Dir(path)); err != nil {
		return nil, err
	}
	if err := unlinked(path); err != nil {
		return nil, err
	}
	if j.lock, err = own(ctx, path); err != nil {
		return nil, err
	}
	if j.fresh, err = orphans(path, o.Anew); err != nil {
		return nil, err
	}
	if err := private(path); err != nil {
		return nil, err
	}
	if err := inheritOwner(path, path+".lock"); err != nil {
		return nil, err
	}
	j.path, j.wal.path = path, path
	if j.file, err = os.Lstat(path); err != nil {
		return nil, err
	}
	if j.db, err = connectBy(o.Driver, path, ownerMode+sizeLimit, 1); err != nil {
		return nil, err
	}
	from, err := version(ctx, j.db)
	if err != nil {
		return nil, fail("read the schema version", err)
	}
	if from > 0 {
		if j.reader, err = newReader(o.Driver, path); err != nil {
			return nil, err
		}
		if err := j.startCheck(ctx); err != nil {
			return nil, err
		}
	}
	if err := migrate(ctx, j.db, from); err != nil {
		return nil, err
	}
	if _, err := j.db.ExecContext(ctx, forgetSending); err != nil { // an earlier owner may have died
		return nil, fail("forget what was being sent", err)
	}
	if err := markLock(path); err != nil {
		return nil, err
	}
	if j.reader == nil {
		if j.reader, err = newReader(o.Driver, path); err != nil {
			return nil, err
		}
	}
	j.reader.onRead = o.OnRead
	j.writer, err = newWriter(ctx, j.db, hooks{before: j.mayCommit, along: j.gauges.ride, after: j.committed})
	return j, err
}

// own takes the lock that makes this process the owner. It is a file of its
// own: locks on the database file vanish when any descriptor of it is closed.
// The file stays when the lock is released; removing it would let two processes
// lock two files of one name.
func own(ctx context.Context, path string) (*flock.Flock, error) {
	lock := flock.New(path+".lock", flock.SetFlag(os.O_CREATE|os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK), flock.SetPermissions(0o600))
	wait, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	ok, err := lock.TryLockContext(wait, lockWait/10)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, context.DeadlineExceeded), err == nil && !ok:
		return nil, &LockedError{OwnerOf(path)}
	case err != nil:
		return nil, fmt.Errorf("lock: %w", err)
	}
	return lock, nil
}

// Owned reports whether a live process owns the journal at path. It changes
// nothing.
func Owned(path string) (bool, error) {
	name := path + ".lock"
	if err := unlinked(path); err != nil {
		return false, fmt.Errorf("look for the owner of journal %s: %w", path, err)
	}
	if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	lock := flock.New(name, flock.SetFlag(os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK)) // shared, so that two who look do not see each other
	free, err := lock.TryRLock()
	if err != nil {
		return false, fmt.Errorf("look for the owner of journal %s: %w", path, err)
	}
	return !free, lock.Close()
}

// private creates the database file if it is missing and takes all rights from
// group and others. SQLite gives -wal and -shm the mode of the database.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		err := withFile(name, func(fd int, st unix.Stat_t) error {
			if st.Mode&0o077 == 0 {
				return nil
			}
			if err := chmod(fd, 0o600); err != nil {
				return fmt.Errorf("the journal holds presigned URLs and must not be readable by others: set the mode of %s: %w", name, err)
			}
			return nil
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// startCheck begins the integrity check and waits for it for checkWait.
func (j *Journal) startCheck(ctx context.Context) error {
	ctx, j.stopCheck = context.WithCancel(context.WithoutCancel(ctx))
	j.checked = make(chan struct{})
	go func() {
		defer close(j.checked)
		if err := quickCheck(ctx, j.reader.db); errors.Is(err, ErrCorrupt) {
			j.damage.Store(&err)
		}
	}()
	select {
	case <-j.checked:
	case <-time.After(checkWait):
	}
	return j.damaged()
}

// damaged returns what the integrity check has found so far.
func (j *Journal) damaged() error {
	if err := j.damage.Load(); err != nil {
		return *err
	}
	return nil
}

// removed reports that the path no longer names the file that is written to:
// what is recorded would be lost with the last descriptor.
func (j *Journal) removed() error {
	now, err := os.Lstat(j.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(now, j.file) {
		return fmt.Errorf("%w (%s)", ErrRemoved, j.path)
	}
	return err
}

// Fresh reports that Open found no journal and began a new one.
func (j *Journal) Fresh() bool { return j.fresh }

// Reader returns the owner's own reader. It is closed with the journal.
func (j *Journal) Reader() *Reader { return j.reader }

// Close ends the integrity check if it still runs, closes the database and
// releases the lock. What was written until then is committed; whoever writes or reads
// afterwards is told so.
func (j *Journal) Close() error {
	var err error
	j.closing.Do(func() { err = j.close() })
	return err
}

func (j *Journal) close() error {
	var errs []error
	if j.stopCheck != nil {
		j.stopCheck()
		<-j.checked
	}
	if j.writer != nil {
		errs = append(errs, j.writer.close())
	}
	j.wal.close()
	if j.reader != nil {
		errs = append(errs, j.reader.Close())
	}
	if j.db != nil {
		errs = append(errs, j.db.Close()) // after the reader: the last connection empties the WAL
	}
	if j.lock != nil {
		errs = append(errs, j.lock.Close())
	}
	return errors.Join(errs...)
}

// write runs work in a transaction that is committed durably. If work or the commit
// fails, nothing of it has changed. Work uses nothing of the journal but its session, and
// asks no other process: everyone who writes waits for it. about is what it changes:
// entries, if nothing else is said.
func (j *Journal) write(ctx context.Context, op string, work func(*session) error, about ...Topic) error {
	if err := j.writer.write(ctx, work); err != nil {
		return fail(op, err)
	}
	j.news.tell(topics(about))
	return nil
}

// mayCommit is asked before each transaction.
func (j *Journal) mayCommit() error {
	if err := errors.Join(j.damaged(), j.removed()); err != nil {
		return fmt.Errorf("%w: %w", ErrJournal, err)
	}
	return nil
}

// committed is told of each transaction.
func (j *Journal) committed() {
	j.gauges.arrived()
	j.wal.committed()
	if j.onCommit != nil {
		j.onCommit()
	}
}

// now is the time as the journal stores it.
func (j *Journal) now() int64 { return ms(j.clock()) }

// ms is a time as it is stored; the zero time is 0.
func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// at is the reverse of ms.
func at(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
