package file

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// ErrIrregular is a pipe, a device, a socket, a link or a directory in the place of a
// file.
var ErrIrregular = errors.New("it is no regular file")

// linkError is a path in which a link lies, or which leads out of its root. None is
// followed, so that nothing is there: it is fs.ErrNotExist.
type linkError struct{}

func (linkError) Error() string        { return "a link lies in its path, and none is followed" }
func (linkError) Unwrap() error        { return unix.ELOOP }
func (linkError) Is(target error) bool { return target == fs.ErrNotExist }

// Root is a directory beneath which things are found by slash-separated paths. The
// path of the directory itself may lead through links; below it no link is followed,
// so that nothing that others put there leads out of it, also not while they exchange
// directories for links. Errors are an *fs.PathError with the path below the root; a
// link in a path makes it fs.ErrNotExist. Safe for concurrent use.
type Root struct{ dir *os.File }

// OpenRoot opens a directory.
func OpenRoot(path string) (*Root, error) {
	dir, err := os.OpenFile(path, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	return &Root{dir}, nil
}

// Close closes the directory.
func (r *Root) Close() error { return r.dir.Close() }

// Name is the path that the directory was opened by.
func (r *Root) Name() string { return r.dir.Name() }

// Claim takes a claim on the directory.
func (r *Root) Claim(c *Claim) error { return c.Take(r.dir) }

// Stat looks at the directory itself.
func (r *Root) Stat() (fs.FileInfo, error) { return r.dir.Stat() }

// OpenFile is os.OpenFile beneath the root.
func (r *Root) OpenFile(rel string, flags int, perm fs.FileMode) (*os.File, error) {
	fd, err := r.open(rel, flags, perm)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: rel, Err: err}
	}
	return os.NewFile(uintptr(fd), filepath.Join(r.Name(), rel)), nil
}

// Open opens a regular file for reading, without leaving a trace and without waiting
// for anyone. What it is is asked of what was opened, so that something else that was
// put into its place in the last moment is ErrIrregular. Whoever does not know yet
// that it is a file looks first: to open a device may have an effect.
func (r *Root) Open(rel string) (*os.File, error) {
	fd, err := r.Descriptor(rel)
	if err != nil {
		return nil, err
	}
	var st unix.Stat_t
	if err = unix.Fstat(fd, &st); err == nil && st.Mode&unix.S_IFMT != unix.S_IFREG {
		err = ErrIrregular
	}
	if err != nil {
		_ = unix.Close(fd) // nothing was written
		return nil, &fs.PathError{Op: "open", Path: rel, Err: err}
	}
	return os.NewFile(uintptr(fd), filepath.Join(r.Name(), rel)), nil
}

// Descriptor is Open for those who look by themselves what was opened, and need less
// than an os.File, whose making costs as much again.
func (r *Root) Descriptor(rel string) (fd int, err error) {
	fd, err = traceless(func(flags int) (int, error) { return r.open(rel, flags, 0) })
	if err != nil {
		return -1, &fs.PathError{Op: "open", Path: rel, Err: err}
	}
	return fd, nil
}

// OpenDir opens a directory to list it. What is none is not opened, and so not waited for.
func (r *Root) OpenDir(rel string) (*os.File, error) {
	return r.OpenFile(rel, unix.O_RDONLY|unix.O_DIRECTORY, 0)
}

// OpenPath opens whatever is there, a link itself, only to know it: nothing of it can
// be read, and to open it has no effect.
func (r *Root) OpenPath(rel string) (*os.File, error) {
	return r.OpenFile(rel, unix.O_PATH|unix.O_NOFOLLOW, 0)
}

// Lstat looks at what is there, a link itself.
func (r *Root) Lstat(rel string) (fs.FileInfo, error) {
	info, err := r.lstat(rel)
	if errors.Is(err, unix.ESTALE) { // replaced on a share, whose client finds that out when it is asked for the name
		if _, err := r.Look(rel, true); err != nil {
			return nil, err
		}
		info, err = r.lstat(rel)
	}
	return info, err
}

func (r *Root) lstat(rel string) (fs.FileInfo, error) {
	opened, err := r.OpenPath(rel)
	if err != nil {
		return nil, err
	}
	defer opened.Close() // nothing was written
	info, err := opened.Stat()
	if err != nil {
		return nil, &fs.PathError{Op: "lstat", Path: rel, Err: errnoOf(err)}
	}
	return info, nil
}

// Look is the function Look beneath the root.
func (r *Root) Look(rel string, fresh bool) (st unix.Stat_t, err error) {
	if rel = path.Clean(rel); !strings.Contains(rel, "/") && filepath.IsLocal(rel) {
		return Look(int(r.dir.Fd()), rel, fresh) // there is no directory in between
	}
	err = r.in(rel, "lstat", func(dir int, name string) error {
		st, err = Look(dir, name, fresh)
		return errnoOf(err)
	})
	return st, err
}

// Remove is os.Remove beneath the root: of a file, a link or an empty directory.
func (r *Root) Remove(rel string) error {
	return r.in(rel, "remove", func(dir int, name string) error {
		err := unix.Unlinkat(dir, name, 0)
		if err == nil || errors.Is(err, unix.ENOENT) {
			return err
		}
		if derr := unix.Unlinkat(dir, name, unix.AT_REMOVEDIR); !errors.Is(derr, unix.ENOTDIR) {
			return derr
		}
		return err
	})
}

// Rename is os.Rename beneath the root: it overwrites.
func (r *Root) Rename(from, to string) error {
	return r.between(from, to, "rename", func(a int, name string, b int, other string) error {
		return unix.Renameat(a, name, b, other)
	})
}

// Link is os.Link beneath the root.
func (r *Root) Link(from, to string) error {
	return r.between(from, to, "link", func(a int, name string, b int, other string) error {
		return unix.Linkat(a, name, b, other, 0)
	})
}

// in does something to a name in its directory.
func (r *Root) in(rel, op string, do func(dir int, name string) error) error {
	if rel = path.Clean(rel); !filepath.IsLocal(rel) {
		return &fs.PathError{Op: op, Path: rel, Err: linkError{}}
	}
	dir, err := r.open(path.Dir(rel), unix.O_PATH|unix.O_DIRECTORY, 0)
	if err == nil {
		defer unix.Close(dir) // nothing was written
		err = again(func() error { return do(dir, path.Base(rel)) })
	}
	if err != nil {
		return &fs.PathError{Op: op, Path: rel, Err: err}
	}
	return nil
}

func (r *Root) between(from, to, op string, do func(a int, name string, b int, other string) error) error {
	return r.in(from, op, func(a int, name string) error {
		return errnoOf(r.in(to, op, func(b int, other string) error { return do(a, name, b, other) }))
	})
}

// errnoOf takes the path off an error, to give it another.
func errnoOf(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}

// strict is how the kernel resolves a path beneath a root. Mounts are part of it.
const strict = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS

// knowsOpenat2 reports whether the kernel resolves so, and the process may ask it to.
var knowsOpenat2 = sync.OnceValue(func() bool {
	fd, err := unix.Openat2(unix.AT_FDCWD, ".", &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: strict})
	if err == nil {
		_ = unix.Close(fd) // nothing was written
	}
	return !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EPERM) // EPERM: of a sandbox
})

// open opens a path beneath the root. The error is the kernel's own, but for a
// linkError.
func (r *Root) open(rel string, flags int, perm fs.FileMode) (fd int, err error) {
	if rel = path.Clean(rel); !filepath.IsLocal(rel) {
		return -1, linkError{}
	}
	flags |= unix.O_CLOEXEC
	mode := uint64(0)
	if flags&unix.O_CREAT != 0 {
		mode = uint64(perm.Perm())
	}
	err = again(func() error {
		if knowsOpenat2() {
			fd, err = unix.Openat2(int(r.dir.Fd()), rel, &unix.OpenHow{Flags: uint64(flags), Mode: mode, Resolve: strict})
		} else {
			fd, err = walkTo(int(r.dir.Fd()), rel, flags, uint32(mode))
		}
		return err
	})
	if errors.Is(err, unix.ELOOP) || errors.Is(err, unix.EXDEV) {
		return -1, linkError{}
	}
	return fd, err
}

// walkTo is openat2 for kernels that do not know it.
func walkTo(root int, rel string, flags int, mode uint32) (int, error) {
	at := root
	for dir, rest, found := strings.Cut(rel, "/"); found; dir, rest, found = strings.Cut(rel, "/") {
		next, err := unix.Openat(at, dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if at != root {
			_ = unix.Close(at) // nothing was written
		}
		if err != nil {
			return -1, err
		}
		at, rel = next, rest
	}
	fd, err := unix.Openat(at, rel, flags|unix.O_NOFOLLOW, mode)
	if at != root {
		_ = unix.Close(at) // as above
	}
	return fd, err
}

// again repeats a call that a signal cut short.
func again(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
