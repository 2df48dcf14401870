package mapping

import (
	"regexp"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"
	"gopkg.in/yaml.v3"

	"github.com/tenovos-ingest/ingestd/internal/yamltree"
)

// What a form's `unknown` does with a text that its attribute cannot take: one
// outside the vocabulary, no date, or too long.
const (
	hold = "hold" // the file waits for someone; so does one of a form that says nothing
	drop = "drop" // the text is left out
	fail = "fail" // the file has failed
)

// Form says where the texts of one value come from: constants, or sources and
// what is done with them; or, for a table, what its rows are made of. Its zero
// value yields nothing.
type Form struct {
	yamltree.Pos
	broken    bool // it has been complained of: say no more
	constants []Name

	layers   []layer        // in the order they are tried
	match    *regexp.Regexp // its first group, or all of it, is the text
	split    string
	mapping  *replacements
	letters  string // lower, upper, title
	dates    []Name // Go layouts of the source, the first to be tried first
	fallback []Name
	required bool
	unknown  string // hold, drop, fail, or "" where it does not say

	rows    []row    // of a table; then nothing above but required and unknown is set
	columns []column // of a table whose template shows none
}

// layer is one source, or one format made of several.
type layer struct {
	name   string // as explain calls it
	pieces []piece
}

// piece is a literal text, or the key of a fact.
type piece struct{ literal, fact string }

// replacements is a form's `map`.
type replacements struct {
	exact  map[string]string
	folded map[string]string // left out where two keys differ only in case
	right  []Name            // the right sides, for checks
}

// find returns what a text is replaced by; false if it is not.
func (m *replacements) find(text string) (to string, ok bool) {
	if to, ok = m.exact[text]; !ok {
		to, ok = m.folded[yamltree.Fold(text)]
	}
	return to, ok
}

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

var (
	formKeys = yamltree.Keys{
		Known: []string{"from", "format", "match", "split", "map", "case", "date", "default", "required", "unknown", "rows", "columns"},
		Later: []string{"wait_for"},
	}
	policies      = []string{hold, drop, fail}
	letterCases   = []string{"lower", "upper", "title"}
	formatExample = `write it like "{path.brand} {file.stem}"; {{ stands for a brace`
)

// form reads a value: a constant, a list of constants, or keys such as `from`.
func (p *parser) form(n *yaml.Node, what string) Form {
	before := len(p.Problems())
	f := Form{Pos: yamltree.At(n)}
	if n.Kind == yaml.MappingNode {
		p.sources(&f, n, what)
	} else {
		f.constants = p.constants(n, what)
	}
	f.broken = len(p.Problems()) > before
	return f
}

// constants reads one constant or a list of them.
func (p *parser) constants(n *yaml.Node, what string) []Name {
	nodes := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		nodes = n.Content
		if len(nodes) == 0 {
			p.Add(yamltree.At(n), "give it a value or remove it", "%s is an empty list", what)
		}
	}
	names := make([]Name, 0, len(nodes))
	for _, node := range nodes {
		text, ok := p.Constant(node, what)
		if !ok {
			continue
		}
		text = norm.NFC.String(strings.TrimSpace(text))
		if text == "" {
			p.Add(yamltree.At(node), "give it a value or remove it", "%s is empty", what)
			continue
		}
		names = append(names, Name{yamltree.At(node), text})
	}
	return names
}

// sources reads the keys of a form.
func (p *parser) sources(f *Form, n *yaml.Node, what string) {
	before := len(p.Problems())
	fields := p.Fields(n, what, formKeys)
	if at := fields["required"]; at != nil {
		f.required, _ = p.Bool(at, "required")
	}
	if at := fields["unknown"]; at != nil {
		f.unknown = p.Choice(at, "unknown", policies, nil)
	}
	if fields["rows"] != nil || fields["columns"] != nil {
		p.table(f, n, fields, what)
		return
	}
	from, format := fields["from"], fields["format"]
	switch {
	case from != nil && format != nil:
		p.Add(yamltree.At(format), "", "%s has both from and format", what)
	case from != nil:
		p.from(f, from)
	case format != nil:
		if text, ok := p.Text(format, "format"); ok {
			f.layers = []layer{{name: text, pieces: p.format(format, text)}}
		}
	case len(p.Problems()) == before:
		p.Add(yamltree.At(n), "give it from or format, or write a constant without keys", "%s has neither from nor format", what)
	}
	if at := fields["match"]; at != nil {
		if text, ok := p.Text(at, "match"); ok {
			var err error
			if f.match, err = regexp.Compile(text); err != nil {
				p.Add(yamltree.At(at), "", "match is no regular expression: %v", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
			}
		}
	}
	if at := fields["split"]; at != nil {
		text, ok := p.Text(at, "split")
		if ok && text == "" {
			p.Add(yamltree.At(at), `such as ";"`, "split is empty")
		}
		f.split = lineEnds.Replace(text) // as they are in facts
	}
	if at := fields["map"]; at != nil {
		f.mapping = p.replacements(at)
	}
	if at := fields["case"]; at != nil {
		f.letters = p.Choice(at, "case", letterCases, nil)
	}
	if at := fields["date"]; at != nil {
		f.dates = p.dates(at)
	}
	if at := fields["default"]; at != nil {
		f.fallback = p.constants(at, "default")
	}
}

// dates reads one layout or a list of them.
func (p *parser) dates(n *yaml.Node) []Name {
	nodes := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		nodes = n.Content
		if len(nodes) == 0 {
			p.Add(yamltree.At(n), "give it a layout or remove it", "date is an empty list")
		}
	}
	layouts := make([]Name, 0, len(nodes))
	for _, node := range nodes {
		text, ok := p.Text(node, "date")
		if ok && !isDateLayout(text) {
			p.Add(yamltree.At(node), `write 2 January 2006 the way the source writes dates, such as "02.01.2006"`, "date: %s is no layout of dates", p.Quote(node))
		}
		if ok {
			layouts = append(layouts, Name{yamltree.At(node), text})
		}
	}
	return layouts
}

// layouts returns the layouts of the form's `date`.
func (f *Form) layouts() []string {
	layouts := make([]string, len(f.dates))
	for i, d := range f.dates {
		layouts[i] = d.Text
	}
	return layouts
}

// from reads one source or a list of them.
func (p *parser) from(f *Form, n *yaml.Node) {
	nodes := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		nodes = n.Content
		if len(nodes) == 0 {
			p.Add(yamltree.At(n), "", "from names no source")
		}
	}
	for _, node := range nodes {
		if name, ok := p.Text(node, "from"); ok {
			if key := p.source(node, name); key != "" {
				f.layers = append(f.layers, layer{name: name, pieces: []piece{{fact: key}}})
			}
		}
	}
}

// format takes a text with {source} placeholders to pieces.
func (p *parser) format(n *yaml.Node, text string) []piece {
	var pieces []piece
	literal := ""
	named := false
	for rest := text; rest != ""; {
		switch {
		case strings.HasPrefix(rest, "{{") || strings.HasPrefix(rest, "}}"):
			literal, rest = literal+rest[:1], rest[2:]
		case rest[0] == '{':
			name, after, closed := strings.Cut(rest[1:], "}")
			if !closed {
				p.Add(yamltree.At(n), formatExample, "format: a { is not closed")
				return nil
			}
			key := p.source(n, name)
			if key == "" {
				return nil
			}
			pieces = append(pieces, piece{literal: literal}, piece{fact: key})
			literal, rest, named = "", after, true
		case rest[0] == '}':
			p.Add(yamltree.At(n), formatExample, "format: a } has no {")
			return nil
		default:
			end := strings.IndexAny(rest, "{}")
			if end < 0 {
				end = len(rest)
			}
			literal, rest = literal+rest[:end], rest[end:]
		}
	}
	if !named {
		p.Add(yamltree.At(n), formatExample, "format names no source")
	}
	return append(pieces, piece{literal: literal})
}

// replacements reads a form's `map`.
func (p *parser) replacements(n *yaml.Node) *replacements {
	m := &replacements{exact: map[string]string{}, folded: map[string]string{}}
	pairs, _ := p.Pairs(n, "map")
	clashes := map[string]bool{}
	for _, pair := range pairs {
		to, ok := p.Constant(pair.Value, "map: "+pair.Key.Value)
		if !ok {
			continue
		}
		from, to := norm.NFC.String(strings.TrimSpace(pair.Key.Value)), norm.NFC.String(strings.TrimSpace(to))
		m.exact[from] = to
		if _, clash := m.folded[yamltree.Fold(from)]; clash {
			clashes[yamltree.Fold(from)] = true
		}
		m.folded[yamltree.Fold(from)] = to
		if to != "" { // an empty right side drops the text
			m.right = append(m.right, Name{yamltree.At(pair.Value), to})
		}
	}
	for key := range clashes {
		delete(m.folded, key)
	}
	return m
}

// isDateLayout says whether a Go layout carries year, month and day.
func isDateLayout(layout string) bool {
	day := time.Date(2034, 11, 27, 0, 0, 0, 0, time.UTC)
	back, err := time.Parse(layout, day.Format(layout))
	return err == nil && back.Year() == 2034 && back.Month() == 11 && back.Day() == 27
}
