package tenovos

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// Changes returns the values of after that differ from those of before, or have
// none there, in the order of after. An attribute that only before has is not
// among them: nothing says that it is to be cleared.
func Changes(before, after []Value) []Value {
	known := make(map[string]Value, len(before))
	for _, v := range before {
		known[v.DefinitionID] = v
	}
	var changed []Value
	for _, v := range after {
		if old, ok := known[v.DefinitionID]; !ok || !Equal(old, v) {
			changed = append(changed, v)
		}
	}
	return changed
}

// Equal reports whether two values mean the same to the service: they have the
// same shape on the wire. A date compares as the text that it is there. The order
// of a Multi's ids and of a row's cells does not count, and a cell without a value
// is as good as none; the order of rows and levels counts. A value that cannot be
// written equals no other.
func Equal(a, b Value) bool {
	x, errX := json.Marshal(canonical(a))
	y, errY := json.Marshal(canonical(b))
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// canonical returns v with all that does not count put in one order.
func canonical(v Value) Value {
	switch v.Kind {
	case Multi:
		v.IDs = slices.Compact(slices.Sorted(slices.Values(v.IDs)))
	case Table:
		rows := make([][]Value, len(v.Rows))
		for i, row := range v.Rows {
			rows[i] = []Value{}
			for _, cell := range row {
				if cell.Kind != Empty {
					rows[i] = append(rows[i], canonical(cell))
				}
			}
			slices.SortStableFunc(rows[i], func(a, b Value) int { return strings.Compare(a.DefinitionID, b.DefinitionID) })
		}
		v.Rows = rows
	case Raw:
		var plain any // written again, its keys are in order
		if json.Unmarshal(v.Raw, &plain) == nil {
			v.Raw, _ = json.Marshal(plain)
		}
	}
	return v
}
