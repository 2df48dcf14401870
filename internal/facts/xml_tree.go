package facts

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
)

// The bounds of the XML of which a tree is made. What is read of it is a page of
// properties.
const (
	maxTree      = 512 << 10 // bytes
	maxTreeNodes = 20_000    // elements and attributes
)

// element is an element of XML with what is in it.
type element struct {
	xml.StartElement
	text     []byte
	children []*element
}

// parseTree reads XML that is well-formed, in any encoding that it names.
func parseTree(data []byte) (root *element, err error) {
	if len(data) > maxTree {
		return nil, fmt.Errorf("it is larger than %d KiB", maxTree>>10)
	}
	text, err := decodeXML(data)
	if err != nil {
		return nil, err
	}
	d := newDecoder(text)
	open, nodes := []*element{{}}, 0
	for {
		token, err := d.Token()
		top := open[len(open)-1]
		switch t := token.(type) {
		case xml.StartElement:
			if nodes += 1 + len(t.Attr); nodes > maxTreeNodes || len(open) > maxXMLDepth {
				return nil, fmt.Errorf("it has more than %d elements and attributes, or more than %d within one another", maxTreeNodes, maxXMLDepth)
			}
			e := &element{StartElement: t}
			top.children = append(top.children, e)
			open = append(open, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			top.text = append(top.text, t...)
		}
		switch {
		case errors.Is(err, io.EOF) && len(open[0].children) == 0:
			return nil, errors.New("it is empty")
		case errors.Is(err, io.EOF):
			return open[0].children[0], nil
		case err != nil:
			return nil, brief(fmt.Errorf("it is not well-formed XML: %w", err))
		}
	}
}

// newDecoder reads text that is decoded by now, whatever its declaration says.
func newDecoder(text []byte) *xml.Decoder {
	d := xml.NewDecoder(bytes.NewReader(text))
	d.CharsetReader = func(_ string, decoded io.Reader) (io.Reader, error) { return decoded, nil }
	return d
}

// attr returns the value of an attribute that is in no namespace, "" without one.
func (e *element) attr(name string) string {
	for _, a := range e.Attr {
		if a.Name.Space == "" && a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}
