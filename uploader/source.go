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
	"strconv"
	"sync/atomic"
	"syscall"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// hashBuffer is how many bytes are read at once where a file is only hashed.
const hashBuffer = 128 << 10

// Source is an open regular file beneath its drop folder. Its methods may be
// called concurrently. Close it when nothing reads it any more.
type Source struct {
	file *os.File
	root string                 // the drop folder
	rel  atomic.Pointer[string] // below it, where the file is now
	name string                 // as the caller knows it, for messages
	hint file.Stat

	wanted func(rel string) bool // as in Follow; nil: it is not followed

	calls func() (returned func()) // as in Open
}

// Open opens the file at path below root for reading. root may be closed afterwards.
// Where calls is not nil, the Source calls it before each call to the file system,
// and what it returned afterwards: a call to a share that hangs does not return.
//
// path is slash-separated and may hold any bytes. It is resolved as by file.Root:
// no link in it is followed. A pipe or device is ErrNotRegular and does not block.
// ErrSourceGone means that the file, not the folder, is missing.
func Open(root *file.Root, path string, calls func() (returned func())) (*Source, error) {
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
	if before.Mode()&fs.ModeSymlink != 0 {
		return nil, fmt.Errorf("%q: %w (a link is there)", path, ErrSourceGone)
	}
	if !before.Mode().IsRegular() {
		return nil, fmt.Errorf("%q: %w (%v)", path, ErrNotRegular, before.Mode())
	}
	opened, err := root.Open(path)
	if errors.Is(err, file.ErrIrregular) { // it was exchanged since
		return nil, fmt.Errorf("%q: %w", path, ErrNotRegular)
	}
	if err != nil {
		return nil, openError(path, err)
	}
	s := &Source{file: opened, root: root.Name(), name: path, calls: calls}
	s.rel.Store(&path)
	info, err := s.stat()
	if err == nil {
		s.hint = file.StatOf(info)
		err = s.Check()
	}
	if err != nil {
		_ = opened.Close()
		return nil, err
	}
	return s, nil
}

// Close closes the file.
func (s *Source) Close() error { return s.file.Close() }

// Hint returns what the file system said when the file was opened.
func (s *Source) Hint() file.Stat { return s.hint }

// Follow has the Source stay with its file where that gets another path of the drop
// folder, as when somebody renames it or a directory above it: wanted says whether a
// path is one for such files. It is called concurrently, and Follow before all else.
func (s *Source) Follow(wanted func(rel string) bool) { s.wanted = wanted }

// Check compares the open file, and what its path names now, with what was
// opened. A difference is ErrSourceChanged, a path that names nothing is
// ErrSourceGone, unless the file is followed to another path; ErrSourceRemoved as
// well where it is known to have no path at all.
//
// A change time alone is no difference: a mode, an owner, a link, an attribute was
// set. It can be all that shows of content that was rewritten with its times put
// back, too, so that whoever rests on the bytes compares them where Now tells of such
// a touch. Check reads no content, and so misses a write whose time stamps the
// kernel has not moved on yet (a few milliseconds) and what is changed through
// a network file system that caches attributes.
func (s *Source) Check() error {
	_, err := s.Now()
	return err
}

// Now is Check, and returns what the file system says of the open file.
func (s *Source) Now() (file.Stat, error) {
	defer s.calls()()
	there, err := s.lstat(*s.rel.Load())
	if err != nil && !isGone(err) {
		return file.Stat{}, sourceError(s.name, err)
	}
	info, openErr := s.stat()
	if openErr != nil {
		return file.Stat{}, openErr
	}
	now, at := s.known(file.StatOf(info)), file.Stat{}
	if err == nil {
		at = s.known(file.StatOf(there))
	}
	switch {
	case err == nil && at.Dev == now.Dev && at.Ino == now.Ino:
		if !s.hint.Alike(at) {
			return now, s.changed(at)
		}
	case s.follow(info):
	case err == nil:
		return now, s.changed(at)
	case info.Sys().(*syscall.Stat_t).Nlink == 0:
		return now, fmt.Errorf("%w (%w)", sourceError(s.name, err), ErrSourceRemoved)
	default:
		return now, sourceError(s.name, err)
	}
	if !s.hint.Alike(now) {
		return now, s.changed(now)
	}
	return now, nil
}

// lstat looks at what lies at a path below the drop folder.
func (s *Source) lstat(rel string) (fs.FileInfo, error) {
	root, err := file.OpenRoot(s.root)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return root.Lstat(rel)
}

func (s *Source) changed(now file.Stat) error {
	return fmt.Errorf("%q: %w (%s)", s.name, ErrSourceChanged, s.hint.Difference(now))
}

// follow looks where the open file is by now, and reports whether that is a path for
// such files below the drop folder. The kernel tells; what another host did to a share
// it does not know.
func (s *Source) follow(open fs.FileInfo) bool {
	if s.wanted == nil {
		return false
	}
	root, err := os.Open(s.root)
	if err != nil {
		return false
	}
	defer root.Close() // nothing was written
	from, err := linkOf(root)
	if err != nil {
		return false
	}
	to, err := linkOf(s.file)
	if err != nil {
		return false
	}
	rel, err := filepath.Rel(from, to)
	if err != nil || !filepath.IsLocal(rel) || !s.wanted(filepath.ToSlash(rel)) {
		return false
	}
	there, err := s.lstat(rel)
	if err != nil || !os.SameFile(there, open) {
		return false
	}
	s.rel.Store(&rel)
	return true
}

// linkOf returns the path of an open file as the kernel knows it now.
func linkOf(f *os.File) (string, error) {
	return os.Readlink("/proc/self/fd/" + strconv.Itoa(int(f.Fd())))
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
		return n, sourceError(s.name, file.Reading(err))
	}
}

func (s *Source) stat() (fs.FileInfo, error) {
	info, err := s.file.Stat()
	if err != nil {
		return nil, sourceError(s.name, err)
	}
	return info, nil
}

// isGone tells a path that names nothing. ENOTDIR: a file has taken the place of a
// parent folder. ESTALE: an NFS server removed it.
func isGone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ESTALE)
}

// sourceError tells a file that is gone from one that cannot be read.
func sourceError(name string, err error) error {
	if isGone(err) {
		return fmt.Errorf("%q: %w: %w", name, ErrSourceGone, err)
	}
	return fmt.Errorf("%q: %w", name, err)
}
