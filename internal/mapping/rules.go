package mapping

import (
	"strings"

	"golang.org/x/text/unicode/norm"
	"gopkg.in/yaml.v3"

	"github.com/tenovos-ingest/ingestd/internal/facts"
	"github.com/tenovos-ingest/ingestd/internal/yamltree"
)

// Rules are the rules of one folder as read from the file: names of the account
// stand in them as written. Resolve makes a Mapper of them.
type Rules struct {
	Levels facts.Levels // gives the facts path.LEVEL
	Rules  []Rule       // the first that matches a file decides
}

// Rule says what becomes of the files whose path matches.
type Rule struct {
	yamltree.Pos
	Match    string // doublestar pattern of slash-separated paths below the folder
	WaitFor  WaitFor
	Template Name // by name or id
	security Form
	lines    []line
}

// Name is a text of the file and its place. An empty text has been complained of.
type Name struct {
	yamltree.Pos
	Text string
}

// line fills one attribute.
type line struct {
	attribute Name // by name, search field or id
	form      Form
}

var ruleKeys = yamltree.Keys{
	Known: []string{"match", "template", "security", "metadata", "unknown", "wait_for"},
	Later: []string{"batch", "versions", "duplicates"},
}

// ParseRules reads a folder's rules, and its levels; either node may be nil.
// Mistakes go to r. What could not be read is left out of the result or marked
// in it, so that Resolve finds further mistakes and does not repeat these.
func ParseRules(r *yamltree.Reader, levels, rules *yaml.Node) Rules {
	p := parser{Reader: r, anyLevel: false}
	var out Rules
	if levels != nil {
		if pattern, ok := r.Text(levels, "levels"); !ok {
			p.anyLevel = true
		} else if l, err := facts.ParseLevels(pattern); err != nil {
			p.anyLevel = true
			r.Add(yamltree.At(levels), "", "%v", err)
		} else {
			out.Levels = l
		}
	}
	p.levels = out.Levels.Names()

	if rules == nil {
		return out
	}
	list, ok := r.List(rules, "rules")
	if !ok {
		return out
	}
	if len(list) == 0 {
		r.Add(yamltree.At(rules), "write one: without any, every file would be ignored", "rules hold no rule")
	}
	for _, n := range list {
		if rule, ok := p.rule(n); ok {
			out.Rules = append(out.Rules, rule)
		}
	}
	return out
}

// parser reads rules and forms.
type parser struct {
	*yamltree.Reader
	levels   []string // the names that path.NAME may use
	anyLevel bool     // the levels are broken: believe every path.NAME
}

func (p *parser) rule(n *yaml.Node) (Rule, bool) {
	fields := p.Fields(n, "a rule", ruleKeys)
	if fields == nil {
		return Rule{}, false
	}
	rule := Rule{Pos: yamltree.At(n), security: Form{broken: true}}
	if at, ok := p.need(n, fields, "match"); ok {
		rule.Match = p.pattern(at)
	}
	if at, ok := p.need(n, fields, "template"); ok {
		rule.Template = p.name(at, "template")
	}
	if at, ok := p.need(n, fields, "security"); ok {
		rule.security = p.security(at)
	}
	if at, ok := fields["wait_for"]; ok {
		rule.WaitFor = ReadWaitFor(p.Reader, at)
	}
	unknown := ""
	if at, ok := fields["unknown"]; ok {
		unknown = p.Choice(at, "unknown", policies, nil)
	}
	if at, ok := fields["metadata"]; ok {
		pairs, _ := p.Pairs(at, "metadata")
		for _, pair := range pairs {
			rule.lines = append(rule.lines, p.line(pair, unknown))
		}
	}
	return rule, true
}

// security reads the form of the security templates. It has no `unknown`: without
// its security a file is held, whatever happens.
func (p *parser) security(n *yaml.Node) Form {
	f := p.form(n, "security")
	switch {
	case len(f.rows) > 0:
		p.Add(yamltree.At(n), "name security templates", "security is no table and takes no rows")
	case f.unknown != "":
		p.Add(yamltree.At(n), "remove it: such a file is always held", "security takes no unknown")
	default:
		return f
	}
	return Form{Pos: yamltree.At(n), broken: true}
}

// need returns the value of a key that a rule must have. A key that is there but
// was refused has been complained of.
func (p *parser) need(n *yaml.Node, fields map[string]*yaml.Node, key string) (*yaml.Node, bool) {
	at, ok := fields[key]
	if !ok {
		p.Add(yamltree.At(n), "", "the rule has no %s", key)
	}
	return at, ok
}

// pattern reads a match pattern. Where it is wrong it returns "", which matches
// no file.
func (p *parser) pattern(n *yaml.Node) string {
	text, ok := p.Text(n, "match")
	if !ok {
		return ""
	}
	return p.Glob(n, text, "match")
}

// name reads the name of something in the account.
func (p *parser) name(n *yaml.Node, what string) Name {
	text, ok := p.Constant(n, what)
	text = norm.NFC.String(strings.TrimSpace(text))
	if ok && text == "" {
		p.Add(yamltree.At(n), "", "%s is empty", what)
	}
	return Name{yamltree.At(n), text}
}

// KnownKeys returns the keys that a rule, a form, and the description of a column
// may have, for the schema that editors use.
func KnownKeys() (rule, form, column []string) {
	return ruleKeys.Known, formKeys.Known, columnKeys.Known
}
