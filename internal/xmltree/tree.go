package xmltree

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"

	"github.com/tenovos-ingest/ingestd/internal/metadata"
)

// The bounds of the XML of which a tree is made. What is read of it is a page of
// properties.
const (
	MaxTree      = 512 << 10 // bytes
	MaxTreeNodes = 20_000    // elements and attributes
)

// Element is an element of XML with what is in it.
type Element struct {
	xml.StartElement
	Text     []byte
	Children []*Element
}

// Parse reads XML that is well-formed, in any encoding that it names.
func Parse(data []byte) (root *Element, err error) {
	if len(data) > MaxTree {
		return nil, fmt.Errorf("it is larger than %d KiB", MaxTree>>10)
	}
	text, err := Decode(data)
	if err != nil {
		return nil, err
	}
	d := NewDecoder(text)
	open, nodes := []*Element{{}}, 0
	for {
		token, err := d.Token()
		top := open[len(open)-1]
		switch t := token.(type) {
		case xml.StartElement:
			if nodes += 1 + len(t.Attr); nodes > MaxTreeNodes || len(open) > MaxDepth {
				return nil, fmt.Errorf("it has more than %d elements and attributes, or more than %d within one another", MaxTreeNodes, MaxDepth)
			}
			e := &Element{StartElement: t}
			top.Children = append(top.Children, e)
			open = append(open, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			top.Text = append(top.Text, t...)
		}
		switch {
		case errors.Is(err, io.EOF) && len(open[0].Children) == 0:
			return nil, errors.New("it is empty")
		case errors.Is(err, io.EOF):
			return open[0].Children[0], nil
		case err != nil:
			return nil, Brief(fmt.Errorf("it is not well-formed XML: %w", err))
		}
	}
}

// NewDecoder reads text that is decoded by now, whatever its declaration says.
func NewDecoder(text []byte) *xml.Decoder {
	d := xml.NewDecoder(bytes.NewReader(text))
	d.CharsetReader = func(_ string, decoded io.Reader) (io.Reader, error) { return decoded, nil }
	return d
}

// Attribute returns the value of an attribute that is in no namespace, "" without one.
func (e *Element) Attribute(name string) string {
	for _, a := range e.Attr {
		if a.Name.Space == "" && a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// Brief returns an error as a clean text of bounded length: an error of
// encoding/xml quotes the file, whatever it holds and however long it is.
func Brief(err error) error {
	const longest = 300
	text := metadata.OneLine(err.Error())
	if len(text) > longest {
		text = metadata.Clean(text[:longest]) + "…"
	}
	return errors.New(text)
}

// MaxDepth bounds how many elements of XML lie within one another.
const MaxDepth = 64
