package mapping

import (
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/tenovos"
)

// Show returns a value as people read it, with the name of its attribute: names of
// a vocabulary instead of ids. An attribute that no rule fills keeps its id.
func (m *Mapper) Show(v tenovos.Value) (attribute, text string) {
	for _, r := range m.rules {
		for i := range r.fills {
			if f := &r.fills[i]; f.ID == v.DefinitionID {
				return f.Name, f.show(v)
			}
		}
	}
	return v.DefinitionID, plain(v, func(id string) string { return id })
}

func (f *fill) show(v tenovos.Value) string {
	if v.Kind != tenovos.Table {
		return plain(v, f.valueName)
	}
	rows := make([]string, len(v.Rows))
	for i, row := range v.Rows {
		cells := make([]string, len(row))
		for j, cell := range row {
			cells[j] = f.showCell(cell)
		}
		rows[i] = strings.Join(cells, "; ")
	}
	return strings.Join(rows, " | ")
}

func (f *fill) showCell(v tenovos.Value) string {
	for _, row := range f.rows {
		for i := range row {
			if row[i].ID == v.DefinitionID {
				return row[i].Name + ": " + row[i].show(v)
			}
		}
	}
	return v.DefinitionID + ": " + plain(v, func(id string) string { return id })
}

// valueName is the name of a vocabulary's value, or its id where it has none.
func (a *attribute) valueName(id string) string {
	if a.vocabulary != nil {
		for _, value := range a.vocabulary.Values {
			if value.ID == id {
				return value.Name
			}
		}
	}
	return id
}

// plain is a value other than a table as people read it.
func plain(v tenovos.Value, name func(id string) string) string {
	var parts []string
	for _, id := range v.IDs {
		parts = append(parts, name(id))
	}
	for _, level := range v.Levels {
		parts = append(parts, plain(level, name))
	}
	switch {
	case v.Kind == tenovos.Cascade:
		return strings.Join(parts, " > ")
	case len(parts) > 0:
		return strings.Join(parts, ", ")
	case v.Kind == tenovos.Raw:
		return string(v.Raw)
	}
	return v.Text
}

// SecurityNames returns the names of security templates, with commas.
func (m *Mapper) SecurityNames(ids []string) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = id
		for _, t := range m.security.templates {
			if t.ID == id {
				names[i] = t.Name
			}
		}
	}
	return strings.Join(names, ", ")
}
