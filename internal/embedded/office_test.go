package embedded

import (
	"archive/zip"
	"bytes"
	"maps"
	"strings"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/xmltree"
)

const (
	officeCore = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><dc:title>Jahresbericht &amp; Ausblick</dc:title><dc:subject>Zahlen</dc:subject><dc:creator>Åsa Ek</dc:creator><cp:keywords>report; 2026</cp:keywords><dc:description>Line one
line two</dc:description><cp:lastModifiedBy>Müller</cp:lastModifiedBy><cp:revision>4</cp:revision><dcterms:created xsi:type="dcterms:W3CDTF">2026-05-01T08:00:00Z</dcterms:created><dcterms:modified xsi:type="dcterms:W3CDTF">2026-05-02T08:00:00Z</dcterms:modified><cp:category>Finance</cp:category></cp:coreProperties>`
	officeApp   = `<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/extended-properties"><Application>Microsoft Office Word</Application><Pages>12</Pages><Company>Acme</Company></Properties>`
	officeTypes = `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`
	officeMeta  = `<?xml version="1.0" encoding="UTF-8"?>
<office:document-meta xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:meta="urn:oasis:names:tc:opendocument:xmlns:meta:1.0"><office:meta><meta:generator>LibreOffice/7.4</meta:generator><dc:title>Bericht</dc:title><meta:initial-creator>Åsa Ek</meta:initial-creator><dc:creator>Müller</dc:creator><meta:creation-date>2026-05-01T08:00:00.5</meta:creation-date><dc:date>2026-05-02T08:00:00</dc:date><meta:keyword>report</meta:keyword><meta:keyword>2026</meta:keyword><meta:document-statistic meta:page-count="3" meta:word-count="500"/></office:meta></office:document-meta>`
)

// relations is the part in which a package names its other parts.
func relations(core, app string) string {
	const kinds = "http://schemas.openxmlformats.org/"
	return `<Relationships xmlns="` + kinds + `package/2006/relationships"><Relationship Id="rId2" Type="` + kinds + `package/2006/relationships/metadata/core-properties" Target="` + core +
		`"/><Relationship Id="rId3" Type="` + kinds + `officeDocument/2006/relationships/extended-properties" Target="` + app + `"/></Relationships>`
}

func TestOffice(t *testing.T) {
	docx := map[string]string{
		"title": "Jahresbericht & Ausblick", "subject": "Zahlen", "creator": "Åsa Ek", "author": "Åsa Ek", "keywords": "report; 2026",
		"description": "Line one\nline two", "comments": "Line one\nline two", "lastmodifiedby": "Müller", "revision": "4", "revisionnumber": "4",
		"created": "2026-05-01T08:00:00Z", "createdate": "2026-05-01T08:00:00Z", "creationdate": "2026-05-01T08:00:00Z",
		"modified": "2026-05-02T08:00:00Z", "modifydate": "2026-05-02T08:00:00Z", "category": "Finance",
		"application": "Microsoft Office Word", "generator": "Microsoft Office Word", "pages": "12", "company": "Acme",
	}
	odt := map[string]string{
		"title": "Bericht", "creator": "Åsa Ek", "author": "Åsa Ek", "lastmodifiedby": "Müller", "keywords": "report|2026",
		"created": "2026-05-01T08:00:00.5", "createdate": "2026-05-01T08:00:00.5", "creationdate": "2026-05-01T08:00:00.5",
		"modified": "2026-05-02T08:00:00", "modifydate": "2026-05-02T08:00:00", "application": "LibreOffice/7.4", "generator": "LibreOffice/7.4",
		"pages": "3", "words": "500",
	}
	utf16 := "\xFF\xFE" + strings.Join(strings.Split(`<?xml version="1.0" encoding="UTF-16"?><p><title>T</title></p>`, ""), "\x00") + "\x00"
	for name, tt := range map[string]struct {
		parts []string
		want  map[string]string
	}{
		"docx": {[]string{"[Content_Types].xml", officeTypes, "_rels/.rels", relations("docProps/core.xml", "docProps/app.xml"), "docProps/app.xml", officeApp, "docProps/core.xml", officeCore, "word/document.xml", "x"}, docx},
		"xlsx whose parts have other names": {
			[]string{"[Content_Types].xml", officeTypes, "_rels/.rels", relations("/package/services/metadata/core-properties/1.psmdcp", "docProps/app2.xml"), "package/services/metadata/core-properties/1.psmdcp", officeCore, "docProps/app2.xml", officeApp},
			docx,
		},
		"pptx without relations": {[]string{"[Content_Types].xml", officeTypes, "docProps/core.xml", officeCore, "docprops/App.xml", officeApp}, docx},
		"keywords in languages": {
			[]string{"[Content_Types].xml", officeTypes, "docProps/core.xml", `<p xmlns="x"><keywords>one<value xml:lang="de">eins</value><value>deux</value></keywords></p>`},
			map[string]string{"keywords": "eins|deux|one"},
		},
		"UTF-16":                  {[]string{"[Content_Types].xml", officeTypes, "docProps/core.xml", utf16}, map[string]string{"title": "T"}},
		"no properties":           {[]string{"[Content_Types].xml", officeTypes, "word/document.xml", "x"}, map[string]string{}},
		"odt":                     {[]string{"mimetype", "application/vnd.oasis.opendocument.text", "meta.xml", officeMeta}, odt},
		"an archive of any kind":  {[]string{"a.txt", "text", "meta.xml", officeMeta, "docProps/core.xml", officeCore}, map[string]string{}},
		"an archive of photoshop": {[]string{"photo.jpg", string(jpeg())}, map[string]string{}},
	} {
		got, gaps := factsUnder(t, zipped(t, tt.parts...), OfficePrefix)
		if !maps.Equal(got, tt.want) || len(gaps) > 0 {
			t.Errorf("%s: %v, gaps %v; want %v", name, got, gaps, tt.want)
		}
	}
}

func TestOfficeTellsGaps(t *testing.T) {
	whole := zipped(t, "[Content_Types].xml", officeTypes, "docProps/core.xml", officeCore)
	var many bytes.Buffer
	z := zip.NewWriter(&many)
	for range 40_000 {
		if _, err := z.CreateRaw(&zip.FileHeader{Name: strings.Repeat("n", 100)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		data          []byte
		message, kept string
	}{
		"cut short":                   {whole[:len(whole)-30], "its ZIP directory: zip: not a valid zip file", ""},
		"a directory without measure": {many.Bytes(), "its ZIP directory: it is larger than 4 MiB", ""},
		"broken XML": {
			zipped(t, "[Content_Types].xml", officeTypes, "docProps/core.xml", "<a><b>", "docProps/app.xml", officeApp),
			"its part docProps/core.xml: it is not well-formed XML", "application",
		},
		"a bomb": {
			zipped(t, "[Content_Types].xml", officeTypes, "docProps/core.xml", "<a>"+strings.Repeat(" ", xmltree.MaxTree)+"</a>", "docProps/app.xml", officeApp),
			"its part docProps/core.xml: it is larger than 512 KiB", "application",
		},
		"too many elements": {
			zipped(t, "[Content_Types].xml", officeTypes, "docProps/core.xml", "<a>"+strings.Repeat("<b/>", xmltree.MaxTreeNodes)+"</a>", "docProps/app.xml", officeApp),
			"its part docProps/core.xml: it has more than 20000 elements", "application",
		},
		"elements too deep": {
			zipped(t, "[Content_Types].xml", officeTypes, "docProps/core.xml", strings.Repeat("<a>", 100)+strings.Repeat("</a>", 100)), "or more than 64 within one another", "",
		},
		"an empty part": {zipped(t, "[Content_Types].xml", officeTypes, "docProps/core.xml", ""), "its part docProps/core.xml: it is empty", ""},
		"the old format": {
			[]byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1" + strings.Repeat("\x00", 504)),
			"is not known: this version does not read the old binary formats of Office, nor documents that are encrypted", "",
		},
	} {
		got, gaps := factsUnder(t, tt.data, OfficePrefix)
		if len(gaps) != 1 || !strings.Contains(gaps[0].Message, tt.message) || tt.kept != "" && got[tt.kept] == "" {
			t.Errorf("%s: %v, gaps %v; want %s", name, got, gaps, tt.message)
		}
	}
}
