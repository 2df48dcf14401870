package tenovos

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// ValueKind is the shape of a metadata value on the wire.
type ValueKind string

// The kinds of values. Raw is a value of an undocumented shape that was read from
// an asset, a cascade for example; it is kept and written as it is.
const (
	Text   ValueKind = "text"
	Date   ValueKind = "date"
	Single ValueKind = "single"
	Multi  ValueKind = "multi"
	Table  ValueKind = "table"
	Empty  ValueKind = "empty"
	Raw    ValueKind = "raw"
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
		var list []json.RawMessage
		if json.Unmarshal(value, &list) != nil {
			return raw()
		}
		for _, item := range list {
			id, ok := reference(item)
			if !ok {
				v.IDs = nil
				return raw()
			}
			v.IDs = append(v.IDs, id)
		}
		v.Kind = Multi
	default:
		v.Kind, v.Text = Text, value.text()
	}
	return nil
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
