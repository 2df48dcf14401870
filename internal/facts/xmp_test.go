package facts

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// TestParseXMP reads testdata/xmp/*.txtar: the XMP, the languages wanted, and the
// facts in the order of their names.
func TestParseXMP(t *testing.T) {
	files, err := filepath.Glob("testdata/xmp/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			part := map[string]string{}
			for _, f := range archive.Files {
				part[f.Name] = string(f.Data)
			}
			got, err := ParseXMP([]byte(part["xmp"]), XMPPrefix, "the sidecar", strings.Fields(part["langs"]))
			if err != nil {
				t.Fatal(err)
			}
			if os.Getenv("UPDATE_SCRIPTS") != "" {
				update(t, file, archive, list(got))
				return
			}
			if diff := cmp.Diff(part["facts"], list(got)); diff != "" {
				t.Errorf("facts differ (-want +got):\n%s", diff)
			}
		})
	}
}

// update writes the facts as they are into the golden file; read the diff.
func update(t *testing.T, file string, archive *txtar.Archive, facts string) {
	t.Helper()
	for i := range archive.Files {
		if archive.Files[i].Name == "facts" {
			archive.Files[i].Data = []byte(facts)
		}
	}
	if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

// list writes facts as lines "name = value | value".
func list(known Facts) string {
	lines := make([]string, 0, len(known))
	for name, fact := range known {
		lines = append(lines, name+" = "+strings.Join(fact.Values, " | ")+"\n")
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// rdf wraps properties in all that an XMP packet needs.
func rdf(properties string) string {
	return `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
  xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/">` + properties + `</rdf:Description></rdf:RDF></x:xmpmeta>`
}

func TestParseXMPDecodesUnicode(t *testing.T) {
	text := "<?xml version='1.0' encoding='UTF-16'?>\uFEFF" + rdf("<dc:source>Zürich 東京</dc:source>")
	text = strings.Replace(text, "\uFEFF", "", 1)
	for name, enc := range map[string]encoding.Encoding{
		"UTF-16BE": unicode.UTF16(unicode.BigEndian, unicode.UseBOM), "UTF-16LE": unicode.UTF16(unicode.LittleEndian, unicode.UseBOM),
		"UTF-16LE without a mark": unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM),
		"UTF-16BE without a mark": unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM),
		"UTF-32BE":                utf32.UTF32(utf32.BigEndian, utf32.UseBOM), "UTF-32LE": utf32.UTF32(utf32.LittleEndian, utf32.UseBOM),
		"UTF-8 with a mark": unicode.UTF8BOM,
	} {
		data, err := enc.NewEncoder().String(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseXMP([]byte(data), XMPPrefix, "", nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if v := got["xmp.source"].Values; len(v) != 1 || v[0] != "Zürich 東京" {
			t.Errorf("%s: source = %q", name, v)
		}
	}
}

func TestParseXMPSaysWhere(t *testing.T) {
	got, err := ParseXMP([]byte(rdf("<dc:source>x</dc:source>")), XMPPrefix, "the sidecar a.xmp", nil)
	if err != nil {
		t.Fatal(err)
	}
	if origin := got["xmp.source"].Origin; origin != "the sidecar a.xmp (dc:source)" {
		t.Errorf("origin = %q", origin)
	}
}

func TestParseXMPRefuses(t *testing.T) {
	deep := strings.Repeat("<dc:a rdf:parseType='Resource'>", 80)
	for name, text := range map[string]string{
		"empty":             "",
		"no XML":            "title: x",
		"no RDF":            "<a>text</a>",
		"cut short":         rdf("<dc:source>x</dc:source>")[:250],
		"unclosed":          rdf("<dc:source>x"),
		"undeclared prefix": rdf("<ghost:source>x</ghost:source>"),
		"entity":            `<!DOCTYPE x [<!ENTITY a "aaaa">]>` + rdf("<dc:source>&a;</dc:source>"),
		"deep":              rdf(deep),
		"many":              rdf(strings.Repeat("<dc:a/>", maxXMLNodes)),
		"long name":         rdf("<dc:" + strings.Repeat("a", 300) + "/>"),
		"encoding":          `<?xml version="1.0" encoding="EBCDIC"?>` + rdf(""),
		"not UTF-8":         rdf("<dc:source>Z\xFCrich</dc:source>"),
		"large":             rdf(strings.Repeat(" ", MaxXMP)),
	} {
		got, err := ParseXMP([]byte(text), XMPPrefix, "", nil)
		if err == nil || got != nil {
			t.Errorf("%s: %d facts, error %v; want none and an error", name, len(got), err)
		}
		if errors.Is(err, ErrExcess) {
			t.Errorf("%s: %v is no mere excess", name, err)
		}
	}
}

func TestParseXMPLeavesOutExcess(t *testing.T) {
	items := strings.Repeat("<rdf:li>x</rdf:li>", MaxValues+1)
	many := &strings.Builder{}
	for i := range MaxFacts {
		fmt.Fprintf(many, "<xmp:p%d rdf:parseType='Resource'><xmp:a>v</xmp:a></xmp:p%d>", i, i)
	}
	for name, text := range map[string]string{
		"value":  "<xmp:Long>" + strings.Repeat("x", MaxValue+1) + "</xmp:Long>",
		"values": "<xmp:Long><rdf:Bag>" + items + "</rdf:Bag></xmp:Long>",
		"facts":  many.String(),
	} {
		got, err := ParseXMP([]byte(rdf(text+"<dc:source>kept</dc:source>")), XMPPrefix, "", nil)
		if !errors.Is(err, ErrExcess) {
			t.Errorf("%s: error %v, want ErrExcess", name, err)
		}
		if got["xmp.source"].Values == nil || got["xmp.long"].Values != nil || len(got) > MaxFacts {
			t.Errorf("%s: %d facts, source %v, long %d", name, len(got), got["xmp.source"], len(got["xmp.long"].Values))
		}
	}
}

func FuzzParseXMP(f *testing.F) {
	files, err := filepath.Glob("testdata/xmp/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(archive.Files[0].Data)
	}
	f.Add([]byte("\xFF\xFE<\x00a\x00/\x00>\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := ParseXMP(data, XMPPrefix, "fuzz", []string{"de-CH", "en"})
		if err != nil && got != nil && !errors.Is(err, ErrExcess) {
			t.Fatalf("%d facts with the error %v", len(got), err)
		}
		if err != nil && (len(err.Error()) > 2000 || Clean(err.Error()) != err.Error()) {
			t.Fatalf("error %.3000q", err)
		}
		checkFacts(t, got)
	})
}

func BenchmarkParseXMP(b *testing.B) {
	data := readTestdata(b, "tagged.pdf")
	data = data[bytes.Index(data, []byte("<x:xmpmeta")):bytes.LastIndex(data, []byte("<?xpacket end"))]
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseXMP(data, XMPPrefix, "", []string{"de"}); err != nil {
			b.Fatal(err)
		}
	}
}
