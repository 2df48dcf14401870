package sidecar

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"gopkg.in/yaml.v3"
)

// parseYAML reads one YAML document.
func parseYAML(data []byte) (tree, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	if err := decoder.Decode(&doc); errors.Is(err, io.EOF) {
		return tree{}, errors.New("it is empty")
	} else if err != nil {
		return tree{}, fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := decoder.Decode(&more); err == nil {
		return tree{}, fmt.Errorf("line %d: a second document begins; a sidecar has one", more.Line)
	} else if !errors.Is(err, io.EOF) {
		return tree{}, fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return tree{}, errors.New("it is empty")
	}
	var b budget
	return fromYAML(&b, doc.Content[0])
}

// fromYAML turns a parsed node into one of ours. The parser bounds neither how
// much aliases repeat nor whether they lead back to themselves; the budget does.
func fromYAML(b *budget, y *yaml.Node) (tree, error) {
	n := tree{line: y.Line, column: y.Column}
	if err := b.enter(n); err != nil {
		return n, err
	}
	defer b.leave()
	switch y.Kind {
	case yaml.AliasNode:
		target, err := fromYAML(b, y.Alias)
		target.line, target.column = n.line, n.column
		return target, err
	case yaml.ScalarNode:
		return fromYAMLScalar(n, y), nil
	case yaml.SequenceNode:
		n.kind = isArray
		for _, element := range y.Content {
			value, err := fromYAML(b, element)
			if err != nil {
				return n, err
			}
			n.values = append(n.values, value)
		}
		return n, nil
	case yaml.MappingNode:
		return fromYAMLMapping(b, n, y)
	}
	return n, n.errorf("this is no value")
}

// fromYAMLScalar keeps what is written: 017, 1_000 and 2024-01-02 are codes and
// dates to people, whatever YAML makes of them.
func fromYAMLScalar(n tree, y *yaml.Node) tree {
	switch y.ShortTag() {
	case "!!null":
	case "!!bool":
		n.kind, n.text = isScalar, strings.ToLower(y.Value)
	default:
		n.kind, n.text = isScalar, y.Value
	}
	return n
}

func fromYAMLMapping(b *budget, n tree, y *yaml.Node) (tree, error) {
	n.kind = isObject
	for i := 0; i+1 < len(y.Content); i += 2 {
		key := y.Content[i]
		at := tree{line: key.Line, column: key.Column}
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		switch {
		case key.Kind != yaml.ScalarNode:
			return n, at.errorf("a key is no plain text")
		case key.ShortTag() == "!!merge":
			return n, at.errorf("<< (merge) is not supported; write the keys out")
		}
		value, err := fromYAML(b, y.Content[i+1])
		if err != nil {
			return n, err
		}
		value.line, value.column = at.line, at.column
		n.keys = append(n.keys, key.Value)
		n.values = append(n.values, value)
	}
	return n, nil
}
