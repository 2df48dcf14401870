package mapping

import (
	"fmt"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/internal/yamltree"
)

// Account is what the rules' names are resolved against.
type Account struct {
	Templates    []tenovos.Template
	Vocabularies map[string]tenovos.Vocabulary // by id; those of VocabularyIDs are enough unless Asked.Vocabularies
	Security     []tenovos.SecurityTemplate
	// SecurityAsGiven says that security templates were not looked up: an id stands
	// for itself, and there are no names.
	SecurityAsGiven bool
	Denied          Denied
}

// findTemplate finds a metadata template by id or name. An account may use one
// name for templates of several types; assets are made of the default ones.
func findTemplate(name string, templates []tenovos.Template) (tenovos.Template, *issue) {
	names := make([]string, len(templates))
	x := newIndex(len(templates), func(i int) []string {
		names[i] = templates[i].Name
		return []string{templates[i].ID, templates[i].Name}
	})
	hits := x.find(name)
	if len(hits) > 1 {
		var ofAssets []int
		for _, i := range hits {
			if t := templates[i].Type; t == "" || strings.EqualFold(t, "default") {
				ofAssets = append(ofAssets, i)
			}
		}
		if len(ofAssets) == 1 {
			hits = ofAssets
		}
	}
	if len(hits) == 1 {
		return templates[hits[0]], nil
	}
	return tenovos.Template{}, notOne("the account", "metadata template", name, len(hits), names)
}

func attributeIndex(attributes []tenovos.Attribute) *index {
	return newIndex(len(attributes), func(i int) []string {
		a := attributes[i]
		return []string{a.ID, a.Name, a.SearchField}
	})
}

// security finds security templates by id or name.
type security struct {
	templates []tenovos.SecurityTemplate
	names     []string
	index     *index
	asGiven   bool // there is nothing to be found: an id stands for itself
}

func newSecurity(templates []tenovos.SecurityTemplate, asGiven bool) *security {
	s := &security{templates: templates, names: make([]string, len(templates)), asGiven: asGiven}
	s.index = newIndex(len(templates), func(i int) []string {
		s.names[i] = templates[i].Name
		return []string{templates[i].ID, templates[i].Name}
	})
	return s
}

func (s *security) find(name string) (tenovos.SecurityTemplate, *issue) {
	if s.asGiven && isID(name) {
		return tenovos.SecurityTemplate{ID: name, Name: name}, nil
	}
	if s.asGiven {
		return tenovos.SecurityTemplate{}, &issue{fmt.Sprintf("%q is no id of a security template, and names are not looked up because the rules give ids alone", name),
			"say by `map` which id is meant"}
	}
	hits := s.index.find(name)
	if len(hits) != 1 {
		return tenovos.SecurityTemplate{}, notOne("the account", "security template", name, len(hits), s.names)
	}
	return s.templates[hits[0]], nil
}

// notOne says that a name means nothing, or more than one thing.
func notOne(owner, what, name string, hits int, names []string) *issue {
	switch {
	case hits > 1:
		return &issue{fmt.Sprintf("%s has %d %s that %q could mean", owner, hits, plural(what), name), "give the id instead"}
	case len(names) == 0:
		return &issue{fmt.Sprintf("%s has no %s %q", owner, what, name), "it shows none at all, and the user may lack the right: ask an administrator for it"}
	}
	return &issue{fmt.Sprintf("%s has no %s %q", owner, what, name), yamltree.SuggestOf(name, names)}
}

func plural(what string) string {
	if stem, ok := strings.CutSuffix(what, "y"); ok {
		return stem + "ies"
	}
	return what + "s"
}
