package watcher

import (
	"io/fs"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// tree is what lies below a folder's root, looked at without following a link. The
// root is opened when it is needed, and not kept open while nothing is to be done: a
// share would else be busy when somebody wants to unmount it. Safe for concurrent use,
// but for close.
type tree struct {
	path string // "" where there is none
	mu   sync.Mutex
	root *file.Root
}

// open returns the root.
func (t *tree) open() (*file.Root, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.path == "" {
		return nil, &fs.PathError{Op: "open", Path: ".", Err: fs.ErrNotExist}
	}
	if t.root == nil {
		root, err := file.OpenRoot(t.path)
		if err != nil {
			return nil, err
		}
		t.root = root
	}
	return t.root, nil
}

// close closes the root until it is needed again.
func (t *tree) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.root != nil {
		_ = t.root.Close() // nothing is written through it
		t.root = nil
	}
}

// look looks at what is at a path, a link itself. A fresh look asks the server of a
// share.
func (t *tree) look(rel string, fresh bool) (unix.Stat_t, error) {
	root, err := t.open()
	if err != nil {
		return unix.Stat_t{}, err
	}
	return root.Look(rel, fresh)
}

// has reports whether there is something at a path.
func (t *tree) has(rel string) bool {
	_, err := t.look(rel, false)
	return err == nil
}

// file opens a regular file, without a trace and without waiting for anyone.
func (t *tree) file(rel string) (*os.File, error) {
	root, err := t.open()
	if err != nil {
		return nil, err
	}
	return root.Open(rel)
}

// descriptor is file for who looks by itself what was opened.
func (t *tree) descriptor(rel string) (int, error) {
	root, err := t.open()
	if err != nil {
		return -1, err
	}
	return root.Descriptor(rel)
}

// dir opens a directory to list it.
func (t *tree) dir(rel string) (*os.File, error) {
	root, err := t.open()
	if err != nil {
		return nil, err
	}
	return root.OpenDir(rel)
}

// kind tells the kind of the file system that a directory is on.
func (t *tree) kind(rel string) (kind, error) {
	root, err := t.open()
	if err != nil {
		return unknown, err
	}
	at, err := root.OpenPath(rel)
	if err != nil {
		return unknown, err
	}
	defer at.Close() // nothing was written
	k, _ := file.KindOf(int(at.Fd()))
	return k, nil
}
