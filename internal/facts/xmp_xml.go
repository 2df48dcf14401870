package facts

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// The bounds of the XML, which bound its tree as well.
const (
	maxXMLDepth = 64
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
}

// parseXML reads the tree of a document. It returns a node above the document's
// root, and the first prefix of each namespace.
func parseXML(text []byte) (root *node, prefixes map[string]string, err error) {
	p := xmlParser{prefixes: map[string]string{}, stack: []*node{{}}}
	d := xml.NewDecoder(bytes.NewReader(text))
	d.CharsetReader = charsetReader
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return p.stack[0], p.prefixes, nil
		}
		if err != nil {
			return nil, nil, brief(fmt.Errorf("it is not well-formed XML: %w", err))
		}
		if err := p.take(token); err != nil {
			line, _ := d.InputPos()
			return nil, nil, brief(fmt.Errorf("line %d: %w", line, err))
		}
		if p.skip {
			p.skip = false
			p.stack = p.stack[:len(p.stack)-1]
			if err := d.Skip(); err != nil {
				return nil, nil, brief(fmt.Errorf("it is not well-formed XML: %w", err))
			}
		}
	}
}

// brief returns an error as a clean text of bounded length: an error of
// encoding/xml quotes the file, whatever it holds and however long it is.
func brief(err error) error {
	const longest = 300
	text := cleanText(err.Error())
	if len(text) > longest {
		text = Clean(text[:longest]) + "…"
	}
	return errors.New(text)
}

type xmlParser struct {
	stack    []*node
	prefixes map[string]string // by URI
	nodes    int
	skip     bool // the element that was just opened is to be passed over
}

func (p *xmlParser) take(token xml.Token) error {
	top := p.stack[len(p.stack)-1]
	switch t := token.(type) {
	case xml.StartElement:
		return p.open(top, t)
	case xml.EndElement:
		p.stack = p.stack[:len(p.stack)-1]
	case xml.CharData:
		top.text.Write(t)
	}
	return nil
}

func (p *xmlParser) open(parent *node, t xml.StartElement) error {
	if len(p.stack) > maxXMLDepth {
		return fmt.Errorf("elements are nested more than %d deep", maxXMLDepth)
	}
	if p.nodes += 1 + len(t.Attr); p.nodes > maxXMLNodes {
		return fmt.Errorf("there are more than %d elements and attributes", maxXMLNodes)
	}
	n := &node{name: t.Name}
	for _, a := range t.Attr {
		switch {
		case noFacts[a.Name]:
		case a.Name.Space == "xmlns":
			if _, known := p.prefixes[a.Value]; !known {
				p.prefixes[a.Value] = a.Name.Local
			}
		case a.Name.Space == "" && a.Name.Local == "xmlns":
			if _, known := p.prefixes[a.Value]; !known {
				p.prefixes[a.Value] = ""
			}
		default:
			n.attrs = append(n.attrs, a)
		}
	}
	for _, name := range append([]xml.Name{t.Name}, names(t.Attr)...) {
		if len(name.Local) > maxXMLName {
			return fmt.Errorf("the name %.40s… is longer than %d bytes", name.Local, maxXMLName)
		}
		// encoding/xml leaves a prefix that nobody declared where the URI should be.
		if _, declared := p.prefixes[name.Space]; !declared && !reserved[name.Space] {
			return fmt.Errorf("the prefix of %s:%s is not declared", name.Space, name.Local)
		}
	}
	parent.children = append(parent.children, n)
	p.stack = append(p.stack, n)
	p.skip = noFacts[t.Name]
	return nil
}

// reserved holds what needs no declaration.
var reserved = map[string]bool{"": true, "xmlns": true, xmlSpace: true}

func names(attrs []xml.Attr) []xml.Name {
	names := make([]xml.Name, len(attrs))
	for i, a := range attrs {
		names[i] = a.Name
	}
	return names
}

// find returns the first element of that name at n or below, in the order of the file.
func (n *node) find(space, local string) *node {
	if n.name.Space == space && n.name.Local == local {
		return n
	}
	for _, child := range n.children {
		if found := child.find(space, local); found != nil {
			return found
		}
	}
	return nil
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

// decodeUnicode returns data as UTF-8 without a byte order mark. Text without a
// mark is told by its first character, which in XML is "<".
func decodeUnicode(data []byte) ([]byte, error) {
	is := func(prefixes ...string) bool {
		for _, p := range prefixes {
			if bytes.HasPrefix(data, []byte(p)) {
				return true
			}
		}
		return false
	}
	var err error
	switch {
	case is("\x00\x00\xFE\xFF", "\x00\x00\x00<"):
		data, err = utf32.UTF32(utf32.BigEndian, utf32.UseBOM).NewDecoder().Bytes(data)
	case is("\xFF\xFE\x00\x00", "<\x00\x00\x00"):
		data, err = utf32.UTF32(utf32.LittleEndian, utf32.UseBOM).NewDecoder().Bytes(data)
	case is("\xFE\xFF", "\x00<"):
		data, err = unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewDecoder().Bytes(data)
	case is("\xFF\xFE", "<\x00"):
		data, err = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Bytes(data)
	}
	if err != nil {
		return nil, fmt.Errorf("its characters cannot be decoded: %w", err)
	}
	return bytes.TrimPrefix(data, []byte("\uFEFF")), nil
}

// charsetReader serves an encoding that the XML declaration names. UTF-16 and
// UTF-32 are decoded by the time the declaration is read.
func charsetReader(charset string, input io.Reader) (io.Reader, error) {
	switch strings.ToLower(charset) {
	case "utf-16", "utf-16le", "utf-16be", "utf-32", "utf-32le", "utf-32be", "us-ascii", "ascii":
		return input, nil
	case "iso-8859-1", "latin1", "windows-1252", "cp1252":
		return charmap.Windows1252.NewDecoder().Reader(input), nil
	}
	return nil, fmt.Errorf("the encoding %q is not supported; save it as UTF-8", charset)
}
