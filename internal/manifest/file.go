package manifest

import (
	"errors"
	"io"
	"math"
	"os"
	"path"
	"sync"
	"syscall"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// File is a manifest in a directory. Those who need it wait for each other
// while it is read, and for nobody else.
type File struct {
	path string // below the folder

	mu      sync.Mutex // not held while a file is read
	version version    // which was read last
	table   *cached    // what was read; it may have been let go
	err     error      // why it could not be
	needs   int64      // what that version needs of memory at the least
	reading *reading
}

// NewFile returns the manifest at a path below the folder, of which nothing is
// read yet.
func NewFile(path string) *File { return &File{path: path} }

// Path returns where it lies, below the folder.
func (f *File) Path() string { return f.path }

// version tells what a file holds from what else it could.
type version struct {
	size int64
	mod  time.Time
	ino  uint64
}

// reading is a manifest being read.
type reading struct {
	since time.Time
	done  chan struct{}
}

// readManifest is a manifest as it is now, or why it cannot be read.
type readManifest struct {
	*Manifest // nil with an error, and where there is none

	path    string
	err     error
	version version
	table   *cached
}

// read returns the manifest as it is now; neither a manifest nor an error if it is
// gone. With pin its table is not let go before it is unpinned.
func (f *File) read(root *file.Root, o Options, t *Cache, pin bool) readManifest {
	for {
		out, wait := f.tryRead(root, o, t, pin)
		if wait == nil {
			return out
		}
		timer := time.NewTimer(readPatience - time.Since(wait.since))
		select {
		case <-wait.done:
		case <-timer.C:
			after := min(max(roomWait, time.Since(wait.since)/2), maxReadWait)
			return readManifest{path: f.path, err: &NotYetError{Manifest: f.path, After: after}}
		case <-t.stop:
			return readManifest{path: f.path, err: ErrStopped}
		}
		timer.Stop()
	}
}

// tryRead is read, but that it returns the reading of somebody else, if there is one.
func (f *File) tryRead(root *file.Root, o Options, t *Cache, pin bool) (out readManifest, wait *reading) {
	opened, info, err := root.OpenRegular(f.path)
	if err != nil {
		f.Forget(t)
		if os.IsNotExist(err) {
			err = nil
		}
		return readManifest{path: f.path, err: err}, nil
	}
	defer opened.Close() // nothing was written
	now := version{info.Size(), info.ModTime(), info.Sys().(*syscall.Stat_t).Ino}
	out = readManifest{path: f.path, version: now}

	f.mu.Lock()
	if !f.holds(now, opened) {
		t.letGo(f.table)
		f.version, f.table, f.err, f.needs = now, nil, nil, now.size+now.size/8+chunkSize/64
	}
	out.err, out.table = f.err, f.table
	if out.Manifest = t.get(f.table, pin); out.Manifest != nil || out.err != nil || f.reading != nil {
		wait = f.reading
		if out.Manifest != nil || out.err != nil {
			wait = nil
		}
		f.mu.Unlock()
		return out, wait
	}
	c, later := t.claim(f.needs)
	if c == nil {
		f.mu.Unlock()
		out.err = &NotYetError{Manifest: f.path, After: later, limit: t.limit}
		return out, nil
	}
	mine := &reading{since: time.Now(), done: make(chan struct{})}
	f.reading = mine
	f.mu.Unlock()

	o.Dir = path.Join(root.Name(), path.Dir(f.path))
	m, err := parseFile(path.Base(f.path), opened, o, c)

	f.mu.Lock()
	defer f.mu.Unlock()
	defer close(mine.done)
	f.reading = nil
	out.table = c.end(m)
	switch {
	case errors.Is(err, errCrowded):
		f.needs = min(c.used+c.used/2, t.limit)
		err = &NotYetError{Manifest: f.path, After: roomWait, limit: t.limit}
	case err != nil && !passing(err):
		f.err = err
	}
	f.table, out.err = out.table, err
	out.Manifest = t.get(out.table, pin)
	if out.Manifest == nil && err == nil { // let go at once for another one's sake
		out.err = &NotYetError{Manifest: f.path, After: roomWait, limit: t.limit}
	}
	return out, nil
}

// holds reports that what was read last is of a version. f.mu is held.
func (f *File) holds(now version, opened *os.File) bool {
	was := f.version
	return was.size == now.size && was.mod.Equal(now.mod) && (was.ino == now.ino || renumbers(opened))
}

// Forget lets go what was read.
func (f *File) Forget(t *Cache) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t.letGo(f.table)
	f.version, f.table, f.err = version{}, nil, nil
}

// parseFile is Parse of an open file within a quota.
func parseFile(name string, opened *os.File, o Options, q quota) (*Manifest, error) {
	watched := &file.TroubleReader{Reader: opened}
	m, err := readTable(name, io.NewSectionReader(watched, 0, math.MaxInt64), o, q)
	if watched.Err != nil {
		return nil, watched.Err
	}
	return m, err
}

// renumbers reports whether a file may have another inode number by itself.
func renumbers(opened *os.File) bool {
	kind, _ := file.KindOf(int(opened.Fd()))
	return !kind.Trusted()
}
