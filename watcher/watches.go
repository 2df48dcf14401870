package watcher

import (
	"path/filepath"
	"strings"
	"sync"

	"github.com/fsnotify/fsnotify"
)

// identity names a directory whatever its path is.
type identity struct{ dev, ino uint64 }

// watches is the set of watched directories of all folders, kept beside
// fsnotify's own for two reasons. fsnotify forgets a directory that was moved
// and re-added before it handled the move, because the kernel hands out the
// same watch again under the old path; so the set knows directories by identity
// and drops the old path first. And fsnotify removes one path at a time, while
// a move concerns everything below it.
//
// A parent is always added before its children and dropped with them. Safe for
// concurrent use.
type watches struct {
	mu     sync.Mutex
	fsn    *fsnotify.Watcher
	byPath map[string]watched
	byID   map[identity]string
	// within holds, of each directory, those in it that are watched or lead to one
	// that is: a tree is dropped without a look at all others.
	within map[string]map[string]bool
}

type watched struct {
	id    identity
	inbox *inbox // of the folder
	scan  uint64 // the folder's scan that last came by
}

func newWatches(fsn *fsnotify.Watcher) *watches {
	return &watches{
		fsn: fsn, byPath: make(map[string]watched), byID: make(map[identity]string), within: make(map[string]map[string]bool),
	}
}

// add watches the directory at path. It is repeated for directories that are
// watched already, because fsnotify may have lost the watch without a word
// (an unmount, a move). The caller has just looked at the directory: fsnotify
// holds its lock during the system call, so a share that hangs must be met
// before.
func (w *watches) add(path string, id identity, of *inbox, scan uint64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if old, ok := w.byID[id]; ok && old != path {
		if below(path, old) {
			// No directory is within itself: this is a bind mount of
			// old. Its events come under the old path; the scan sees it.
			return nil
		}
		w.remove(old)
	}
	if known, ok := w.byPath[path]; ok && known.id != id {
		w.remove(path)
	}
	// Known before it is watched, so that the first event finds its folder.
	w.byPath[path] = watched{id: id, inbox: of, scan: scan}
	w.byID[id] = path
	w.link(path)
	if err := w.fsn.Add(path); err != nil {
		delete(w.byPath, path)
		delete(w.byID, id)
		w.unlink(path)
		return err
	}
	return nil
}

// drop ends the watches at path and below it.
func (w *watches) drop(path string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.remove(path)
}

// sweep ends the watches of a folder that its scan did not come by: directories that
// left while events were lost.
func (w *watches) sweep(of *inbox, scan uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for path, known := range w.byPath {
		if known.inbox == of && known.scan < scan {
			w.forget(path, known)
		}
	}
}

// has reports whether path is watched.
func (w *watches) has(path string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, ok := w.byPath[path]
	return ok
}

// owner returns the inbox of the folder that an event for name belongs to, nil if the watch
// has been dropped meanwhile.
func (w *watches) owner(name string) *inbox {
	w.mu.Lock()
	defer w.mu.Unlock()
	if known, ok := w.byPath[filepath.Dir(name)]; ok {
		return known.inbox
	}
	return w.byPath[name].inbox // the root itself
}

// remove is drop under the lock. Most names that are moved are files: they cost
// one lookup.
func (w *watches) remove(path string) {
	if _, ok := w.byPath[path]; !ok {
		return
	}
	w.removeTree(path)
}

// removeTree forgets what is watched at path and below, which is dropped first.
func (w *watches) removeTree(path string) {
	for child := range w.within[path] {
		w.removeTree(child)
	}
	if known, ok := w.byPath[path]; ok {
		w.forget(path, known)
	}
}

func (w *watches) forget(path string, known watched) {
	// An error means that the kernel was faster: the directory is gone.
	_ = w.fsn.Remove(path)
	delete(w.byPath, path)
	if w.byID[known.id] == path {
		delete(w.byID, known.id)
	}
	w.unlink(path)
}

// link enters path into its directory, and that into its own, up to one that is
// entered already.
func (w *watches) link(path string) {
	for dir := filepath.Dir(path); dir != path && !w.within[dir][path]; path, dir = dir, filepath.Dir(dir) {
		if w.within[dir] == nil {
			w.within[dir] = make(map[string]bool)
		}
		w.within[dir][path] = true
	}
}

// unlink is the reverse of link, for a path that is no longer watched.
func (w *watches) unlink(path string) {
	for dir := filepath.Dir(path); dir != path && len(w.within[path]) == 0; path, dir = dir, filepath.Dir(dir) {
		if _, ok := w.byPath[path]; ok {
			return
		}
		if delete(w.within[dir], path); len(w.within[dir]) == 0 {
			delete(w.within, dir)
		}
	}
}

// below reports whether path is somewhere below dir.
func below(path, dir string) bool {
	return strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}
