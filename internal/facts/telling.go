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

// maxLost is how many rows are told by name.
const maxLost = 10

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
	m, err := t.c.manifestAt(root, manifest)
	if err != nil || m.Manifest == nil { // what cannot be read is told where a file is held for it
		return Lost{}, err
	}
	defer t.c.unpin(m)
	if lost, err := t.c.tooMany(root, m); err != nil || lost.Count > 0 {
		return lost, err
	}
	dir := path.Dir(manifest)
	found := newMatching(m.Manifest)
	see := func(file string) { found.see(below(file, dir)) }
	if err = t.were(dir, see); err == nil && !found.all() {
		err = root.List(dir, true, see)
	}
	if err != nil || found.all() {
		return Lost{}, err
	}
	lost := found.lost()
	if lost.Count == 0 {
		return Lost{}, nil
	}
	guess := newGuesses(lost.First)
	consider := func(file string) {
		if kind, ok := t.c.Of(file); ok && kind != KindSidecar {
			return // x.xmp is beside what is meant
		}
		if _, has := m.find(below(file, dir)); has || !guess.near(below(file, dir)) || t.Skipped != nil && t.Skipped(file) {
			return
		}
		guess.consider(below(file, dir))
	}
	if err = t.were(dir, consider); err == nil {
		err = root.List(dir, true, consider)
	}
	guess.finish()
	lost.Message = fmt.Sprintf("%d of %d rows of %s matched no file: %s", lost.Count, lost.Rows, metadata.Clean(manifest), lost.words())
	return lost, err
}

// matching gathers which rows of a manifest have a file.
type matching struct {
	m   *Manifest
	has []bool // by the first row of a file
	n   int    // how many of them have
}

func newMatching(m *Manifest) *matching { return &matching{m: m, has: make([]bool, m.rows.len())} }

func (x *matching) see(file string) {
	if found, ok := x.m.find(file); ok {
		if !x.has[found.first] {
			x.n++
		}
		x.has[found.first] = true
	}
}

// matched reports whether a row has a file, or needs none.
func (x *matching) matched(row Row) bool {
	if row.File != "" {
		if found, ok := x.m.findFile(row.File); ok && x.has[found.first] {
			return true
		}
	}
	_, virtual, wrong := row.Virtual() // of what is wrong there, Virtual tells
	return virtual || wrong != nil && row.Err == nil
}

// all reports that every row has a file, where that is plain to see.
func (x *matching) all() bool { return x.n == x.m.rows.len() }

func (x *matching) lost() Lost {
	lost := Lost{Manifest: true, Rows: x.m.rows.len()}
	for row := range x.m.All() {
		if x.matched(row) {
			continue
		}
		lost.Count++
		if len(lost.First) < maxLost {
			lost.First = append(lost.First, LostRow{Line: row.Line, Name: row.File})
		}
	}
	return lost
}

// words names the first rows, each with what it may mean.
func (l Lost) words() string {
	var b strings.Builder
	for i, row := range l.First {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "line %d ", row.Line)
		if row.Name == "" {
			b.WriteString("names none")
		} else {
			fmt.Fprintf(&b, "`%s`", metadata.Excerpt(row.Name))
		}
		b.WriteString(row.perhaps())
	}
	if more := l.Count - len(l.First); more > 0 {
		fmt.Fprintf(&b, ", and %d more", more)
	}
	return b.String()
}

func (r LostRow) perhaps() string {
	if r.Likely == "" {
		return ""
	}
	return fmt.Sprintf(" (perhaps `%s`)", r.Likely)
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
	lost.Message = fmt.Sprintf("the sidecar %s is nobody's: %s `%s`%s", metadata.Clean(sidecar), what, metadata.Clean(target), row.perhaps())
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
	add := func(file string) {
		name := below(file, dir)
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

// guesses finds for names the one file that is spelt a little otherwise: with another
// extension, in another case, with %20 or _ for a space, or in another directory.
type guesses struct {
	rows  []LostRow
	whole map[string]*guess // by the loose name
	stem  map[string]*guess // without the extension
	of    []*guess
}

// guess is what a name may mean. A file of the whole name goes before one that has
// another extension.
type guess struct {
	wholes, stems       int
	wholeFile, stemFile string
}

func newGuesses(rows []LostRow) *guesses {
	g := &guesses{rows: rows, whole: map[string]*guess{}, stem: map[string]*guess{}}
	for _, row := range rows {
		name := metadata.Loose(row.Name)
		this := g.whole[name]
		if this == nil {
			this = &guess{}
			g.whole[name] = this
			stem, _ := metadata.SplitExt(name)
			if g.stem[stem] == nil {
				g.stem[stem] = this
			}
			g.stem[name] = this
		}
		g.of = append(g.of, this)
	}
	return g
}

// near says whether one of the names may mean a file.
func (g *guesses) near(file string) bool {
	name := metadata.Loose(file)
	stem, _ := metadata.SplitExt(name)
	return name != "" && (g.whole[name] != nil || g.stem[stem] != nil)
}

// consider counts a file that is near for the names that may mean it.
func (g *guesses) consider(file string) {
	name := metadata.Loose(file)
	if this := g.whole[name]; this != nil && this.wholeFile != file {
		this.wholes, this.wholeFile = this.wholes+1, file
	}
	stem, _ := metadata.SplitExt(name)
	for _, key := range []string{stem, name} { // x.jpg is perhaps x.tif, and x.jpg.jpg
		if this := g.stem[key]; this != nil && this.stemFile != file {
			this.stems, this.stemFile = this.stems+1, file
		}
	}
}

func (g *guesses) finish() {
	for i := range g.rows {
		switch this := g.of[i]; {
		case g.rows[i].Name == "":
		case this.wholes == 1:
			g.rows[i].Likely = metadata.Clean(this.wholeFile)
		case this.wholes == 0 && this.stems == 1:
			g.rows[i].Likely = metadata.Clean(this.stemFile)
		}
	}
}
