package watcher

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// troubles are what of a folder cannot be read, and is said of it.
type troubles struct {
	*base
	unreadable map[string]error // what this scan could not read
	warned     map[string]error // what the scan before could not read
	blocked    int              // how much the latest whole scan, or an event since, could not read
	blockedBy  string           // and the first of it, with the reason
	// locks are the files that are pending because another program has locked them, by
	// their paths. Of their bytes nothing is known, so that they are not quiet.
	locks map[string]bool
}

// begin is the begin of a scan.
func (t *troubles) begin() { t.warned, t.unreadable = t.unreadable, make(map[string]error) }

// note notes what a scan could not read, and says so once, until a scan could.
func (t *troubles) note(rel string, err error) {
	_, known := t.unreadable[rel]
	if _, before := t.warned[rel]; !known && !before {
		t.log.Warn().Str("path", rel).Err(err).Msg("cannot read: its files are not ingested until that is possible")
	}
	t.unreadable[rel] = err
	if !known && !t.scan.running { // an event told of it
		if t.blocked++; t.blocked == 1 {
			t.blockedBy = trouble(rel, err)
		}
	}
}

// couldNotRead reports whether something of a directory could not be read, and forgets
// it outside of a scan: the directory is read again.
func (t *troubles) couldNotRead(dir string) bool {
	found := false
	for rel := range t.unreadable {
		if rel != dir && !strings.HasPrefix(rel, dir+"/") {
			continue
		}
		if found = true; !t.scan.running {
			delete(t.unreadable, rel)
		}
	}
	if found && !t.scan.running {
		t.countUnread()
	}
	return found
}

// countUnread draws up what is reported as unreadable. While a scan runs that stays
// as it was, so that what cannot be read does not come and go in the reports.
func (t *troubles) countUnread() {
	t.blocked, t.blockedBy = len(t.unreadable), ""
	if t.blocked > 0 {
		t.blockedBy = trouble(t.firstUnread())
	}
}

// firstUnread returns the first of the paths that could not be read, by name.
func (t *troubles) firstUnread() (rel string, err error) {
	rel = slices.Min(slices.Collect(maps.Keys(t.unreadable)))
	return rel, t.unreadable[rel]
}

// unread is the error of a scan that could not read everything, else nil.
func (t *troubles) unread() error {
	if len(t.unreadable) == 0 {
		return nil
	}
	first, err := t.firstUnread()
	return t.failure(fmt.Errorf("%w: %q, one of %d: %w", ErrUnreadable, first, len(t.unreadable), err))
}

// locked notes whether the look at the bytes of a file met a lock, and says so once.
func (t *troubles) locked(rel string, err error) bool {
	if err == nil {
		delete(t.locks, rel)
		return false
	}
	if !t.locks[rel] {
		t.locks[rel] = true
		t.log.Info().Str("path", rel).Msg("another program has the file locked: it is ingested when that releases it")
	}
	return true
}

// sum returns how much of the folder cannot be read, and the first of it with
// the reason.
func (t *troubles) sum() (n int, first string) {
	maps.DeleteFunc(t.locks, func(rel string, _ bool) bool { return !t.settle.waits(rel) })
	if len(t.locks) > 0 {
		first = trouble(slices.Min(slices.Collect(maps.Keys(t.locks))), file.ErrLocked)
	}
	return t.blocked + len(t.locks), cmp.Or(t.blockedBy, first)
}

// trouble is a path with the reason why it cannot be read.
func trouble(rel string, err error) string {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err // it repeats the path
	}
	return fmt.Sprintf("%s (%v)", rel, err)
}
