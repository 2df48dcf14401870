package mapping

import (
	"fmt"

	"github.com/tenovos-ingest/ingestd/internal/tenovos"
)

// Mapper turns what is known of a file into the asset to create. It is immutable
// and safe for concurrent use.
type Mapper struct {
	rules    []*rule
	security *security
}

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
}

// Resolve finds the rules' names in the account and checks all texts that are
// known beforehand. It returns a Mapper, or every problem that it found.
func Resolve(r Rules, account Account) (*Mapper, []Problem) {
	s := &resolver{account: account, attributes: map[string]*attribute{}}
	m := &Mapper{security: newSecurity(account.Security)}
	for _, from := range r.Rules {
		to := &rule{Rule: from}
		m.rules = append(m.rules, to)
		s.checkSecurity(m.security, &from.security)
		if from.Template.Text == "" {
			continue
		}
		template, bad := findTemplate(from.Template.Text, account.Templates)
		if bad != nil {
			s.add(from.Template.Pos, *bad)
			continue
		}
		to.template = template
		s.lines(to)
	}
	if len(s.problems) > 0 {
		return nil, SortProblems(s.problems)
	}
	return m, nil
}

// resolver collects the problems of Resolve.
type resolver struct {
	account    Account
	attributes map[string]*attribute // by template and attribute id: big vocabularies are indexed once
	problems   []Problem
}

func (s *resolver) add(pos Pos, i issue) { s.problems = append(s.problems, i.at(pos)) }

// lines resolves the lines of a rule, and misses those that its template needs.
func (s *resolver) lines(to *rule) {
	x := attributeIndex(to.template)
	var names []string
	for _, a := range to.template.Attributes {
		if !a.ReadOnly && !filledByTenovos(a) {
			names = append(names, a.Name)
		}
	}
	seen := map[int]Pos{}
	meant := map[string]bool{} // misspelt: not missing as well
	for _, l := range to.lines {
		hits := x.find(l.attribute.Text)
		if len(hits) != 1 {
			meant[Nearest(l.attribute.Text, names)] = true
			s.add(l.attribute.Pos, *notOne(fmt.Sprintf("template %q", to.template.Name), "attribute", l.attribute.Text, len(hits), names))
			continue
		}
		from := to.template.Attributes[hits[0]]
		if earlier, ok := seen[hits[0]]; ok {
			s.add(l.attribute.Pos, issue{fmt.Sprintf("attribute %q is filled twice", from.Name), fmt.Sprintf("line %d fills it, too", earlier.Line)})
			continue
		}
		seen[hits[0]] = l.attribute.Pos
		a, bad := s.attribute(to.template.ID, from)
		if bad != nil {
			s.add(l.attribute.Pos, *bad)
			continue
		}
		s.checkForm(a, &l.form)
		to.fills = append(to.fills, fill{a, l.form})
	}
	for i, a := range to.template.Attributes {
		if _, filled := seen[i]; a.Required && !filled && !meant[a.Name] && !a.ReadOnly && !filledByTenovos(a) {
			s.add(to.Pos, issue{fmt.Sprintf("the rule does not fill attribute %q, which template %q requires", a.Name, to.template.Name), "add it to metadata"})
		}
	}
}

func (s *resolver) attribute(template string, a tenovos.Attribute) (*attribute, *issue) {
	key := template + "/" + a.ID
	if known, ok := s.attributes[key]; ok {
		return known, nil
	}
	made, bad := newAttribute(a, s.account.Vocabularies)
	if bad == nil {
		s.attributes[key] = made
	}
	return made, bad
}

// checkForm checks the texts of a form that are known beforehand.
func (s *resolver) checkForm(a *attribute, f *Form) {
	if f.broken {
		return
	}
	if f.date.Text != "" && a.kind != tenovos.Date {
		s.add(f.date.Pos, issue{fmt.Sprintf("date is for date attributes; %q is none", a.Name), "remove it"})
	}
	s.checkTexts(a, f.Pos, f.constants)
	if len(f.fallback) > 0 {
		s.checkTexts(a, f.fallback[0].Pos, f.fallback)
	}
	if f.mapping != nil && a.kind != tenovos.Date {
		for _, right := range f.mapping.right {
			s.checkTexts(a, right.Pos, []Name{{right.Pos, f.recase(right.Text)}})
		}
	}
}

// checkTexts checks constants that together make one value.
func (s *resolver) checkTexts(a *attribute, pos Pos, names []Name) {
	var items []item
	for _, n := range names {
		it, bad := a.item(n.Text, "")
		if bad != nil {
			s.add(n.Pos, *bad)
			continue
		}
		items = append(items, it)
	}
	if len(names) == 0 || len(items) < len(names) {
		return
	}
	if _, _, bad := a.value(items); bad != nil {
		s.add(pos, *bad)
	}
}

// checkSecurity checks the security templates that are known beforehand.
func (s *resolver) checkSecurity(known *security, f *Form) {
	if f.broken {
		return
	}
	names := append(append([]Name(nil), f.constants...), f.fallback...)
	if f.mapping != nil {
		for _, right := range f.mapping.right {
			names = append(names, Name{right.Pos, f.recase(right.Text)})
		}
	}
	for _, n := range names {
		if _, bad := known.find(n.Text); bad != nil {
			s.add(n.Pos, *bad)
		}
	}
	if f.date.Text != "" {
		s.add(f.date.Pos, issue{"date is for date attributes; security is none", "remove it"})
	}
}
