package tenovos

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// ValueKind is the shape of a metadata value on the wire.
type ValueKind string

// The kinds of values. Raw is a value of an undocumented shape that was read from
// an asset; it is kept and written as it is.
const (
	Text    ValueKind = "text"
	Date    ValueKind = "date"
	Single  ValueKind = "single"
	Multi   ValueKind = "multi"
	Table   ValueKind = "table"
	Cascade ValueKind = "cascade"
	Empty   ValueKind = "empty"
	Raw     ValueKind = "raw"
)

// Value is the value of one metadata attribute. Its JSON is the API's own shape,
// so that it is stored and sent in the same form. A date is a string there, like
// a text, and therefore is read back as Text.
type Value struct {
	// DefinitionID is the attribute's id in its template.
	DefinitionID string
	Kind         ValueKind
	// Text holds a Text, or a Date as MM/DD/YYYY unless the attribute wants
	// another format.
	Text string
	// IDs holds the ids of vocabulary values: one with Single, any number with
	// Multi.
	IDs []string
	// Rows holds the rows of a Table, each a list of cells.
	Rows [][]Value
	// Levels holds a Cascade from the top: for each level its attribute's id and
	// one vocabulary value, as a Single.
	Levels []Value
	// Raw holds the whole item with kind Raw.
	Raw json.RawMessage
}

// TextValue is a value for a text attribute. Numbers are sent so too.
func TextValue(id, text string) Value { return Value{DefinitionID: id, Kind: Text, Text: text} }

// DateValue is a value for a date attribute, MM/DD/YYYY unless the attribute's
// DateFormat says otherwise.
func DateValue(id, mmddyyyy string) Value {
	return Value{DefinitionID: id, Kind: Date, Text: mmddyyyy}
}

// SingleValue is one value of a vocabulary, by its id.
func SingleValue(id, valueID string) Value {
	return Value{DefinitionID: id, Kind: Single, IDs: []string{valueID}}
}

// MultiValue is any number of values of a vocabulary, by their ids.
func MultiValue(id string, valueIDs ...string) Value {
	return Value{DefinitionID: id, Kind: Multi, IDs: valueIDs}
}

// TableValue is a table of rows of cells.
func TableValue(id string, rows ...[]Value) Value {
	return Value{DefinitionID: id, Kind: Table, Rows: rows}
}

// CascadeValue is one path through the vocabularies of a cascade, from the top,
// each level a SingleValue. The documents show cascades within tables only.
func CascadeValue(id string, levels ...Value) Value {
	return Value{DefinitionID: id, Kind: Cascade, Levels: levels}
}

// valueItem is a value on the wire.
type valueItem struct {
	DefinitionID string `json:"metadataDefinitionId"`
	Value        any    `json:"metadataDefinitionValue,omitempty"`
	Table        any    `json:"metadataDefinitionTableValue,omitempty"`
	Operation    string `json:"operation,omitempty"` // bulk edit only
}

type valueRef struct {
	ID string `json:"valueId"`
}

func (v Value) item() (valueItem, error) {
	item := valueItem{DefinitionID: v.DefinitionID}
	switch v.Kind {
	case Text, Date:
		item.Value = v.Text
	case Single:
		if len(v.IDs) != 1 {
			return item, fmt.Errorf("attribute %s takes one vocabulary value and has %d", v.DefinitionID, len(v.IDs))
		}
		item.Value = valueRef{v.IDs[0]}
	case Multi:
		refs := make([]valueRef, len(v.IDs))
		for i, id := range v.IDs {
			refs[i].ID = id
		}
		item.Value = refs
	case Table:
		rows := v.Rows
		if rows == nil {
			rows = [][]Value{}
		}
		item.Table = rows
	case Cascade:
		if len(v.Levels) == 0 {
			return item, fmt.Errorf("attribute %s is a cascade without levels", v.DefinitionID)
		}
		for _, level := range v.Levels {
			if level.Kind != Single || level.DefinitionID == "" {
				return item, fmt.Errorf("attribute %s: a level of a cascade is one vocabulary value with its attribute's id", v.DefinitionID)
			}
		}
		item.Value = v.Levels
	case Empty:
	default:
		return item, fmt.Errorf("attribute %s has a value of kind %q, which cannot be written", v.DefinitionID, v.Kind)
	}
	return item, nil
}

// MarshalJSON writes the value as the API wants it. A kind that is not one of
// the above is an error, and so is a Single without exactly one id.
func (v Value) MarshalJSON() ([]byte, error) {
	if v.Kind == Raw {
		return v.Raw, nil
	}
	item, err := v.item()
	if err != nil {
		return nil, err
	}
	return json.Marshal(item)
}

// UnmarshalJSON reads the API's shape. It fails only where b is no object: a
// shape that it does not know becomes Raw.
func (v *Value) UnmarshalJSON(b []byte) error {
	var wire struct {
		DefinitionID word            `json:"metadataDefinitionId"`
		Value        json.RawMessage `json:"metadataDefinitionValue"`
		Table        json.RawMessage `json:"metadataDefinitionTableValue"`
	}
	if err := json.Unmarshal(b, &wire); err != nil {
		return fmt.Errorf("a metadata value is no object: %w", err)
	}
	*v = Value{DefinitionID: string(wire.DefinitionID)}
	raw := func() error {
		v.Kind, v.Raw = Raw, bytes.Clone(b)
		return nil
	}
	value, table := loose(wire.Value), loose(wire.Table)
	switch {
	case table.present() && value.present():
		return raw()
	case table.present():
		if json.Unmarshal(table, &v.Rows) != nil {
			v.Rows = nil
			return raw()
		}
		v.Kind = Table
	case !value.present():
		v.Kind = Empty
	case value[0] == '{':
		id, ok := reference(wire.Value)
		if !ok {
			return raw()
		}
		v.Kind, v.IDs = Single, []string{id}
	case value[0] == '[':
		if !v.list(wire.Value) {
			return raw()
		}
	default:
		v.Kind, v.Text = Text, value.text()
	}
	return nil
}

// list reads a list of vocabulary values or of a cascade's levels, and reports
// false for anything else.
func (v *Value) list(b json.RawMessage) bool {
	var items []json.RawMessage
	if json.Unmarshal(b, &items) != nil {
		return false
	}
	var ids []string
	var levels []Value
	for _, item := range items {
		if id, ok := reference(item); ok {
			ids = append(ids, id)
		} else if l, ok := level(item); ok {
			levels = append(levels, l)
		} else {
			return false
		}
	}
	switch {
	case levels == nil:
		v.Kind, v.IDs = Multi, ids
	case ids == nil:
		v.Kind, v.Levels = Cascade, levels
	default:
		return false
	}
	return true
}

// level reads one level of a cascade: the id of its attribute and one vocabulary
// value. As with a reference, nothing else may stand there.
func level(b json.RawMessage) (Value, bool) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(b, &fields) != nil || len(fields) != 2 {
		return Value{}, false
	}
	attribute := loose(fields["metadataDefinitionId"]).text()
	id, ok := reference(fields["metadataDefinitionValue"])
	return SingleValue(attribute, id), ok && attribute != ""
}

// reference reads {"valueId": id}, with or without the value's name. An object
// that holds anything else is not understood: writing back the id alone would
// lose the rest.
func reference(b json.RawMessage) (string, bool) {
	var fields map[string]loose
	if json.Unmarshal(b, &fields) != nil {
		return "", false
	}
	for key := range fields {
		if key != "valueId" && key != "valueName" {
			return "", false
		}
	}
	id := fields["valueId"].text()
	return id, id != ""
}
