package manifest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/unicode"
)

// TestManifestBytes reads manifests as Excel exports them on Windows and on a Mac.
func TestManifestBytes(t *testing.T) {
	for name, words := range map[string][]string{
		"German":         {"Mädchen", "über", "Größe", "Öl für Köln", "ÄRZTE", "schön"},
		"German, small":  {"für"},
		"French":         {"l’été à Genève", "garçon", "hôtel", "FRANÇAIS", "Noël", "CAFÉ", "œuvre"},
		"French, small":  {"café"},
		"Spanish":        {"mañana", "canción", "ESPAÑA", "Ávila", "próximo", "¿qué?", "María"},
		"Spanish, small": {"niño"},
		"signs":          {"Müller® © 2024", "für 5 € – „neu“"},
		"one sign":       {"Acme™"},
		"quotes":         {"The “Hello” campaign"},
		"dashes":         {"Summer – Winter", "9–5", "one—two"},
		"apostrophes":    {"It’s the world’s best", "‘Summer’ sale"},
		"more signs":     {"• first", "and so on…", "30° below", "£20", "1¢", "4½ inches", "12 m²", "§ 5", "24 × 36"},
	} {
		for _, encoding := range []*charmap.Charmap{charmap.Windows1252, charmap.Macintosh} {
			if encoding == charmap.Macintosh && name == "more signs" {
				words = slices.DeleteFunc(slices.Clone(words), func(word string) bool { return strings.ContainsAny(word, "½²×") }) // it has none
			}
			text, err := encoding.NewEncoder().String("file;Höhe;title\na.jpg;;" + strings.Join(words, "\na.jpg;;") + "\n")
			if err != nil {
				t.Fatal(err)
			}
			m := mustManifest(t, text, Options{})
			var got []string
			for row := range m.All() {
				got = append(got, row.Facts()["manifest.title"].Values...)
			}
			if !slices.Equal(got, words) || m.Columns()[1] != "Höhe" {
				t.Errorf("%s in %s: %q in the columns %q", name, encoding, got, m.Columns())
			}
			if name == "one sign" || name == "quotes" { // without the help of the header
				m := mustManifest(t, strings.Replace(text, "H\xf6he", "x", 1), Options{})
				if row, _ := m.Row("a.jpg"); encoding == charmap.Windows1252 && row.Facts()["manifest.title"].Values[0] != words[0] {
					t.Errorf("%s in %s: %v", name, encoding, row.Facts())
				}
			}
		}
	}
}

// TestManifestBytesTie takes the reading that several encodings agree on, whichever
// of them it is.
func TestManifestBytesTie(t *testing.T) {
	m := mustManifest(t, "file,title\na.jpg,\x8akoda\n", Options{})
	if row, _ := m.Row("a.jpg"); row.Facts()["manifest.title"].Values[0] != "Škoda" {
		t.Errorf("%v", row.Facts())
	}
}

// TestManifestBytesUnclear refuses a word or two that are about as likely in two
// Western encodings.
func TestManifestBytesUnclear(t *testing.T) {
	for written, wrong := range map[string]string{
		"Sj\x9a":             "Sjš",             // Sjö on a Mac
		"Jab\x97n artesanal": "Jab—n artesanal", // Jabón on a Mac
		"Price \xa449.99":    "Price §49.99",    // Price €49.99 in ISO-8859-15
	} {
		text := "file,title\na.jpg,\"" + strings.ReplaceAll(written, `"`, `""`) + "\"\n"
		m, err := Parse("m.csv", strings.NewReader(text), Options{})
		if err != nil {
			if !strings.Contains(err.Error(), "`encoding` of the folder") {
				t.Error(err)
			}
			continue
		}
		if row, _ := m.Row("a.jpg"); row.Facts()["manifest.title"].Values[0] == wrong {
			t.Errorf("%v", row.Facts())
		}
	}
}

// TestManifestBytesUnopened takes a closing quotation mark for a letter of another
// encoding where nothing opens it.
func TestManifestBytesUnopened(t *testing.T) {
	m, err := Parse("m.csv", strings.NewReader("file,title\na.jpg,Troms\x9b\n"), Options{}) // Tromsø, as DOS wrote it
	if err == nil {
		row, _ := m.Row("a.jpg")
		t.Errorf("%v", row.Facts())
	}
	m = mustManifest(t, "file,title\na.jpg,le caf\xe9 \x8bici\x9b\n", Options{})
	if row, _ := m.Row("a.jpg"); row.Facts()["manifest.title"].Values[0] != "le café ‹ici›" {
		t.Errorf("%v", row.Facts())
	}
}

// phrases are texts in many languages, by the code of the language.
func phrases(t *testing.T) (byLanguage map[string][]string, languages []string) {
	t.Helper()
	data, err := os.ReadFile("testdata/encodings/phrases.txt")
	if err != nil {
		t.Fatal(err)
	}
	byLanguage = map[string][]string{}
	for line := range strings.Lines(string(data)) {
		parts := strings.Split(strings.TrimSpace(line), "|")
		if byLanguage[parts[0]] == nil {
			languages = append(languages, parts[0])
		}
		byLanguage[parts[0]] = append(byLanguage[parts[0]], parts[1:]...)
	}
	return byLanguage, languages
}

func encodingOf(t *testing.T, name string) encoding.Encoding {
	t.Helper()
	if e, err := htmlindex.Get(name); err == nil {
		return e
	}
	e, err := ianaindex.IANA.Encoding(name)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// codePages are the encodings that tables of a language come in. The first two of
// a Western language are told apart.
var codePages = map[string][]string{
	"Western": {"windows-1252", "macintosh", "ibm850", "iso-8859-15"},
	"pl":      {"windows-1250", "iso-8859-2"}, "cs": {"windows-1250", "iso-8859-2"}, "sk": {"windows-1250", "iso-8859-2"},
	"hu": {"windows-1250", "iso-8859-2"}, "ro": {"windows-1250", "iso-8859-2"}, "hr": {"windows-1250", "iso-8859-2"},
	"sl": {"windows-1250", "iso-8859-2"}, "tr": {"windows-1254"}, "lt": {"windows-1257"}, "lv": {"windows-1257"},
	"ru": {"windows-1251", "koi8-r", "iso-8859-5", "ibm866"}, "bg": {"windows-1251", "koi8-r", "iso-8859-5", "ibm866"},
	"uk": {"windows-1251", "iso-8859-5"}, "el": {"windows-1253", "iso-8859-7"}, "he": {"windows-1255"}, "ar": {"windows-1256"},
	"ja": {"shift_jis", "euc-jp"}, "zh": {"gbk", "gb18030"}, "zh-TW": {"big5"}, "ko": {"euc-kr"},
}

// table is a manifest in one encoding.
type encodedTable struct {
	language, encoding string
	western            bool
	titles             []string
	data               string
}

// encodedTables makes tables of one to twelve phrases in every language and encoding.
func encodedTables(t *testing.T) []encodedTable {
	random := rand.New(rand.NewPCG(1, 2))
	byLanguage, languages := phrases(t)
	var tables []encodedTable
	for _, language := range languages {
		pages, other := codePages[language]
		if !other {
			pages = codePages["Western"]
		}
		for _, page := range pages {
			for _, n := range []int{1, 1, 1, 1, 2, 2, 3, 5, 8, 12} {
				list := byLanguage[language]
				random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
				table := encodedTable{language: language, encoding: page, western: !other, titles: slices.Clone(list[:min(n, len(list))])}
				text := "filename,title\r\n"
				for i, title := range table.titles {
					text += fmt.Sprintf("IMG_%04d.jpg,\"%s\"\r\n", i, title)
				}
				data, err := encodingOf(t, page).NewEncoder().String(text)
				if err != nil || utf8.ValidString(data) {
					continue // it lacks a sign, or there is nothing to find out
				}
				table.data = data
				tables = append(tables, table)
			}
		}
	}
	return tables
}

func (e encodedTable) read(o Options) (titles []string, err error) {
	m, err := Parse("m.csv", strings.NewReader(e.data), o)
	if err != nil {
		return nil, err
	}
	for row := range m.All() {
		titles = append(titles, row.Facts()["manifest.title"].Values...)
	}
	return titles, nil
}

// TestManifestEncodings reads tables that say nothing of how they are written. None
// may be read wrongly; what cannot be known is refused, with what to do about it. Only
// DOS code pages, whose tables nobody makes any more, are mistaken where a word or two
// are all there is.
func TestManifestEncodings(t *testing.T) {
	type count struct{ right, wrong, held int }
	counts := map[string]*count{}
	all := encodedTables(t)
	for _, table := range all {
		c := counts[table.encoding]
		if c == nil {
			c = &count{}
			counts[table.encoding] = c
		}
		titles, err := table.read(Options{})
		switch {
		case err == nil && slices.Equal(titles, table.titles):
			c.right++
		case err == nil:
			c.wrong++
			if table.encoding != "ibm850" {
				t.Errorf("%s in %s is read as %q, not %q", table.language, table.encoding, titles, table.titles)
			}
		default:
			c.held++
			if table.western && !strings.Contains(err.Error(), "`encoding` of the folder") {
				t.Errorf("%s in %s: %v", table.language, table.encoding, err)
			}
		}
	}
	for name, c := range counts {
		t.Logf("%s: %d right, %d wrong, %d held", name, c.right, c.wrong, c.held)
	}
	for _, name := range codePages["Western"][:2] {
		if c := counts[name]; c.right < 20*c.held {
			t.Errorf("%s: %d right, %d held", name, c.right, c.held)
		}
	}
	if c := counts["ibm850"]; len(all) < 600 || c.right < 10*c.wrong {
		t.Errorf("%d tables; ibm850: %+v", len(all), c)
	}
}

// TestManifestEncodingSaid reads the same tables where somebody says how they are
// written.
func TestManifestEncodingSaid(t *testing.T) {
	for _, table := range encodedTables(t) {
		titles, err := table.read(Options{Encoding: encodingOf(t, table.encoding)})
		if err != nil || !slices.Equal(titles, table.titles) {
			t.Errorf("%s in %s: %q, %v; want %q", table.language, table.encoding, titles, err, table.titles)
		}
	}
	// A mark says more than the configuration, and what cannot be that encoding is said.
	marked := encodedTable{data: "\ufefffile,title\na.jpg,Größe\n"}
	if titles, err := marked.read(Options{Encoding: charmap.Windows1251}); err != nil || !slices.Equal(titles, []string{"Größe"}) {
		t.Errorf("%q, %v", titles, err)
	}
	wrong := encodedTable{data: "file,title\na.jpg,Gr\xf6\xdfe\n"}
	if _, err := wrong.read(Options{Encoding: encodingOf(t, "utf-8")}); err == nil || !strings.Contains(err.Error(), "line 2 has \"Gr") || !strings.Contains(err.Error(), "not UTF-8, as `encoding` says") {
		t.Errorf("%v", err)
	}
}

// TestManifestUTF16 reads UTF-16 of every language, with a mark and without.
func TestManifestUTF16(t *testing.T) {
	byLanguage, languages := phrases(t)
	for _, language := range languages {
		list := byLanguage[language]
		for n := 1; n <= len(list); n++ {
			want := list[len(list)-n:]
			header := "filename,title\r\n"
			if n%2 == 0 {
				header = "ファイル,説明,filename,title\r\n"
			}
			cells := ""
			if n%2 == 0 {
				cells = "写真,写真,"
			}
			if n%3 == 0 { // hardly any ASCII in the first lines
				header, cells = "\""+strings.Repeat("写真の説明、", 25)+"\","+header, "写真,"+cells
			}
			text := header
			for i, title := range want {
				text += cells + fmt.Sprintf("%d.jpg,\"%s\"\r\n", i, title)
			}
			for _, e := range []encoding.Encoding{
				unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM),
				unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), unicode.UTF16(unicode.BigEndian, unicode.UseBOM),
			} {
				data, err := e.NewEncoder().String(text)
				if err != nil {
					t.Fatal(err)
				}
				if titles, err := (encodedTable{data: data}).read(Options{}); err != nil || !slices.Equal(titles, want) {
					t.Errorf("%s in %v: %q, %v; want %q", language, e, titles, err, want)
				}
			}
		}
	}
}

// TestManifestEncodingHeld refuses what no Western encoding makes words of.
func TestManifestEncodingHeld(t *testing.T) {
	for _, cell := range []string{
		"Moscow \xcc\xee\xf1\xea\xe2\xe0", "\xcc\xee\xf1\xea\xe2\xe0", // windows-1251
		"Za\xbf\xf3\xb3\xe6 g\xea\x9cl\xb9 ja\x9f\xf1", // windows-1250
		"\x8e\xca\x90\x5e", // shift_jis
	} {
		_, err := Parse("m.csv", strings.NewReader("filename,title\nx.jpg,"+cell+"\n"), Options{})
		if err == nil || !strings.Contains(err.Error(), "line 2 is not UTF-8, and makes no words in a Western encoding; say which one it is with `encoding` of the folder") {
			t.Errorf("%q: %v", cell, err)
		}
	}
}
