package mapping

import (
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
	"gopkg.in/yaml.v3"

	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/internal/yamltree"
)

// row is one entry of a form's `rows`: a cell for each column that it fills.
type row struct {
	yamltree.Pos
	cells []line
}

// column describes a column that the template does not show.
type column struct {
	yamltree.Pos
	tenovos.Attribute
	vocabulary Name // by name or id; empty unless the column takes values of one
}

var (
	columnKeys  = yamltree.Keys{Known: []string{"kind", "vocabulary", "format", "name"}}
	columnKinds = []string{"text", "date", "vocabulary", "multi"}
	// tableKeys are the keys that go with rows.
	tableKeys = []string{"rows", "columns", "required", "unknown"}
)

// table reads a form with `rows`.
func (p *parser) table(f *Form, n *yaml.Node, fields map[string]*yaml.Node, what string) {
	pairs, _ := p.Pairs(n, what)
	for _, pair := range pairs {
		if key := pair.Key.Value; fields[key] != nil && !slices.Contains(tableKeys, key) {
			p.Add(yamltree.At(pair.Key), "put it into a cell", "%s: %s does not go with rows", what, key)
		}
	}
	if at := fields["columns"]; at != nil {
		f.columns = p.columns(at)
	}
	at := fields["rows"]
	if at == nil {
		p.Add(yamltree.At(n), "give it rows: [{COLUMN: value}]", "%s has columns and no rows", what)
		return
	}
	list, ok := p.List(at, "rows")
	if ok && len(list) == 0 {
		p.Add(yamltree.At(at), "such as [{COLUMN: value}]", "rows hold no row")
	}
	for _, node := range list {
		f.rows = append(f.rows, p.row(node, f.unknown))
	}
}

// row reads one row. unknown is what holds for cells that do not say.
func (p *parser) row(n *yaml.Node, unknown string) row {
	out := row{Pos: yamltree.At(n)}
	pairs, ok := p.Pairs(n, "a row")
	if ok && len(pairs) == 0 {
		p.Add(yamltree.At(n), "give it cells: {COLUMN: value}", "a row has no cell")
	}
	for _, pair := range pairs {
		cell := p.line(pair, unknown)
		if len(cell.form.rows) > 0 {
			p.Add(yamltree.At(pair.Value), "give the cell a value or a form", "%s: a cell has no rows of its own", pair.Key.Value)
			cell.form = Form{Pos: yamltree.At(pair.Value), broken: true}
		}
		out.cells = append(out.cells, cell)
	}
	return out
}

// line reads what fills one attribute or column.
func (p *parser) line(pair yamltree.Pair, unknown string) line {
	l := line{
		attribute: Name{yamltree.At(pair.Key), norm.NFC.String(strings.TrimSpace(pair.Key.Value))},
		form:      p.form(pair.Value, pair.Key.Value),
	}
	if l.form.unknown == "" {
		l.form.unknown = unknown
		for _, row := range l.form.rows {
			for i := range row.cells {
				if cell := &row.cells[i].form; cell.unknown == "" {
					cell.unknown = unknown
				}
			}
		}
	}
	return l
}

// columns reads the descriptions of columns by their ids.
func (p *parser) columns(n *yaml.Node) []column {
	var out []column
	pairs, _ := p.Pairs(n, "columns")
	for _, pair := range pairs {
		fields := p.Fields(pair.Value, "a column", columnKeys)
		if fields == nil {
			continue
		}
		c := column{Pos: yamltree.At(pair.Key), Attribute: tenovos.Attribute{ID: strings.TrimSpace(pair.Key.Value), Type: "text"}}
		c.Name = c.ID
		if c.ID == "" {
			p.Add(yamltree.At(pair.Key), "write the column's id", "a column has no id")
		}
		if at := fields["name"]; at != nil {
			c.Name = p.name(at, "name").Text
		}
		kind := ""
		if at := fields["kind"]; at != nil {
			kind = p.Choice(at, "kind", columnKinds, nil)
		}
		switch kind {
		case "date":
			c.Type = "date"
		case "vocabulary", "multi":
			c.Type, c.Multiple = "controlledVocabulary", kind == "multi"
		}
		p.columnFormat(&c, fields["format"])
		p.columnVocabulary(&c, pair.Key, fields["vocabulary"])
		out = append(out, c)
	}
	return out
}

func (p *parser) columnFormat(c *column, at *yaml.Node) {
	if at == nil {
		return
	}
	if c.Type != "date" {
		p.Add(yamltree.At(at), "remove it, or say kind: date", "column %q is no date and has no format", c.Name)
		return
	}
	var ok bool
	if c.DateFormat, ok = p.Text(at, "format"); !ok {
		return
	}
	if _, err := dateLayout(c.DateFormat); err != nil {
		p.Add(yamltree.At(at), "such as MM/dd/yyyy", "%v", err)
	}
}

func (p *parser) columnVocabulary(c *column, key, at *yaml.Node) {
	switch {
	case isVocabulary(c.Attribute) && at == nil:
		p.Add(yamltree.At(key), "vocabulary: its name or id", "column %q does not say which vocabulary it takes its values from", c.Name)
	case !isVocabulary(c.Attribute) && at != nil:
		p.Add(yamltree.At(at), "remove it, or say kind: vocabulary", "column %q is of another kind and has no vocabulary", c.Name)
	case at != nil:
		c.vocabulary = p.name(at, "vocabulary")
	}
}
