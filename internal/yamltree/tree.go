package yamltree

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// maxNodes bounds the tree that aliases expand to: a few lines of aliases of
// aliases would fill any memory.
const maxNodes = 500_000

// tree makes a YAML tree plain: aliases and merge keys are replaced by what they
// mean, duplicate keys are reported, and ${NAME} becomes the variable's value.
type tree struct {
	env      func(string) (string, bool)
	shown    map[*yaml.Node]string // the text before variables, for messages
	open     []*yaml.Node          // anchors being expanded
	nodes    int
	problems []Problem
}

func (t *tree) add(n *yaml.Node, hint, format string, args ...any) {
	t.problems = append(t.problems, Problem{Pos: At(n), Message: fmt.Sprintf(format, args...), Hint: hint})
}

// Plain makes a tree plain: aliases and merge keys are replaced by what they
// mean, and ${NAME} becomes the variable's value, as env has it. shown has the texts
// with variables before that. The tree is nil where no part of it can be plain.
func Plain(root *yaml.Node, env func(string) (string, bool)) (plain *yaml.Node, shown map[*yaml.Node]string, problems []Problem) {
	t := &tree{env: env, shown: map[*yaml.Node]string{}}
	plain = t.plain(root)
	return plain, t.shown, t.problems
}

// HasVariable reports whether a text, as it was before variables, has one.
func HasVariable(text string) bool {
	return variable.FindString(strings.ReplaceAll(text, "$${", "")) != ""
}

// Variables returns the names of the variables in a text as it was before them.
func Variables(text string) (names []string) {
	for _, found := range variable.FindAllStringSubmatch(text, -1) {
		if found[1] != "" {
			names = append(names, found[1])
		}
	}
	return names
}

// plain returns a plain copy of n, or nil for a part that cannot be one.
func (t *tree) plain(n *yaml.Node) *yaml.Node {
	if t.nodes++; t.nodes >= maxNodes {
		if t.nodes == maxNodes {
			t.add(n, "", "the file means more than %d values; look at its aliases", maxNodes)
		}
		return nil
	}
	if n.Kind == yaml.AliasNode {
		if slices.Contains(t.open, n.Alias) {
			t.add(n, "", "alias *%s stands inside of what it names", n.Value)
			return nil
		}
		n = n.Alias
	}
	out := &yaml.Node{Kind: n.Kind, Style: n.Style, Tag: n.Tag, Value: n.Value, Line: n.Line, Column: n.Column}
	if n.Anchor != "" {
		t.open = append(t.open, n)
		defer func() { t.open = t.open[:len(t.open)-1] }()
	}
	switch n.Kind {
	case yaml.ScalarNode:
		t.expand(out)
	case yaml.SequenceNode:
		for _, child := range n.Content {
			if c := t.plain(child); c != nil {
				out.Content = append(out.Content, c)
			}
		}
	case yaml.MappingNode:
		t.mapping(n, out)
	}
	return out
}

// mapping copies the pairs of a mapping: its own first, then those that merge
// keys add.
func (t *tree) mapping(n, out *yaml.Node) {
	at := map[string]*yaml.Node{} // the keys of out
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		switch {
		case key.ShortTag() == "!!merge":
			merged = append(merged, value)
		case key.Kind != yaml.ScalarNode:
			t.add(n.Content[i], "", "a key must be a single text")
		case at[key.Value] != nil:
			t.add(n.Content[i], fmt.Sprintf("it stands in line %d already", at[key.Value].Line), "duplicate key %q", key.Value)
		default:
			at[key.Value] = key
			if v := t.plain(value); v != nil {
				out.Content = append(out.Content, key, v)
			}
		}
	}
	for _, m := range merged {
		t.merge(m, out, at)
	}
}

// merge adds the pairs of `<<: *name` (or a list of such) that out does not have.
func (t *tree) merge(from, out *yaml.Node, at map[string]*yaml.Node) {
	p := t.plain(from)
	if p == nil {
		return
	}
	sources := []*yaml.Node{p}
	if p.Kind == yaml.SequenceNode {
		sources = p.Content
	}
	for _, source := range sources {
		if source.Kind != yaml.MappingNode {
			t.add(from, "write <<: *name", "<< must name keys with values")
			continue
		}
		for i := 0; i+1 < len(source.Content); i += 2 {
			if key := source.Content[i]; at[key.Value] == nil {
				at[key.Value] = key
				out.Content = append(out.Content, key, source.Content[i+1])
			}
		}
	}
}

// variable matches ${NAME}, its escape $${, and a ${ that is neither.
var variable = regexp.MustCompile(`\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{`)

// expand replaces ${NAME} in a scalar. $${ stands for ${.
func (t *tree) expand(n *yaml.Node) {
	raw := n.Value
	n.Value = variable.ReplaceAllStringFunc(raw, func(found string) string {
		switch found {
		case "$${":
			return "${"
		case "${":
			t.add(n, "a variable is ${NAME}; $${ stands for ${", "%q has no name of a variable after ${", raw)
			return found
		}
		name := found[2 : len(found)-1]
		value, ok := t.env(name)
		if !ok {
			t.add(n, "set it, or give the value another way", "environment variable %s is not set", name)
			return found
		}
		return value
	})
	if n.Value != raw || HasVariable(raw) { // also one that is not set
		t.shown[n] = raw
	}
}
