package facts

import (
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

const (
	// relist is how often a directory is looked through for manifests while files
	// are being put into it: one that appears meanwhile is noticed a moment later.
	relist = time.Second

	// forgetAfter is how long a directory's manifests are kept when nobody asks.
	forgetAfter = 5 * time.Minute
)

// manifests holds the manifests that were read, so that one of 50,000 rows is not
// read 50,000 times, and which sidecars lie in a directory.
type manifests struct {
	mu    sync.Mutex // held while a share may keep us waiting
	byDir map[string]*manifestDir
	swept time.Time

	changed sync.Map // directories to look through again, by path
}

// manifestDir is what is known of one directory.
type manifestDir struct {
	changed time.Time // the directory's modification time when it was looked through
	listed  time.Time
	used    time.Time
	files   []*manifestFile

	sidecars map[string][]sidecarFile // by the folded name that they speak of
}

// manifestFile is a manifest as it was read, or why it could not be.
type manifestFile struct {
	*Manifest
	path string
	err  error
	size int64
	mod  time.Time
	ino  uint64
}

// in returns the manifests that lie in a directory, by name. There are none in one
// that is not there or may not be listed; the error is about one that cannot be
// listed for now.
func (m *manifests) in(root *os.Root, dir string, c Companions, o ManifestOptions) ([]*manifestFile, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, err := m.look(root, dir, c)
	if d == nil {
		return nil, err
	}
	out := make([]*manifestFile, 0, len(d.files))
	for i, f := range d.files {
		f = f.fresh(root, o)
		d.files[i] = f
		if f.err == nil && f.Manifest == nil {
			continue // gone
		}
		out = append(out, f)
	}
	return out, nil
}

// look returns a directory as it is now, or was a moment ago; nil for one that is not
// there or cannot be listed. m.mu is held.
func (m *manifests) look(root *os.Root, dir string, c Companions) (*manifestDir, error) {
	now := time.Now()
	m.sweep(now)
	d := m.byDir[dir]
	if d == nil {
		d = &manifestDir{}
		m.byDir[dir] = d
	}
	d.used = now
	if _, changed := m.changed.LoadAndDelete(dir); changed {
		d.listed = time.Time{}
		d.changed = time.Time{}
	}
	info, err := root.Lstat(dir)
	if err != nil {
		delete(m.byDir, dir)
		return nil, ifPassing(err)
	}
	if !info.ModTime().Equal(d.changed) && now.Sub(d.listed) >= relist || now.Sub(d.listed) < 0 {
		if err := ifPassing(d.list(root, dir, c)); err != nil {
			delete(m.byDir, dir)
			return nil, err
		}
		d.changed, d.listed = info.ModTime(), now
		if now.Sub(d.changed) < relist { // more may come within one tick of its clock
			d.changed = time.Time{}
		}
	}
	return d, nil
}

// list looks through a directory for companions. What was read of the manifests that
// are known stays.
func (d *manifestDir) list(root *os.Root, dir string, c Companions) error {
	known := make(map[string]*manifestFile, len(d.files))
	for _, f := range d.files {
		known[f.path] = f
	}
	d.files, d.sidecars = nil, nil
	opened, err := file.OpenDirIn(root, dir)
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
	d.sidecars = sidecarsIn(entries, kinds)
	for i, e := range entries {
		if kinds[i] != KindManifest || !e.Type().IsRegular() {
			continue
		}
		rel := path.Join(dir, e.Name())
		f := known[rel]
		if f == nil {
			f = &manifestFile{path: rel}
		}
		d.files = append(d.files, f)
	}
	return nil
}

// fresh returns the manifest as it is now; neither manifest nor error if it is
// gone.
func (f *manifestFile) fresh(root *os.Root, o ManifestOptions) *manifestFile {
	opened, info, err := openRegular(root, f.path)
	if err != nil {
		gone := &manifestFile{path: f.path}
		if !os.IsNotExist(err) {
			gone.err = err
		}
		return gone
	}
	defer opened.Close() // nothing was written
	ino := info.Sys().(*syscall.Stat_t).Ino
	if f.size == info.Size() && f.mod.Equal(info.ModTime()) && (f.ino == ino || renumbers(opened)) && (f.Manifest != nil || f.err != nil && !passing(f.err)) {
		return f
	}
	now := &manifestFile{path: f.path, size: info.Size(), mod: info.ModTime(), ino: ino}
	o.Dir = path.Join(root.Name(), path.Dir(f.path))
	watched := &troubleReader{r: opened}
	now.Manifest, now.err = ParseManifest(path.Base(f.path), io.NewSectionReader(watched, 0, math.MaxInt64), o)
	if watched.err != nil {
		now.Manifest, now.err = nil, watched.err
	}
	return now
}

// renumbers reports whether a file may have another inode number by itself.
func renumbers(opened *os.File) bool {
	kind, _ := file.KindOf(int(opened.Fd()))
	return !kind.Trusted()
}

// forget has a directory looked through again. It waits for nobody.
func (m *manifests) forget(dir string) { m.changed.Store(dir, true) }

// sweep drops what nobody asked for in a while. m.mu is held.
func (m *manifests) sweep(now time.Time) {
	if now.Sub(m.swept) < forgetAfter {
		return
	}
	m.swept = now
	for dir, d := range m.byDir {
		if now.Sub(d.used) >= forgetAfter {
			delete(m.byDir, dir)
		}
	}
}
