package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// checkMetadata says what is wrong with values for the template, or "".
func (s *Server) checkMetadata(t *Template, values []MetadataValue) string {
	seen := map[string]bool{}
	for _, v := range values {
		at := t.attribute(v.ID)
		switch {
		case at == nil:
			return fmt.Sprintf("metadataDefinitionId %q is not an attribute of template %q", v.ID, t.Name)
		case seen[v.ID]:
			return fmt.Sprintf("attribute %q is given twice", at.Name)
		case at.ReadOnly:
			return fmt.Sprintf("attribute %q is read-only", at.Name)
		}
		seen[v.ID] = true
		if bad := s.checkValue(at, v); bad != "" {
			return fmt.Sprintf("attribute %q: %s", at.Name, bad)
		}
	}
	return ""
}

func (s *Server) checkValue(at *Attribute, v MetadataValue) string {
	if v.Value != nil && v.Table != nil {
		return "both a value and a table value"
	}
	if at.Type == "tableAttribute" {
		if v.Value != nil {
			return "a table takes metadataDefinitionTableValue"
		}
		return s.checkRows(at, v.Table)
	}
	if v.Table != nil {
		return "only a table takes metadataDefinitionTableValue"
	}
	if v.Value == nil || bytes.Equal(v.Value, []byte("null")) {
		return "" // an empty value
	}
	switch at.Type {
	case "text":
		var text string
		if json.Unmarshal(v.Value, &text) != nil {
			return "a text must be a string"
		}
		if n := utf8.RuneCountInString(text); at.Length > 0 && n > at.Length {
			return fmt.Sprintf("%d characters, at most %d are allowed", n, at.Length)
		}
	case "date":
		var text string
		if json.Unmarshal(v.Value, &text) != nil {
			return "a date must be a string"
		}
		if _, err := time.Parse(dateLayout(at.DateFormat), text); err != nil {
			return fmt.Sprintf("%q is not a date of the form %s", text, at.DateFormat)
		}
	case "controlledVocabulary":
		return s.checkTerms(at, v.Value)
	default:
		return "values of type " + at.Type + " cannot be written"
	}
	return ""
}

// checkTerms checks {"valueId": id}, or a list of those where several may be
// selected.
func (s *Server) checkTerms(at *Attribute, raw json.RawMessage) string {
	type term struct {
		ID string `json:"valueId"`
	}
	var terms []term
	if at.Multiple {
		if json.Unmarshal(raw, &terms) != nil {
			return `several values are given as [{"valueId": id}, …]`
		}
	} else {
		var one term
		if json.Unmarshal(raw, &one) != nil {
			return `one value is given as {"valueId": id}`
		}
		terms = []term{one}
	}
	vocabulary := s.Account().vocabulary(at.Vocabulary)
	for _, x := range terms {
		if _, ok := vocabulary.value(x.ID); !ok {
			return fmt.Sprintf("valueId %q is not in vocabulary %q", x.ID, vocabulary.Name)
		}
	}
	return ""
}

func (s *Server) checkRows(at *Attribute, rows [][]MetadataValue) string {
	for i, row := range rows {
		seen := map[string]bool{}
		for _, cell := range row {
			var column *Attribute
			for j := range at.Columns {
				if at.Columns[j].ID == cell.ID {
					column = &at.Columns[j]
				}
			}
			if column == nil {
				return fmt.Sprintf("row %d: metadataDefinitionId %q is not a column", i+1, cell.ID)
			}
			if seen[cell.ID] {
				return fmt.Sprintf("row %d: column %q is given twice", i+1, column.Name)
			}
			seen[cell.ID] = true
			if bad := s.checkValue(column, cell); bad != "" {
				return fmt.Sprintf("row %d: column %q: %s", i+1, column.Name, bad)
			}
		}
	}
	return ""
}

// missingRequired names a required attribute without a value, or is "".
func missingRequired(t *Template, values []MetadataValue) string {
	given := map[string]bool{}
	for _, v := range values {
		given[v.ID] = v.Value != nil && !bytes.Equal(v.Value, []byte("null")) || len(v.Table) > 0
	}
	for _, g := range t.Groups {
		for _, at := range g.Attributes {
			if at.Required && !at.ReadOnly && !given[at.ID] {
				return at.Name
			}
		}
	}
	return ""
}

func (s *Server) checkSecurity(ids []string) string {
	for _, id := range ids {
		if !s.Account().hasSecurity(id) {
			return fmt.Sprintf("there is no security template %q", id)
		}
	}
	return ""
}

// dateLayout turns a format such as MM/dd/yyyy into a layout of package time.
func dateLayout(format string) string {
	if format == "" || format == "N/A" {
		format = "MM/dd/yyyy"
	}
	return strings.NewReplacer("yyyy", "2006", "YYYY", "2006", "yy", "06", "MMM", "Jan", "MM", "01", "dd", "02", "DD", "02",
		"HH", "15", "mm", "04", "ss", "05").Replace(format)
}

// plain is a value as metadataDenormalized has it: names instead of ids.
func (s *Server) plain(at *Attribute, v MetadataValue) any {
	if at.Type == "tableAttribute" {
		var rows []any
		for _, row := range v.Table {
			cells := map[string]any{}
			for _, cell := range row {
				for i := range at.Columns {
					if at.Columns[i].ID == cell.ID {
						cells[at.Columns[i].SearchField] = s.plain(&at.Columns[i], cell)
					}
				}
			}
			rows = append(rows, cells)
		}
		return rows
	}
	var x any
	if v.Value == nil || json.Unmarshal(v.Value, &x) != nil {
		return nil
	}
	vocabulary := s.Account().vocabulary(at.Vocabulary)
	name := func(x any) any {
		m, _ := x.(map[string]any)
		id, _ := m["valueId"].(string)
		if vocabulary == nil {
			return id
		}
		n, _ := vocabulary.value(id)
		return n
	}
	switch x := x.(type) {
	case map[string]any:
		return name(x)
	case []any:
		out := make([]any, len(x))
		for i := range x {
			out[i] = name(x[i])
		}
		return out
	default:
		return x
	}
}
