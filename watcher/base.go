package watcher

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// base is what the parts of a folder have in common: where it lies, what is below it
// that is not settled yet, and how far it is read. It belongs to the folder's goroutine,
// but for conf and names, which do not change.
type base struct {
	conf  Folder
	names filter
	inbox *inbox // safe for concurrent use
	log   zerolog.Logger
	now   func() time.Time
	notes notes // nil unless somebody asks
	// watches is nil where no events can be had: then the folder is polled.
	watches *watches

	root   root     // of the last look; zero while paused
	tree   *tree    // what is below it
	mounts subtrees // of file systems mounted below that are not local
	steps  steps    // of our clock
	settle *settler
	scan   scans
}

// listen has the folder tell somebody what becomes of its files.
func (b *base) listen(to notes) {
	b.notes, b.settle.notes = to, to
}

// settleAnew forgets the files that are not settled yet.
func (b *base) settleAnew() {
	b.notes.tell(note{what: noteForgotten})
	b.settle = newSettler(b.conf.Settle, b.conf.Settle)
	b.settle.notes, b.settle.foreign, b.settle.steps = b.notes, b.foreign, &b.steps
	b.settle.touchable = func(rel string) bool { return b.root.leases && !b.foreign(rel) } // writers show
}

// foreign reports whether a file may lie on a file system whose files are changed on
// other machines and stamped by another clock.
func (b *base) foreign(rel string) bool {
	return !b.root.kind.Trusted() || b.mounts.holds(path.Dir(rel))
}

// notifies reports whether the folder is one to watch for events.
func (b *base) notifies() bool {
	return b.watches != nil && b.conf.Mode.notifies(b.root.kind, b.root.path != "")
}

// notifies reports whether a folder on a file system of a kind, which may not be known yet,
// is one to watch for events.
func (m Mode) notifies(k kind, known bool) bool {
	return m == ModeNotify || m != ModePoll && (!known || k == local)
}

// On returns how a folder at path is watched: what auto stands for there. It can come to be
// polled all the same, where the kernel gives no events.
func (m Mode) On(path string) Mode {
	_, err := os.Stat(path)
	if m.notifies(file.KindAt(path), err == nil) {
		return ModeNotify
	}
	return ModePoll
}

// abs returns where a path below the folder lies.
func (b *base) abs(rel string) string { return filepath.Join(b.root.path, rel) }

// below returns the path of what an event named, below the root; false if it is of a
// root before this one.
func (b *base) below(name string) (string, bool) {
	rel, err := filepath.Rel(b.root.path, name)
	return rel, err == nil && filepath.IsLocal(rel)
}

// file returns a file of the folder as it was seen.
func (b *base) file(rel string, is file.Stat) file.File {
	return file.File{Folder: b.conf.Name, Path: rel, Stat: is}
}

// failure returns an error with the folder's name.
func (b *base) failure(err error) error {
	return fmt.Errorf("folder %q: %w", b.conf.Name, err)
}
