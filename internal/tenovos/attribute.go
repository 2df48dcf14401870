package tenovos

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// maxNesting bounds how deep a descriptor is searched for attributes within it.
const maxNesting = 6

// decodeAttribute reads an attribute's descriptor, and up to depth levels of
// objects and lists within it.
func decodeAttribute(raw json.RawMessage, depth int) (Attribute, error) {
	var w struct {
		ID           word   `json:"id"`
		Name         word   `json:"name"`
		SearchField  word   `json:"searchField"`
		Type         word   `json:"type"`
		Required     flag   `json:"required"`
		ReadOnly     flag   `json:"readonly"`
		Multiple     flag   `json:"isMultipleSelect"`
		Length       number `json:"length"`
		DateFormat   word   `json:"dateFormat"`
		VocabularyID word   `json:"controlledVocabularyId"`
	}
	if err := json.Unmarshal(raw, &w); err != nil {
		return Attribute{}, fmt.Errorf("an attribute cannot be read: %w", err)
	}
	a := Attribute{
		ID: string(w.ID), Name: string(w.Name), SearchField: string(w.SearchField), Type: string(w.Type),
		Required: bool(w.Required), ReadOnly: bool(w.ReadOnly), Multiple: bool(w.Multiple),
		Length: int(w.Length), DateFormat: string(w.DateFormat), VocabularyID: string(w.VocabularyID), Raw: raw,
	}
	if strings.EqualFold(a.DateFormat, "N/A") {
		a.DateFormat = ""
	}
	switch strings.ToLower(a.Type) {
	case "text", "date", "controlledvocabulary":
		// Documented, and without columns: a list within is of something else.
	default:
		a.Columns = nested(raw, depth)
	}
	return a, nil
}

// nested finds the attributes within a descriptor. Neither the key under which
// they stand nor the depth is documented: they are the list, wherever it is, whose
// items look like attributes. Of several lists that of most types wins.
func nested(raw json.RawMessage, depth int) []Attribute {
	if depth == 0 {
		return nil
	}
	raw = inner(trim(raw))
	if len(raw) == 0 {
		return nil
	}
	switch raw[0] {
	case '{':
		return nestedInObject(raw, depth)
	case '[':
		return nestedInList(raw, depth)
	}
	return nil
}

func nestedInObject(raw json.RawMessage, depth int) []Attribute {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return nil
	}
	var best []Attribute
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		if found := nested(fields[key], depth-1); typed(found) > typed(best) || best == nil {
			best = found
		}
	}
	return best
}

// nestedInList takes the items of a list for attributes when all look like one;
// otherwise they may be groups of attributes.
func nestedInList(raw json.RawMessage, depth int) []Attribute {
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return nil
	}
	var found []Attribute
	for _, item := range items {
		a, err := decodeAttribute(item, depth-1)
		if err != nil || a.ID == "" || a.Name == "" && a.Type == "" {
			found = nil
			break
		}
		found = append(found, a)
	}
	if found != nil {
		return found
	}
	for _, item := range items {
		found = append(found, nested(item, depth-1)...)
	}
	return found
}

// typed counts the attributes that say their type.
func typed(list []Attribute) int {
	n := 0
	for _, a := range list {
		if a.Type != "" {
			n++
		}
	}
	return n
}
