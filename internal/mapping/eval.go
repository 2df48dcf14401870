package mapping

import (
	"strings"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"

	"github.com/tenovos-ingest/ingestd/internal/facts"
)

// What Explained.Source says where no fact gave the value.
const (
	SourceConstant = "constant"
	SourceDefault  = "default"
)

// outcome is what a form yields for one file.
type outcome struct {
	texts  []string // none is empty
	source string   // the fact or format that gave them, "constant" or "default"; "" when there are none
	origin string   // where that fact came from
	tried  []string // the sources before it that gave nothing
}

// eval works the form through for one file.
func (f *Form) eval(known facts.Facts) outcome {
	if f.constants != nil {
		return outcome{texts: texts(f.constants), source: SourceConstant}
	}
	var out outcome
	for _, l := range f.layers {
		found, origin := l.texts(known)
		if kept := f.refine(found); len(kept) > 0 {
			out.texts, out.source, out.origin = kept, l.name, origin
			return out
		}
		out.tried = append(out.tried, l.name)
	}
	if f.fallback != nil {
		out.texts, out.source = texts(f.fallback), SourceDefault
	}
	return out
}

// texts returns what the layer finds among the facts. A format with a gap yields
// nothing: half a name is worse than none.
func (l layer) texts(known facts.Facts) (found []string, origin string) {
	if len(l.pieces) == 1 {
		fact := known[l.pieces[0].fact]
		return fact.Values, fact.Origin
	}
	var b strings.Builder
	for _, p := range l.pieces {
		if p.fact == "" {
			b.WriteString(p.literal)
			continue
		}
		fact, ok := known[p.fact]
		if !ok {
			return nil, ""
		}
		b.WriteString(strings.Join(fact.Values, ", "))
	}
	return []string{b.String()}, "the format"
}

// refine applies match, split, map and case to the texts of one source.
func (f *Form) refine(found []string) []string {
	var kept []string
	for _, text := range found {
		if f.match != nil {
			groups := f.match.FindStringSubmatch(text)
			if groups == nil {
				continue
			}
			text = groups[min(1, len(groups)-1)]
		}
		pieces := []string{text}
		if f.split != "" {
			pieces = strings.Split(text, f.split)
		}
		for _, piece := range pieces {
			piece = norm.NFC.String(strings.TrimSpace(piece))
			if piece != "" && f.mapping != nil {
				piece = f.mapping.replace(piece)
			}
			if piece = f.recase(piece); piece != "" {
				kept = append(kept, piece)
			}
		}
	}
	return kept
}

// recase applies the form's case.
func (f *Form) recase(text string) string {
	switch f.letters {
	case "lower":
		return strings.ToLower(text)
	case "upper":
		return strings.ToUpper(text)
	case "title":
		return cases.Title(language.Und).String(text)
	}
	return text
}

func texts(names []Name) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = n.Text
	}
	return out
}
