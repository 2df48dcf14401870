package file

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Look looks at what name is in the directory dirfd, or by its path where that is
// unix.AT_FDCWD, and follows no link. A fresh look asks the server of a share, whose
// client may else answer for a minute, or as long as it was mounted to, from what it
// remembers: a file that another machine keeps growing seems to hold still.
func Look(dirfd int, name string, fresh bool) (st unix.Stat_t, err error) {
	if fresh {
		st, err = statx(dirfd, name, unix.AT_SYMLINK_NOFOLLOW)
	} else {
		err = unix.Fstatat(dirfd, name, &st, unix.AT_SYMLINK_NOFOLLOW)
	}
	if err != nil {
		return st, &os.PathError{Op: "lstat", Path: name, Err: err}
	}
	return st, nil
}

// LookOpen takes a fresh look at an open file, as Look does.
func LookOpen(f *os.File) (st unix.Stat_t, err error) {
	st, err = statx(int(f.Fd()), "", unix.AT_EMPTY_PATH)
	if err != nil {
		return st, &os.PathError{Op: "stat", Path: f.Name(), Err: err}
	}
	return st, nil
}

// statx asks the server. A kernel, or a sandbox, that does not know the call has what
// the client remembers.
func statx(dirfd int, name string, flags int) (st unix.Stat_t, err error) {
	var x unix.Statx_t
	err = unix.Statx(dirfd, name, flags|unix.AT_STATX_FORCE_SYNC, unix.STATX_BASIC_STATS, &x)
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
		return st, unix.Fstatat(dirfd, name, &st, flags)
	}
	if err != nil {
		return st, err
	}
	st.Dev, st.Ino, st.Mode, st.Size = unix.Mkdev(x.Dev_major, x.Dev_minor), x.Ino, uint32(x.Mode), int64(x.Size)
	st.Mtim, st.Ctim = timespec(x.Mtime), timespec(x.Ctime)
	return st, nil
}

func timespec(t unix.StatxTimestamp) unix.Timespec {
	return unix.Timespec{Sec: t.Sec, Nsec: int64(t.Nsec)}
}
