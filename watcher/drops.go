package watcher

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Drop is what is still to come of a drop: of the files below one top directory of
// a folder, or of those that lie in the folder itself.
type Drop struct {
	Settling int // files seen that are not settled, or not emitted yet
	Waiting  int // files without their Ready sentinel
	// Moving says that there may be more: the folder is being read, or is paused,
	// or does not answer.
	Moving bool
	// Unreadable says that there is more: something could not be read by the latest
	// scan, or the walk has ended without reading the folder.
	Unreadable bool
}

// Drop returns what is still to come of the drop called dir, "" for the folder
// itself, in a folder with Folder.Drops. A file leaves its counts after it was
// emitted. It looks at no file and so never waits for a file system.
func (w *Watcher) Drop(folder, dir string) Drop {
	for _, f := range w.choose(folder) {
		if d := w.drops[f]; d != nil {
			return d.of(dir, f.ended.Load(), f.pulse.hanging() || f.inbox.filled())
		}
	}
	return Drop{Moving: true}
}

// Announced returns when the Ready sentinel of a whole drop was made, which lies
// beside its directory; zero if there is none. It looks at the file system.
func (w *Watcher) Announced(folder, dir string) time.Time {
	for _, f := range w.choose(folder) {
		if dir == "" || !f.names.ready.used() {
			break
		}
		for _, name := range f.names.ready.all(dir) {
			if info, err := os.Lstat(filepath.Join(f.conf.Path, name)); err == nil && info.Mode().IsRegular() {
				return info.ModTime()
			}
		}
	}
	return time.Time{}
}

// topDir is the drop of a file.
func topDir(rel string) string {
	top, _, below := strings.Cut(rel, "/")
	if !below {
		return ""
	}
	return top
}

// drops is what others may see of the files that a folder has not emitted yet, by
// their drops, as its notes tell. Its methods are safe for concurrent use.
type drops struct {
	mu       sync.Mutex
	settling map[string]int
	unready  map[string]uint64 // files without their sentinel, with the scan that met them last
	waiting  map[string]int    // these by drop
	unread   map[string]bool   // something of the drop could not be read
	scanned  bool              // a scan has ended
	reading  bool              // there are directories to read
}

func newDrops() *drops {
	d := &drops{}
	d.forget()
	return d
}

func (d *drops) of(dir string, ended, busy bool) Drop {
	d.mu.Lock()
	defer d.mu.Unlock()
	return Drop{
		Settling: d.settling[dir], Waiting: d.waiting[dir],
		Moving:     !ended && (busy || d.reading || !d.scanned),
		Unreadable: d.unread[dir] || ended && !d.scanned,
	}
}

// take takes a note of the folder.
func (d *drops) take(n note) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch n.what {
	case noteSettling:
		add(d.settling, topDir(n.rel), 1)
	case noteSettled:
		add(d.settling, topDir(n.rel), -1)
	case noteUnready:
		if _, known := d.unready[n.rel]; !known {
			add(d.waiting, topDir(n.rel), 1)
		}
		d.unready[n.rel] = n.scan
	case noteReady:
		d.ready(n.rel)
	case noteReading, noteRead:
		d.reading = n.what == noteReading
	case noteScanned:
		d.balance(n.scan, n.unreadable)
	case noteForgotten:
		d.forget()
	}
}

// add keeps no zeros, so that what was counted once is not remembered for ever.
func add(counts map[string]int, key string, by int) {
	if counts[key] += by; counts[key] == 0 {
		delete(counts, key)
	}
}

func (d *drops) ready(rel string) {
	if _, known := d.unready[rel]; known {
		delete(d.unready, rel)
		add(d.waiting, topDir(rel), -1)
	}
}

// balance is that of a scan: what it did not meet is gone.
func (d *drops) balance(scan uint64, unreadable map[string]error) {
	for rel, met := range d.unready {
		if met < scan {
			d.ready(rel)
		}
	}
	d.unread = make(map[string]bool)
	for rel := range unreadable {
		d.unread[topDir(rel+"/")] = true
	}
	d.scanned = unreadable["."] == nil
}

func (d *drops) forget() {
	d.settling, d.waiting = make(map[string]int), make(map[string]int)
	d.unready, d.unread = make(map[string]uint64), nil
	d.scanned, d.reading = false, false
}
