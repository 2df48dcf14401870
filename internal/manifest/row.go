package manifest

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"iter"
	"path"
	"strconv"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/metadata"
)

// Row is a row of a manifest. Only a [Manifest] makes rows that can be used.
type Row struct {
	// Line is where the row begins in the manifest, from 1.
	Line int

	// File is the file that the row is for: a slash-separated path below the
	// manifest's directory, or a bare name, which stands for any file of that
	// name there. It is "" for a row that names none.
	File string

	// Err says that another row for the same file tells something else. Which of
	// them is right cannot be known: the row must not be used.
	Err error

	m   *Manifest
	rec record
}

// Row returns the row for a file, given by its slash-separated path relative to
// the manifest's directory. A row with the path comes before a row with the bare
// name, and the very spelling before one that differs in case; differences in
// Unicode normal form never count. Rows that repeat each other are one.
func (m *Manifest) Row(rel string) (Row, bool) {
	found, ok := m.find(rel)
	if !ok {
		return Row{}, false
	}
	row := m.row(m.rows.row(found.first))
	row.Err = m.contradiction(row.File, found)
	return row, true
}

// find returns the rows for a file.
func (m *Manifest) find(rel string) (rows, bool) {
	rel = metadata.Clean(rel)
	found, ok := m.findFile(rel)
	if !ok {
		found, ok = m.findFile(path.Base(rel))
	}
	return found, ok
}

// All returns the rows in the order of the manifest, those that name no file
// among them.
func (m *Manifest) All() iter.Seq[Row] {
	return func(yield func(Row) bool) {
		for i := range m.rows.len() {
			if !yield(m.at(i)) {
				return
			}
		}
	}
}

// at returns the row of a number.
func (m *Manifest) at(i int) Row {
	row := m.row(m.rows.row(i))
	if found, ok := m.findFile(row.File); ok {
		row.Err = m.contradiction(row.File, found)
	}
	return row
}

// row returns a record as a row. Its file was found readable when the manifest
// was.
func (m *Manifest) row(rec record) Row {
	file, _ := m.filePath(rec)
	return Row{Line: rec.line, File: file, m: m, rec: rec}
}

func (m *Manifest) contradiction(file string, found rows) error {
	if found.against == 0 {
		return nil
	}
	return fmt.Errorf("manifest %s: lines %d and %d are both for %q and do not say the same; remove the wrong one",
		m.name, m.rows.row(found.first).line, m.rows.row(found.against).line, file)
}

// Facts returns what the row tells, each cell that is not empty under the name of
// its column: manifest.COLUMN, in the form of [Key]. Columns whose name is given twice
// have no facts.
func (r Row) Facts() metadata.Facts {
	known := metadata.Facts{}
	origin := "line " + strconv.Itoa(r.Line) + " of " + r.m.name
	for column, cell := range r.rec.each() {
		if cell != "" && r.m.names[column] != "" {
			known.Set(r.m.names[column], origin, r.m.lines(cell))
		}
	}
	return known
}

// Sum returns a digest of the row's facts: names and values, neither their origin
// nor the order of the columns. Rows with the same facts have the same sum, in
// any manifest.
func (r Row) Sum() [sha256.Size]byte {
	cells := make([]string, len(r.m.columns))
	for column, cell := range r.rec.each() {
		cells[column] = cell
	}
	var b []byte
	for _, column := range r.m.sorted {
		if text := r.m.lines(cells[column]); text != "" {
			b = appendText(appendText(b, r.m.names[column]), text)
		}
	}
	return sha256.Sum256(b)
}

// appendText appends a text behind its length, so that no two lists of texts
// give the same bytes.
func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// Contradiction says that rows for one file do not say the same: two of a manifest,
// or those of several manifests in one directory, where a column that somebody asks
// for has different values.
func Contradiction(rows []Row) error {
	if len(rows) == 1 {
		return rows[0].Err
	}
	said := make(map[string]Row)
	for _, row := range rows {
		if row.Err != nil {
			return row.Err
		}
		for column, cell := range row.rec.each() {
			key := row.m.names[column]
			text := row.m.lines(cell)
			if text == "" || key == "" || column == row.m.file || !row.m.asked[key] && row.m.asked != nil && !row.m.leads(column) {
				continue
			}
			first, again := said[key]
			if !again {
				said[key] = row
				continue
			}
			if was := first.Facts()[key].Values[0]; was != text {
				return fmt.Errorf("manifest %s, line %d, and manifest %s, line %d, are both for %q and contradict each other: its %s is %q and %q; remove the wrong one",
					first.m.name, first.Line, row.m.name, row.Line, row.File, strings.TrimPrefix(key, Prefix), metadata.Excerpt(was), metadata.Excerpt(text))
			}
		}
	}
	return nil
}
