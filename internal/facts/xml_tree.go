package facts

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
)

// maxTree bounds the XML of which a tree is made, in bytes.
const maxTree = 1 << 20

// element is an element of XML with what is in it.
type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Children []element  `xml:",any"`
}

// parseTree reads XML that is well-formed, in any encoding that it names.
func parseTree(data []byte) (root element, err error) {
	if len(data) > maxTree {
		return root, fmt.Errorf("it is larger than %d MiB", maxTree>>20)
	}
	text, err := decodeXML(data)
	if err != nil {
		return root, err
	}
	err = newDecoder(text).Decode(&root)
	switch {
	case errors.Is(err, io.EOF):
		return root, errors.New("it is empty")
	case err != nil:
		return root, brief(fmt.Errorf("it is not well-formed XML: %w", err))
	}
	return root, nil
}

// newDecoder reads text that is decoded by now, whatever its declaration says.
func newDecoder(text []byte) *xml.Decoder {
	d := xml.NewDecoder(bytes.NewReader(text))
	d.CharsetReader = func(_ string, decoded io.Reader) (io.Reader, error) { return decoded, nil }
	return d
}

// attr returns the value of an attribute that is in no namespace, "" without one.
func (e element) attr(name string) string {
	for _, a := range e.Attrs {
		if a.Name.Space == "" && a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}
