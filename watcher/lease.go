package watcher

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// verdict is what a look at an open file tells of its writers.
type verdict int

const (
	unsure  verdict = iota // nothing tells
	free                   // nobody has it open for writing
	busy                   // someone has
	changed                // it is not the file that was looked at before
)

// errNoLease is that the kernel grants no lease on a file that can be opened.
var errNoLease = errors.New("the kernel grants no lease on the file")

// probe asks the kernel whether anyone has a file open for writing, or
// mapped so: only then it refuses a read lease. The lease is given back at once,
// because whoever opens the file to write would have to wait for it. The kernel
// grants leases to the owner of a file and to CAP_LEASE; to others probe is
// unsure, and so it is on a file system that may have writers elsewhere.
func (t *tree) probe(rel string, want file.Stat) (verdict, error) {
	fd, err := t.descriptor(rel)
	switch {
	case errors.Is(file.Opening(err), file.ErrLocked):
		return busy, nil // as by a file server's write lease
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENOTDIR):
		return changed, nil
	case err != nil:
		return unsure, err
	}
	defer unix.Close(fd)                       // nothing was written
	if _, leases := file.KindOf(fd); !leases { // another file system is mounted below the folder
		return unsure, nil
	}
	_, err = unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_RDLCK)
	if errors.Is(err, unix.EAGAIN) {
		return busy, nil
	}
	var st unix.Stat_t
	if err != nil {
		if unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT != unix.S_IFREG {
			return changed, nil // something else is in its place
		}
		return unsure, fmt.Errorf("%w: %w", errNoLease, err)
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_UNLCK); err != nil {
		return unsure, err
	}
	// Last of all: what a writer did until it closed the file has to show.
	if err := unix.Fstat(fd, &st); err != nil {
		return unsure, err
	}
	if file.StatOfSys(&st) != want {
		return changed, nil
	}
	return free, nil
}

// Written reports whether a program on this machine has the open file f open for
// writing, or mapped so. False also where nothing tells: on shares, and for files
// of other users without CAP_LEASE.
func Written(f *os.File) bool {
	if _, leases := file.KindOf(int(f.Fd())); !leases {
		return false
	}
	_, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_RDLCK)
	if err == nil {
		_, err = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_UNLCK)
	}
	return errors.Is(err, unix.EAGAIN)
}

// endSize is how much is read of each end of a file.
const endSize = 64 << 10

// ends is what the first and the last bytes of a file were.
type ends struct {
	sum   [sha256.Size]byte
	blank bool // a long file that ends in zeros: perhaps only its space is there yet
}

// readEnds reads both ends of a file. What cannot be read is as good
// as empty: it is for the receiver to find out why. But a file that another program
// has locked says nothing of its bytes: file.ErrLocked.
func (t *tree) readEnds(rel string, size int64) (ends, error) {
	f, err := t.file(rel)
	if err != nil {
		return ends{}, onlyLocked(file.Opening(err))
	}
	defer f.Close() // nothing was written
	buf := make([]byte, 2*endSize)
	n, err := io.ReadFull(io.NewSectionReader(f, 0, endSize), buf[:endSize])
	tail := buf[n:n]
	if size > endSize {
		var m int
		var more error
		m, more = io.ReadFull(io.NewSectionReader(f, max(endSize, size-endSize), endSize), buf[n:n+endSize])
		tail, err = buf[n:n+m], errors.Join(err, more)
	}
	if err := onlyLocked(file.Reading(err)); err != nil {
		return ends{}, err
	}
	e := ends{sum: sha256.Sum256(buf[:n+len(tail)]), blank: len(tail) > 0}
	for _, b := range tail {
		if b != 0 {
			e.blank = false
			break
		}
	}
	return e, nil
}

// onlyLocked returns err if it is file.ErrLocked.
func onlyLocked(err error) error {
	if errors.Is(err, file.ErrLocked) {
		return err
	}
	return nil
}
