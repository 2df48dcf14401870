package mapping

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/tenovos-ingest/ingestd/internal/tenovos"
)

// vocabulary finds values by id or name.
type vocabulary struct {
	tenovos.Vocabulary
	names []string
	index *index
}

// newVocabularies indexes the vocabularies by their ids. Each is indexed once,
// however many attributes take values of it: some are large.
func newVocabularies(known map[string]tenovos.Vocabulary) map[string]*vocabulary {
	out := make(map[string]*vocabulary, len(known))
	for id, v := range known {
		names := make([]string, len(v.Values))
		out[id] = &vocabulary{Vocabulary: v, names: names, index: newIndex(len(v.Values), func(i int) []string {
			names[i] = v.Values[i].Name
			return []string{v.Values[i].ID, v.Values[i].Name}
		})}
	}
	return out
}

func (v *vocabulary) item(text string, suggest bool) (item, *issue) {
	hits := v.index.find(text)
	owner := fmt.Sprintf("vocabulary %q", v.Name)
	switch {
	case len(hits) == 0 && !suggest:
		return item{}, &issue{fmt.Sprintf("%s has no value %q", owner, text), ""}
	case len(hits) != 1:
		return item{}, notOne(owner, "value", text, len(hits), v.names)
	}
	value := v.Values[hits[0]]
	return item{shown: value.Name, id: value.ID}, nil
}

// NamesVocabulary reports whether rules name a vocabulary themselves, as they do
// for a column that the template does not show: then Account.Vocabularies must
// hold all of the account's before VocabularyIDs is asked.
func NamesVocabulary(rules []Rules) bool {
	for _, r := range rules {
		for _, rule := range r.Rules {
			for _, l := range rule.lines {
				if slices.ContainsFunc(l.form.columns, func(c column) bool { return c.vocabulary.Text != "" }) {
					return true
				}
			}
		}
	}
	return false
}

// VocabularyIDs returns the ids of the vocabularies that the rules need, each
// once: those of the attributes, columns and levels that they fill, and those that
// the rules name themselves. Names that the account does not have are left out;
// Resolve reports them.
func VocabularyIDs(rules []Rules, account Account) []string {
	w := wanted{account: account, seen: map[string]bool{}}
	for _, r := range rules {
		for _, rule := range r.Rules {
			template, problem := findTemplate(rule.Template.Text, account.Templates)
			if problem != nil {
				continue
			}
			w.lines(rule.lines, template.Attributes)
		}
	}
	return w.ids
}

// wanted collects the ids of vocabularies.
type wanted struct {
	account Account
	ids     []string
	seen    map[string]bool
}

func (w *wanted) lines(lines []line, attributes []tenovos.Attribute) {
	x := attributeIndex(attributes)
	for _, l := range lines {
		for _, i := range x.find(l.attribute.Text) {
			w.attribute(attributes[i])
			for _, row := range l.form.rows {
				w.lines(row.cells, attributes[i].Columns)
			}
		}
		for _, c := range l.form.columns {
			if v, bad := findVocabulary(c.vocabulary.Text, w.account.Vocabularies); bad == nil {
				w.add(v.ID)
			}
		}
	}
}

func (w *wanted) attribute(a tenovos.Attribute) {
	if isVocabulary(a) {
		w.add(a.VocabularyID)
	}
	if isCascade(a) {
		for _, level := range a.Columns {
			w.attribute(level)
		}
	}
}

func (w *wanted) add(id string) {
	if id != "" && !w.seen[id] {
		w.seen[id] = true
		w.ids = append(w.ids, id)
	}
}

// findVocabulary finds one of the account's vocabularies by id or name.
func findVocabulary(name string, known map[string]tenovos.Vocabulary) (tenovos.Vocabulary, *issue) {
	all := make([]tenovos.Vocabulary, 0, len(known))
	for _, v := range known {
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b tenovos.Vocabulary) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	names := make([]string, len(all))
	x := newIndex(len(all), func(i int) []string {
		names[i] = all[i].Name
		return []string{all[i].ID, all[i].Name, all[i].SearchField}
	})
	hits := x.find(name)
	if len(hits) != 1 {
		return tenovos.Vocabulary{}, notOne("the account", "vocabulary", name, len(hits), names)
	}
	return all[hits[0]], nil
}
