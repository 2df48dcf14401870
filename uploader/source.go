package uploader

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/tenovos-ingest/ingestd/internal/filetime"
)

// hashBuffer is how many bytes are read at once where a file is only hashed.
const hashBuffer = 128 << 10

// Hint is what a file system says of a file, and by which a changed file is
// noticed without reading it.
type Hint struct {
	Size       int64 // bytes
	ModTime    int64 // Unix nanoseconds
	ChangeTime int64 // Unix nanoseconds; unlike ModTime it cannot be set back
	Dev, Ino   uint64
}

// Source is an open regular file beneath its drop folder. Its methods may be
// called concurrently. Close it when nothing reads it any more.
type Source struct {
	file *os.File
	path string // below which Check looks again
	name string // as the caller knows it, for messages
	hint Hint

	calls func() (returned func()) // as in Open
}

// Open opens the file at path below root for reading. root may be closed afterwards.
// Where calls is not nil, the Source calls it before each call to the file system,
// and what it returned afterwards: a call to a share that hangs does not return.
//
// path is slash-separated and may hold any bytes. It is resolved with os.Root, so
// that no link leads out of the folder; the last element may not be a link at
// all. A pipe or device is ErrNotRegular and does not block. ErrSourceGone means
// that the file, not the folder, is missing.
func Open(root *os.Root, path string, calls func() (returned func())) (*Source, error) {
	if calls == nil {
		calls = func() func() { return func() {} }
	}
	defer calls()()
	path = filepath.FromSlash(path)

	// A look first, so that opening a device cannot have an effect.
	before, err := root.Lstat(path)
	if err != nil {
		return nil, sourceError(path, err)
	}
	if !before.Mode().IsRegular() {
		return nil, fmt.Errorf("%q: %w (%v)", path, ErrNotRegular, before.Mode())
	}
	// O_NONBLOCK: a pipe put here since must not block us, nor may a lease that
	// somebody holds.
	file, err := root.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, sourceError(path, err)
	}
	s := &Source{file: file, path: filepath.Join(root.Name(), path), name: path, calls: calls}
	if s.hint, err = s.look(); err == nil {
		err = s.Check() // os.Root follows a last link in spite of O_NOFOLLOW
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return s, nil
}

// Close closes the file.
func (s *Source) Close() error { return s.file.Close() }

// Hint returns what the file system said when the file was opened.
func (s *Source) Hint() Hint { return s.hint }

// Check compares the open file, and what its path names now, with what was
// opened. A difference is ErrSourceChanged, a path that names nothing is
// ErrSourceGone. It reads no content, and so misses a write whose time stamps the
// kernel has not moved on yet (a few milliseconds) and what is changed through
// a network file system that caches attributes.
func (s *Source) Check() error {
	defer s.calls()()
	// The path first: to lose its name moves the time stamps of a file too.
	info, err := os.Lstat(s.path)
	if err != nil {
		return sourceError(s.name, err)
	}
	open, err := s.look()
	if err != nil {
		return err
	}
	for _, now := range []Hint{HintOf(info), open} {
		if now != s.hint {
			return fmt.Errorf("%q: %w (%s)", s.name, ErrSourceChanged, s.hint.difference(now))
		}
	}
	return nil
}

// MD5 returns the MD5 of size bytes from offset.
func (s *Source) MD5(ctx context.Context, offset, size int64) ([]byte, error) {
	return s.sum(ctx, md5.New(), offset, size)
}

// SHA256 returns the SHA-256 of the whole file as long as it was when opened.
func (s *Source) SHA256(ctx context.Context) ([]byte, error) {
	return s.sum(ctx, sha256.New(), 0, s.hint.Size)
}

func (s *Source) sum(ctx context.Context, h hash.Hash, offset, size int64) ([]byte, error) {
	buf := make([]byte, hashBuffer)
	for end := offset + size; offset < end; {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("hash %q: %w", s.name, context.Cause(ctx))
		}
		n, err := s.read(buf[:min(hashBuffer, end-offset)], offset)
		if err != nil {
			return nil, err
		}
		h.Write(buf[:n])
		offset += int64(n)
	}
	return h.Sum(nil), nil
}

// read fills b from offset. A file that ends before is ErrSourceChanged.
func (s *Source) read(b []byte, offset int64) (int, error) {
	returned := s.calls()
	n, err := s.file.ReadAt(b, offset)
	returned()
	switch {
	case n == len(b):
		return n, nil
	case errors.Is(err, io.EOF):
		return n, fmt.Errorf("%q: %w (it ends at byte %d)", s.name, ErrSourceChanged, offset+int64(n))
	default:
		return n, sourceError(s.name, err)
	}
}

func (s *Source) look() (Hint, error) {
	info, err := s.file.Stat()
	if err != nil {
		return Hint{}, sourceError(s.name, err)
	}
	return HintOf(info), nil
}

// HintOf returns the hint in what os.Lstat or File.Stat said.
func HintOf(info fs.FileInfo) Hint {
	st := info.Sys().(*syscall.Stat_t)
	return Hint{Size: st.Size, ModTime: filetime.Nanos(st.Mtim.Unix()), ChangeTime: filetime.Nanos(st.Ctim.Unix()), Dev: st.Dev, Ino: st.Ino}
}

// difference says in what way now is not what it was.
func (h Hint) difference(now Hint) string {
	switch {
	case h.Dev != now.Dev || h.Ino != now.Ino:
		return "another file has its name"
	case h.Size != now.Size:
		return fmt.Sprintf("it has %d bytes and had %d", now.Size, h.Size)
	default:
		return "its time stamps moved"
	}
}

// sourceError tells a file that is gone from one that cannot be read. ENOTDIR: a
// file has taken the place of a parent folder. ESTALE: an NFS server removed it.
func sourceError(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ESTALE) {
		return fmt.Errorf("%q: %w: %w", name, ErrSourceGone, err)
	}
	return fmt.Errorf("%q: %w", name, err)
}
