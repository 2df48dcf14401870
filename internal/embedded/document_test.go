package embedded

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tenovos-ingest/ingestd/internal/metadata/metadatatest"
)

// TestFieldFiles reads files of which another packet, half a text or nothing at all
// was told once.
func TestFieldFiles(t *testing.T) {
	for _, tt := range []struct {
		file string
		want map[string]string
		none string // a fact that must not be told
		gap  string
	}{
		{file: "compressed-objects.pdf", want: map[string]string{"xmp.title": "Document title"}}, // the catalog is in an object stream, a picture's XMP behind the document's
		{file: "picture-only.pdf", none: "xmp.title"},                                            // the catalog names none
		{file: "encrypted.pdf", none: "xmp.title", gap: "the PDF is encrypted"},
		{file: "control.jpg", want: map[string]string{"xmp.title": "T"}, gap: "control characters are read as spaces"},
		{file: "control-escape.jpg", want: map[string]string{"xmp.title": "T x"}, gap: "control characters are read as spaces"},
		{file: "remains.jpg", want: map[string]string{"xmp.title": "T"}, gap: "something that is none of it follows its end"},
		{file: "behind-nul.jpg", want: map[string]string{"exif.make": "GoPro", "exif.model": "HD2", "exif.copyright": "Photo; Editor"}},
		{file: "packets.wav", want: map[string]string{"xmp.title": "The recording"}}, // and an ingredient's XMP in a JUNK chunk
		{file: "paragraphs.jpg", want: map[string]string{"xmp.description": "First paragraph.\n\nSecond paragraph.", "iptc.caption-abstract": "First paragraph.\n\nSecond paragraph."}},
		{file: "bigtiff.tif", want: map[string]string{"exif.make": "Hasselblad"}},
		{file: "languages.jpg", want: map[string]string{"xmp.title": "Title"}},
	} {
		t.Run(tt.file, func(t *testing.T) {
			data := readTestdata(t, filepath.Join("field", tt.file))
			got, gaps := Read(bytes.NewReader(data), int64(len(data)), everything, []string{"en"})
			if diff := cmp.Diff(tt.want, pick(got, tt.want)); tt.want != nil && diff != "" {
				t.Errorf("facts differ (-want +got):\n%s", diff)
			}
			if _, known := got[tt.none]; known {
				t.Errorf("%s = %v", tt.none, got[tt.none])
			}
			if said := fmt.Sprint(gaps); tt.gap == "" && len(gaps) > 0 || !strings.Contains(said, tt.gap) {
				t.Errorf("gaps %v, want %q", gaps, tt.gap)
			}
		})
	}
}

// written is a PDF that is put together piece by piece, with true tables.
type written struct {
	bytes.Buffer
	at map[int]int
}

func newPDF(header string) *written {
	p := &written{at: map[int]int{}}
	p.WriteString(header + "%PDF-1.7\n")
	return p
}

func (p *written) object(number int, content string) *written {
	p.at[number] = p.Len()
	p.WriteString(object(number, content))
	return p
}

// table writes a table of the objects, and its trailer.
func (p *written) table(base int, trailer string, numbers ...int) *written {
	start := p.Len() - base
	p.WriteString("xref\n")
	for _, n := range numbers {
		row := "0000000000 65535 f \n"
		if at, ok := p.at[n]; ok {
			row = fmt.Sprintf("%010d 00000 n \n", at-base)
		}
		fmt.Fprintf(p, "%d 1\n%s", n, row)
	}
	fmt.Fprintf(p, "trailer\n<<%s>>\nstartxref\n%d\n%%%%EOF\n", trailer, start)
	return p
}

// streamTable writes the same as a stream; in tells which objects are in which object stream.
func (p *written) streamTable(number int, dict string, in map[int][2]int, numbers ...int) *written {
	start := p.Len()
	p.at[number] = start
	var rows, index strings.Builder
	for _, n := range append(numbers, number) {
		fmt.Fprintf(&index, "%d 1 ", n)
		if s, ok := in[n]; ok {
			rows.WriteString("\x02" + u32(uint32(s[0])) + string(rune(s[1])))
		} else {
			rows.WriteString("\x01" + u32(uint32(p.at[n])) + "\x00")
		}
	}
	p.WriteString(object(number, fmt.Sprintf("<</Type/XRef/W[1 4 1]/Index[%s]/Size 99/Length %d%s>>\nstream\n%s\nendstream", index.String(), rows.Len(), dict, rows.String())))
	fmt.Fprintf(p, "startxref\n%d\n%%%%EOF\n", start)
	return p
}

func objStream(objects ...string) string {
	var head, body strings.Builder
	for i := 0; i < len(objects); i += 2 {
		fmt.Fprintf(&head, "%s %d ", objects[i], body.Len())
		body.WriteString(objects[i+1] + " ")
	}
	data := deflated(head.String() + body.String())
	return fmt.Sprintf("<</Type/ObjStm/N %d/First %d/Filter/FlateDecode/Length %d>>\nstream\n%s\nendstream", len(objects)/2, head.Len(), len(data), data)
}

// told is XMP that tells its source.
func told(text string) string { return metadatatest.RDF("<dc:source>" + text + "</dc:source>") }

type documentOfPDF struct {
	name string
	data *written
	want string // "" for none
	gap  string
}

func documentsOfPDF() []documentOfPDF {
	picture := stream(told("picture"))
	catalog := "<</Type/Catalog/Pages 9 0 R/Metadata 2 0 R>>"
	plain := func() *written {
		return newPDF("").object(1, catalog).object(2, stream(told("document"))).object(3, picture)
	}
	return []documentOfPDF{
		{"a table", plain().table(0, "/Root 1 0 R", 1, 2, 3), "document", ""},
		{"junk before the header, which counts", newPDF("junk\n").object(1, catalog).object(2, stream(told("document"))).table(0, "/Root 1 0 R", 1, 2), "document", ""},
		{"junk before the header, which does not count", newPDF("junk\n").object(1, catalog).object(2, stream(told("document"))).table(5, "/Root 1 0 R", 1, 2), "document", ""},
		{"a change of the XMP", func() *written {
			p := plain().table(0, "/Root 1 0 R", 1, 2, 3)
			first := bytes.Index(p.Bytes(), []byte("xref\n"))
			return p.object(2, stream(told("changed"))).object(3, picture).table(0, fmt.Sprintf("/Root 1 0 R/Prev %d", first), 2, 3)
		}(), "changed", ""},
		{"a change that names none any more", func() *written {
			p := plain().table(0, "/Root 1 0 R", 1, 2, 3)
			first := bytes.Index(p.Bytes(), []byte("xref\n"))
			return p.object(1, "<</Type/Catalog/Pages 9 0 R>>").object(3, picture).table(0, fmt.Sprintf("/Root 1 0 R/Prev %d", first), 1, 3)
		}(), "", ""},
		{"a change that frees it", func() *written {
			p := plain().table(0, "/Root 1 0 R", 1, 2, 3)
			first := bytes.Index(p.Bytes(), []byte("xref\n"))
			delete(p.at, 2)
			return p.table(0, fmt.Sprintf("/Root 1 0 R/Prev %d", first), 2)
		}(), "", "names metadata that are not there"},
		{"object streams", newPDF("").object(2, stream(told("document"))).object(3, picture).
			object(4, objStream("1", catalog, "9", "<</Type/Pages>>")).streamTable(5, "/Root 1 0 R", map[int][2]int{1: {4, 0}, 9: {4, 1}}, 1, 9, 2, 3, 4), "document", ""},
		{"a hybrid of both", func() *written {
			p := newPDF("").object(2, stream(told("document"))).object(3, picture).object(4, objStream("1", catalog))
			p.streamTable(5, "", map[int][2]int{1: {4, 0}}, 1, 4)
			return p.table(0, fmt.Sprintf("/Root 1 0 R/XRefStm %d", p.at[5]), 1, 2, 3)
		}(), "document", ""},
		{"a length that is an object", newPDF("").object(1, catalog).object(2, strings.Replace(stream(told("document")), fmt.Sprint(len(told("document"))), "6 0 R", 1)).
			object(6, fmt.Sprint(len(told("document")))).table(0, "/Root 1 0 R", 1, 2, 6), "document", ""},
		{"a length that is wrong", newPDF("").object(1, catalog).object(2, strings.Replace(stream(told("document")), fmt.Sprint(len(told("document"))), "7", 1)).
			table(0, "/Root 1 0 R", 1, 2), "document", ""},
		{"names with escapes", newPDF("").object(1, "<</Type/Catalog/Meta#64ata 2 0 R/Lang(\\(en\\051)/Names[<</A[1 0 R true null]>>]>>").object(2, stream(told("document"))).
			table(0, "/Root 1 0 R", 1, 2), "document", ""},
		{"none named", newPDF("").object(1, "<</Type/Catalog/Pages 9 0 R>>").object(3, picture).table(0, "/Root 1 0 R", 1, 3), "", ""},
		{"null named", newPDF("").object(1, "<</Type/Catalog/Metadata null>>").object(3, picture).table(0, "/Root 1 0 R", 1, 3), "", ""},
		{"encrypted", newPDF("").object(1, catalog).object(2, stream("\x01\x02\x03")).object(7, "<</Filter/Standard/V 4>>").
			table(0, "/Root 1 0 R/Encrypt 7 0 R", 1, 2, 7), "", "the PDF is encrypted"},
		{"encrypted, but for its metadata", newPDF("").object(1, catalog).object(2, stream(told("document"))).object(7, "<</Filter/Standard/V 4/EncryptMetadata false>>").
			table(0, "/Root 1 0 R/Encrypt 7 0 R", 1, 2, 7), "document", ""},
		{"encrypted, with metadata as they are", newPDF("").object(1, catalog).object(2, stream(told("document"))).
			table(0, "/Root 1 0 R/Encrypt <</Filter/Standard/V 2>>", 1, 2), "document", ""},
		{"encrypted, with its catalog", newPDF("").object(2, stream("\x01")).object(4, "<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length 3>>\nstream\n\x01\x02\x03\nendstream").
			streamTable(5, "/Root 1 0 R/Encrypt 7 0 R", map[int][2]int{1: {4, 0}}, 1, 2, 4), "", "the PDF is encrypted"},
		{"an unknown packing", newPDF("").object(1, catalog).object(2, "<</Filter/LZWDecode/Length 1>>\nstream\nx\nendstream").table(0, "/Root 1 0 R", 1, 2), "", "packed by LZWDecode"},
		{"a table that is a lie", plain().table(3, "/Root 1 0 R", 1, 2, 3), "document", ""},
		{"no table", plain(), "document", ""},
		{"no table, and none named", newPDF("").object(1, "<</Type/Catalog>>").object(3, picture), "", ""},
		{"no catalog", newPDF("").object(2, stream(told("document"))).object(3, picture), "", "does not say where its tables are"},
	}
}

// TestDocumentOfPDF: which XMP is the document's, however its catalog is led to.
func TestDocumentOfPDF(t *testing.T) {
	for _, tt := range documentsOfPDF() {
		t.Run(tt.name, func(t *testing.T) {
			data := tt.data.Bytes()
			got, gaps := Read(bytes.NewReader(data), int64(len(data)), Want{XMP: true}, nil)
			if text := metadatatest.First(got, "xmp.source"); text != tt.want {
				t.Errorf("source %q, want %q", text, tt.want)
			}
			if said := fmt.Sprint(gaps); tt.gap == "" && len(gaps) > 0 || !strings.Contains(said, tt.gap) {
				t.Errorf("gaps %v, want %q", gaps, tt.gap)
			}
		})
	}
}

// dated is XMP that says when it was written.
func dated(text, date string) string {
	return metadatatest.RDF("<dc:source>" + text + "</dc:source><xmp:MetadataDate>" + date + "</xmp:MetadataDate>")
}

type containerOfPackets struct{ name, data, want string }

func containersOfPackets() []containerOfPackets {
	const header = "%!PS-Adobe-3.1 EPSF-3.0\r%%Title: x\r"
	packets := told("first") + "\r%junk\r" + told("middle") + "\r" + told("last")
	dos := func(ps string) string {
		return dosEPS + "\x20\x00\x00\x00" + string([]byte{byte(len(ps)), byte(len(ps) >> 8), 0, 0}) + strings.Repeat("\x00", 20) + ps + told("preview")
	}
	riff := func(kind string, chunks ...string) string {
		body := kind + strings.Join(chunks, "")
		return "RIFF" + little(len(body)) + body
	}
	piece := func(kind, data string) string {
		return kind + little(len(data)) + data + strings.Repeat("\x00", len(data)&1)
	}
	wide := func(text string) string {
		var b strings.Builder
		for _, r := range text {
			b.WriteString(string([]byte{0, byte(r)}))
		}
		return b.String()
	}
	return []containerOfPackets{
		{"EPS, first", header + "%ADO_ContainsXMP: MainFirst\r%%EndComments\r" + packets, "first"},
		{"EPS, last", header + "%ADO_ContainsXMP: MainLast\r%%EndComments\r" + packets, "last"},
		{"EPS, none", header + "%ADO_ContainsXMP: NoMain\r%%EndComments\r" + packets, ""},
		{"EPS, with more words", header + "%ADO_ContainsXMP: MainFirst HintA\r" + packets, "first"},
		{"EPS that does not say", header + packets, "last"},
		{"EPS that does not say, with dates", header + dated("newest", "2024-05-01T12:00:00+02:00") + dated("older", "2024-05-01T11:00:00Z"), "older"},
		{"EPS with a preview before it", dos(header + "%ADO_ContainsXMP: MainLast\r" + packets), "last"},
		{"AVI", riff("AVI ", piece("LIST", "movi"+told("frame")), piece("_PMX", told("video")), piece("JUNK", told("other"))), "video"},
		{"a large AVI", riff("AVI ", piece("JUNK", told("other"))) + riff("AVIX", piece("_PMX", told("video"))), "video"},
		{"WAV of 64 bits", "RF64\xFF\xFF\xFF\xFFWAVE" + piece("ds64", strings.Repeat("\x00", 8)+"\x03"+strings.Repeat("\x00", 15)) + "data\xFF\xFF\xFF\xFFabc\x00" + piece("_PMX", told("sound")), "sound"},
		{"WAV without XMP of its own", riff("WAVE", piece("JUNK", told("other"))), ""},
		{"InDesign, the newest", "\x06\x06\xED\xF5\xD8\x1D\x46\xE5" + dated("placed", "2020-01-01T00:00:00Z") + dated("document", "2024-01-01") + dated("placed later", "2023-12-31T23:00:00-00:30"), "document"},
		{"by the document's date", metadatatest.RDF(`<dc:source>new</dc:source><xmp:ModifyDate>2024-01-01</xmp:ModifyDate>`) + strings.Replace(told("old"), `rdf:about=""`, `rdf:about="" xmp:ModifyDate="2023-01-01"`, 1), "new"},
		{"the last of those without a date", "GIF89a" + packets, "last"},
		{"instructions alone", "ID3<?xpacket begin='' id=''?>" + strings.Replace(strings.Replace(told("x"), "<x:xmpmeta", "<y:xmpmeta", 1), "</x:xmpmeta", "</y:xmpmeta", 1) + "<?xpacket end='w'?>", "x"},
		{"an old name of the element", "ID3" + strings.ReplaceAll(told("x"), "x:xmpmeta", "x:xapmeta"), "x"},
		{"UTF-16", "ID3\x00" + wide(told("x")), "x"},
		{"a packet without an end behind one with", "ID3" + told("x") + "<x:xmpmeta", "x"},
	}
}

// TestDocumentAmongPackets: which packet is the document's where several are in a file.
func TestDocumentAmongPackets(t *testing.T) {
	for _, tt := range containersOfPackets() {
		t.Run(tt.name, func(t *testing.T) {
			got, gaps := Read(strings.NewReader(tt.data), int64(len(tt.data)), Want{XMP: true}, nil)
			if text := metadatatest.First(got, "xmp.source"); text != tt.want {
				t.Errorf("source %q, want %q; gaps %v", text, tt.want, gaps)
			}
		})
	}
}

func little(n int) string { return string([]byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)}) }

// heic is an image of items: each is Exif or XMP, in the order of their numbers from
// 2, and cdsc tells which item each describes.
func heic(primary int, cdsc [][2]int, items ...string) []byte {
	var infe, iloc, data, refs string
	for i, item := range items {
		id := u16(uint16(i + 2))
		if strings.HasPrefix(item, "<") {
			infe += box("infe", "\x02\x00\x00\x00"+id+u16(0)+"mime\x00"+mimeXMP+"\x00")
		} else {
			infe += box("infe", "\x02\x00\x00\x00"+id+u16(0)+"Exif\x00")
			item = u32(0) + item
		}
		iloc += id + u16(1) + u16(0) + u16(1) + u32(uint32(len(data))) + u32(uint32(len(item)))
		data += item
	}
	for _, r := range cdsc {
		refs += box("cdsc", u16(uint16(r[0]))+u16(1)+u16(uint16(r[1])))
	}
	refs += box("dimg", u16(10)+u16(2)+u16(20)+u16(21)) // two tiles
	meta := "\x00\x00\x00\x00" + box("iref", "\x00\x00\x00\x00"+refs) + box("iinf", "\x00\x00\x00\x00"+u16(uint16(len(items)))+infe) +
		box("iloc", "\x01\x00\x00\x00\x44\x00"+u16(uint16(len(items)))+iloc) + box("pitm", "\x00\x00\x00\x00"+u16(uint16(primary))) + box("idat", data)
	return []byte(box("ftyp", "heic") + box("meta", meta))
}

type imageOfItems struct {
	name string
	data []byte
	want map[string]string
}

func imagesOfItems() []imageOfItems {
	exif := string(tiffFile())
	return []imageOfItems{
		{"the second describes the picture", heic(10, [][2]int{{2, 11}, {3, 10}}, told("depth"), told("picture")), map[string]string{"xmp.source": "picture"}},
		{"of several pictures", heic(10, [][2]int{{2, 11}, {3, 11}, {3, 10}}, told("depth"), told("both")), map[string]string{"xmp.source": "both"}},
		{"only another's", heic(10, [][2]int{{2, 11}, {3, 10}}, told("depth"), exif), map[string]string{"exif.make": "Maker"}},
		{"nothing is said", heic(10, nil, told("picture"), exif), map[string]string{"xmp.source": "picture", "exif.make": "Maker"}},
		{"only a tile of it is described", heic(10, [][2]int{{2, 21}, {3, 11}}, told("picture"), told("depth")), map[string]string{"xmp.source": "picture"}},
		{"a tile of it and it itself", heic(10, [][2]int{{2, 20}, {3, 10}}, told("tile"), told("picture")), map[string]string{"xmp.source": "picture"}},
		{"a tile of it, and another says nothing", heic(10, [][2]int{{2, 20}}, told("tile"), told("whatever")), map[string]string{"xmp.source": "tile"}},
		{"no primary item", heic(0, [][2]int{{2, 11}}, told("picture")), map[string]string{"xmp.source": "picture"}},
		{"one says nothing", heic(10, [][2]int{{3, 10}}, told("whatever"), told("picture")), map[string]string{"xmp.source": "picture"}},
	}
}

// TestPrimaryItem: what is told of the depth or the gain map of a picture is not told of it.
func TestPrimaryItem(t *testing.T) {
	for _, tt := range imagesOfItems() {
		t.Run(tt.name, func(t *testing.T) {
			got, gaps := Read(bytes.NewReader(tt.data), int64(len(tt.data)), everything, nil)
			if diff := cmp.Diff(tt.want, pick(got, map[string]string{"xmp.source": "", "exif.make": ""})); diff != "" || len(gaps) > 0 {
				t.Errorf("facts differ (-want +got), gaps %v:\n%s", gaps, diff)
			}
		})
	}
}

// TestTIFFOfOtherKinds: datasets that were turned with the byte order of their file.
func TestTIFFOfOtherKinds(t *testing.T) {
	iim := "\x1C\x02\x5A\x00\x03Rom\x1C\x02\x19\x00\x04word\x00\x00\x00"
	turned := ""
	for i := 0; i+4 <= len(iim); i += 4 {
		turned += string([]byte{iim[i+3], iim[i+2], iim[i+1], iim[i]})
	}
	for name, block := range map[string]string{"as it should be": iim[:len(turned)], "turned": turned} {
		file := "II*\x00\x08\x00\x00\x00\x01\x00\xBB\x83\x04\x00" + little(len(block)/4) + "\x1A\x00\x00\x00\x00\x00\x00\x00" + block
		got, gaps := Read(strings.NewReader(file), int64(len(file)), Want{IPTC: true}, nil)
		if metadatatest.First(got, "iptc.city") != "Rom" || metadatatest.First(got, "iptc.keywords") != "word" || len(gaps) > 0 {
			t.Errorf("%s: %v, gaps %v", name, got, gaps)
		}
	}
}
