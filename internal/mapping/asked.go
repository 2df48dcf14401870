package mapping

import (
	"fmt"
	"regexp"
	"slices"
)

// Asked says what rules want to know of an account. What they name has to be looked
// up in a list, for which an account needs rights that few have; what they give as
// an id is asked for alone, or taken as given.
type Asked struct {
	Templates    bool     // some rule names its metadata template
	TemplateIDs  []string // of the rules that give an id, each once
	Security     bool     // some rule names a security template, or may take a name from a file
	SecurityIDs  []string // that the rules give themselves, each once
	Vocabularies bool     // some rule names a vocabulary, as it does for a column that no template shows
}

// Denied tells what an account was refused when it asked for what rules want to
// know, each with the answer that it got; "" and no entry is "nothing".
type Denied struct {
	Templates, Security, Vocabularies string            // the lists
	Template, Vocabulary              map[string]string // single ones, by id
}

// idForm is the form of the service's ids: a UUID.
var idForm = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)

func isID(text string) bool { return idForm.MatchString(text) }

// Ask returns what the rules want to know.
func Ask(rules []Rules) Asked {
	var a Asked
	for _, r := range rules {
		for i := range r.Rules {
			rule := &r.Rules[i]
			switch id := rule.Template.Text; {
			case id == "": // complained of
			case !isID(id):
				a.Templates = true
			case !slices.Contains(a.TemplateIDs, id):
				a.TemplateIDs = append(a.TemplateIDs, id)
			}
			a.Security = a.Security || rule.security.fromFiles()
			for _, n := range rule.security.foreseen() {
				if !isID(n.Text) {
					a.Security = true
				} else if !slices.Contains(a.SecurityIDs, n.Text) {
					a.SecurityIDs = append(a.SecurityIDs, n.Text)
				}
			}
			for _, l := range rule.lines {
				a.Vocabularies = a.Vocabularies || slices.ContainsFunc(l.form.columns, func(c column) bool {
					return c.vocabulary.Text != "" && !isID(c.vocabulary.Text)
				})
			}
		}
	}
	return a
}

// foreseen returns the texts that the form may yield and that are known beforehand.
func (f *Form) foreseen() []Name {
	if f.broken {
		return nil
	}
	names := append(slices.Clone(f.constants), f.fallback...)
	if f.mapping != nil {
		for _, right := range f.mapping.right {
			names = append(names, Name{right.Pos, f.recase(right.Text)})
		}
	}
	return names
}

// fromFiles reports whether the form takes texts from files as they are: what they
// are is not known beforehand. One with a `map` says what it wants of them.
func (f *Form) fromFiles() bool { return !f.broken && len(f.layers) > 0 && f.mapping == nil }

const wantsAdministrator = "which takes administrator rights: give its id instead, or ask for the right"

// deniedTemplate says that a template could not be looked up; nil if it could.
func (s *resolver) deniedTemplate(rule int, name string) *issue {
	d := s.account.Denied
	if why := d.Template[name]; why != "" {
		return &issue{fmt.Sprintf("rule %d: the account may not read metadata template %q (%s)", rule, name, why),
			`ask for the right "Metadata Template Management", or for the one to list metadata templates`}
	}
	if d.Templates != "" && !isID(name) {
		return &issue{fmt.Sprintf("rule %d names its template %q, and the account may not list metadata templates (%s)", rule, name, d.Templates),
			wantsAdministrator}
	}
	return nil
}

// deniedSecurity complains of each security template that could not be looked up.
func (s *resolver) deniedSecurity(rule int, f *Form) {
	why := s.account.Denied.Security
	if why == "" {
		return
	}
	for _, n := range f.foreseen() {
		if !isID(n.Text) {
			s.add(n.Pos, issue{fmt.Sprintf("rule %d names the security template %q, and the account may not list security templates (%s)", rule, n.Text, why),
				wantsAdministrator})
		}
	}
	if f.fromFiles() {
		s.add(f.Pos, issue{fmt.Sprintf("rule %d takes security templates from what is known of a file, which may be names, and the account may not list security templates (%s)", rule, why),
			"which takes administrator rights: say by `map` which ids are meant, or ask for the right"})
	}
}

// deniedVocabulary says that a vocabulary could not be looked up; nil if it could.
func (s *resolver) deniedVocabulary(of, name string) *issue {
	d := s.account.Denied
	if name == "" { // its name has been complained of
		return nil
	}
	if why := d.Vocabulary[name]; why != "" {
		return &issue{fmt.Sprintf("%s takes its values from vocabulary %q, which the account may not read (%s)", of, name, why),
			"ask for the right to read vocabularies"}
	}
	if d.Vocabularies != "" && !isID(name) {
		return &issue{fmt.Sprintf("%s names the vocabulary %q, and the account may not list vocabularies (%s)", of, name, d.Vocabularies),
			"give the vocabulary's id instead, or ask for the right"}
	}
	return nil
}
