package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// companions are what SQLite keeps beside a database.
var companions = []string{"-wal", "-shm"}

// lockMark is what the lock file holds once there was a journal beside it: after a
// clean stop nothing else would tell that one was lost.
const lockMark = "There was a journal beside this file.\n"

// markLock writes the mark, durably.
func markLock(path string) error {
	name := path + ".lock"
	if info, err := os.Lstat(name); err != nil || info.Size() > 0 {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(lockMark)
	return errors.Join(err, f.Sync(), f.Close())
}

// orphans looks for the remains of a lost journal before a new one is begun: every
// file would be new to that. SQLite would even delete a -wal file that belongs to
// no database, and with it what was recorded last. It reports whether there is no
// journal yet.
func orphans(path string, anew bool) (fresh bool, err error) {
	if info, err := os.Lstat(path); err == nil && info.Size() > 0 {
		return false, nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	lock, err := os.Lstat(path + ".lock")
	if err == nil && lock.Size() > 0 && !anew {
		return true, ErrOrphaned
	}
	for _, c := range companions {
		info, err := os.Lstat(path + c)
		if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
			continue
		}
		if err != nil {
			return true, err
		}
		if !anew && c == "-wal" {
			return true, ErrOrphaned
		}
		if err := aside(path + c); err != nil {
			return true, err
		}
	}
	return true, nil
}

// aside renames a file so that nothing overwrites it.
func aside(name string) error {
	err := os.Rename(name, fmt.Sprintf("%s.replaced-%s", name, time.Now().Format("20060102T150405.000")))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// inheritOwner gives files that root made to the owner of their directory: a
// command that root runs must not lock out the daemon's own user.
func inheritOwner(names ...string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	for _, name := range names {
		info, err := os.Stat(filepath.Dir(name))
		if err != nil {
			return err
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Uid != 0 {
			err := withFile(name, func(fd int, _ unix.Stat_t) error {
				return unix.Fchownat(fd, "", int(st.Uid), int(st.Gid), unix.AT_EMPTY_PATH)
			})
			if err != nil {
				return fmt.Errorf("give the journal to the owner of its directory: %w", err)
			}
		}
	}
	return nil
}

// Restore puts a back-up in the place of the journal at path, with what is in a -wal
// file beside it. What is there, the files that SQLite keeps beside it included, is
// moved aside, not deleted. ErrLocked while a process owns the journal; ErrForeign,
// ErrNewer, ErrCorrupt or ErrMissing for what is no whole journal, which changes
// nothing.
func Restore(ctx context.Context, path, from string) (err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return err
	}
	if err := unlinked(path); err != nil {
		return fmt.Errorf("restore journal %s: %w", path, err)
	}
	lock, err := own(ctx, path)
	if err != nil {
		return fmt.Errorf("restore journal %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	part := path + ".restoring"
	if err := copyWhole(ctx, from, part, path); err != nil {
		return fmt.Errorf("restore the journal from %s: %w", from, err)
	}
	if err := errors.Join(inheritOwner(part, path+".lock"), markLock(path)); err != nil { // from here on one is missing
		return errors.Join(fmt.Errorf("restore the journal: %w", err), os.Remove(part))
	}
	for _, name := range []string{path + "-wal", path + "-shm", path} {
		if err := aside(name); err != nil {
			return fmt.Errorf("move %s aside: %w", name, err)
		}
	}
	return os.Rename(part, path)
}

// plain refuses a copy in whose place, or beside which, lies something else than files: a
// pipe would be waited for without end. Links to files are an operator's to make.
func plain(from string) error {
	for _, name := range []string{from, from + "-wal", from + "-shm", from + "-journal"} {
		info, err := os.Stat(name)
		if errors.Is(err, fs.ErrNotExist) && name != from {
			continue
		}
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%w (%s is no file)", ErrForeign, name)
		}
	}
	return nil
}

// copyWhole copies a whole journal to part, over what a crash left there. It refuses
// the journal at path itself.
func copyWhole(ctx context.Context, from, part, path string) error {
	from, err := locate(from)
	if err != nil {
		return err
	}
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	for _, name := range []string{path, part} {
		if there, err := os.Stat(name); err == nil && os.SameFile(info, there) {
			return fmt.Errorf("that is %s itself; name a copy of it", name)
		}
	}
	if err := plain(from); err != nil {
		return err
	}
	db, err := connect(from, "mode=ro", 1) // as in Backup
	if err != nil {
		return err
	}
	defer db.Close()
	v, err := version(ctx, db)
	if err == nil && v == 0 {
		err = ErrMissing
	}
	if err != nil {
		return fail("read the schema version", err)
	}
	if err := quickCheck(ctx, db); err != nil {
		return err
	}
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return fail("copy it", vacuum(ctx, db, part))
}
