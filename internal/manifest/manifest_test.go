package manifest

import (
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/tenovos-ingest/ingestd/internal/metadata"
)

func mustManifest(t testing.TB, text string, o Options) *Manifest {
	t.Helper()
	m, err := Parse("m.csv", strings.NewReader(text), o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// flat returns facts with one value each as a plain map without the prefix.
func flat(t testing.TB, known metadata.Facts, prefix string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for name, fact := range known {
		if len(fact.Values) != 1 {
			t.Errorf("%s = %q, want one value", name, fact.Values)
		}
		out[strings.TrimPrefix(name, prefix)] = strings.Join(fact.Values, "|")
	}
	return out
}

// TestManifestFormats reads tables that all say the same: a.jpg is titled Größe.
func TestManifestFormats(t *testing.T) {
	encode := func(s string, to interface{ String(string) (string, error) }) string {
		out, err := to.String(s)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	const plain = "filename,title,note\na.jpg,Größe,\"one, two\"\n"
	utf16 := func(end unicode.Endianness, bom unicode.BOMPolicy) string {
		return encode(plain, unicode.UTF16(end, bom).NewEncoder())
	}
	for name, text := range map[string]string{
		"comma":                   plain,
		"no line end at the end":  strings.TrimSuffix(plain, "\n"),
		"semicolon":               "filename;title;note\na.jpg;Größe;one, two\n",
		"tab":                     "filename\ttitle\tnote\na.jpg\tGröße\tone, two\n",
		"pipe":                    "filename|title|note\na.jpg|Größe|one, two\n",
		"sep line":                "sep=;\nfilename;title;note\na.jpg;Größe;one, two\n",
		"sep line, quoted, CRLF":  "\ufeff\"SEP=|\"\r\nfilename|title|note\r\na.jpg|Größe|one, two\r\n",
		"UTF-8 mark":              "\ufeff" + plain,
		"UTF-16 LE mark":          utf16(unicode.LittleEndian, unicode.UseBOM),
		"UTF-16 BE mark":          utf16(unicode.BigEndian, unicode.UseBOM),
		"UTF-16 LE":               utf16(unicode.LittleEndian, unicode.IgnoreBOM),
		"UTF-16 BE":               utf16(unicode.BigEndian, unicode.IgnoreBOM),
		"Windows-1252":            encode(plain, charmap.Windows1252.NewEncoder()),
		"Mac Roman":               encode(plain, charmap.Macintosh.NewEncoder()),
		"normal form D":           "filename,title,note\na.jpg,Gro\u0308ße,\"one, two\"\n",
		"CRLF":                    strings.ReplaceAll(plain, "\n", "\r\n"),
		"CR":                      strings.ReplaceAll(plain, "\n", "\r"),
		"empty rows":              "\n,,\n" + plain + "\n , ,\n,,,,,,\n\n",
		"empty columns":           "filename,title,note,, ,\na.jpg,Größe,\"one, two\",,,,,,\n",
		"an empty column between": "filename,,title,note\na.jpg,,Größe,\"one, two\"\n",
		"spaces":                  " filename , title , note \n ./a.jpg , Größe , \"one, two\"\n",
		"quoted lines":            "filename,\"ti\ntle\",note\na.jpg,Größe,\"one,\r\ntwo\"\n",
		"all quoted":              "\"filename\",\"title\",\"note\"\n\"a.jpg\",\"Größe\",\"one, two\"\n",
		"case of the header":      "FileName,Title,NOTE\na.jpg,Größe,\"one, two\"\n",
	} {
		m := mustManifest(t, text, Options{})
		row, ok := m.Row("a.jpg")
		if !ok || row.Err != nil {
			t.Errorf("%s: %v, %v; columns %q", name, ok, row.Err, m.Columns())
			continue
		}
		got := flat(t, row.Facts(), Prefix)
		if name == "quoted lines" {
			got["title"] = got["ti tle"]
			delete(got, "ti tle")
			got["note"] = strings.ReplaceAll(got["note"], "\n", " ") // of \r\n; see TestManifestLines
		}
		if name == "spaces" {
			got["filename"] = strings.TrimPrefix(got["filename"], "./")
		}
		want := map[string]string{"filename": "a.jpg", "title": "Größe", "note": "one, two"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if rows := slices.Collect(m.All()); len(rows) != 1 {
			t.Errorf("%s: %d rows, want 1", name, len(rows))
		}
	}
}

func TestManifestRows(t *testing.T) {
	m := mustManifest(t, strings.Join([]string{
		"\"sep=,\"",
		"File Name,Content_Path,Title",
		`a.jpg,,"say ""hi"""`,
		"", "sub\\b.jpg,,\"two",
		"lines\"",
		",https://example.com/x.mov,Placeholder",
		"c.jpg",
	}, "\n"), Options{})
	if diff := cmp.Diff([]string{"File Name", "Content_Path", "Title"}, m.Columns()); diff != "" {
		t.Error(diff)
	}
	type brief struct {
		Line        int
		File, Title string
	}
	var got []brief
	for row := range m.All() {
		b := brief{Line: row.Line, File: row.File}
		if title, ok := row.Facts()["manifest.title"]; ok {
			b.Title = title.Values[0]
		}
		got = append(got, b)
	}
	want := []brief{{3, "a.jpg", `say "hi"`}, {5, "sub/b.jpg", "two\nlines"}, {7, "", "Placeholder"}, {8, "c.jpg", ""}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	row, _ := m.Row("a.jpg")
	if fact := row.Facts()["manifest.file name"]; fact.Origin != "line 3 of m.csv" {
		t.Errorf("origin %q", fact.Origin)
	}
	for range m.All() {
		break // must not be called again
	}
}

func TestManifestFindsRows(t *testing.T) {
	const text = "path,title\n" +
		"a.jpg,bare\n" +
		"sub/a.jpg,with path\n" +
		".\\deep\\er\\b.jpg,backslashes\n" +
		"Mu\u0308ller.jpg,decomposed\n" +
		"UP.JPG,upper\n" +
		"up.jpg,lower\n" +
		"once.jpg,once\n" +
		"a//b/./c.jpg,untidy\n"
	tests := []struct {
		rel, ignoring, matching string // titles without and with MatchCase
	}{
		{"a.jpg", "bare", "bare"},
		{"other/a.jpg", "bare", "bare"},
		{"sub/a.jpg", "with path", "with path"},
		{"sub/sub/a.jpg", "bare", "bare"},
		{"Sub/A.jpg", "with path", ""},
		{"deep/er/b.jpg", "backslashes", "backslashes"},
		{"b.jpg", "", ""},
		{"er/b.jpg", "", ""},
		{"Müller.jpg", "decomposed", "decomposed"},
		{"x/Mu\u0308ller.jpg", "decomposed", "decomposed"},
		{"MÜLLER.JPG", "decomposed", ""},
		{"UP.JPG", "upper", "upper"},
		{"up.jpg", "lower", "lower"},
		{"x/up.jpg", "lower", "lower"},
		{"Up.jpg", "!", ""},
		{"ONCE.JPG", "once", ""},
		{"a/b/c.jpg", "untidy", "untidy"},
		{"", "", ""}, {".", "", ""}, {"\xff", "", ""},
	}
	for _, matchCase := range []bool{false, true} {
		m := mustManifest(t, text, Options{MatchCase: matchCase})
		for _, tt := range tests {
			want, got := tt.ignoring, ""
			if matchCase {
				want = tt.matching
			}
			if row, ok := m.Row(tt.rel); row.Err != nil {
				got = "!"
			} else if ok {
				got = row.Facts()["manifest.title"].Values[0]
			}
			if got != want {
				t.Errorf("Row(%q), MatchCase %v: %q, want %q", tt.rel, matchCase, got, want)
			}
		}
	}
}

func TestManifestContradiction(t *testing.T) {
	m := mustManifest(t, "title,file,note\n"+
		"one,a.jpg,\n"+
		"two,b.jpg,same\n"+
		"two,./B.jpg,same\n"+
		"other,A.jpg\n"+
		"one,a.jpg,\n"+
		"three,c.jpg\n"+
		"three,c.jpg\n"+
		"four,c.jpg\n"+
		",d.jpg,x\n"+
		"x,d.jpg\n", Options{})
	for rel, want := range map[string][]string{
		"a.jpg": nil, "A.jpg": nil, "b.jpg": nil, "B.JPG": nil,
		"A.JPG":   {"lines 2 and 5", `"a.jpg"`},
		"x/c.jpg": {"manifest m.csv", "lines 7 and 9", `"c.jpg"`},
		"d.jpg":   {"lines 10 and 11"},
	} {
		row, ok := m.Row(rel)
		if !ok || (row.Err != nil) != (want != nil) {
			t.Errorf("Row(%q) = %v, %v", rel, row.Err, ok)
			continue
		}
		for _, text := range want {
			if !strings.Contains(row.Err.Error(), text) {
				t.Errorf("Row(%q): %v, want %q", rel, row.Err, text)
			}
		}
	}
	var held []int
	for row := range m.All() {
		if row.Err != nil {
			held = append(held, row.Line)
		}
	}
	if want := []int{7, 8, 9, 10, 11}; !slices.Equal(held, want) {
		t.Errorf("lines that contradict: %v, want %v", held, want)
	}
}

func TestManifestFileColumn(t *testing.T) {
	for header, want := range map[string]string{
		"name,filename": "2", "File_Name,x": "1", "x,RELATIVE-PATH": "2", "x,Dateiname": "2", "path,file": "2",
		"asset,x": "1", "fichier,asset": "1", "x,nom du fichier": "2",
	} {
		m := mustManifest(t, header+"\n1,2\n", Options{})
		for row := range m.All() {
			if row.File != want {
				t.Errorf("%s: the file is in column %s, want %s", header, row.File, want)
			}
		}
	}
	m := mustManifest(t, "filename;Große Datei\nx;a.jpg\n", Options{FileColumns: []string{"bild", "GROSSE datei", "große_datei"}})
	if _, ok := m.Row("a.jpg"); !ok {
		t.Error("the named column was not used")
	}
}

func TestManifestRefuses(t *testing.T) {
	wide := strings.Repeat("x,", maxColumns)
	tests := []struct {
		name, text string
		want       []string
	}{
		{"nothing", "", []string{"manifest m.csv: there is no header"}},
		{"empty rows only", "\n \n", []string{"there is no header"}},
		{"no file column", "title,keywords\nx,y\n", []string{`line 1: no column names the files`, `"title", "keywords"`, `"filename", "file"`}},
		{"same columns", "file,Title,x,TITLE\n", []string{`line 1: columns 2 and 4`, `"Title" and "TITLE"`}},
		{"column without a name", "file,,x\na,,1\nb,2,3\n", []string{`line 3 has "2" in column 2`, "no name"}},
		{"shifted row", "file,title\na.jpg,x\nb.jpg,x,y\n", []string{`line 3 has "y" in column 3`, "ends with column 2"}},
		{"shifted row below sep", "sep=,\nfile,title\n\nb.jpg,x,y\n", []string{"line 4 has", "header in line 2"}},
		{"mark within a cell", "file,title\na.jpg,the \"disk\n", []string{"line 2, column 2: a quotation mark within a cell"}},
		{"space before a mark", "file\ttitle\na.jpg\t \"disk\"\n", []string{"line 2, byte 8: a quotation mark within a cell"}},
		{"separator between marks", "file,title,note\na.jpg,the \"one, two\"\n", []string{"line 2, column 2: a quotation mark within a cell"}},
		{"digits between marks", "file,title,note\na.jpg,the \"9, 10\" disk\n", []string{"line 2, column 2: a quotation mark within a cell"}},
		{"text behind a mark", "sep=,\nfile,title\na.jpg,\"x\" y\n", []string{"line 3, byte 9: a quotation mark is not closed, or"}},
		{"open mark", "file,title\na.jpg,\"x\nb.jpg,y\n", []string{"a quotation mark is not closed", "begins in line 2"}},
		{"absolute", "file\n/srv/a.jpg\n", []string{`line 2: "/srv/a.jpg" is an absolute path`}},
		{"drive", "file\na.jpg\nC:\\a.jpg\n", []string{`line 3: "C:\\a.jpg" is an absolute path`}},
		{"share", "file\n\\\\nas\\a.jpg\n", []string{"absolute"}},
		{"up", "file\nsub/../a.jpg\n", []string{`line 2: "sub/../a.jpg" leads up`}},
		{"folder", "file\nsub/\n", []string{`line 2: "sub/" is a folder`}},
		{"dot", "file\n./.\n", []string{"is a folder"}},
		{"long cell", "file\n" + strings.Repeat("x", maxCell+1), []string{"line 2", "longer than 65536 bytes"}},
		{"long name", "file," + strings.Repeat("x", metadata.MaxName), []string{"column 2", "longer than 512 bytes"}},
		{"many columns", "file," + wide, []string{"line 1 has more than 1000 columns"}},
		{"long row", "file\na.jpg\n\"" + strings.Repeat("y\n", maxRow/2+sampleSize), []string{"after line 2: a row is longer than 1 MiB"}},
		{"many rows", "file\n" + strings.Repeat("a\n", maxRows+1), []string{"line 1000002: there are more than 1000000 rows"}},
		{"zero byte", "file,title\na.jpg,x\x00y\n", []string{"line 2: the cell in column 2 holds a zero byte"}},
		{"workbook", "PK\x03\x04filename", []string{"this is a workbook or an archive"}},
		{"damaged UTF-8", "file,title\na,ä\nb,ö\nc,\xfc\n", []string{"line 4 is not UTF-8 as the rest is"}},
		{"marked UTF-8", "\ufefffile,title\nc,\xfc\n", []string{"line 2 is not UTF-8"}},
		{"neither encoding", "file,title\nc,4\x8f\n", []string{"line 2 is not UTF-8, and makes no words in a Western encoding"}},
	}
	for _, tt := range tests {
		_, err := Parse("m.csv", strings.NewReader(tt.text), Options{})
		for _, text := range tt.want {
			if err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("%s: %v, want %q", tt.name, err, text)
			}
		}
	}
}

func TestManifestAccepts(t *testing.T) {
	columns := []string{"file"}
	for i := range maxColumns - 1 {
		columns = append(columns, strconv.Itoa(i))
	}
	for name, text := range map[string]string{
		"as many columns": strings.Join(columns, ",") + "\n" + strings.Join(columns, ","),
		"more, all empty": "file" + strings.Repeat(",", 2*maxColumns) + "\na" + strings.Repeat(",", 2*maxColumns),
		"as long a cell":  "file\n" + strings.Repeat("x", maxCell),
		"header only":     "file,title",
		"separators in the files of the only column": "file\na,b;c.jpg\nd,e.jpg\n",
		"a row that ends the sample":                 "file,title\n" + strings.Repeat("a,\"b\nc\"\n", sampleSize),
		"NESCAF\xc9\xae in Windows-1252":             "file,title\na,NESCAF\xc9\xae\nb,M\xfcller\n",
	} {
		m, err := Parse("m.csv", strings.NewReader(text), Options{})
		if err != nil {
			t.Errorf("%s: %.200v", name, err)
			continue
		}
		if row, ok := m.Row("a"); ok && strings.HasPrefix(name, "NESC") {
			if got := row.Facts()["manifest.title"].Values[0]; got != "NESCAFÉ®" {
				t.Errorf("%s: %q", name, got)
			}
		}
	}
}

// TestManifestSameColumns reads a table with columns of the same name, which is an
// error only where somebody would get one of them.
func TestManifestSameColumns(t *testing.T) {
	const text = "file,Title,note,TITLE\na.jpg,x,y,z\n"
	m := mustManifest(t, text, Options{Asked: map[string]bool{"manifest.note": true}})
	row, _ := m.Row("a.jpg")
	if diff := cmp.Diff(map[string]string{"file": "a.jpg", "note": "y"}, flat(t, row.Facts(), Prefix)); diff != "" {
		t.Error(diff)
	}
	if other, _ := mustManifest(t, "file,note\na.jpg,y\n", Options{}).Row("a.jpg"); other.Sum() != row.Sum() {
		t.Error("the sum holds what is no fact")
	}
	for text, asked := range map[string]string{
		text: "manifest.title", "file,x,FILE\n": "", "content_path,x,Content_Path\n": "", "file,Placeholder,placeholder\n": "",
	} {
		_, err := Parse("m.csv", strings.NewReader(text), Options{Asked: map[string]bool{asked: true}})
		if err == nil || !strings.Contains(err.Error(), "have the same name") {
			t.Errorf("%q: %v, want an error", text, err)
		}
	}
}

// TestManifestBareQuotes reads marks that stand for themselves in cells without
// quotation marks, beside quoted ones.
func TestManifestBareQuotes(t *testing.T) {
	for cell, want := range map[string]string{
		`24" screen`: `24" screen`, `24" x 36"`: `24" x 36"`, `5'10"`: `5'10"`, `a "new" disk`: `a "new" disk`, `x""y`: `x""y`,
		` 8"`: `8"`, "\x1f8\" \x1e": `8"`, `"24"" screen"`: `24" screen`, ` "one, ""two"""`: `one, "two"`, "\"8\"\"\nx\"": "8\"\nx", `""`: "",
	} {
		for _, end := range []string{"\n", "\r\n", "\r"} {
			text := strings.Join([]string{"file,title,note", "a.jpg," + strings.ReplaceAll(cell, "\n", end) + `,"y, 1"`, `b.jpg,"x",3" y`, ""}, end)
			m, err := Parse("m.csv", iotest.OneByteReader(strings.NewReader(text)), Options{})
			if err != nil {
				t.Errorf("%q: %v", text, err)
				continue
			}
			a, _ := m.Row("a.jpg")
			b, _ := m.Row("b.jpg")
			got := []string{flat(t, a.Facts(), Prefix)["title"], flat(t, a.Facts(), Prefix)["note"], flat(t, b.Facts(), Prefix)["note"]}
			if diff := cmp.Diff([]string{want, "y, 1", `3" y`}, got); diff != "" {
				t.Errorf("%q (-want +got):\n%s", text, diff)
			}
		}
	}
}

func TestManifestTooLarge(t *testing.T) {
	row := []byte("\"" + strings.Repeat(" ", 64<<10-3) + "\"\n") // an empty row: none is kept
	r := io.MultiReader(strings.NewReader("file\n"), &endless{text: row})
	_, err := Parse("m.csv", r, Options{})
	if err == nil || !strings.Contains(err.Error(), "larger than 256 MiB") {
		t.Errorf("%v, want the limit", err)
	}
}

// endless repeats a text.
type endless struct {
	text []byte
	at   int
}

func (r *endless) Read(p []byte) (int, error) {
	n := copy(p, r.text[r.at:])
	r.at = (r.at + n) % len(r.text)
	return n, nil
}

func TestManifestReadError(t *testing.T) {
	broken := errors.New("share is gone")
	for _, text := range []string{"", "file\n", "file\na.jpg\n\"b"} {
		r := io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken))
		if _, err := Parse("m.csv", r, Options{}); !errors.Is(err, broken) {
			t.Errorf("%q: %v, want the reader's error", text, err)
		}
	}
	long := "file\n" + strings.Repeat("a.jpg\n", sampleSize)
	r := io.MultiReader(strings.NewReader(long), iotest.ErrReader(broken))
	if _, err := Parse("m.csv", r, Options{}); !errors.Is(err, broken) {
		t.Errorf("behind the sample: %v, want the reader's error", err)
	}
	m, err := Parse("m.csv", iotest.OneByteReader(strings.NewReader("file\na.jpg\n")), Options{})
	if err != nil || m.rows.len() != 1 {
		t.Errorf("byte by byte: %v", err)
	}
}

func TestRowSum(t *testing.T) {
	sum := func(text, rel string) [32]byte {
		row, ok := mustManifest(t, text, Options{}).Row(rel)
		if !ok {
			t.Fatalf("%q has no row for %s", text, rel)
		}
		return row.Sum()
	}
	base := sum("file,title,note\na.jpg,x,y\n", "a.jpg")
	for _, text := range []string{
		"file,note,title\na.jpg,y,x\n", "FILE;Title;note;more\n\n a.jpg;x;\"y\";\n", "z,file,title,note\n,a.jpg,x,y\n",
	} {
		if sum(text, "a.jpg") != base {
			t.Errorf("%q has another sum", text)
		}
	}
	for _, text := range []string{
		"file,title,note\na.jpg,x,z\n", "file,title,note\na.jpg,y,x\n", "file,title,note\na.jpg,xy,\n",
		"file,title,other\na.jpg,x,y\n", "file,title,note\na.jpg,x,\n",
	} {
		if sum(text, "a.jpg") == base {
			t.Errorf("%q has the same sum", text)
		}
	}
}

// TestManifestLines keeps the lines of a cell, however they end; a name has one.
func TestManifestLines(t *testing.T) {
	m := mustManifest(t, "file,keywords,caption,\"ti\ntle\"\n\"sub/\na.jpg\",\"one\r\ntwo\rthree\nfour\",\" First.\u2029\n  Second.\t \n\n\",x\n", Options{})
	row, ok := m.Row("sub/ a.jpg")
	if !ok {
		t.Fatal("no row")
	}
	want := map[string]string{"keywords": "one\ntwo\nthree\nfour", "caption": "First.\n\n  Second.", "ti tle": "x", "file": "sub/\na.jpg"}
	if diff := cmp.Diff(want, flat(t, row.Facts(), Prefix)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if again := mustManifest(t, "file,x\na.jpg,\"1\r\n2\"\na.jpg,\"1\n2\"\n", Options{}); len(again.files.againstKey) != 0 {
		t.Error("rows that differ in how lines end contradict each other")
	}
}
