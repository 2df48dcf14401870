package mapping

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/metadata"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
)

// SourceRows is what Explained.Source says of a table; its cells have sources.
const SourceRows = "rows"

// table works the rows of a table through for one file.
func (f *fill) table(known metadata.Facts) answer {
	out := answer{explained: Explained{Attribute: f.Name}}
	var rows [][]entry
	var tried, dropped []string
	for i, cells := range f.rows {
		r := tableRow{fills: cells}
		for j := range cells {
			cell := cells[j].answer(known)
			r.cells = append(r.cells, cell)
			out.explained.Cells = append(out.explained.Cells, Cell{Row: i + 1, Explained: cell.explained})
			tried, dropped = append(tried, cell.explained.Tried...), append(dropped, cell.explained.Dropped...)
			for _, bad := range cell.faults {
				bad.Attribute, bad.Message = f.Name, fmt.Sprintf("row %d, %s: %s", i+1, cells[j].Name, bad.Message)
				out.faults = append(out.faults, bad)
			}
		}
		made, bad := r.expand()
		rows = append(rows, made...)
		if bad != nil && !r.faulty() {
			out.fault(f.Name, false, issue{fmt.Sprintf("row %d: %s", i+1, bad.message), bad.hint})
		}
	}
	if len(rows) > 0 {
		out.explained.Source = SourceRows
		out.entries = []entry{f.gather(rows)}
		out.explained.Value = out.entries[0].shown
	} else if len(out.faults) == 0 && (f.form.required || f.Required) {
		slices.Sort(tried)
		out.fault(f.Name, false, missing(slices.Compact(tried), dropped))
	}
	return out
}

// gather makes the value of a table of its rows.
func (f *fill) gather(rows [][]entry) entry {
	values := make([][]tenovos.Value, len(rows))
	lines := make([]string, len(rows))
	for i, row := range rows {
		cells := make([]string, len(row))
		for j, cell := range row {
			values[i] = append(values[i], cell.value)
			cells[j] = cell.shown
		}
		lines[i] = strings.Join(cells, "; ")
	}
	return entry{tenovos.TableValue(f.ID, values...), strings.Join(lines, " | "), true}
}

// tableRow is a rule's row with what its cells give for one file.
type tableRow struct {
	fills []fill
	cells []answer
}

func (r tableRow) faulty() bool {
	return slices.ContainsFunc(r.cells, func(a answer) bool { return len(a.faults) > 0 })
}

// expand makes the rows of the table: one, or one for each value of the cells that
// give several. Cells without a value are left out of a row.
func (r tableRow) expand() ([][]entry, *issue) {
	n, bad := r.count()
	if bad != nil {
		return nil, bad
	}
	var rows [][]entry
	for i := range n {
		if !r.alive(i, n) {
			continue
		}
		var row []entry
		for j, f := range r.fills {
			cell := r.cells[j].at(i)
			if !cell.ok {
				if f.Required {
					return nil, &issue{fmt.Sprintf("column %q, which the table requires, has no value", f.Name), "give it a value, or set a default in the rule"}
				}
				continue
			}
			cell.shown = f.Name + ": " + cell.shown
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// count returns how many rows there are. Cells with several values must agree: it
// is never guessed which value belongs to which. Empty values at the end of a list
// count where that makes them agree.
func (r tableRow) count() (int, *issue) {
	n := 1
	for _, a := range r.cells {
		n = max(n, len(a.entries))
	}
	for _, a := range r.cells {
		if len(a.entries) == 0 || a.single() || len(a.entries) == n || a.width == n {
			continue
		}
		var counts []string
		for j, b := range r.cells {
			if len(b.entries) > 0 && !b.single() {
				counts = append(counts, fmt.Sprintf("%s %d", r.fills[j].Name, len(b.entries)))
			}
		}
		return 0, &issue{"its cells have different numbers of values: " + strings.Join(counts, ", "), "give each cell one value, or as many as the others have"}
	}
	return n, nil
}

// alive says whether the i-th of n rows is one: constants alone make none where a
// cell could have said something, nor does an empty value in a list.
func (r tableRow) alive(i, n int) bool {
	sources, found, listed := false, false, n == 1
	for j, a := range r.cells {
		ok := a.at(i).ok
		if r.fills[j].form.constants == nil {
			sources = true
			found = found || ok
		}
		listed = listed || ok && !a.single()
	}
	return listed && (found || !sources)
}

// single says whether the answer is one value, to be repeated in each row.
func (a *answer) single() bool { return len(a.entries) == 1 && (a.width <= 1 || !a.spread) }

// at returns the value for the i-th row.
func (a *answer) at(i int) entry {
	switch {
	case len(a.entries) > 0 && a.single():
		return a.entries[0]
	case i < len(a.entries):
		return a.entries[i]
	}
	return entry{}
}
