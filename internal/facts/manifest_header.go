package facts

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// FileColumns returns the names under which a manifest's file column is looked
// for when [ManifestOptions] give none, the best first. Case, spaces, - and _ do
// not count: "File_Name" is a filename.
func FileColumns() []string {
	return []string{
		"filename", "file", "file path", "relative path", "path",
		"dateiname", "datei", "dateipfad", "pfad",
		"nom du fichier", "nom de fichier", "fichier", "chemin",
		"nombre de archivo", "archivo", "nome file", "bestandsnaam",
		"asset", "name",
	}
}

var squeeze = strings.NewReplacer(" ", "", "_", "", "-", "")

// findFileColumn returns the column that goes by the best of the wanted names,
// -1 when there is none.
func findFileColumn(columns, wanted []string) int {
	if wanted == nil {
		wanted = FileColumns()
	}
	for _, name := range wanted {
		name = squeeze.Replace(Key(tidy(name)))
		i := slices.IndexFunc(columns, func(column string) bool { return squeeze.Replace(Key(column)) == name })
		if i >= 0 {
			return i
		}
	}
	return -1
}

// headerNames returns the names in the cells of a header without the empty ones
// at its end. A header decides for itself whether it is UTF-8 or Windows-1252:
// it is needed before the rest is seen.
func headerNames(cells []string) []string {
	names := make([]string, len(cells))
	filled := 0
	for i, cell := range cells {
		if !utf8.ValidString(cell) {
			cell = fromWindows1252(cell)
		}
		names[i] = tidy(cell)
		if names[i] != "" {
			filled = i + 1
		}
	}
	return names[:filled]
}

// setHeader names the columns.
func (m *Manifest) setHeader(cells []string, line int, wanted []string) error {
	m.columns = headerNames(cells)
	m.names = make([]string, len(m.columns))
	at := make(map[string]int, len(m.columns))
	for i, name := range m.columns {
		if name == "" {
			continue
		}
		m.names[i] = Key(ManifestPrefix + name)
		if len(m.names[i]) > maxNameSize {
			return fmt.Errorf("line %d: the name of column %d, %q, is longer than %d bytes", line, i+1, excerpt(name), maxNameSize)
		}
		if first, twice := at[m.names[i]]; twice {
			return fmt.Errorf("line %d: columns %d and %d have the same name, %q and %q; rename one",
				line, first+1, i+1, m.columns[first], name)
		}
		at[m.names[i]] = i
		m.sorted = append(m.sorted, i)
	}
	slices.SortFunc(m.sorted, func(a, b int) int { return cmp.Compare(m.names[a], m.names[b]) })

	m.file = findFileColumn(m.columns, wanted)
	m.content = columnOf(m.columns, contentColumn)
	if m.file < 0 && m.content < 0 {
		if wanted == nil {
			wanted = FileColumns()
		}
		return fmt.Errorf("line %d: no column names the files; the columns are %s; one of them must be named %s",
			line, quoteAll(m.Columns()), quoteAll(wanted))
	}
	return nil
}

// quoteAll quotes names for a message, the first dozens of many.
func quoteAll(names []string) string {
	const most = 40
	quoted := make([]string, 0, most+1)
	for _, name := range names[:min(len(names), most)] {
		quoted = append(quoted, fmt.Sprintf("%q", excerpt(name)))
	}
	if more := len(names) - most; more > 0 {
		quoted = append(quoted, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(quoted, ", ")
}
