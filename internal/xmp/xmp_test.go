package xmp

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

	"github.com/tenovos-ingest/ingestd/internal/metadata"
	"github.com/tenovos-ingest/ingestd/internal/metadata/metadatatest"
)

// TestParseXMP reads testdata/*.txtar: the XMP, the languages wanted, and the
// facts in the order of their names.
func TestParseXMP(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
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
			got, err := Parse([]byte(part["xmp"]), Prefix, "the sidecar", strings.Fields(part["langs"]))
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
func list(known metadata.Facts) string {
	lines := make([]string, 0, len(known))
	for name, fact := range known {
		lines = append(lines, name+" = "+strings.ReplaceAll(strings.Join(fact.Values, " | "), "\n", `\n`)+"\n")
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

func TestParseXMPDecodesUnicode(t *testing.T) {
	text := "<?xml version='1.0' encoding='UTF-16'?>\uFEFF" + metadatatest.RDF("<dc:source>Zürich 東京</dc:source>")
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
		got, err := Parse([]byte(data), Prefix, "", nil)
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
	got, err := Parse([]byte(metadatatest.RDF("<dc:source>x</dc:source>")), Prefix, "the sidecar a.xmp", nil)
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
		"empty":     "",
		"no XML":    "title: x",
		"no RDF":    "<a>text</a>",
		"cut short": metadatatest.RDF("<dc:source>x</dc:source>")[:250],
		"entity":    `<!DOCTYPE x [<!ENTITY a "aaaa">]>` + metadatatest.RDF("<dc:source>&a;</dc:source>"),
		"deep":      metadatatest.RDF(deep),
		"many":      metadatatest.RDF(strings.Repeat("<dc:a/>", maxXMLNodes)),
		"long name": metadatatest.RDF("<dc:" + strings.Repeat("a", 300) + "/>"),
		"encoding":  `<?xml version="1.0" encoding="EBCDIC"?>` + metadatatest.RDF(""),
		"large":     metadatatest.RDF(strings.Repeat(" ", MaxSize)),
	} {
		got, err := Parse([]byte(text), Prefix, "", nil)
		if err == nil || got != nil {
			t.Errorf("%s: %d facts, error %v; want none and an error", name, len(got), err)
		}
		if errors.Is(err, ErrExcess) {
			t.Errorf("%s: %v is no mere excess", name, err)
		}
	}
}

// TestParseXMPAsItIsFound reads what programs write amiss. Each comes with word of
// what was wrong.
func TestParseXMPAsItIsFound(t *testing.T) {
	source := func(text string) string {
		return metadatatest.RDF("<dc:source>" + text + "</dc:source><dc:type>kept</dc:type>")
	}
	undeclared := strings.NewReplacer(` xmlns:dc="http://purl.org/dc/elements/1.1/"`, "", ` xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"`, "")
	for _, tt := range []struct{ name, text, want, said string }{
		{"a control character", source("a\x0Bb\x01"), "a b", noteControls},
		{"zeros", source("a\x00b"), "a b", noteControls},
		{"the escape of a control character", source("T&#xB;x&#0;&#31;"), "T x", noteControls},
		{"a control character behind the end", source("x") + "\x01", "x", ""},
		{"a control character between elements", source("x</dc:source>\x02<dc:coverage>y</dc:coverage><dc:source>z"), "x", noteControls},
		{"DEL", source("a\x7Fb"), "a b", noteControls},
		{"Latin-1", source("Z\xFCrich"), "Zürich", noteLatin},
		{"Latin-1 beside UTF-8", source("Z\xFCrich, Ge\xC3\xA8ve"), "Zürich, Geève", noteLatin},
		{"curly quotes of Windows", source("\x93Hi\x94"), "“Hi”", noteLatin},
		{"a cut character of UTF-8", source("a\xE2\x82"), "aâ‚", noteLatin},
		{"escapes of Windows-1252", source("Acme&#153; it&#x92;s"), "Acme™ it’s", ""},
		{"a character as two escapes", source("&#xD83D;&#xDE00;"), "😀", ""},
		{"half a character as an escape", source("a&#xD83D;b"), "a\uFFFDb", ""},
		{"beyond Unicode", source("a&#x110000;&#xFFFF;b"), "a\uFFFD\uFFFDb", ""},
		{"a bare ampersand", source("A & B &C; &#x; &unknown; AT&T"), "A & B &C; &#x; &unknown; AT&T", noteMarkup},
		{"entities of HTML", source("caf&eacute;&nbsp;&copy;"), "café\u00a0©", ""},
		{"a bare less-than", source("a < b, 3<4 <> <"), "a < b, 3<4 <> <", noteMarkup},
		{"what ends a CDATA section", source("a]]>b"), "a]]>b", ""},
		{"a CDATA section", source("<![CDATA[a < b & c\x01]]>!"), "a < b & c !", noteControls},
		{"markup in an attribute", strings.Replace(metadatatest.RDF(`<dc:type>kept</dc:type>`), `rdf:about=""`, `rdf:about="" dc:source="a<b & c"`, 1), "a<b & c", noteMarkup},
		{"an attribute twice", strings.Replace(metadatatest.RDF(`<dc:type>kept</dc:type>`), `rdf:about=""`, `dc:source="x" dc:source="y"`, 1), "x", ""},
		{"an attribute without quotes", strings.Replace(metadatatest.RDF(`<dc:type>kept</dc:type>`), `rdf:about=""`, `dc:source=x`, 1), "x", ""},
		{"a mark within", source("\uFEFFx\uFEFF"), "x", ""},
		{"comments that end oddly", source("x<!-- a -- b --->y"), "xy", ""},
		{"a document type", `<!DOCTYPE x [<!ELEMENT a (b)>]>` + source("x"), "x", ""},
		{"version 1.1", `<?xml version="1.1"?>` + source("x"), "x", ""},
		{"a declared encoding", `<?xml version="1.0" encoding="windows-1251"?>` + source("\xCC\xEE\xF1\xEA\xE2\xE0"), "Москва", ""},
		{"UTF-8 that claims to be UTF-16", `<?xml version="1.0" encoding="UTF-16"?>` + source("ü"), "ü", ""},
		{"remains behind", source("x") + `li><rdf:Description x:y="1"><a:b>old \x01 tail`, "x", noteRemains},
		{"remains of another packet", source("x") + source("y"), "x", noteRemains},
		{"zeros before and behind", "\x00\x00 " + source("x") + "\x00\x00\x00", "x", ""},
		{"customary prefixes that nobody declared", undeclared.Replace(source("x")), "x", "the prefix rdf is not declared; the prefix dc is not declared"},
		{"another prefix that nobody declared", source("x</dc:source><ghost:b>y</ghost:b><dc:source>z"), "x", "the prefix ghost is not declared"},
		{"a property without an end", metadatatest.RDF("<dc:type>kept</dc:type><dc:source>x"), "x", "an element has no end"},
		{"an item without an end", metadatatest.RDF("<dc:source><rdf:Bag><rdf:li>x</rdf:Bag></dc:source><dc:type>kept</dc:type>"), "x", "an element has no end"},
		{"an end without a beginning", source("x</b>"), "x", "stands alone"},
		{"a name with a space", source("x</dc:source><mp:Last Word>y</mp:Last Word><dc:source>z"), "x", noteNames},
		{"a name that begins with a digit", source("x</dc:source><1abc>y</1abc><dc:source>z"), "x", noteMarkup},
		{"a property that would swallow others", metadatatest.RDF("<dc:type>kept</dc:type><dc:source>x<dc:rights>y</dc:rights>"), "", "an element has no end"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Parse([]byte(tt.text), Prefix, "", nil)
			if err != nil && !errors.Is(err, ErrDamaged) || err != nil && tt.said == "" {
				t.Fatal(err)
			}
			if err == nil && tt.said != "" || err != nil && !strings.Contains(err.Error(), tt.said) {
				t.Errorf("said %v, want %q", err, tt.said)
			}
			if metadatatest.First(got, "xmp.source") != tt.want || metadatatest.First(got, "xmp.type") != "kept" {
				t.Errorf("source %q, want %q; facts %v", metadatatest.First(got, "xmp.source"), tt.want, got)
			}
		})
	}
}

func TestParseXMPLeavesOutExcess(t *testing.T) {
	items := strings.Repeat("<rdf:li>x</rdf:li>", metadata.MaxValues+1)
	many := &strings.Builder{}
	for i := range metadata.MaxFacts {
		fmt.Fprintf(many, "<xmp:p%d rdf:parseType='Resource'><xmp:a>v</xmp:a></xmp:p%d>", i, i)
	}
	for name, text := range map[string]string{
		"value":  "<xmp:Long>" + strings.Repeat("x", metadata.MaxValue+1) + "</xmp:Long>",
		"values": "<xmp:Long><rdf:Bag>" + items + "</rdf:Bag></xmp:Long>",
		"facts":  many.String(),
	} {
		got, err := Parse([]byte(metadatatest.RDF(text+"<dc:source>kept</dc:source>")), Prefix, "", nil)
		if !errors.Is(err, ErrExcess) {
			t.Errorf("%s: error %v, want ErrExcess", name, err)
		}
		if got["xmp.source"].Values == nil || got["xmp.long"].Values != nil || len(got) > metadata.MaxFacts {
			t.Errorf("%s: %d facts, source %v, long %d", name, len(got), got["xmp.source"], len(got["xmp.long"].Values))
		}
	}
}

func FuzzParseXMP(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txtar")
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
	f.Add([]byte(`<!DOCTYPE a [<!ELEMENT b>]>` + metadatatest.RDF("<dc:source>T&#xB;x &amp; <![CDATA[a<b]]> &eacute; \x01\xE9 < & </dc:so><ghost:b c=d>")))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := Parse(data, Prefix, "fuzz", []string{"de-CH", "en"})
		if err != nil && got != nil && !errors.Is(err, ErrExcess) && !errors.Is(err, ErrDamaged) {
			t.Fatalf("%d facts with the error %v", len(got), err)
		}
		if err != nil && (len(err.Error()) > 2000 || metadata.Clean(err.Error()) != err.Error()) {
			t.Fatalf("error %.3000q", err)
		}
		metadatatest.Check(t, got)
	})
}

func BenchmarkParseXMP(b *testing.B) {
	data := readTagged(b)
	data = data[bytes.Index(data, []byte("<x:xmpmeta")):bytes.LastIndex(data, []byte("<?xpacket end"))]
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(data, Prefix, "", []string{"de"}); err != nil {
			b.Fatal(err)
		}
	}
}

// readTagged reads a PDF with a packet.
func readTagged(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile("../embedded/testdata/tagged.pdf")
	if err != nil {
		t.Fatal(err)
	}
	return data
}
