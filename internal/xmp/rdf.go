package xmp

import (
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/metadata"
)

// fields returns what a node of RDF (rdf:Description and its like) says: one
// field for each attribute and each element within.
func (n *node) fields() []field {
	var fields []field
	for _, a := range n.attrs {
		if !syntactic(a.Name.Space) {
			fields = append(fields, field{a.Name.Space, a.Name.Local, Value{Text: unindented(a.Value)}})
		}
	}
	for _, child := range n.children {
		if child.name.Space != rdfSpace && !child.lost {
			fields = append(fields, field{child.name.Space, child.name.Local, child.value()})
		}
	}
	return fields
}

// syntactic tells whether attributes of a namespace belong to RDF, to XML or to
// nobody, and so are no properties.
func syntactic(space string) bool {
	return space == "" || space == rdfSpace || space == xmlSpace
}

// value returns what a property element, an item of an array or a field holds.
// RDF has many spellings for the same; XMP (ISO 16684-1) allows these.
func (n *node) value() Value {
	v := n.content()
	if lang, ok := n.attr(xmlSpace, "lang"); ok && len(lang) <= maxXMLName {
		v.Lang = strings.ToLower(metadata.Clean(lang))
	}
	return v
}

func (n *node) content() Value {
	if parse, _ := n.attr(rdfSpace, "parseType"); parse == "Resource" {
		return n.structure()
	}
	if uri, ok := n.attr(rdfSpace, "resource"); ok {
		return Value{Text: unindented(uri)}
	}
	if len(n.children) == 0 {
		if v := n.structure(); v.Text != "" || len(v.fields) > 0 {
			return v // written as attributes of the property
		}
		return Value{Text: unindented(n.text.String())}
	}
	child := n.children[0]
	if child.name.Space == rdfSpace {
		switch child.name.Local {
		case "Bag", "Seq", "Alt":
			return child.array()
		}
	}
	return child.structure()
}

// array returns the items of a container.
func (n *node) array() Value {
	v := Value{Alt: n.name.Local == "Alt"}
	for _, child := range n.children {
		if child.name.Space == rdfSpace {
			v.Items = append(v.Items, child.value())
		}
	}
	return v
}

// structure returns the fields of a node, or the node's rdf:value, beside which
// the fields are but qualifiers.
func (n *node) structure() Value {
	if text, ok := n.attr(rdfSpace, "value"); ok {
		return Value{Text: unindented(text)}
	}
	for _, child := range n.children {
		if child.name.Space == rdfSpace && child.name.Local == "value" {
			return child.value()
		}
	}
	return Value{fields: n.fields()}
}

// unindented is metadata.Lines without what indents the lines of an element.
func unindented(text string) string {
	if text = strings.TrimSpace(text); len(text) > 4*metadata.MaxValue {
		return text // it is not kept, and to clean it would take many times its size
	}
	text = metadata.Lines(text)
	if !strings.Contains(text, "\n") {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	return strings.Join(lines, "\n")
}
