package facts

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
	"github.com/tenovos-ingest/ingestd/internal/xmp"
)

// Lost is what is told of a companion that speaks of files which are not there: rows
// of a manifest without a file, or a sidecar that is nobody's.
type Lost struct {
	Manifest bool
	Rows     int       // rows of the manifest that name a file, or nothing; 0 of a sidecar
	Count    int       // of these, rows without a file; 1 of a sidecar
	First    []LostRow // the first of them
	Message  string    // a sentence on it all
}

// LostRow is a row of a manifest without a file, or what a sidecar speaks of.
type LostRow struct {
	Line   int // 0 of a sidecar
	Name   string
	Likely string // the one file that is spelt a little otherwise; "" for none
}

// Lister calls yield with the paths below the drop folder of the files that are, or
// were, below a directory of it.
type Lister func(dir string, yield func(path string)) error

// Teller finds companions that speak of files which are not there. Make one with
// [Collector.Teller] and use it at once, in the order of the paths: it remembers the
// directory that it looked at last. Not for several goroutines.
type Teller struct {
	// Skipped, where it is set, tells files that are there and are none of the folder's,
	// such as those that it moved away: no row means them.
	Skipped func(path string) bool

	c     *Collector
	were  Lister
	dir   string
	names *nameIndex // of dir
}

// Teller returns a Teller to which the lister names files that are there no longer.
func (c *Collector) Teller(were Lister) *Teller { return &Teller{c: c, were: were} }

// Lost says which files that a companion speaks of are not there, and never were as
// far as the lister knows; a Count of 0 is none, or no companion. The error is about
// trouble that may pass, or the lister's.
func (t *Teller) Lost(companion string) (Lost, error) {
	kind, ok := t.c.Of(companion)
	if !ok {
		return Lost{}, nil
	}
	root, err := file.OpenRoot(t.c.Root)
	if err != nil {
		return Lost{}, fmt.Errorf("open the drop folder: %w", err)
	}
	defer root.Close()
	if kind == KindManifest {
		return t.lostRows(root, companion)
	}
	return t.lostSidecar(root, companion, kind)
}

// lostRows finds the rows of a manifest that no file has.
func (t *Teller) lostRows(root *file.Root, manifest string) (Lost, error) {
	ignored := func(path string) bool {
		kind, ok := t.c.Of(path)
		return ok && kind != KindSidecar || t.Skipped != nil && t.Skipped(path) // x.xmp is beside what is meant
	}
	found, err := t.c.manifests.Unmatched(root, manifest, t.were, ignored)
	lost := Lost{Manifest: true, Rows: found.Rows, Count: found.Count, Message: found.Message}
	for _, row := range found.First {
		lost.First = append(lost.First, LostRow(row))
	}
	return lost, err
}

// lostSidecar says that a sidecar is nobody's, or not used because of another.
func (t *Teller) lostSidecar(root *file.Root, sidecar string, kind Kind) (Lost, error) {
	info, err := root.Lstat(sidecar)
	if err != nil || !info.Mode().IsRegular() {
		return Lost{}, file.IfPassing(err)
	}
	dir := path.Dir(sidecar)
	target, _ := metadata.SplitExt(path.Base(sidecar))
	extension := ""
	if kind == KindXMP {
		data, err := readWhole(root, sidecar, xmp.MaxSize)
		if file.Passing(err) {
			return Lost{}, fmt.Errorf("read the sidecar: %w", err)
		}
		if bytes.Contains(data, []byte("SidecarForExtension")) {
			extension = sidecarExtension(data, t.c.Languages)
		}
	}
	if info, err := root.Lstat(path.Join(dir, target)); err == nil && info.Mode().IsRegular() { // the usual case of a whole name
		return t.c.passedOver(root, sidecar, path.Join(dir, target), kind)
	}
	if t.names == nil || t.dir != dir {
		if t.names, err = t.c.indexNames(root, dir, t.were); err != nil {
			t.names = nil
			return Lost{}, err
		}
		t.dir = dir
	}
	if owner := t.names.owner(target, kind, extension); owner != "" {
		return t.c.passedOver(root, sidecar, path.Join(dir, owner), kind)
	}
	row := LostRow{Name: metadata.Clean(target), Likely: t.names.likely(target)}
	lost := Lost{Count: 1, First: []LostRow{row}}
	what := "there is no file"
	if extension != "" {
		what = fmt.Sprintf("it is for files with the extension %s, and there is no such file", metadata.Clean(extension))
	}
	lost.Message = fmt.Sprintf("the sidecar %s is nobody's: %s `%s`%s", metadata.Clean(sidecar), what, metadata.Clean(target), metadata.Perhaps(row.Likely))
	return lost, nil
}

// nameIndex finds the files of a directory by their names, spelt in whatever way.
type nameIndex struct {
	whole, stem           map[string][]string // names by their Key
	looseWhole, looseStem map[string]string   // "" where there are several
}

// indexNames lists the files of a directory that are there, or were.
func (c *Collector) indexNames(root *file.Root, dir string, were Lister) (*nameIndex, error) {
	x := &nameIndex{whole: map[string][]string{}, stem: map[string][]string{}, looseWhole: map[string]string{}, looseStem: map[string]string{}}
	add := func(rel string) {
		name := file.Below(rel, dir)
		if kind, ok := c.Of(name); strings.Contains(name, "/") || ok && kind != KindSidecar {
			return
		}
		if slices.Contains(x.whole[metadata.Key(name)], name) {
			return
		}
		x.whole[metadata.Key(name)] = append(x.whole[metadata.Key(name)], name)
		once(x.looseWhole, metadata.Loose(name), name)
		if stem, ext := metadata.SplitExt(name); ext != "" {
			x.stem[metadata.Key(stem)] = append(x.stem[metadata.Key(stem)], name)
			once(x.looseStem, metadata.Loose(stem), name)
		}
	}
	if err := root.List(dir, false, add); err != nil {
		return nil, err
	}
	return x, were(dir, add)
}

// once notes a name by its key, and that there are several.
func once(names map[string]string, key, name string) {
	if _, again := names[key]; again {
		name = ""
	}
	names[key] = name
}

// owner returns a file that a sidecar speaks of, "" if there is none.
func (x *nameIndex) owner(target string, kind Kind, extension string) string {
	if whole := x.whole[metadata.Key(target)]; len(whole) > 0 {
		return whole[0]
	}
	if kind != KindXMP {
		return ""
	}
	for _, name := range x.stem[metadata.Key(target)] {
		if extension == "" || isFor(name, extension) {
			return name
		}
	}
	return ""
}

// likely returns the one file that a sidecar may mean.
func (x *nameIndex) likely(target string) string {
	stem, _ := metadata.SplitExt(target)
	for _, name := range []string{x.looseWhole[metadata.Loose(target)], x.looseStem[metadata.Loose(target)], x.looseStem[metadata.Loose(stem)]} {
		if name != "" {
			return metadata.Clean(name)
		}
	}
	return ""
}

// passedOver says that another sidecar of its owner counts, which differs from this one
// in case or in Unicode normal form only.
func (c *Collector) passedOver(root *file.Root, sidecar, owner string, kind Kind) (Lost, error) {
	all, err := c.sidecarsOf(root, owner, kind)
	if err != nil {
		return Lost{}, err
	}
	for _, b := range all {
		if metadata.Key(b.Path) != metadata.Key(sidecar) {
			continue
		}
		if b.Path == sidecar {
			break
		}
		a, errA := root.Lstat(b.Path)
		own, errB := root.Lstat(sidecar)
		if errA != nil || errB != nil || os.SameFile(a, own) { // the file system does not tell them apart
			continue
		}
		return Lost{Count: 1, First: []LostRow{{Name: path.Base(owner)}}, Message: fmt.Sprintf("the sidecar %s is passed over: %s, which is spelt almost alike, counts for `%s`",
			metadata.Clean(sidecar), metadata.Clean(path.Base(b.Path)), metadata.Clean(path.Base(owner)))}, nil
	}
	return Lost{}, nil
}
