package facts

import (
	"fmt"
	"path"
	"strings"
)

// fileIndex finds the rows of a file.
type fileIndex struct {
	matchCase bool
	byKey     map[string]rows // by path without regard to case, if that does not count
	bySpell   map[string]rows // by path as written, where several rows share a key
}

// rows are the rows of one file, as far as they matter.
type rows struct {
	first   int32
	against int32 // the first that contradicts it; 0, which always is a first, for none
	spelled bool  // bySpell has the rows of this key as well
}

// indexFiles notes for which file each row is.
func (m *Manifest) indexFiles(matchCase bool) error {
	m.files = fileIndex{matchCase: matchCase, byKey: make(map[string]rows, len(m.records)), bySpell: map[string]rows{}}
	for i, rec := range m.records {
		file, err := m.filePath(rec)
		if err != nil {
			return fmt.Errorf("line %d: %w", rec.line, err)
		}
		if file == "" {
			continue
		}
		if err := m.addFile(file, int32(i)); err != nil {
			return err
		}
	}
	return nil
}

// addFile adds a row to those of its file. It compares no row with more than the
// first of its file, and takes that to pieces once.
func (m *Manifest) addFile(file string, row int32) error {
	key := m.files.key(file)
	known, shared := m.files.byKey[key]
	if !shared {
		m.files.byKey[key] = rows{first: row}
		return nil
	}
	if !known.spelled {
		first, err := m.filePath(m.records[known.first])
		if err != nil {
			return err
		}
		m.files.bySpell[first] = rows{first: known.first}
		known.spelled = true
	}
	m.files.byKey[key] = m.join(known, row)
	if spelled, ok := m.files.bySpell[file]; ok {
		m.files.bySpell[file] = m.join(spelled, row)
	} else {
		m.files.bySpell[file] = rows{first: row}
	}
	return nil
}

// join adds a row to those of the same file.
func (m *Manifest) join(known rows, row int32) rows {
	if known.against == 0 && !m.same(m.records[known.first], m.records[row]) {
		known.against = row
	}
	return known
}

// same says whether two rows are the same, their spelling of the file aside.
func (m *Manifest) same(a, b record) bool {
	beforeA, afterA := a.around(m.file)
	beforeB, afterB := b.around(m.file)
	return beforeA == beforeB && afterA == afterB
}

// key is the form in which paths are compared.
func (x fileIndex) key(file string) string {
	if x.matchCase {
		return file
	}
	return Key(file)
}

// find returns the rows for a path, those with its very spelling if there are any.
func (x fileIndex) find(file string) (rows, bool) {
	if found, ok := x.bySpell[file]; ok {
		return found, true
	}
	found, ok := x.byKey[x.key(file)]
	return found, ok
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
			name = s3Name(m.text(cell))
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
		return "", fmt.Errorf("%q is an absolute path; write it from the manifest's folder on", excerpt(written))
	case strings.HasSuffix(p, "/"), path.Clean(p) == ".":
		return "", fmt.Errorf("%q is a folder; name a file", excerpt(written))
	}
	for part := range strings.SplitSeq(p, "/") {
		if part == ".." {
			return "", fmt.Errorf("%q leads up with ..; a manifest speaks of files in its own folder and below", excerpt(written))
		}
	}
	return path.Clean(p), nil
}
