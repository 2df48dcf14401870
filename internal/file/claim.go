package file

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// ErrClaimed is a folder that another process works on.
var ErrClaimed = errors.New("another program has locked the folder, as ingestd does with those that it works on")

// Claim is the hold of this process on a drop folder, or on none yet: a lock on the
// directory itself, which leaves nothing in it and ends with the process. It keeps off
// another process of this machine that claims the folder, or one below it. What other
// machines do to a share it does not see, and where a file system has no such locks
// nobody is kept off. A nil Claim holds nothing. Safe for concurrent use.
type Claim struct {
	taking sync.Mutex // while the file system is asked

	mu   sync.Mutex
	is   place    // what is held
	held *os.File // nil where nothing can be locked

	refused, last time.Time // when somebody else was first and last seen to hold it; guarded by taking
}

// A folder that another process held for longer than passing is left to it for giveWay
// after it let go: a daemon that ended in a crash is begun again, and would find that
// the other one ingests its whole folder anew.
const (
	passing = 2 * time.Second
	giveWay = time.Minute
)

// place is what tells a directory from all others; zero is none.
type place struct{ dev, ino uint64 }

// Take claims an open directory, unless it is held already; what was held before, if
// the folder was another directory then, is let go. ErrClaimed if somebody else holds
// it, or a directory above it.
func (c *Claim) Take(dir *os.File) error {
	if c == nil {
		return nil
	}
	c.taking.Lock()
	defer c.taking.Unlock()
	at, err := placeOf(int(dir.Fd()))
	if err != nil || c.holds(at) {
		return err
	}
	c.Release()
	if err := c.givesWay(int(dir.Fd())); err != nil {
		return err
	}
	held, err := lock(int(dir.Fd()), ".", unix.LOCK_EX)
	if err == nil {
		if err = above(int(dir.Fd()), at); err != nil {
			_ = held.Close() // nothing was written
		}
	}
	if errors.Is(err, ErrClaimed) {
		if c.last = time.Now(); c.refused.IsZero() {
			c.refused = c.last
		}
		return err
	}
	c.refused, c.last = time.Time{}, time.Time{}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.is, c.held = at, held
	return nil
}

// givesWay returns ErrClaimed while a folder that was let go may be wanted again. It
// asks the kernel's list of locks, so that whoever comes back finds the folder unlocked.
func (c *Claim) givesWay(dir int) error {
	if c.last.Sub(c.refused) < passing || holder(dir) != "" || time.Since(c.last) >= giveWay {
		return nil
	}
	return fmt.Errorf("%w; it let go just now, and the folder is left to it for a minute, in case it comes back", ErrClaimed)
}

func (c *Claim) holds(at place) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.is == at
}

// Release lets go. It asks no file system, and so waits for none.
func (c *Claim) Release() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held != nil {
		_ = c.held.Close() // nothing was written
	}
	c.is, c.held = place{}, nil
}

func placeOf(fd int) (place, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return place{}, fmt.Errorf("look at the folder: %w", err)
	}
	return place{st.Dev, st.Ino}, nil
}

// lock opens a directory and locks it. ErrClaimed if somebody holds it; any other error
// says that it cannot be locked.
func lock(at int, name string, how int) (*os.File, error) {
	fd, err := unix.Openat(at, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err = again(func() error { return unix.Flock(fd, how|unix.LOCK_NB) }); err == nil {
		return os.NewFile(uintptr(fd), name), nil
	}
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = fmt.Errorf("%w%s; two of them with different journals would ingest each file twice: stop one of them, take the folder from one configuration, or set `shared: true` for it in both",
			ErrClaimed, holder(fd))
	}
	_ = unix.Close(fd) // nothing was written
	return nil, err
}

// above reports whether somebody holds a directory above another one. That is seen by
// who comes second to a folder below: who comes second to one above cannot see it.
func above(dir int, at place) error {
	path := ".."
	for {
		up, err := lock(dir, path, unix.LOCK_SH)
		if err != nil {
			if errors.Is(err, ErrClaimed) {
				return err
			}
			return nil // it cannot be looked at: nor then is what is above it
		}
		now, err := placeOf(int(up.Fd()))
		_ = up.Close() // nothing was written
		if err != nil || now == at {
			return nil // the root of all
		}
		at, path = now, path+"/.."
	}
}

// holder names the process that holds a lock on a directory, if the kernel tells.
func holder(fd int) string {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return ""
	}
	locks, err := os.Open("/proc/locks")
	if err != nil {
		return ""
	}
	defer locks.Close() // nothing was written
	at := fmt.Sprintf("%02x:%02x:%d", unix.Major(st.Dev), unix.Minor(st.Dev), st.Ino)
	for lines := bufio.NewScanner(locks); lines.Scan(); {
		if f := strings.Fields(lines.Text()); len(f) > 5 && f[1] == "FLOCK" && f[5] == at {
			return " (process " + f[4] + ")"
		}
	}
	return ""
}
