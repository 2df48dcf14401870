package manifest

import (
	"fmt"
	"path"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
)

// Unmatched is what is told of the rows of a manifest that no file has.
type Unmatched struct {
	Rows    int            // rows of the manifest that name a file, or nothing
	Count   int            // of these, rows without a file
	First   []UnmatchedRow // the first of them
	Message string         // a sentence on it all
}

// UnmatchedRow is a row of a manifest without a file.
type UnmatchedRow struct {
	Line   int
	Name   string
	Likely string // the one file that is spelt a little otherwise; "" for none
}

// maxFirst is how many rows are told by name.
const maxFirst = 10

// Unmatched finds the rows of the manifest at a path below the folder that no file has.
// The function were names files below a directory that are there no longer; none of
// those that ignored tells is what a row means. A manifest that cannot be read has none. The
// error is about trouble that may pass, or that of were.
func (f *Folder) Unmatched(root *file.Root, manifest string, were func(dir string, yield func(path string)) error, ignored func(path string) bool) (Unmatched, error) {
	m, err := f.at(root, manifest)
	if err != nil || m.Manifest == nil { // what cannot be read is told where a file is held for it
		return Unmatched{}, err
	}
	defer f.unpin(m)
	if lost, err := f.tooMany(root, m); err != nil || lost.Count > 0 {
		return lost, err
	}
	dir := path.Dir(manifest)
	found := newMatching(m.Manifest)
	see := func(rel string) { found.see(file.Below(rel, dir)) }
	if err = were(dir, see); err == nil && !found.all() {
		err = root.List(dir, true, see)
	}
	if err != nil || found.all() {
		return Unmatched{}, err
	}
	lost := found.unmatched()
	if lost.Count == 0 {
		return Unmatched{}, nil
	}
	guess := newGuesses(lost.First)
	consider := func(rel string) {
		name := file.Below(rel, dir)
		if _, has := m.find(name); !has && guess.near(name) && !ignored(rel) {
			guess.consider(name)
		}
	}
	if err = were(dir, consider); err == nil {
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

func (x *matching) unmatched() Unmatched {
	lost := Unmatched{Rows: x.m.rows.len()}
	for row := range x.m.All() {
		if x.matched(row) {
			continue
		}
		lost.Count++
		if len(lost.First) < maxFirst {
			lost.First = append(lost.First, UnmatchedRow{Line: row.Line, Name: row.File})
		}
	}
	return lost
}

// words names the first rows, each with what it may mean.
func (u Unmatched) words() string {
	var b strings.Builder
	for i, row := range u.First {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "line %d ", row.Line)
		if row.Name == "" {
			b.WriteString("names none")
		} else {
			fmt.Fprintf(&b, "`%s`", metadata.Excerpt(row.Name))
		}
		b.WriteString(metadata.Perhaps(row.Likely))
	}
	if more := u.Count - len(u.First); more > 0 {
		fmt.Fprintf(&b, ", and %d more", more)
	}
	return b.String()
}

// guesses finds for names the one file that is spelt a little otherwise: with another
// extension, in another case, with %20 or _ for a space, or in another directory.
type guesses struct {
	rows  []UnmatchedRow
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

func newGuesses(rows []UnmatchedRow) *guesses {
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
