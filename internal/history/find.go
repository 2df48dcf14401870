package history

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tenovos-ingest/ingestd/journal"
)

// Query is what somebody looks for.
type Query struct {
	// Text is an id, a path below a folder, one that begins with the name of the folder, as
	// lists of files show it, or the name of a file.
	Text string
	// Paths are what the text means on this machine's disk; none where that is not known.
	Paths []journal.PathIn
	// Folders are where to look; none means those of Known.
	Folders []string
	Known   []string // names of folders
	// Moved tells where files lie that were moved: what is there is looked for by their new
	// paths. nil is nowhere.
	Moved func(journal.PathIn) bool
	Limit int // of entries, at most
}

// Find returns the ids of the entries that a query means, all generations of each path, by
// path and generation; none where there are none. An id, and a path, are found by an index;
// a mere name, and where a file was moved to, by a look at every path that the journal has.
func Find(ctx context.Context, r *journal.Reader, q Query) ([]int64, error) {
	lookup := journal.LookupOf(r)
	if id, err := strconv.ParseInt(q.Text, 10, 64); err == nil && id > 0 {
		found := false
		err := r.Entries(ctx, journal.Filter{IDs: []int64{id}, Folders: q.Folders}, func(journal.Entry) error { found = true; return nil })
		if found || err != nil {
			return []int64{id}, err
		}
	}
	on := q.within(q.Paths)
	ids, err := lookup.At(ctx, on)
	if err == nil && len(ids) == 0 && !strings.Contains(strings.Trim(q.Text, "/"), "/") {
		ids, err = lookup.Named(ctx, strings.Trim(q.Text, "/"), q.Folders, q.Limit)
	}
	if err == nil && len(ids) == 0 {
		ids, err = lookup.At(ctx, q.within(q.below()))
	}
	if err == nil && len(ids) == 0 {
		for _, p := range q.within(q.below()) {
			if !slices.Contains(on, p) { // a path on the disk may be one below a folder, too
				on = append(on, p)
			}
		}
		ids, err = lookup.MovedTo(ctx, q.moved(on))
	}
	if err != nil {
		return nil, fmt.Errorf("look for %q: %w", q.Text, err)
	}
	return ids[:min(len(ids), q.Limit)], nil
}

// below are the places that the text may be in each folder.
func (q Query) below() (paths []journal.PathIn) {
	text := strings.Trim(strings.TrimPrefix(q.Text, "./"), "/")
	for _, name := range q.Known {
		if text == name {
			paths = append(paths, journal.PathIn{Folder: name})
		}
		if rest, ok := strings.CutPrefix(text, name+"/"); ok {
			paths = append(paths, journal.PathIn{Folder: name, Path: rest})
		}
		paths = append(paths, journal.PathIn{Folder: name, Path: text})
	}
	return paths
}

// within are those of some paths that are in the folders of the query.
func (q Query) within(paths []journal.PathIn) (out []journal.PathIn) {
	for _, p := range paths {
		if len(q.Folders) == 0 || slices.Contains(q.Folders, p.Folder) {
			out = append(out, p)
		}
	}
	return out
}

// moved are those of some paths at which files lie that were moved.
func (q Query) moved(paths []journal.PathIn) []journal.PathIn {
	return slices.DeleteFunc(paths, func(p journal.PathIn) bool { return q.Moved == nil || !q.Moved(p) })
}

// Below returns the paths of a query under which the journal has entries: it names a
// directory then.
func Below(ctx context.Context, r *journal.Reader, q Query) (found []journal.PathIn, err error) {
	for _, p := range append(q.within(q.Paths), q.within(q.below())...) {
		some, err := journal.LookupOf(r).AnyBelow(ctx, p)
		if err != nil {
			return nil, err
		}
		if some {
			found = append(found, p)
		}
	}
	return found, nil
}
