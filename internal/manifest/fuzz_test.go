package manifest

import (
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/metadata"
	"github.com/tenovos-ingest/ingestd/internal/metadata/metadatatest"
)

func FuzzParseManifest(f *testing.F) {
	for _, text := range []string{
		"filename,title\na.jpg,x\nA.JPG,y\nsub/a.jpg,\"z\n\"\"z\"\n",
		"sep=;\r\ndatei;titel\r\n.\\b.jpg;Gro\u0308ße\r\n;x\r\n",
		"\ufefffile\ttitle\r1\t2\r1\t3\r", "\xff\xfef\x00i\x00l\x00e\x00\n\x00a\x00\n\x00", "\x00f\x00i\x00l\x00e\x00\n\x00a\x00\n",
		"file,x\n\xe9.jpg,\x80\n", "file|x||\n|\"y\"||\n", "file,file\n", "file\n../x\n", "\"file\n", "file,a\nx,NESCAF\xc9\xae\ny,\xfc\n",
		"file,a\nx,Acme\x99 \x93quoted\x94 \x96 it\x92s 5\x80\n", "file,a\nx,\xcc\xee\xf1\xea\xe2\xe0\n", "file,a\nx,Cos\x93 \xc7e\xc8\n", "SourceFile,FileName\n./a/x.jpg,\"x\r\ny\"\n",
	} {
		f.Add([]byte(text), false, "")
	}
	f.Add([]byte("x,Große Datei\n1,2\n"), true, "große datei")
	f.Fuzz(func(t *testing.T, data []byte, matchCase bool, column string) {
		o := Options{MatchCase: matchCase}
		if column != "" {
			o.FileColumns = []string{column}
		}
		m, err := Parse("m.csv", strings.NewReader(string(data)), o)
		if err != nil {
			return
		}
		if len(m.columns) > maxColumns {
			t.Fatalf("%d columns", len(m.columns))
		}
		kept, line := 0, 0
		for row := range m.All() {
			kept += len(row.rec.cells)
			if row.Line <= line {
				t.Fatalf("line %d comes after line %d", row.Line, line)
			}
			line = row.Line
			checkRow(t, m, row)
		}
		// A byte is two in UTF-8 at most where it was one or two; lengths take the
		// place of separators, of up to three bytes for a cell of 16 KiB.
		if kept > 2*len(data)+16 {
			t.Fatalf("%d bytes kept of %d", kept, len(data))
		}
	})
}

// checkRow fails unless a row can be found by its file and its sum goes with its
// facts.
func checkRow(t *testing.T, m *Manifest, row Row) {
	t.Helper()
	known := row.Facts()
	metadatatest.CheckClean(t, known, Prefix)
	v, virtual, err := row.Virtual()
	if virtual && (err != nil || v.Path == "" || row.Err != nil || v.ContentPath != "" && contentFault(v.ContentPath) != "") {
		t.Fatalf("line %d is the asset %+v: %v", row.Line, v, err)
	}
	if row.File == "" {
		return
	}
	if strings.HasPrefix(row.File, "/") || slices.Contains(strings.Split(row.File, "/"), "..") {
		t.Fatalf("the file %q is not below the manifest", row.File)
	}
	found, ok := m.Row(row.File)
	if !ok || (found.Err == nil) != (row.Err == nil) {
		t.Fatalf("Row(%q) = %v, %v; All has %v", row.File, found.Err, ok, row.Err)
	}
	same := maps.EqualFunc(known, found.Facts(), func(a, b metadata.Fact) bool { return slices.Equal(a.Values, b.Values) })
	if same != (row.Sum() == found.Sum()) {
		t.Fatalf("lines %d and %d: same facts %v, same sum %v", row.Line, found.Line, same, !same)
	}
}

// manifest50k is a table of 50,000 rows of 12 columns, about 11 MiB.
func manifest50k() string {
	var b strings.Builder
	b.WriteString("filename,title,description,keywords,brand,campaign,territory,rights owner,expires,photographer,sku,note\n")
	for i := range 50_000 {
		n := strings.Repeat(string(rune('a'+i%26)), 3) + "0" + strconv.Itoa(i)
		b.WriteString("campaign/" + n + ".jpg,Title of " + n + ",\"A description, with a comma, of the picture " + n +
			" in two\nlines\",spring; summer; outdoor; " + n + ",Größe & Co,Spring 2026,EMEA,Müller GmbH,2027-12-31,Jane Doe,SKU-" + n + ",\n")
	}
	return b.String()
}

func BenchmarkParseManifest50k(b *testing.B) {
	text := manifest50k()
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		mustManifest(b, text, Options{})
	}
	b.ReportMetric(retained(b, text), "retained-MiB")
	b.ReportMetric(float64(len(text))/(1<<20), "text-MiB")
}

// retained returns the MiB of heap that the manifest of a text holds.
func retained(b *testing.B, text string) float64 {
	b.Helper()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	m := mustManifest(b, text, Options{})
	runtime.GC()
	runtime.ReadMemStats(&after)
	if row, ok := m.Row("campaign/aaa00.jpg"); !ok || row.Err != nil {
		b.Fatal("the first row is missing")
	}
	held := float64(after.HeapAlloc) - float64(before.HeapAlloc)
	runtime.KeepAlive(text)
	return held / (1 << 20)
}

func BenchmarkRowFacts(b *testing.B) {
	m := mustManifest(b, manifest50k(), Options{})
	b.ReportAllocs()
	for b.Loop() {
		row, ok := m.Row("Campaign/AAA00.jpg")
		if !ok || len(row.Facts()) != 11 {
			b.Fatal("the row is missing")
		}
	}
}

func BenchmarkRowSum(b *testing.B) {
	m := mustManifest(b, manifest50k(), Options{})
	row, _ := m.Row("campaign/aaa00.jpg")
	b.ReportAllocs()
	for b.Loop() {
		row.Sum()
	}
}
