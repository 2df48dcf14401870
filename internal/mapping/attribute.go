package mapping

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tenovos-ingest/ingestd/internal/tenovos"
)

// attribute is an attribute of a template that a rule fills.
type attribute struct {
	tenovos.Attribute
	kind       tenovos.ValueKind // Text, Date, Single or Multi
	layout     string            // Go layout of a date in the account
	vocabulary tenovos.Vocabulary
	names      []string // of the vocabulary's values
	index      *index   // of the vocabulary's values
}

// item is one text as the account will hold it: what people see, and the id where
// it is a vocabulary value.
type item struct{ shown, id string }

func isVocabulary(a tenovos.Attribute) bool {
	return strings.EqualFold(a.Type, "controlledVocabulary") || strings.EqualFold(a.Type, "vocabulary")
}

// filledByTenovos says whether an attribute is none of ours to write.
func filledByTenovos(a tenovos.Attribute) bool {
	return strings.HasPrefix(strings.ToLower(a.SearchField), "system_") || strings.HasPrefix(strings.ToLower(a.Name), "system_")
}

// newAttribute prepares an attribute for writing, or says why it cannot be
// written.
func newAttribute(a tenovos.Attribute, vocabularies map[string]tenovos.Vocabulary) (*attribute, *issue) {
	out := &attribute{Attribute: a}
	kind := strings.ToLower(a.Type)
	switch {
	case filledByTenovos(a):
		return nil, &issue{fmt.Sprintf("attribute %q is filled by Tenovos itself", a.Name), "remove it"}
	case a.ReadOnly:
		return nil, &issue{fmt.Sprintf("attribute %q is read-only", a.Name), "remove it"}
	case kind == "text":
		out.kind = tenovos.Text
	case kind == "date":
		layout, err := dateLayout(a.DateFormat)
		if err != nil {
			return nil, &issue{fmt.Sprintf("attribute %q cannot be written: its %v", a.Name, err), ""}
		}
		out.kind, out.layout = tenovos.Date, layout
	case isVocabulary(a):
		v, ok := vocabularies[a.VocabularyID]
		if !ok {
			return nil, &issue{fmt.Sprintf("attribute %q takes its values from vocabulary %q, which the account does not show", a.Name, a.VocabularyID),
				"the user may lack the right to see it"}
		}
		out.kind, out.vocabulary = tenovos.Single, v
		if a.Multiple {
			out.kind = tenovos.Multi
		}
		out.names = make([]string, len(v.Values))
		out.index = newIndex(len(v.Values), func(i int) []string {
			out.names[i] = v.Values[i].Name
			return []string{v.Values[i].ID, v.Values[i].Name}
		})
	case strings.Contains(kind, "table") || strings.Contains(kind, "grid"):
		return nil, &issue{fmt.Sprintf("attribute %q is a table; tables are written by a later version", a.Name), "remove it"}
	default:
		return nil, &issue{fmt.Sprintf("attribute %q is of type %q, which this version cannot write", a.Name, a.Type), "remove it"}
	}
	return out, nil
}

// item checks one text. layout is the form's `date`, or "".
func (a *attribute) item(text, layout string) (item, *issue) {
	switch a.kind {
	case tenovos.Date:
		layouts := []string{layout}
		if layout == "" {
			layouts = append(slices.Clone(commonLayouts), a.layout)
		}
		day, ok := parseDate(text, layouts)
		switch {
		case !ok && layout != "":
			return item{}, &issue{fmt.Sprintf("%q is no date of the form %q", text, layout), ""}
		case !ok:
			return item{}, &issue{fmt.Sprintf("%q is no date", text), "write 2006-01-31, or say with `date` how the source writes it"}
		}
		return item{shown: day.Format(a.layout)}, nil
	case tenovos.Single, tenovos.Multi:
		hits := a.index.find(text)
		if len(hits) != 1 {
			return item{}, notOne(fmt.Sprintf("vocabulary %q", a.vocabulary.Name), "value", text, len(hits), a.names)
		}
		v := a.vocabulary.Values[hits[0]]
		return item{shown: v.Name, id: v.ID}, nil
	}
	return item{shown: text}, nil
}

// value makes the attribute's value of its items; there is at least one.
func (a *attribute) value(items []item) (v tenovos.Value, shown string, bad *issue) {
	var ids, names []string
	for _, it := range items {
		if it.id == "" || !slices.Contains(ids, it.id) {
			ids, names = append(ids, it.id), append(names, it.shown)
		}
	}
	shown = strings.Join(names, ", ")
	if len(ids) > 1 && (a.kind == tenovos.Date || a.kind == tenovos.Single) {
		return v, shown, &issue{fmt.Sprintf("attribute %q holds one value, not %d", a.Name, len(ids)), ""}
	}
	switch a.kind {
	case tenovos.Date:
		v = tenovos.DateValue(a.ID, shown)
	case tenovos.Single:
		v = tenovos.SingleValue(a.ID, ids[0])
	case tenovos.Multi:
		v = tenovos.MultiValue(a.ID, ids...)
	default:
		if n := utf8.RuneCountInString(shown); a.Length > 0 && n > a.Length {
			return v, shown, &issue{fmt.Sprintf("attribute %q holds %d characters, not %d", a.Name, a.Length, n), "shorten it"}
		}
		v = tenovos.TextValue(a.ID, shown)
	}
	return v, shown, nil
}

// fill makes the attribute's value of texts; there is at least one.
func (a *attribute) fill(texts []string, layout string) (tenovos.Value, string, []issue) {
	var items []item
	var bad []issue
	for _, text := range texts {
		it, issue := a.item(text, layout)
		if issue != nil {
			bad = append(bad, *issue)
			continue
		}
		items = append(items, it)
	}
	if len(bad) > 0 {
		return tenovos.Value{}, strings.Join(texts, ", "), bad
	}
	v, shown, issue := a.value(items)
	if issue != nil {
		bad = append(bad, *issue)
	}
	return v, shown, bad
}
