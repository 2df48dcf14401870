package yamltree

import (
	"fmt"
	"slices"
	"strconv"

	"gopkg.in/yaml.v3"
)

// Reader takes typed values out of a YAML tree and collects every mistake it
// meets on the way, so that a file's mistakes can be shown at once. The tree
// must be plain: without aliases, merge keys and duplicate keys. Each method
// takes the key's name as messages are to call it, and reports false (or nil)
// for a value that it has complained of.
type Reader struct {
	shown    map[*yaml.Node]string
	problems []Problem
}

// NewReader returns a Reader without problems. Where a node is in shown,
// messages quote that text instead of the node's own value: it may be a secret
// that came from the environment. shown may be nil.
func NewReader(shown map[*yaml.Node]string) *Reader { return &Reader{shown: shown} }

// Problems returns what was found so far, in the order of finding.
func (r *Reader) Problems() []Problem { return r.problems }

// At returns the place of a node.
func At(n *yaml.Node) Pos { return Pos{Line: n.Line, Column: n.Column} }

// Add records a problem at a place.
func (r *Reader) Add(at Pos, hint, format string, args ...any) {
	r.problems = append(r.problems, Problem{Pos: at, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// Quote returns a scalar as messages may show it.
func (r *Reader) Quote(n *yaml.Node) string {
	text, ok := r.shown[n]
	if !ok {
		text = n.Value
	}
	if runes := []rune(text); len(runes) > 60 {
		text = string(runes[:60]) + "…"
	}
	return strconv.Quote(text)
}

// Pair is a key of a mapping and its value.
type Pair struct{ Key, Value *yaml.Node }

// Pairs returns the pairs of a mapping in the order of the file.
func (r *Reader) Pairs(n *yaml.Node, what string) ([]Pair, bool) {
	if n.Kind != yaml.MappingNode {
		r.wrong(n, what, "must hold keys with values", "")
		return nil, false
	}
	pairs := make([]Pair, 0, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		pairs = append(pairs, Pair{n.Content[i], n.Content[i+1]})
	}
	return pairs, true
}

// Keys are the keys that a mapping may have: those that this version knows, and
// those that the format reserves for a later one.
type Keys struct{ Known, Later []string }

// Fields returns the values of a mapping by key. Unknown keys and keys of a
// later version are problems; so is a key without a value.
func (r *Reader) Fields(n *yaml.Node, what string, keys Keys) map[string]*yaml.Node {
	pairs, ok := r.Pairs(n, what)
	if !ok {
		return nil
	}
	fields := make(map[string]*yaml.Node, len(pairs))
	for _, p := range pairs {
		key := p.Key.Value
		switch {
		case slices.Contains(keys.Later, key):
			r.Add(At(p.Key), "remove it", "%q is not supported by this version", key)
		case !slices.Contains(keys.Known, key):
			r.Add(At(p.Key), SuggestOf(key, keys.Known), "unknown key %q in %s", key, what)
		default:
			fields[key] = p.Value
		}
	}
	return fields
}

// Text returns a scalar that YAML reads as text.
func (r *Reader) Text(n *yaml.Node, what string) (string, bool) {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" {
		return n.Value, true
	}
	hint := ""
	if n.Kind == yaml.ScalarNode && n.ShortTag() != "!!null" {
		hint = "put it in quotes: " + strconv.Quote(n.Value)
	}
	return "", r.wrong(n, what, "must be text", hint)
}

// Constant returns a scalar as it is written, whatever YAML takes it for: 017,
// 2024-01-02 and true are texts here.
func (r *Reader) Constant(n *yaml.Node, what string) (string, bool) {
	if n.Kind == yaml.ScalarNode && n.ShortTag() != "!!null" {
		return n.Value, true
	}
	return "", r.wrong(n, what, "must be a single value", "")
}

// Int returns a decimal whole number between low and high.
func (r *Reader) Int(n *yaml.Node, what string, low, high int) (int, bool) {
	// A number in quotes is text. One that came from the environment is not: its
	// node is as plain as it was written.
	number, err := strconv.Atoi(n.Value)
	if n.Kind != yaml.ScalarNode || n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 || err != nil {
		return 0, r.wrong(n, what, "must be a whole number", "")
	}
	if number < low || number > high {
		r.Add(At(n), "", "%s must be from %d to %d, not %s", what, low, high, r.Quote(n))
		return 0, false
	}
	return number, true
}

// Bool returns true or false; ok is false when the value is neither.
func (r *Reader) Bool(n *yaml.Node, what string) (value, ok bool) {
	if n.Kind == yaml.ScalarNode && n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0 {
		switch n.Value {
		case "true":
			return true, true
		case "false":
			return false, true
		}
	}
	return false, r.wrong(n, what, "must be true or false", "")
}

// List returns the elements of a list.
func (r *Reader) List(n *yaml.Node, what string) ([]*yaml.Node, bool) {
	if n.Kind != yaml.SequenceNode {
		hint := ""
		if n.Kind == yaml.ScalarNode && n.ShortTag() != "!!null" {
			hint = "put it in brackets: [" + r.Quote(n) + "]"
		}
		return nil, r.wrong(n, what, "must be a list", hint)
	}
	return n.Content, true
}

// wrong records a value of the wrong type. It returns false for its callers to
// pass on.
func (r *Reader) wrong(n *yaml.Node, what, must, hint string) bool {
	switch {
	case n.Kind == yaml.MappingNode:
		r.Add(At(n), hint, "%s %s, not keys with values", what, must)
	case n.Kind == yaml.SequenceNode:
		r.Add(At(n), hint, "%s %s, not a list", what, must)
	case n.ShortTag() == "!!null":
		r.Add(At(n), "give it one or remove the key", "%s has no value", what)
	default:
		r.Add(At(n), hint, "%s %s, not %s", what, must, r.Quote(n))
	}
	return false
}
