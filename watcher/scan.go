package watcher

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/fsnotify/fsnotify"
)

// batchSize bounds what is read and emitted at once.
const batchSize = 1000

// beginScan starts a scan of the whole folder. Directories that events name
// meanwhile join it.
func (f *folder) beginScan() {
	f.scan++
	f.scanNow, f.scanning, f.limited = false, true, ""
	f.warned, f.unreadable = f.unreadable, make(map[string]error)
	f.todo = append(f.todo[:0], ".")
	for _, wt := range f.waiters {
		if wt.scan == 0 {
			wt.scan = f.scan
		}
	}
}

// endScan draws the balance of a scan in which every directory was read.
func (f *folder) endScan() {
	f.scanning, f.scanned = false, f.now().Round(0)
	if f.polled && f.limited == "" {
		f.log.Info().Msg("every directory is watched again")
	}
	f.polled = f.limited != ""
	every := f.conf.Rescan
	if f.mode() == ModePoll {
		every = f.conf.PollInterval
	}
	f.scanAt = f.now().Add(every)
	if f.watches != nil {
		f.watches.sweep(f, f.scan)
	}
	for _, wt := range f.waiters {
		if wt.scan == f.scan {
			wt.left = make(map[string]struct{}, len(f.settle.pending))
			for rel := range f.settle.pending {
				wt.left[rel] = struct{}{}
			}
		}
	}
	f.answerSettled()
}

// readDir watches one directory, then reads it, in this order, so that what is
// made in between is found by one or the other. Its directories are left for
// later turns.
func (f *folder) readDir(ctx context.Context, rel string) error {
	abs := f.abs(rel)
	info, err := os.Lstat(abs)
	if err != nil || !info.IsDir() {
		f.cannotRead(rel, err)
		return nil
	}
	f.watch(abs, identityOf(info))
	// O_NOFOLLOW: the directory may have become a link since.
	dir, err := os.OpenFile(abs, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		f.cannotRead(rel, err)
		return nil
	}
	defer dir.Close() // nothing was written
	for ctx.Err() == nil {
		entries, err := dir.ReadDir(batchSize)
		if err := f.sift(ctx, rel, entries); err != nil {
			return err
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			f.cannotRead(rel, err)
			break
		}
	}
	return nil
}

// sift sorts the entries of a directory: directories to read, files that are
// settled, files to look at again. Links, sockets, pipes and devices are none
// of these.
func (f *folder) sift(ctx context.Context, dir string, entries []fs.DirEntry) error {
	var settled []File
	for _, e := range entries {
		rel := path.Join(dir, e.Name())
		switch {
		case e.IsDir() && f.names.dir(rel):
			f.todo = append(f.todo, rel)
		case e.Type().IsRegular() && f.names.file(rel):
			now := f.now() // before the look: a file must not seem older than it was seen
			info, err := e.Info()
			if err != nil {
				f.cannotRead(rel, err)
				continue
			}
			fp := fingerprintOf(info)
			if info.Mode().IsRegular() && f.settle.observe(rel, fp, now) {
				settled = append(settled, f.file(rel, fp))
			}
		}
	}
	return f.send(ctx, settled)
}

// look looks at one path that an event named.
func (f *folder) look(ctx context.Context, rel string, created bool) error {
	if junkName(path.Base(rel)) {
		return nil
	}
	now := f.now()
	info, err := os.Lstat(f.abs(rel))
	switch {
	case err != nil:
		f.cannotRead(rel, err)
	case info.IsDir():
		// One that is not watched was unreadable until now.
		if f.names.dir(rel) && (created || !f.watches.has(f.abs(rel))) {
			f.todo = append(f.todo, rel)
		}
	case info.Mode().IsRegular() && f.names.file(rel):
		fp := fingerprintOf(info)
		if f.settle.observe(rel, fp, now) {
			return f.send(ctx, []File{f.file(rel, fp)})
		}
	}
	return nil
}

// emitDue looks again at the files whose time has come, and emits those that
// held still, by directory.
func (f *folder) emitDue(ctx context.Context) error {
	var settled []File
	for _, rel := range f.settle.due(f.now(), batchSize) {
		now := f.now()
		info, err := os.Lstat(f.abs(rel))
		if err != nil || !info.Mode().IsRegular() {
			f.settle.forget(rel)
			f.left(rel)
			f.cannotRead(rel, err)
			continue
		}
		fp := fingerprintOf(info)
		if f.settle.observe(rel, fp, now) {
			settled = append(settled, f.file(rel, fp))
		}
	}
	slices.SortFunc(settled, func(a, b File) int {
		return cmp.Or(cmp.Compare(path.Dir(a.Path), path.Dir(b.Path)), cmp.Compare(a.Path, b.Path))
	})
	for len(settled) > 0 {
		dir, n := path.Dir(settled[0].Path), 1
		for n < len(settled) && path.Dir(settled[n].Path) == dir {
			n++
		}
		if err := f.send(ctx, settled[:n:n]); err != nil {
			return err
		}
		settled = settled[n:]
	}
	return nil
}

// send hands a batch to the receiver.
func (f *folder) send(ctx context.Context, files []File) error {
	if len(files) == 0 || ctx.Err() != nil {
		return nil // at the end: the next scan finds them again
	}
	if err := f.emit(ctx, files); err != nil {
		return f.failure(fmt.Errorf("hand over %d settled files: %w", len(files), err))
	}
	for _, file := range files {
		f.left(file.Path)
	}
	return nil
}

// left tells those who wait that a file is no longer settling.
func (f *folder) left(rel string) {
	if len(f.waiters) == 0 {
		return
	}
	for _, wt := range f.waiters {
		delete(wt.left, rel)
	}
	f.answerSettled()
}

func (f *folder) answerSettled() {
	f.answer(func(wt *waiter) bool { return wt.left != nil && len(wt.left) == 0 }, f.unread())
}

// watch asks for the events of one directory. Where none can be had the folder
// is polled from now, and the next scan tries again.
func (f *folder) watch(abs string, id identity) {
	if !f.notifies() || f.limited != "" {
		return
	}
	err := f.watches.add(abs, id, f, f.scan)
	switch {
	case err == nil, errors.Is(err, fsnotify.ErrClosed):
		return
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrPermission):
		return // it cannot be read either, and that is said then
	case errors.Is(err, syscall.ENOSPC):
		// Not a full disk, whatever the error's text says.
		f.limited = "the kernel's limit of inotify watches is reached; raise the sysctl fs.inotify.max_user_watches"
	default:
		f.limited = err.Error()
	}
	if !f.polled {
		f.log.Warn().Str("reason", f.limited).Str("directory", abs).Stringer("poll_interval", f.conf.PollInterval).
			Msg("cannot watch every directory: folder is polled")
	}
	f.polled = true
	if soon := f.now().Add(f.conf.PollInterval); f.scanAt.After(soon) {
		f.scanAt = soon
	}
}

// cannotRead notes what a scan could not read, and says so once, until a scan
// could. What is merely gone is no trouble.
func (f *folder) cannotRead(rel string, err error) {
	if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ELOOP) {
		return
	}
	_, known := f.unreadable[rel]
	if _, before := f.warned[rel]; !known && !before {
		f.log.Warn().Str("path", rel).Err(err).Msg("cannot read: its files are not ingested until that is possible")
	}
	f.unreadable[rel] = err
}

// unread is the error of a scan that could not read everything, else nil.
func (f *folder) unread() error {
	if len(f.unreadable) == 0 {
		return nil
	}
	paths := make([]string, 0, len(f.unreadable))
	for rel := range f.unreadable {
		paths = append(paths, rel)
	}
	first := slices.Min(paths)
	return f.failure(fmt.Errorf("%w: %q, one of %d: %w", ErrUnreadable, first, len(paths), f.unreadable[first]))
}

func (f *folder) abs(rel string) string { return filepath.Join(f.root.path, rel) }

func (f *folder) file(rel string, p fingerprint) File {
	return File{
		Folder: f.conf.Name, Path: rel, Size: p.size,
		ModTime: p.mtime, ChangeTime: p.ctime, Dev: p.dev, Ino: p.ino,
	}
}
