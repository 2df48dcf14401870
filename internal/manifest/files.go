package manifest

import (
	"fmt"
	"path"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/metadata"
)

// fileIndex finds the rows of a file. It holds numbers of rows only, whose texts are
// looked at where they lie.
type fileIndex struct {
	matchCase bool
	byKey     rowSet // the first row of each path, without regard to case if that does not count
	bySpell   rowSet // the first row of each spelling of the paths that several rows share

	// The first row that contradicts a first row: of all with its path, and of those
	// that spell it alike.
	againstKey, againstSpell map[uint32]uint32
}

// rows are the rows of one file, as far as they matter.
type rows struct {
	first   int
	against int // the first that contradicts it; 0, which always is a first, for none
}

// indexFiles notes for which file each row is.
func (m *Manifest) indexFiles(matchCase bool, q quota) error {
	x := &m.files
	x.matchCase = matchCase
	x.byKey = newRowSet(m.rows.len())
	var shared []uint32 // the rows of whose path there was one already
	for i := range m.rows.len() {
		if i%goOnEvery == 0 {
			if err := q.goOn(); err != nil {
				return err
			}
		}
		rec := m.rows.row(i)
		file, err := m.filePath(rec)
		if err != nil {
			return fmt.Errorf("line %d: %w", rec.line, err)
		}
		if file == "" {
			continue
		}
		key := x.key(file)
		if !x.byKey.add(key, uint32(i), func(row uint32) bool { return x.key(m.fileOf(row)) == key }) {
			shared = append(shared, uint32(i))
		}
	}
	return m.indexShared(shared, q)
}

// indexShared tells the rows of a path apart by its spelling, and finds those that
// contradict the first. It compares no row with more than the first of its file.
func (m *Manifest) indexShared(shared []uint32, q quota) error {
	if len(shared) == 0 {
		return nil
	}
	x := &m.files
	const each = 2*setCost + 2*40 // a row, and that of its first; an entry in each of the maps
	if err := q.grow(int64(len(shared)) * each); err != nil {
		return err
	}
	x.bySpell = newRowSet(2 * len(shared))
	x.againstKey, x.againstSpell = map[uint32]uint32{}, map[uint32]uint32{}
	for n, row := range shared {
		if n%goOnEvery == 0 {
			if err := q.goOn(); err != nil {
				return err
			}
		}
		file := m.fileOf(row)
		first, _ := m.byKey(file)
		spelled := m.fileOf(first)
		x.bySpell.add(spelled, first, func(other uint32) bool { return m.fileOf(other) == spelled })
		m.join(x.againstKey, first, row)
		if !x.bySpell.add(file, row, func(other uint32) bool { return m.fileOf(other) == file }) {
			first, _ := m.bySpell(file)
			m.join(x.againstSpell, first, row)
		}
	}
	return nil
}

// join adds a row to those of the same file.
func (m *Manifest) join(against map[uint32]uint32, first, row uint32) {
	if _, known := against[first]; !known && !m.same(m.rows.row(int(first)), m.rows.row(int(row))) {
		against[first] = row
	}
}

// same says whether two rows are the same, their spelling of the file aside.
func (m *Manifest) same(a, b record) bool {
	beforeA, afterA := a.around(m.file)
	beforeB, afterB := b.around(m.file)
	return beforeA == beforeB && afterA == afterB
}

// key is the form in which paths are compared.
func (x *fileIndex) key(file string) string {
	if x.matchCase {
		return file
	}
	return metadata.Key(file)
}

// findFile returns the rows for a path, those with its very spelling if there are any.
func (m *Manifest) findFile(file string) (rows, bool) {
	if first, ok := m.bySpell(file); ok {
		return rows{int(first), int(m.files.againstSpell[first])}, true
	}
	first, ok := m.byKey(file)
	return rows{int(first), int(m.files.againstKey[first])}, ok
}

func (m *Manifest) byKey(file string) (uint32, bool) {
	key := m.files.key(file)
	return m.files.byKey.find(key, func(row uint32) bool { return m.files.key(m.fileOf(row)) == key })
}

func (m *Manifest) bySpell(file string) (uint32, bool) {
	return m.files.bySpell.find(file, func(row uint32) bool { return m.fileOf(row) == file })
}

// fileOf returns the file of a row, which was found readable when it was indexed.
func (m *Manifest) fileOf(row uint32) string {
	file, _ := m.filePath(m.rows.row(int(row)))
	return file
}

// size is what the manifest takes of memory, in bytes.
func (m *Manifest) size() int64 {
	const itself = 1024
	sum := itself + m.rows.size() + m.files.byKey.size() + m.files.bySpell.size()
	for _, name := range m.columns {
		sum += 2*int64(len(name)) + 64
	}
	return sum + 40*int64(len(m.files.againstKey)+len(m.files.againstSpell))
}

// filePath returns the file that a record is for as a clean path below the
// manifest's directory; "" for none. A record that names none, but a content path,
// is for the name at the end of that.
func (m *Manifest) filePath(rec record) (string, error) {
	name := ""
	for column, cell := range rec.each() {
		switch {
		case column == m.file && cell != "":
			return cleanPath(m.text(cell), m.dir)
		case column == m.content:
			name = contentName(m.text(cell))
		}
	}
	return name, nil
}

// cleanPath reads a path from a directory on as people of any system write it.
func cleanPath(written, dir string) (string, error) {
	p := strings.ReplaceAll(written, `\`, "/")
	if path.IsAbs(dir) {
		p = strings.TrimPrefix(p, strings.TrimSuffix(dir, "/")+"/")
	}
	switch {
	case p == "":
		return "", nil
	case strings.HasPrefix(p, "/"), len(p) > 2 && p[1:3] == ":/":
		return "", fmt.Errorf("%q is an absolute path; write it from the manifest's folder on", metadata.Excerpt(written))
	case strings.HasSuffix(p, "/"), path.Clean(p) == ".":
		return "", fmt.Errorf("%q is a folder; name a file", metadata.Excerpt(written))
	}
	for part := range strings.SplitSeq(p, "/") {
		if part == ".." {
			return "", fmt.Errorf("%q leads up with ..; a manifest speaks of files in its own folder and below", metadata.Excerpt(written))
		}
	}
	return path.Clean(p), nil
}
