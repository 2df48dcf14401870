package xmp

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/metadata"
	"github.com/tenovos-ingest/ingestd/internal/xmltree"
)

// The bounds of the XML, which bound its tree as well.
const (
	maxXMLNodes = 50_000 // elements and attributes
	maxXMLName  = 256    // bytes of a local name, a prefix or a language
)

const (
	rdfSpace = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
	xmlSpace = "http://www.w3.org/XML/1998/namespace"
)

// node is an element. Names hold the namespace's URI in Space.
type node struct {
	name     xml.Name
	attrs    []xml.Attr // without the declarations of namespaces
	children []*node
	text     strings.Builder

	written xml.Name          // the name with its prefix
	spaces  map[string]string // the URIs of the prefixes that are declared here
	lost    bool              // where it ends is not known
}

func (n *node) declare(prefix, uri string) {
	if n.spaces == nil {
		n.spaces = make(map[string]string)
	}
	n.spaces[prefix] = uri
}

// parseTree reads the tree of a document up to the end of the first rdf:RDF, which it
// returns, with the first prefix of each namespace. What can be repaired is, and
// said; cut says that the end was not reached. Of a property whose end is not known
// nothing is in the tree: half a text would be a wrong fact.
func parseTree(text []byte) (tree document, err error) {
	repaired, said, err := repair(text)
	if err != nil {
		return document{}, err
	}
	p := xmlParser{prefixes: map[string]string{}, stack: []*node{{}}}
	d := xml.NewDecoder(bytes.NewReader(repaired))
	d.Strict, d.Entity = false, xml.HTMLEntity
	for p.rdf == nil || !p.done {
		token, err := d.RawToken()
		if err != nil {
			p.said = append(said, p.said...)
			return p.cut(err)
		}
		if err := p.take(token); err != nil {
			line, _ := d.InputPos()
			return document{}, xmltree.Brief(fmt.Errorf("line %d: %w", line, err))
		}
	}
	end := int(d.InputOffset())
	if strayed(repaired[end:]) {
		p.said.add(noteRemains, 0)
	}
	return document{rdf: p.rdf, prefixes: p.prefixes, said: append(said.before(end), p.said...)}, nil
}

// strayed tells whether there is more behind the end than end tags and spaces.
func strayed(rest []byte) bool {
	for {
		rest = bytes.TrimLeft(rest, " \t\r\n")
		if !bytes.HasPrefix(rest, []byte("</")) {
			return len(rest) > 0
		}
		end := bytes.IndexAny(rest[1:], "<>")
		if end < 0 || rest[1+end] != '>' {
			return true
		}
		rest = rest[end+2:]
	}
}

// document is what XMP holds.
type document struct {
	rdf      *node
	prefixes map[string]string // the first of each URI
	said     notes             // what was repaired
	cut      error             // why the end was not reached
}

type xmlParser struct {
	stack    []*node
	prefixes map[string]string // by URI
	nodes    int
	skip     int   // how many elements are open below one that is passed over, with it
	rdf      *node // the first rdf:RDF
	within   int   // how many elements are open where it is
	done     bool  // its end was met
	said     notes
}

// cut returns what there is of a document that ends too early, or cannot be read
// from somewhere on.
func (p *xmlParser) cut(err error) (document, error) {
	switch {
	case p.rdf == nil && errors.Is(err, io.EOF):
		return document{}, errors.New("it holds no XMP: there is no rdf:RDF in it")
	case errors.Is(err, io.EOF):
		err = errCutShort
	default:
		err = xmltree.Brief(fmt.Errorf("it is not well-formed XML: %w", err))
	}
	if p.rdf == nil {
		return document{}, err
	}
	if at := p.within + 1; len(p.stack) > at { // a property is open
		p.stack[at].lost = true
	}
	return document{rdf: p.rdf, prefixes: p.prefixes, said: p.said, cut: err}, nil
}

func (p *xmlParser) take(token xml.Token) error {
	top := p.stack[len(p.stack)-1]
	switch t := token.(type) {
	case xml.StartElement:
		if p.skip > 0 {
			p.skip++
			return nil
		}
		return p.open(top, t)
	case xml.EndElement:
		if p.skip > 1 {
			p.skip--
			return nil
		}
		p.skip = 0
		p.close(t.Name)
	case xml.CharData:
		if p.skip == 0 {
			top.text.Write(t)
		}
	}
	return nil
}

// close ends the last element of that name, and those in it that have no end of
// their own. Elements within one of these may belong behind it: then the property
// that they are in is lost.
func (p *xmlParser) close(written xml.Name) {
	at := len(p.stack) - 1
	for at > 0 && p.stack[at].written != written {
		at--
	}
	if at == 0 {
		p.said.add("it is not well-formed XML: the end of an element stands alone", 0)
		return
	}
	for i, open := range p.stack[at+1:] {
		p.said.add("it is not well-formed XML: an element has no end", 0)
		if property := p.within + 1; p.rdf != nil && at+1+i >= property && len(open.children) > 0 {
			p.stack[property].lost = true
		}
	}
	p.done = p.done || p.rdf != nil && at < p.within
	p.stack = p.stack[:at]
}

func (p *xmlParser) open(parent *node, t xml.StartElement) error {
	if len(p.stack) > xmltree.MaxDepth {
		return fmt.Errorf("elements are nested more than %d deep", xmltree.MaxDepth)
	}
	if p.nodes += 1 + len(t.Attr); p.nodes > maxXMLNodes {
		return fmt.Errorf("there are more than %d elements and attributes", maxXMLNodes)
	}
	n := &node{written: t.Name}
	p.stack = append(p.stack, n)
	for _, a := range t.Attr {
		prefix := a.Name.Local
		if a.Name.Space == "" && prefix == "xmlns" {
			prefix = ""
		} else if a.Name.Space != "xmlns" {
			continue
		}
		n.declare(prefix, a.Value)
		if _, known := p.prefixes[a.Value]; !known {
			p.prefixes[a.Value] = prefix
		}
	}
	for _, a := range t.Attr {
		if a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns" {
			continue
		}
		name, err := p.resolve(a.Name, false)
		if err != nil {
			return err
		}
		if !noFacts[name] {
			n.attrs = append(n.attrs, xml.Attr{Name: name, Value: a.Value})
		}
	}
	name, err := p.resolve(t.Name, true)
	if err != nil {
		return err
	}
	n.name = name
	if noFacts[name] {
		p.skip = 1
		return nil
	}
	if p.rdf == nil && name == (xml.Name{Space: rdfSpace, Local: "RDF"}) {
		p.rdf, p.within = n, len(p.stack)
	}
	parent.children = append(parent.children, n)
	return nil
}

// resolve puts the URI of a name's prefix in the place of the prefix. One that is
// not declared is taken for what it customarily means, else for itself.
func (p *xmlParser) resolve(name xml.Name, element bool) (xml.Name, error) {
	for _, text := range []string{name.Space, name.Local} {
		if len(text) > maxXMLName {
			return name, fmt.Errorf("the name %.40s… is longer than %d bytes", text, maxXMLName)
		}
	}
	switch {
	case name.Space == "" && !element:
		return name, nil
	case name.Space == "xml":
		return xml.Name{Space: xmlSpace, Local: name.Local}, nil
	}
	for i := len(p.stack) - 1; i > 0; i-- {
		if uri, ok := p.stack[i].spaces[name.Space]; ok {
			return xml.Name{Space: uri, Local: name.Local}, nil
		}
	}
	if name.Space == "" {
		return name, nil
	}
	uri := customarySpace(name.Space)
	if _, known := p.prefixes[uri]; !known {
		p.prefixes[uri] = name.Space
	}
	p.said.add(fmt.Sprintf("the prefix %.40s is not declared", metadata.Clean(name.Space)), 0)
	return xml.Name{Space: uri, Local: name.Local}, nil
}

// attr returns an attribute's value; ok tells whether it is there.
func (n *node) attr(space, local string) (value string, ok bool) {
	for _, a := range n.attrs {
		if a.Name.Space == space && a.Name.Local == local {
			return a.Value, true
		}
	}
	return "", false
}

var errCutShort = errors.New("it is cut short")
