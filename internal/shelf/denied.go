package shelf

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path"
	"strconv"
	"sync"
	"syscall"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// DeniedError says who may not read what, for the error of the system does not.
type DeniedError struct {
	User string // that may not
	What string // it may not, as the rest of the sentence
	Err  error  // of the system
}

func (e *DeniedError) Error() string {
	reason := e.Err
	if errno, ok := errors.AsType[syscall.Errno](e.Err); ok {
		reason = errno // the rest repeats the path
	}
	return fmt.Sprintf("the user %s %s: %v", e.User, e.What, reason)
}

func (e *DeniedError) Unwrap() error { return e.Err }

// IsDenied reports the refusal to read a file.
func IsDenied(err error) bool {
	return errors.Is(err, fs.ErrPermission) && !errors.Is(err, file.ErrLocked)
}

// Explain adds to the refusal to read a file, an error for IsDenied, who may.
func (s *Shelf) Explain(rel string, err error) error {
	d := &DeniedError{User: ourName(), Err: err}
	info, statErr := s.root.Lstat(rel)
	if statErr == nil {
		d.What = fmt.Sprintf("may not read %q, which %s", rel, rightsOf(info))
		return d
	}
	for at := path.Dir(rel); errors.Is(statErr, fs.ErrPermission); at = path.Dir(at) { // ends at the folder, which is open
		if info, statErr = s.root.Lstat(at); statErr == nil {
			d.What = fmt.Sprintf("may not read %q, because its directory %q %s", rel, at, rightsOf(info))
			return d
		}
	}
	return err
}

// rightsOf says whose a file or directory is, and who may what with it.
func rightsOf(info fs.FileInfo) string {
	st := info.Sys().(*syscall.Stat_t)
	owner, group := nameOfUser(st.Uid), strconv.FormatUint(uint64(st.Gid), 10)
	if g, err := user.LookupGroupId(group); err == nil {
		group = g.Name
	}
	return fmt.Sprintf("belongs to %s:%s with mode %04o", owner, group, st.Mode&0o7777)
}

// ourName is the name of the user that this process runs as.
var ourName = sync.OnceValue(func() string { return nameOfUser(uint32(os.Geteuid())) })

// nameOfUser is the name of a user, or the number of one without.
func nameOfUser(uid uint32) string {
	number := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(number); err == nil {
		return u.Username
	}
	return number
}
