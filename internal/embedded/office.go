package embedded

import (
	"archive/zip"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/metadata"
	"github.com/tenovos-ingest/ingestd/internal/xmltree"
)

// officeNames are the names of what is told of a document, each with its other names.
var officeNames = [][]string{
	{"Title"}, {"Subject"}, {"Creator", "Author"}, {"Keywords"}, {"Description", "Comments"},
	{"LastModifiedBy"}, {"Revision", "RevisionNumber"}, {"Created", "CreateDate", "CreationDate"}, {"Modified", "ModifyDate"}, {"LastPrinted"},
	{"Category"}, {"ContentStatus", "Status"}, {"ContentType"}, {"Identifier"}, {"Language"}, {"Version"},
	{"Application", "Generator"}, {"Company"}, {"Manager"}, {"Template"}, {"Pages"}, {"Words"}, {"Slides"},
}

// The bounds of what is read of a document, which is a ZIP archive.
const (
	maxDirectory = 4 << 20 // bytes of the archive's directory
)

// emitOffice tells the properties of a document of Office Open XML (docx, xlsx, pptx
// and their like) or of OpenDocument (odt, ods, odp). An archive of any other kind
// tells nothing.
func emitOffice(c *metadata.Bounded, s *source, head []byte, _ []string) error {
	if hasPrefix(head, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") {
		return notRead("this version does not read the old binary formats of Office, nor documents that are encrypted")
	}
	if !hasPrefix(head, "PK\x03\x04") {
		return nil
	}
	bounded := &boundedReader{s, maxDirectory}
	archive, err := zip.NewReader(bounded, s.size)
	if err != nil {
		return xmltree.Brief(fmt.Errorf("its ZIP directory: %w", err))
	}
	doc := document{parts: map[string]*zip.File{}, bounded: bounded, found: map[string][]string{}}
	for _, f := range archive.File {
		if name := strings.ToLower(strings.TrimPrefix(f.Name, "/")); doc.parts[name] == nil {
			doc.parts[name] = f
		}
	}
	if doc.parts["[content_types].xml"] != nil {
		err = doc.openXML()
	} else if doc.parts["mimetype"] != nil && doc.parts["meta.xml"] != nil {
		err = doc.openDocument()
	}
	for _, names := range officeNames {
		if values := doc.found[names[0]]; values != nil {
			c.AddAll(OfficePrefix, names, "the document's properties ("+names[0]+")", values...)
		}
	}
	return err
}

// boundedReader reads from a file so many bytes at most.
type boundedReader struct {
	s    *source
	left int64
}

func (b *boundedReader) ReadAt(p []byte, off int64) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, fmt.Errorf("it is larger than %d MiB", maxDirectory>>20)
	}
	n := min(int64(len(p)), max(0, b.s.size-off))
	if err := b.s.fill(p[:n], off); err != nil {
		return 0, err
	}
	if n < int64(len(p)) {
		return int(n), io.EOF
	}
	return int(n), nil
}

// document is an archive whose properties are looked for.
type document struct {
	parts   map[string]*zip.File // by their names in lower case
	bounded *boundedReader
	found   map[string][]string // by the first of officeNames
}

// say notes a value; a name that is said again has several.
func (d *document) say(name, text string) {
	if text = metadata.Lines(text); name != "" && text != "" {
		d.found[name] = append(d.found[name], text)
	}
}

// part returns the tree of a part, an empty one where there is none.
func (d *document) part(name string) (root *xmltree.Element, err error) {
	f := d.parts[strings.ToLower(strings.TrimPrefix(path.Clean("/"+name), "/"))]
	if f == nil {
		return &xmltree.Element{}, nil
	}
	if f.Flags&1 == 1 {
		return nil, notRead("the document is encrypted")
	}
	d.bounded.left = 2 * xmltree.MaxTree
	text, err := readPart(f)
	if err == nil {
		root, err = xmltree.Parse(text)
	}
	if err != nil {
		return nil, xmltree.Brief(fmt.Errorf("its part %s: %w", name, err))
	}
	return root, nil
}

func readPart(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close() // nothing was written
	return io.ReadAll(io.LimitReader(r, xmltree.MaxTree+1))
}

// The properties of Office Open XML, of the core and of the application, and what
// they are told as.
var (
	coreProperties = map[string]string{
		"title": "Title", "subject": "Subject", "creator": "Creator", "keywords": "Keywords", "description": "Description",
		"lastModifiedBy": "LastModifiedBy", "revision": "Revision", "created": "Created", "modified": "Modified", "lastPrinted": "LastPrinted",
		"category": "Category", "contentStatus": "ContentStatus", "contentType": "ContentType", "identifier": "Identifier",
		"language": "Language", "version": "Version",
	}
	appProperties = map[string]string{
		"Application": "Application", "Company": "Company", "Manager": "Manager", "Template": "Template",
		"Pages": "Pages", "Words": "Words", "Slides": "Slides",
	}
	odfProperties = map[string]string{
		"title": "Title", "subject": "Subject", "initial-creator": "Creator", "keyword": "Keywords", "description": "Description",
		"creator": "LastModifiedBy", "editing-cycles": "Revision", "creation-date": "Created", "date": "Modified", "print-date": "LastPrinted",
		"language": "Language", "generator": "Application",
	}
)

// openXML reads the parts that the package's relations name.
func (d *document) openXML() error {
	core, app := "docProps/core.xml", "docProps/app.xml"
	relations, err := d.part("_rels/.rels")
	if err != nil {
		return err
	}
	for _, r := range relations.Children {
		switch kind := r.Attribute("Type"); {
		case strings.HasSuffix(kind, "/core-properties"), strings.HasSuffix(kind, "/coreProperties"):
			core = r.Attribute("Target")
		case strings.HasSuffix(kind, "/extended-properties"), strings.HasSuffix(kind, "/extendedProperties"):
			app = r.Attribute("Target")
		}
	}
	var damage []error
	for _, err := range []error{d.properties(core, coreProperties), d.properties(app, appProperties)} {
		if err != nil {
			damage = append(damage, err)
		}
	}
	return damageError(damage)
}

// properties reads a part whose elements are properties.
func (d *document) properties(part string, names map[string]string) error {
	root, err := d.part(part)
	if err != nil {
		return err
	}
	for _, n := range root.Children {
		d.property(names, n)
	}
	return nil
}

func (d *document) property(names map[string]string, n *xmltree.Element) {
	name := names[n.Name.Local]
	text := string(n.Text)
	switch {
	case name == "Keywords" && len(n.Children) > 0: // words in several languages
		for _, value := range n.Children {
			d.say(name, string(value.Text))
		}
	case name == "Created" || name == "Modified" || name == "LastPrinted":
		text = timeOf(metadata.Lines(text))
	}
	d.say(name, text)
}

// openDocument reads the part that OpenDocument keeps properties in.
func (d *document) openDocument() error {
	root, err := d.part("meta.xml")
	if err != nil {
		return err
	}
	for _, meta := range root.Children { // one, office:meta
		for _, n := range meta.Children {
			if n.Name.Local == "document-statistic" {
				for _, a := range n.Attr {
					switch a.Name.Local {
					case "page-count":
						d.say("Pages", a.Value)
					case "word-count":
						d.say("Words", a.Value)
					}
				}
				continue
			}
			d.property(odfProperties, n)
		}
	}
	return nil
}
