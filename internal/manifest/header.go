package manifest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"github.com/tenovos-ingest/ingestd/internal/charset"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
)

// FileColumns returns the names under which a manifest's file column is looked
// for when [Options] give none, the best first. Case, spaces, - and _ do
// not count: "File_Name" is a filename.
func FileColumns() []string {
	return []string{
		"source file", // ExifTool's, beside which a FileName has no directory
		"filename", "file", "file path", "relative path", "path",
		"dateiname", "datei", "dateipfad", "pfad",
		"nom du fichier", "nom de fichier", "fichier", "chemin",
		"nombre de archivo", "archivo", "nome file", "bestandsnaam",
		"asset", "name",
	}
}

// findFileColumn returns the column that goes by the best of the wanted names,
// -1 when there is none.
func findFileColumn(columns, wanted []string) int {
	if wanted == nil {
		wanted = FileColumns()
	}
	for _, name := range wanted {
		name = metadata.Squeeze(metadata.OneLine(name))
		i := slices.IndexFunc(columns, func(column string) bool { return metadata.Squeeze(column) == name })
		if i >= 0 {
			return i
		}
	}
	return -1
}

// headerNames returns the names in the cells of a header without the empty ones
// at its end. A name decides for itself whether it is UTF-8 or of single bytes: it is
// needed before the rest is seen.
func headerNames(cells []string, bytes *charmap.Charmap) []string {
	names := make([]string, len(cells))
	filled := 0
	for i, cell := range cells {
		if !utf8.ValidString(cell) {
			cell = charset.Decode(cell, bytes)
		}
		names[i] = metadata.OneLine(cell)
		if names[i] != "" {
			filled = i + 1
		}
	}
	return names[:filled]
}

// setHeader names the columns.
func (m *Manifest) setHeader(names []string, line int, o Options) error {
	m.columns = names
	m.file = findFileColumn(m.columns, o.FileColumns)
	m.content = columnOf(m.columns, contentColumn)
	m.transcode, m.placeholder = columnOf(m.columns, transcodeColumn), columnOf(m.columns, placeholderColumn)
	if err := m.setNames(line, o.Asked); err != nil {
		return err
	}
	if m.file < 0 && m.content < 0 {
		wanted := o.FileColumns
		if wanted == nil {
			wanted = FileColumns()
		}
		return fmt.Errorf("line %d: no column names the files; the columns are %s; one of them must be named %s",
			line, quoteAll(m.Columns()), quoteAll(wanted))
	}
	return nil
}

// setNames names the facts of the columns.
func (m *Manifest) setNames(line int, asked map[string]bool) error {
	m.names = make([]string, len(m.columns))
	at := make(map[string]int, len(m.columns))
	for i, name := range m.columns {
		if name == "" {
			continue
		}
		key := metadata.Key(Prefix + name)
		if len(key) > metadata.MaxName {
			return fmt.Errorf("line %d: the name of column %d, %q, is longer than %d bytes", line, i+1, metadata.Excerpt(name), metadata.MaxName)
		}
		first, twice := at[key]
		switch {
		case !twice:
			at[key], m.names[i] = i, key
		case asked == nil || asked[key] || m.leads(first):
			return fmt.Errorf("line %d: columns %d and %d have the same name, %q and %q; rename one",
				line, first+1, i+1, m.columns[first], name)
		default:
			m.names[first] = "" // and the i-th has none: which of them is meant cannot be known
		}
	}
	m.sorted = m.sorted[:0]
	for i, name := range m.names {
		if name != "" {
			m.sorted = append(m.sorted, i)
		}
	}
	slices.SortFunc(m.sorted, func(a, b int) int { return cmp.Compare(m.names[a], m.names[b]) })
	return nil
}

// leads says whether a column decides what a row is for, or what it makes.
func (m *Manifest) leads(column int) bool {
	switch metadata.Squeeze(m.columns[column]) {
	case contentColumn, transcodeColumn, placeholderColumn:
		return true
	}
	return column == m.file
}

// quoteAll quotes names for a message, the first dozens of many.
func quoteAll(names []string) string {
	const most = 40
	quoted := make([]string, 0, most+1)
	for _, name := range names[:min(len(names), most)] {
		quoted = append(quoted, fmt.Sprintf("%q", metadata.Excerpt(name)))
	}
	if more := len(names) - most; more > 0 {
		quoted = append(quoted, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(quoted, ", ")
}
