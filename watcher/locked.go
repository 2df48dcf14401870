package watcher

import (
	"cmp"
	"maps"
	"slices"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// locks are the files that are pending because another program has locked them, by
// their paths. Of their bytes nothing is known, so that they are not quiet.
type locks map[string]bool

// locked notes whether the look at the bytes of a file met a lock, and says so once.
func (f *folder) locked(rel string, err error) bool {
	if err == nil {
		delete(f.locks, rel)
		return false
	}
	if !f.locks[rel] {
		f.locks[rel] = true
		f.log.Info().Str("path", rel).Msg("another program has the file locked: it is ingested when that releases it")
	}
	return true
}

// troubles returns how much of the folder cannot be read, and the first of it with
// the reason.
func (f *folder) troubles() (n int, first string) {
	maps.DeleteFunc(f.locks, func(rel string, _ bool) bool { return !f.settle.waits(rel) })
	if len(f.locks) > 0 {
		first = trouble(slices.Min(slices.Collect(maps.Keys(f.locks))), file.ErrLocked)
	}
	return f.blocked + len(f.locks), cmp.Or(f.blockedBy, first)
}
