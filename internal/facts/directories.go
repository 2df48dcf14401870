package facts

import (
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/manifest"
)

// relist is how often a directory is looked through for companions while files are
// being put into it: one that appears meanwhile is noticed a moment later.
const relist = time.Second

// directories remembers which companions lie in the directories of a drop folder, and
// with the manifests what was read of them, so that one of 50,000 rows is not read
// 50,000 times.
type directories struct {
	cache *manifest.Cache

	mu     sync.Mutex // never held while a share may keep us waiting
	byPath map[string]*directory
	swept  time.Time

	changed sync.Map // directories to look through again, by path
}

// directory is what is known of one directory.
type directory struct {
	used time.Time // under directories.mu

	mu      sync.Mutex // held while a share may keep us waiting
	changed time.Time  // the directory's modification time when it was looked through
	listed  time.Time
	listing listing
}

// listing is what lies in a directory. It does not change.
type listing struct {
	manifests []*manifest.File         // by name
	sidecars  map[string][]sidecarFile // by the folded name that they speak of
}

// look returns what lies in a directory now, or did a moment ago; nothing for one that
// is not there or cannot be listed. It waits for the file system, and for others who
// look at the same directory.
func (all *directories) look(root *file.Root, dir string, c Companions) (listing, error) {
	now := time.Now()
	d := all.dir(dir, now)
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, changed := all.changed.LoadAndDelete(dir); changed {
		d.listed = time.Time{}
		d.changed = time.Time{}
	}
	info, err := root.Lstat(dir)
	if err != nil {
		all.empty(d)
		return listing{}, file.IfPassing(err)
	}
	if !info.ModTime().Equal(d.changed) && now.Sub(d.listed) >= relist || now.Sub(d.listed) < 0 {
		if err := all.list(d, root, dir, c); err != nil {
			all.empty(d)
			if file.Passing(err) {
				return listing{}, err
			}
		}
		d.changed, d.listed = info.ModTime(), now
		if now.Sub(d.changed) < relist { // more may come within one tick of its clock
			d.changed = time.Time{}
		}
	}
	return d.listing, nil
}

// dir returns what is known of a directory, and drops what nobody asked for in a while.
func (all *directories) dir(dir string, now time.Time) *directory {
	all.mu.Lock()
	defer all.mu.Unlock()
	if now.Sub(all.swept) >= manifest.KeepUnused {
		all.swept = now
		for name, d := range all.byPath {
			if now.Sub(d.used) >= manifest.KeepUnused {
				delete(all.byPath, name)
			}
		}
	}
	d := all.byPath[dir]
	if d == nil {
		d = &directory{}
		all.byPath[dir] = d
	}
	d.used = now
	return d
}

// empty forgets what lay in a directory. d.mu is held.
func (all *directories) empty(d *directory) {
	for _, f := range d.listing.manifests {
		f.Forget(all.cache)
	}
	d.listing, d.changed, d.listed = listing{}, time.Time{}, time.Time{}
}

// list looks through a directory for companions. What was read of the manifests that
// are known stays. d.mu is held.
func (all *directories) list(d *directory, root *file.Root, dir string, c Companions) error {
	opened, err := root.OpenDir(dir)
	if err != nil {
		return err
	}
	defer opened.Close() // nothing was written
	entries, err := opened.ReadDir(-1)
	if err != nil {
		return err
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	kinds := make([]Kind, len(entries))
	for i, e := range entries {
		kinds[i], _ = c.Of(e.Name())
	}
	gone := make(map[string]*manifest.File, len(d.listing.manifests))
	for _, f := range d.listing.manifests {
		gone[f.Path()] = f
	}
	now := listing{sidecars: sidecarsIn(entries, kinds)}
	for i, e := range entries {
		if kinds[i] != KindManifest || !e.Type().IsRegular() {
			continue
		}
		rel := path.Join(dir, e.Name())
		f := gone[rel]
		if f == nil {
			f = manifest.NewFile(rel)
		}
		delete(gone, rel)
		now.manifests = append(now.manifests, f)
	}
	for _, f := range gone {
		f.Forget(all.cache)
	}
	d.listing = now
	return nil
}

// forget has a directory looked through again. It waits for nobody.
func (all *directories) forget(dir string) { all.changed.Store(dir, true) }

// ofManifests tells the manifests of a Collector what lies in its directories.
type ofManifests struct{ *Collector }

// Manifests implements Directories.
func (c ofManifests) Manifests(root *file.Root, dir string) ([]*manifest.File, error) {
	found, err := c.directories.look(root, dir, c.Companions)
	return found.manifests, err
}

// IsCompanion implements Directories.
func (c ofManifests) IsCompanion(path string) bool {
	_, ok := c.Companion(path)
	return ok
}
