package mapping

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/internal/yamltree"
)

// attribute is an attribute of a template, a column of a table or a level of a
// cascade that a rule fills. It always has a name.
type attribute struct {
	tenovos.Attribute
	kind       tenovos.ValueKind // Text, Date, Single, Multi, Cascade or Table
	layout     string            // Go layout of a date in the account
	vocabulary *vocabulary
	levels     []*attribute // of a cascade, from the top
}

// item is one text as the account will hold it: what people see, and the id where
// it is a vocabulary value.
type item struct{ shown, id string }

// The documents name the types of text, date and vocabulary only. Tables and
// cascades are told by what their type is called; a table also by what its template
// shows within: items that all have a type of their own can only be columns.
func isVocabulary(a tenovos.Attribute) bool {
	return strings.EqualFold(a.Type, "controlledVocabulary") || strings.EqualFold(a.Type, "vocabulary")
}

func isTable(a tenovos.Attribute) bool {
	kind := strings.ToLower(a.Type)
	if strings.Contains(kind, "table") || strings.Contains(kind, "grid") {
		return true
	}
	untyped := slices.ContainsFunc(a.Columns, func(c tenovos.Attribute) bool { return c.Type == "" })
	return len(a.Columns) > 0 && !untyped && !isCascade(a)
}

func isCascade(a tenovos.Attribute) bool {
	kind := strings.ToLower(a.Type)
	return strings.Contains(kind, "cascad") && !strings.Contains(kind, "table") && !strings.Contains(kind, "grid")
}

// filledByTenovos says whether an attribute is none of ours to write.
func filledByTenovos(a tenovos.Attribute) bool {
	return strings.HasPrefix(strings.ToLower(a.SearchField), "system_") || strings.HasPrefix(strings.ToLower(a.Name), "system_")
}

// writable says whether an attribute is ours to write.
func writable(a tenovos.Attribute) bool { return !a.ReadOnly && !filledByTenovos(a) }

// attribute prepares an attribute for writing, or says why it cannot be written.
// what is "attribute", "column" or "level".
func (s *resolver) attribute(what string, a tenovos.Attribute) (*attribute, *issue) {
	a.Name = cmp.Or(a.Name, a.SearchField, a.ID)
	out := &attribute{Attribute: a}
	switch kind := strings.ToLower(a.Type); {
	case filledByTenovos(a):
		return nil, &issue{fmt.Sprintf("%s %q is filled by Tenovos itself", what, a.Name), "remove it"}
	case a.ReadOnly:
		return nil, &issue{fmt.Sprintf("%s %q is read-only", what, a.Name), "remove it"}
	case kind == "text":
		out.kind = tenovos.Text
	case kind == "date":
		layout, err := dateLayout(a.DateFormat)
		if err != nil {
			return nil, &issue{fmt.Sprintf("%s %q cannot be written: its %v", what, a.Name, err), ""}
		}
		out.kind, out.layout = tenovos.Date, layout
	case isVocabulary(a):
		if out.vocabulary = s.vocabularies[a.VocabularyID]; out.vocabulary == nil {
			if bad := s.deniedVocabulary(fmt.Sprintf("%s %q", what, a.Name), a.VocabularyID); bad != nil {
				return nil, bad
			}
			return nil, &issue{fmt.Sprintf("%s %q takes its values from vocabulary %q, which the account does not show", what, a.Name, a.VocabularyID),
				"the user may lack the right to see it"}
		}
		out.kind = tenovos.Single
		if a.Multiple {
			out.kind = tenovos.Multi
		}
	case isCascade(a):
		out.kind = tenovos.Cascade
		return out, s.levels(what, out)
	case what == "attribute" && isTable(a):
		out.kind = tenovos.Table
	default:
		return nil, &issue{fmt.Sprintf("%s %q is of type %q, which this version cannot write", what, a.Name, a.Type), "remove it"}
	}
	return out, nil
}

// levels prepares the levels of a cascade.
func (s *resolver) levels(what string, a *attribute) *issue {
	if len(a.Columns) == 0 {
		return &issue{fmt.Sprintf("%s %q is a cascade whose levels the template does not show", what, a.Name), "remove it"}
	}
	for _, l := range a.Columns {
		level, bad := s.attribute("level", l)
		if bad != nil {
			return &issue{fmt.Sprintf("%s %q is a cascade that cannot be written: its %s", what, a.Name, bad.message), bad.hint}
		}
		if level.kind != tenovos.Single && level.kind != tenovos.Multi {
			return &issue{fmt.Sprintf("%s %q is a cascade that cannot be written: its level %q is of type %q", what, a.Name, level.Name, l.Type), "remove it"}
		}
		a.levels = append(a.levels, level)
	}
	return nil
}

// item checks one text. layouts are the form's `date`. To suggest what may be
// meant is a search through a vocabulary.
func (a *attribute) item(text string, layouts []string, suggest bool) (item, *issue) {
	if a.kind != tenovos.Text { // a text may have lines, nothing else
		text = oneLine(text)
	}
	switch a.kind {
	case tenovos.Date:
		return a.day(text, layouts)
	case tenovos.Single, tenovos.Multi:
		return a.vocabulary.item(text, suggest)
	}
	return item{shown: text}, nil
}

// day reads a date by the form's `date`; the first layout that fits counts.
func (a *attribute) day(text string, written []string) (item, *issue) {
	layouts := append(slices.Clone(commonLayouts), a.layout)
	if len(written) > 0 {
		layouts = withNormal(written)
	}
	if day, ok := parseDate(text, layouts); ok {
		return item{shown: day.Format(a.layout)}, nil
	}
	if _, ok := parseDate(text, partialLayouts); ok {
		return item{}, &issue{fmt.Sprintf("%q is a date without a day", text), "write the whole date, or leave such dates out with unknown: drop"}
	}
	switch len(written) {
	case 0:
		return item{}, &issue{fmt.Sprintf("%q is no date", text), "write 2006-01-31, or say with `date` how the source writes it"}
	case 1:
		return item{}, &issue{fmt.Sprintf("%q is no date of the form %q", text, written[0]), ""}
	}
	return item{}, &issue{fmt.Sprintf("%q is no date of the forms %s", text, yamltree.QuotedList(written)), ""}
}

// filled is what an attribute makes of texts.
type filled struct {
	value   tenovos.Value
	shown   string
	ok      bool    // there is a value
	unknown []issue // texts that the attribute cannot take: the form's `unknown` decides
	bad     []issue // what can never be
}

// fill makes one value of texts, leaving out those that the attribute cannot take;
// for so many of them there are hints. Only a cascade may have an empty text among
// its texts.
func (a *attribute) fill(texts, layouts []string, hints int) filled {
	if a.kind == tenovos.Cascade {
		return a.descend(texts)
	}
	var out filled
	var items []item
	for _, text := range texts {
		it, bad := a.item(text, layouts, len(out.unknown) < hints)
		if bad != nil {
			out.unknown = append(out.unknown, *bad)
			continue
		}
		items = append(items, it)
	}
	if len(items) > 0 {
		a.join(&out, items)
	}
	return out
}

// join makes one value of items; there is at least one.
func (a *attribute) join(out *filled, items []item) {
	var ids, names []string
	for _, it := range items {
		again := it.id != "" && slices.Contains(ids, it.id) || a.kind == tenovos.Date && slices.Contains(names, it.shown)
		if !again {
			ids, names = append(ids, it.id), append(names, it.shown)
		}
	}
	out.shown = strings.Join(names, ", ")
	if len(ids) > 1 && (a.kind == tenovos.Date || a.kind == tenovos.Single) {
		out.bad = append(out.bad, issue{fmt.Sprintf("attribute %q holds one value, not %d", a.Name, len(ids)), ""})
		return
	}
	switch a.kind {
	case tenovos.Date:
		out.value = tenovos.DateValue(a.ID, out.shown)
	case tenovos.Single:
		out.value = tenovos.SingleValue(a.ID, ids[0])
	case tenovos.Multi:
		out.value = tenovos.MultiValue(a.ID, ids...)
	default:
		if n := utf8.RuneCountInString(out.shown); a.Length > 0 && n > a.Length {
			out.unknown = append(out.unknown, issue{fmt.Sprintf("attribute %q holds %d characters, not %d", a.Name, a.Length, n), "shorten it"})
			return
		}
		out.value = tenovos.TextValue(a.ID, out.shown)
	}
	out.ok = true
}

// descend makes the value of a cascade of its levels from the top. Below a level
// whose text is not known nothing can stand.
func (a *attribute) descend(texts []string) filled {
	var out filled
	if bad := a.tooDeep(len(texts)); bad != nil {
		out.bad = append(out.bad, *bad)
		return out
	}
	var levels []tenovos.Value
	var names []string
	for i, text := range texts {
		if text == "" {
			out.bad = append(out.bad, issue{fmt.Sprintf("level %q of cascade %q is empty, and a level below it is not", a.levels[i].Name, a.Name), ""})
			return out
		}
		it, bad := a.levels[i].item(text, nil, true)
		if bad != nil {
			out.unknown = append(out.unknown, *bad)
			break
		}
		levels = append(levels, tenovos.SingleValue(a.levels[i].ID, it.id))
		names = append(names, it.shown)
	}
	if len(levels) > 0 {
		out.value, out.shown, out.ok = tenovos.CascadeValue(a.ID, levels...), strings.Join(names, " > "), true
	}
	return out
}

// tooDeep says that a cascade has fewer than n levels.
func (a *attribute) tooDeep(n int) *issue {
	if n <= len(a.levels) {
		return nil
	}
	return &issue{fmt.Sprintf("cascade %q has %d levels, not %d", a.Name, len(a.levels), n), ""}
}
