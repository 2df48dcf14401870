package facts

import (
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

const (
	// relist is how often a directory is looked through for manifests while files
	// are being put into it: one that appears meanwhile is noticed a moment later.
	relist = time.Second

	// forgetAfter is how long a directory, or a manifest, is kept when nobody asks.
	forgetAfter = 5 * time.Minute
)

// manifests holds the manifests that were read, so that one of 50,000 rows is not
// read 50,000 times, and which sidecars lie in a directory.
type manifests struct {
	tables *Tables

	mu    sync.Mutex // never held while a share may keep us waiting
	byDir map[string]*manifestDir
	swept time.Time

	changed sync.Map // directories to look through again, by path
}

// manifestDir is what is known of one directory.
type manifestDir struct {
	used time.Time // under manifests.mu

	mu      sync.Mutex // held while a share may keep us waiting
	changed time.Time  // the directory's modification time when it was looked through
	listed  time.Time
	listing listing
}

// listing is what lies in a directory. It does not change.
type listing struct {
	files    []*manifestFile
	sidecars map[string][]sidecarFile // by the folded name that they speak of
}

// in returns the manifests that lie in a directory, by name. There are none in one
// that is not there or may not be listed; the error is about one that cannot be
// listed for now.
func (m *manifests) in(root *file.Root, dir string, c Companions, o ManifestOptions) ([]readManifest, error) {
	found, err := m.look(root, dir, c)
	if err != nil {
		return nil, err
	}
	out := make([]readManifest, 0, len(found.files))
	for _, f := range found.files {
		now := f.read(root, o, m.tables, false)
		if now.err == nil && now.Manifest == nil {
			continue // gone
		}
		out = append(out, now)
	}
	return out, nil
}

// at returns the manifest at a path below the folder, pinned as with manifestFile.read.
func (m *manifests) at(root *file.Root, rel string, c Companions, o ManifestOptions) (readManifest, error) {
	found, err := m.look(root, path.Dir(rel), c)
	if err != nil {
		return readManifest{}, err
	}
	for _, f := range found.files {
		if f.path == rel {
			return f.read(root, o, m.tables, true), nil
		}
	}
	return readManifest{}, nil
}

// look returns what lies in a directory now, or did a moment ago; nothing for one that
// is not there or cannot be listed. It waits for the file system, and for others who
// look at the same directory.
func (m *manifests) look(root *file.Root, dir string, c Companions) (listing, error) {
	now := time.Now()
	d := m.dir(dir, now)
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, changed := m.changed.LoadAndDelete(dir); changed {
		d.listed = time.Time{}
		d.changed = time.Time{}
	}
	info, err := root.Lstat(dir)
	if err != nil {
		m.empty(d)
		return listing{}, file.IfPassing(err)
	}
	if !info.ModTime().Equal(d.changed) && now.Sub(d.listed) >= relist || now.Sub(d.listed) < 0 {
		if err := m.list(d, root, dir, c); err != nil {
			m.empty(d)
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
func (m *manifests) dir(dir string, now time.Time) *manifestDir {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now.Sub(m.swept) >= forgetAfter {
		m.swept = now
		for name, d := range m.byDir {
			if now.Sub(d.used) >= forgetAfter {
				delete(m.byDir, name)
			}
		}
	}
	d := m.byDir[dir]
	if d == nil {
		d = &manifestDir{}
		m.byDir[dir] = d
	}
	d.used = now
	return d
}

// empty forgets what lay in a directory. d.mu is held.
func (m *manifests) empty(d *manifestDir) {
	for _, f := range d.listing.files {
		f.forget(m.tables)
	}
	d.listing, d.changed, d.listed = listing{}, time.Time{}, time.Time{}
}

// list looks through a directory for companions. What was read of the manifests that
// are known stays. d.mu is held.
func (m *manifests) list(d *manifestDir, root *file.Root, dir string, c Companions) error {
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
	gone := make(map[string]*manifestFile, len(d.listing.files))
	for _, f := range d.listing.files {
		gone[f.path] = f
	}
	now := listing{sidecars: sidecarsIn(entries, kinds)}
	for i, e := range entries {
		if kinds[i] != KindManifest || !e.Type().IsRegular() {
			continue
		}
		rel := path.Join(dir, e.Name())
		f := gone[rel]
		if f == nil {
			f = &manifestFile{path: rel}
		}
		delete(gone, rel)
		now.files = append(now.files, f)
	}
	for _, f := range gone {
		f.forget(m.tables)
	}
	d.listing = now
	return nil
}

// forget has a directory looked through again. It waits for nobody.
func (m *manifests) forget(dir string) { m.changed.Store(dir, true) }
