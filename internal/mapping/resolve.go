package mapping

import (
	"fmt"

	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/internal/yamltree"
)

// Mapper turns what is known of a file into the asset to create. It is immutable
// and safe for concurrent use.
type Mapper struct {
	rules    []*rule
	security *security
	needs    Needs
}

// Needs returns what the rules ask about a file. It is not to be changed.
func (m *Mapper) Needs() Needs { return m.needs }

// rule is a Rule whose names are resolved.
type rule struct {
	Rule
	template tenovos.Template
	fills    []fill
}

// fill is a line whose attribute is resolved.
type fill struct {
	*attribute
	form Form
	rows [][]fill // of a table: the cells of each row
	cell bool     // it is a cell itself
}

// Resolve finds the rules' names in the account and checks all texts that are
// known beforehand. It returns a Mapper, or every problem that it found.
func Resolve(r Rules, account Account) (*Mapper, []yamltree.Problem) {
	s := &resolver{account: account, vocabularies: newVocabularies(account.Vocabularies)}
	m := &Mapper{security: newSecurity(account.Security, account.SecurityAsGiven || account.Denied.Security != ""), needs: r.Needs()}
	for i, from := range r.Rules {
		to := &rule{Rule: from}
		m.rules = append(m.rules, to)
		s.checkSecurity(m.security, &from.security)
		s.deniedSecurity(i+1, &from.security)
		if from.Template.Text == "" {
			continue
		}
		if bad := s.deniedTemplate(i+1, from.Template.Text); bad != nil {
			s.add(from.Template.Pos, *bad)
			continue
		}
		template, bad := findTemplate(from.Template.Text, account.Templates)
		if bad != nil {
			s.add(from.Template.Pos, *bad)
			continue
		}
		to.template = template
		to.fills = s.fills(whole{
			name: fmt.Sprintf("template %q", template.Name), part: "attribute", filler: "rule", place: "metadata",
			pos: to.Pos, attributes: template.Attributes,
		}, to.lines)
	}
	if len(s.problems) > 0 {
		return nil, yamltree.SortProblems(s.problems)
	}
	return m, nil
}

// resolver collects the problems of Resolve.
type resolver struct {
	account      Account
	vocabularies map[string]*vocabulary
	problems     []yamltree.Problem
}

func (s *resolver) add(pos yamltree.Pos, i issue) { s.problems = append(s.problems, i.at(pos)) }

// whole is what lines fill: a template, or one row of a table. The texts are what
// messages call it and its parts.
type whole struct {
	name, part    string       // such as `template "Creative Asset"` and "attribute"
	filler, place string       // such as "rule" and "metadata"
	pos           yamltree.Pos // of the filler
	attributes    []tenovos.Attribute
}

// fills resolves the lines that fill a template or a row, and misses those that it
// requires.
func (s *resolver) fills(w whole, lines []line) []fill {
	x := attributeIndex(w.attributes)
	var names []string
	for _, a := range w.attributes {
		if writable(a) {
			names = append(names, a.Name)
		}
	}
	var out []fill
	seen := map[int]yamltree.Pos{}
	meant := map[string]bool{} // misspelt: not missing as well
	for _, l := range lines {
		hits := x.find(l.attribute.Text)
		if len(hits) != 1 {
			meant[yamltree.Nearest(l.attribute.Text, names)] = true
			s.add(l.attribute.Pos, w.notOne(l.attribute.Text, len(hits), names))
			continue
		}
		from := w.attributes[hits[0]]
		if earlier, ok := seen[hits[0]]; ok {
			s.add(l.attribute.Pos, issue{fmt.Sprintf("%s %q is filled twice", w.part, from.Name), fmt.Sprintf("remove one: line %d fills it, too", earlier.Line)})
			continue
		}
		seen[hits[0]] = l.attribute.Pos
		a, bad := s.attribute(w.part, from)
		if bad != nil {
			s.add(l.attribute.Pos, *bad)
			continue
		}
		f := fill{attribute: a, form: l.form, cell: w.part == "column"}
		s.checkForm(&f)
		out = append(out, f)
	}
	for i, a := range w.attributes {
		if _, filled := seen[i]; a.Required && !filled && !meant[a.Name] && writable(a) {
			s.add(w.pos, issue{fmt.Sprintf("the %s does not fill %s %q, which %s requires", w.filler, w.part, a.Name, w.name), "add it to " + w.place})
		}
	}
	return out
}

// notOne says that a name is none, or more than one, of the parts.
func (w whole) notOne(name string, hits int, names []string) issue {
	bad := *notOne(w.name, w.part, name, hits, names)
	if hits == 0 && len(names) == 0 && w.part == "column" {
		bad.hint = "its template shows none: describe them by id beside rows, columns: {ID: {kind: text}}"
	}
	return bad
}

// rows resolves the cells of a table.
func (s *resolver) rows(f *fill) {
	table := f.Attribute
	table.Columns = s.columns(table, &f.form)
	w := whole{name: fmt.Sprintf("table %q", table.Name), part: "column", filler: "row", place: "the row", attributes: table.Columns}
	for _, r := range f.form.rows {
		w.pos = r.Pos
		f.rows = append(f.rows, s.fills(w, r.cells))
	}
}

// columns returns the columns of a table: those that its template shows, and those
// that the form describes, which may replace one of the same id.
func (s *resolver) columns(table tenovos.Attribute, f *Form) []tenovos.Attribute {
	described := map[string]bool{}
	var all []tenovos.Attribute
	for _, c := range f.columns {
		described[c.ID] = true
		if c.vocabulary.Text != "" {
			v, bad := findVocabulary(c.vocabulary.Text, s.account.Vocabularies)
			if denied := s.deniedVocabulary(fmt.Sprintf("column %q", c.Name), c.vocabulary.Text); bad != nil && denied != nil {
				bad = denied
			}
			if bad != nil {
				s.add(c.vocabulary.Pos, *bad)
			}
			c.VocabularyID = v.ID
		}
		all = append(all, c.Attribute)
	}
	for _, a := range table.Columns {
		if !described[a.ID] {
			all = append(all, a)
		}
	}
	return all
}

// checkForm checks what of a form is known beforehand.
func (s *resolver) checkForm(f *fill) {
	a, form := f.attribute, &f.form
	switch {
	case form.broken:
		return
	case a.kind == tenovos.Table && len(form.rows) == 0:
		s.add(form.Pos, issue{fmt.Sprintf("attribute %q is a table, which takes rows", a.Name), fmt.Sprintf("write %s: {rows: [{%s: value}]}", a.Name, firstColumn(a))})
		return
	case a.kind == tenovos.Table:
		s.rows(f)
		return
	case len(form.rows) > 0:
		s.add(form.Pos, issue{fmt.Sprintf("attribute %q is no table and takes no rows", a.Name), "give it a value or a form"})
		return
	}
	if len(form.dates) > 0 && a.kind != tenovos.Date {
		s.add(form.dates[0].Pos, issue{fmt.Sprintf("date is for date attributes; %q is none", a.Name), "remove it"})
	}
	s.checkTexts(f, form.Pos, form.constants)
	if len(form.fallback) > 0 {
		s.checkTexts(f, form.fallback[0].Pos, form.fallback)
	}
	if form.mapping != nil {
		for _, right := range form.mapping.right {
			s.checkRight(f, Name{right.Pos, form.recase(right.Text)})
		}
	}
}

// firstColumn is a column for examples.
func firstColumn(table *attribute) string {
	for _, c := range table.Columns {
		if writable(c) && c.Name != "" {
			return c.Name
		}
	}
	return "COLUMN"
}

// checkTexts checks constants that together make one value, or in a cell that
// holds one value a value each.
func (s *resolver) checkTexts(f *fill, pos yamltree.Pos, names []Name) {
	if f.kind == tenovos.Cascade {
		s.checkLevels(f.attribute, pos, names)
		return
	}
	var items []item
	for _, n := range names {
		it, bad := f.item(n.Text, nil, true)
		if bad != nil {
			s.add(n.Pos, *bad)
			continue
		}
		items = append(items, it)
		if f.spreads() {
			s.checkJoin(f, n.Pos, []item{it})
		}
	}
	if len(names) > 0 && len(items) == len(names) && !f.spreads() {
		s.checkJoin(f, pos, items)
	}
}

func (s *resolver) checkJoin(f *fill, pos yamltree.Pos, items []item) {
	var got filled
	f.join(&got, items)
	for _, bad := range append(got.bad, got.unknown...) {
		s.add(pos, bad)
	}
}

// checkLevels checks the levels of a cascade, from the top.
func (s *resolver) checkLevels(a *attribute, pos yamltree.Pos, names []Name) {
	if bad := a.tooDeep(len(names)); bad != nil {
		s.add(pos, *bad)
		return
	}
	for i, n := range names {
		if _, bad := a.levels[i].item(n.Text, nil, true); bad != nil {
			s.add(n.Pos, *bad)
		}
	}
}

// checkRight checks a right side of `map`. In a cascade it may stand on any level;
// as a date it is written as the source writes dates.
func (s *resolver) checkRight(f *fill, right Name) {
	if f.kind == tenovos.Cascade {
		var names []string
		for _, level := range f.levels {
			if _, bad := level.item(right.Text, nil, false); bad == nil {
				return
			}
			names = append(names, level.vocabulary.names...)
		}
		s.add(right.Pos, issue{fmt.Sprintf("no level of cascade %q has a value %q", f.Name, right.Text), yamltree.SuggestOf(right.Text, names)})
		return
	}
	it, bad := f.item(right.Text, f.form.layouts(), true)
	if bad != nil {
		s.add(right.Pos, *bad)
		return
	}
	s.checkJoin(f, right.Pos, []item{it})
}

// checkSecurity checks the security templates that are known beforehand.
func (s *resolver) checkSecurity(known *security, f *Form) {
	if f.broken {
		return
	}
	for _, n := range f.foreseen() {
		if _, bad := known.find(n.Text); bad != nil && s.account.Denied.Security == "" {
			s.add(n.Pos, *bad)
		}
	}
	if len(f.dates) > 0 {
		s.add(f.dates[0].Pos, issue{"date is for date attributes; security is none", "remove it"})
	}
}
