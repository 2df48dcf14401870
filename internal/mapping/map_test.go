package mapping

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/text/unicode/norm"
	"gopkg.in/yaml.v3"

	"github.com/tenovos-ingest/ingestd/internal/facts"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/internal/yamltree"
)

// mapFile maps a file that was modified on 1 May 2026, 00:30 in Berlin.
func mapFile(m *Mapper, rules Rules, path string) (Result, error) {
	modified := time.Date(2026, 5, 1, 0, 30, 0, 0, time.FixedZone("CEST", 2*60*60))
	return m.Map(facts.Gather(file.File{Folder: "campaigns", Path: path, Stat: file.Stat{Size: 42}}, modified, rules.Levels), path)
}

func TestMap(t *testing.T) {
	m, rules := newMapper(t, `
levels: "{brand}/{campaign}/**"
rules:
  - {match: "**/*.txt", template: Plain, security: Public}
  - match: "**/*.{jpg,png}"
    template: Creative Asset
    security: [Internal, public, s-1]
    metadata:
      Title: {from: [path.campaign, file.stem], case: title}
      Brand: {from: path.brand, map: {acme-co: Acme}, required: true}
      Keywords: {from: file.stem, split: _, map: {ss: Summer, ignore: ""}, match: "^[0-9]+_(.*)$"}
      Shot Date: {from: file.modified}
      iso_date: {from: file.stem, match: "^([0-9]+)_", date: "20060102"}
      Notes: {format: "{path.brand} / {file.name} {{raw}}"}
      Code: {from: path.campaign, default: none}
      Season: Winter
`)
	got, err := mapFile(m, rules, "ACME-CO/spring sale/deep/20260131_SS_autumn_ignore_v-Winter_summer.jpg")
	if err != nil {
		t.Fatal(err)
	}
	want := Result{
		Asset: tenovos.NewAsset{
			TemplateID: "t-1", SecurityIDs: []string{"s-1", "s-2"}, Size: 42,
			Filename: "20260131_SS_autumn_ignore_v-Winter_summer.jpg",
			Metadata: []tenovos.Value{
				tenovos.TextValue("a-title", "Spring Sale"),
				tenovos.SingleValue("a-brand", "v-Acme"),
				tenovos.MultiValue("a-keywords", "v-Summer", "v-Autumn", "v-Winter"),
				tenovos.DateValue("a-shot", "05/01/2026"),
				tenovos.DateValue("a-iso", "2026-01-31"),
				tenovos.TextValue("a-notes", "ACME-CO / 20260131_SS_autumn_ignore_v-Winter_summer.jpg {raw}"),
				tenovos.SingleValue("a-season", "v-Winter"),
			},
		},
		Rule: 1, RulePos: yamltree.Pos{Line: 5, Column: 5}, Template: "Creative Asset",
		Values: []Explained{
			{Attribute: "Title", Value: "Spring Sale", Source: "path.campaign", Origin: `the path's level "campaign"`,
				Passed: []string{"file.stem: 20260131_Ss_autumn_ignore_v-Winter_summer"}},
			{Attribute: "Brand", Value: "Acme", Source: "path.brand", Origin: `the path's level "brand"`},
			{Attribute: "Keywords", Value: "Summer, Autumn, Winter", Source: "file.stem", Origin: "the file's name"},
			{Attribute: "Shot Date", Value: "05/01/2026", Source: "file.modified", Origin: "the file's modification time"},
			{Attribute: "Iso Date", Value: "2026-01-31", Source: "file.stem", Origin: "the file's name"},
			{Attribute: "Notes", Value: "ACME-CO / 20260131_SS_autumn_ignore_v-Winter_summer.jpg {raw}",
				Source: "{path.brand} / {file.name} {{raw}}", Origin: "the format"},
			{Attribute: "Code", Value: "spring sale", Source: "path.campaign", Origin: `the path's level "campaign"`},
			{Attribute: "Season", Value: "Winter", Source: "constant"},
			{Attribute: "security", Value: "Internal, Public", Source: "constant"},
		},
		Problems: []Fault{{Attribute: "Code", Message: `attribute "Code" holds 6 characters, not 11`, Hint: "shorten it"}},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Explained{}, "DefinitionID")); diff != "" {
		t.Errorf("result differs (-want +got):\n%s", diff)
	}
	if wire, err := json.Marshal(got.Asset.Metadata); err != nil || !strings.Contains(string(wire), `{"valueId":"v-Acme"}`) {
		t.Errorf("metadata marshals to %s, %v", wire, err)
	}

	if got, err = mapFile(m, rules, "note.txt"); err != nil || got.Rule != 0 || got.Asset.TemplateID != "t-5" || got.Asset.Metadata == nil || got.Problems != nil {
		t.Errorf("note.txt: %+v, %v; want the first rule with an empty list of metadata", got, err)
	}
	if _, err = mapFile(m, rules, "movie.mov"); !errors.Is(err, ErrNoRule) {
		t.Errorf("movie.mov: %v, want ErrNoRule", err)
	}
}

func TestMapHolds(t *testing.T) {
	m, rules := newMapper(t, `
levels: "{brand}/{season}/**"
rules:
  - match: "**"
    template: Creative Asset
    security: {from: path.brand, map: {acme: Internal}}
    metadata:
      Title: {from: file.stem}
      Brand: {from: path.brand}
      Season: {from: path.season, split: "+"}
      Shot Date: {from: file.stem}
      Notes: {from: path.season, required: true}
`)
	got, err := mapFile(m, rules, "Acmee/Sumer+Winter/a name that is much too long.jpg")
	if err != nil {
		t.Fatal(err)
	}
	want := []Fault{
		{Attribute: "Title", Message: `attribute "Title" holds 20 characters, not 28`, Hint: "shorten it"},
		{Attribute: "Brand", Message: `vocabulary "Brands" has no value "Acmee"`, Hint: `did you mean "Acme"?`, Unknown: true},
		{Attribute: "Season", Message: `vocabulary "Seasons" has no value "Sumer"`, Hint: `did you mean "Summer"?`, Unknown: true},
		{Attribute: "Shot Date", Message: `"a name that is much too long" is no date`, Hint: "write 2006-01-31, or say with `date` how the source writes it"},
		{Attribute: "security", Message: `the account has no security template "Acmee"`, Hint: `use one of "Internal", "Public"`, Unknown: true},
	}
	if diff := cmp.Diff(want, got.Problems); diff != "" {
		t.Errorf("problems differ (-want +got):\n%s", diff)
	}
	if !got.Unknown() {
		t.Error("names that the account does not have are not told from other mistakes")
	}
	got, _ = mapFile(m, rules, "20260131.jpg")
	want = []Fault{
		{Attribute: "Brand", Message: "no source gives a required value", Hint: "give it a value in path.brand; or set a default in the rule"},
		{Attribute: "Notes", Message: "no source gives a required value", Hint: "give it a value in path.season; or set a default in the rule"},
		{Attribute: "security", Message: "no source gives a required value", Hint: "give it a value in path.brand; or set a default in the rule"},
	}
	if diff := cmp.Diff(want, got.Problems); diff != "" {
		t.Errorf("problems differ (-want +got):\n%s", diff)
	}
	if e := got.Values[1]; e.Value != "" || e.Source != "" || !cmp.Equal(e.Tried, []string{"path.brand"}) {
		t.Errorf("a missing brand is explained as %+v", e)
	}
}

// TestMapSaysNotTooMuch: a long list that is wrong from end to end is told of in
// part, and so is what was dropped.
func TestMapSaysNotTooMuch(t *testing.T) {
	m, _ := newMapper(t, `
rules:
  - {match: "drop", template: Creative Asset, security: Public, unknown: drop, metadata:
      {Title: x, Brand: Acme, Keywords: {from: xmp.subject}, Usage Rights: {rows: [{Territory: {from: xmp.subject}}]}}}
  - {match: "**", template: Creative Asset, security: Public, unknown: fail, metadata:
      {Title: x, Brand: Acme, Keywords: {from: xmp.subject}, Usage Rights: {rows: [{Territory: {from: xmp.subject}}]}}}`)
	words := make([]string, 5000)
	for i := range words {
		words[i] = fmt.Sprintf("word %d", i)
	}
	known := metadata.Facts{"xmp.subject": {Values: words, Origin: "the file's XMP"}}
	failed, err := m.Map(known, "x.jpg")
	if err != nil || !failed.Failed() || len(failed.Problems) != 2*(maxTold+1) {
		t.Fatalf("%d problems, failed %v, %v", len(failed.Problems), failed.Failed(), err)
	}
	if last := failed.Problems[maxTold]; last.Message != "and 4980 more" || last.Attribute != "Keywords" || !last.Fail {
		t.Errorf("the last of one attribute is %+v", last)
	}
	dropped, err := m.Map(known, "drop")
	if err != nil || len(dropped.Problems) > 0 || len(dropped.Asset.Metadata) != 2 {
		t.Fatalf("%+v, %v", dropped.Problems, err)
	}
	if got := dropped.Values[2].Dropped; len(got) != maxTold+1 || got[maxTold] != "and 4980 more" {
		t.Errorf("dropped: %q", got)
	}
}

// TestForms holds what each form makes of acme-co/ss26/0001_Front_rear.JPG.
func TestForms(t *testing.T) {
	tests := []struct {
		form   string
		want   string // texts joined with |
		source string
	}{
		{"plain", "plain", "constant"},
		{"2024-01-02", "2024-01-02", "constant"},
		{"017", "017", "constant"},
		{"true", "true", "constant"},
		{"[a, 1_000, b]", "a|1_000|b", "constant"},
		{"{from: file.stem}", "0001_Front_rear", "file.stem"},
		{"{from: [path.none, file.ext]}", "JPG", "file.ext"},
		{"{from: path.none}", "", ""},
		{"{from: path.none, default: x}", "x", "default"},
		{"{from: path.none, default: [x, y]}", "x|y", "default"},
		{"{from: file.stem, match: '^([0-9]+)_'}", "0001", "file.stem"},
		{"{from: file.stem, match: '[a-z]+$'}", "rear", "file.stem"},
		{"{from: [file.ext, file.stem], match: '^[0-9]+'}", "0001", "file.stem"},
		{"{from: file.stem, split: _}", "0001|Front|rear", "file.stem"},
		{"{from: file.stem, split: _, map: {front: F, '0001': ''}}", "F|rear", "file.stem"},
		{"{from: file.stem, match: '_(.*)', split: _, map: {Front: A, FRONT: B, rear: C}}", "A|C", "file.stem"},
		{"{from: path.brand, map: {acme-co: Acme}}", "Acme", "path.brand"},
		{"{from: path.brand, map: {other: Other}}", "acme-co", "path.brand"},
		{"{from: path.brand, map: {acme-co: ''}, default: x}", "x", "default"},
		{"{from: file.ext, case: lower}", "jpg", "file.ext"},
		{"{from: path.brand, case: upper}", "ACME-CO", "path.brand"},
		{"{from: path.brand, case: title}", "Acme-Co", "path.brand"},
		{"{format: '{path.brand} {file.ext}'}", "acme-co JPG", "{path.brand} {file.ext}"},
		{"{format: '{path.brand} {path.none}', default: x}", "x", "default"},
		{"{format: '{file.stem}', match: '_(.*)_'}", "Front", "{file.stem}"},
		{"{from: file.size}", "42", "file.size"},
		{"{from: file.modified}", "2026-05-01T00:30:00+02:00", "file.modified"},
		{"{from: file.folder}", "campaigns", "file.folder"},
		{"{from: xmp.subject}", "hills|evening", "xmp.subject"}, // an empty one has its place in a table only
		{"{format: '{xmp.subject}'}", "hills, evening", "{xmp.subject}"},
	}
	const path = "acme-co/ss26/0001_Front_rear.JPG"
	for _, tt := range tests {
		rules, problems := parseRules(t, "levels: '{brand}/{campaign}/{none}/**'\nrules: [{match: '**', template: T, security: S, metadata: {X: "+tt.form+"}}]")
		if len(problems) > 0 {
			t.Errorf("%s: %v", tt.form, problems)
			continue
		}
		known := facts.Gather(file.File{Folder: "campaigns", Path: path, Stat: file.Stat{Size: 42}},
			time.Date(2026, 5, 1, 0, 30, 0, 0, time.FixedZone("", 7200)), rules.Levels)
		known["xmp.subject"] = metadata.Fact{Values: []string{"", "hills", "", "evening"}, Origin: "the test"}
		got := rules.Rules[0].lines[0].form.eval(known)
		if joined := strings.Join(got.texts, "|"); joined != tt.want || got.source != tt.source {
			t.Errorf("%s: %q from %q, want %q from %q", tt.form, joined, got.source, tt.want, tt.source)
		}
	}
}

func TestFilename(t *testing.T) {
	long := strings.Repeat("ü", 200)
	for path, want := range map[string]string{
		"a/b/c d.jpg":          "c d.jpg",
		"Mu\u0308ller.jpg":     "Müller.jpg",
		"a\x00b\x1b\n.jpg":     "ab.jpg",
		"a\xffb.jpg":           "a\uFFFDb.jpg",
		"a/":                   "unnamed",
		"":                     "unnamed",
		"\x01":                 "unnamed",
		"x/ ..":                "unnamed",
		"👩‍🚀.png":              "👩‍🚀.png",
		"#%&?+.png":            "#%&?+.png",
		long + ".jpeg":         strings.Repeat("ü", 125) + ".jpeg",
		"x." + long:            "x." + strings.Repeat("ü", 126),
		strings.Repeat(".", 3): "unnamed",
	} {
		if got := Filename(path); got != want {
			t.Errorf("Filename(%q) = %q, want %q", path, got, want)
		}
	}
}

func TestDateLayout(t *testing.T) {
	for format, want := range map[string]string{
		"": "01/02/2006", "N/A": "01/02/2006", "MM/DD/YYYY": "01/02/2006", "MM/dd/yyyy": "01/02/2006", "mm/dd/yyyy": "01/02/2006",
		"yyyy-MM-dd": "2006-01-02", "dd/MM/yyyy": "02/01/2006", "d.M.yyyy": "2.1.2006", "dd MMM yyyy": "02 Jan 2006",
		"yyyy-MM-dd HH:mm:ss": "2006-01-02 15:04:05", "QQ": "", "yyyy-MM": "", "MM/dd": "", "ÿ": "",
	} {
		got, err := dateLayout(format)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("dateLayout(%q) = %q, %v; want %q", format, got, err, want)
		}
	}
}

func TestDates(t *testing.T) {
	a := &attribute{kind: tenovos.Date, layout: "02/01/2006"}
	for _, tt := range []struct{ text, layouts, want string }{ // layouts with a bar between them
		{"2026-01-31", "", "31/01/2026"},
		{"2026-01-31T23:30:00-05:00", "", "31/01/2026"},
		{"2026-01-31T23:30:00.123Z", "", "31/01/2026"},
		{"2026:01:31 23:30:00", "", "31/01/2026"},
		{"2026:01:31 23:30:00.50+02:00", "", "31/01/2026"},
		{"20260131", "", "31/01/2026"},
		{"31/01/2026", "", "31/01/2026"}, // as the account itself writes it
		{"01/31/2026", "", ""},
		{"01/31/2026", "01/02/2006", "31/01/2026"},
		{"31. January 2026", "2. January 2006", "31/01/2026"},
		{"2026-01-31T23:30:00+0200", "", "31/01/2026"},
		{"2026:01:31 23:30:00-0530", "", "31/01/2026"},
		{"2026-01-31", "01/02/2006", "31/01/2026"}, // as facts hold it
		{"2026-01-31T23:30:00.045+09:00", "2006:01:02 15:04:05", "31/01/2026"},
		{"2026-01-31", "20060102", "31/01/2026"},
		{"2026:01:31", "01/02/2006", ""},
		{"2026-05-01", "2006-02-01", "05/01/2026"},
		{"2026-01-31", "2006-02-01", ""}, // nobody knows which number is the month
		{"31.01.2026", "01/02/2006|02.01.2006", "31/01/2026"},
		{"01/31/2026", "01/02/2006|02.01.2006", "31/01/2026"},
		{"01/05/2026", "01/02/2006|02/01/2006", "05/01/2026"}, // the first that fits
		{"31/01/2026", "01/02/2006|02/01/2006", "31/01/2026"},
		{"2026-01-31T23:30:00Z", "01/02/2006|02.01.2006", "31/01/2026"},
		{"2026-01-31", "02.01.2006|2006-02-01", ""},
		{"2026-01-31", "2006-02-01|2006-01-02", "31/01/2026"}, // since it is asked for
		{"2026/01/31", "01/02/2006|02.01.2006", ""},
		{"2026-02-30", "", ""},
		{"0000:00:00 00:00:00", "", ""},
		{"", "", ""},
	} {
		got, bad := a.item(tt.text, layoutsOf(tt.layouts), true)
		if got.shown != tt.want || (bad == nil) != (tt.want != "") {
			t.Errorf("date %q in %q: %q, %v; want %q", tt.text, tt.layouts, got.shown, bad, tt.want)
		}
	}
}

func layoutsOf(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "|")
}

func TestDatesWithoutDay(t *testing.T) {
	a := &attribute{kind: tenovos.Date, layout: "02/01/2006"}
	for _, text := range []string{"2024-03", "2024"} {
		for _, layout := range []string{"", "02.01.2006", "02.01.2006|01/02/2006"} {
			_, bad := a.item(text, layoutsOf(layout), true)
			if want := fmt.Sprintf("%q is a date without a day", text); bad == nil || bad.message != want {
				t.Errorf("date %q in %q: %v, want %s", text, layout, bad, want)
			}
		}
	}
}

func TestEqualDatesAreOne(t *testing.T) {
	a := &attribute{Attribute: tenovos.Attribute{Name: "Shot Date"}, kind: tenovos.Date, layout: "02/01/2006"}
	if got := a.fill([]string{"2026-01-31", "2026-01-31T10:00:00"}, nil, 1); !got.ok || got.shown != "31/01/2026" {
		t.Errorf("%+v, want one date", got)
	}
	if got := a.fill([]string{"2026-01-31", "2026-02-01"}, nil, 1); got.ok || len(got.bad) != 1 {
		t.Errorf("%+v, want a fault", got)
	}
}

func FuzzFilename(f *testing.F) {
	for _, seed := range []string{"a/b.jpg", "\xff.\x00", strings.Repeat("u\u0308", 300) + ".tiff", "." + strings.Repeat("é", 255)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		name := Filename(path)
		switch {
		case name == "" || name == "." || name == "..":
			t.Fatalf("%q has no name: %q", path, name)
		case len(name) > maxFilename || !utf8.ValidString(name) || !norm.NFC.IsNormalString(name):
			t.Fatalf("%q becomes %q", path, name)
		case strings.ContainsFunc(name, func(r rune) bool { return r == '/' || unicode.IsControl(r) }):
			t.Fatalf("%q becomes %q", path, name)
		case Filename(name) != name:
			t.Fatalf("%q becomes %q, and that %q", path, name, Filename(name))
		}
	})
}

// FuzzParseRules: whatever the rules are, they are refused with a place or map a
// file to something that can be sent, of a size that the facts bound.
func FuzzParseRules(f *testing.F) {
	f.Add("levels: '{brand}/**'\nrules: [{match: '**', template: t-1, security: s-1, metadata: {Title: x, Brand: Acme}}]", "acme/x.jpg", "EMEA")
	f.Add("rules: [{match: '{a,b}*', template: t-1, security: {from: file.ext, map: {a: b}}, metadata: {Title: {format: '{{{file.stem}}}'}, "+
		"Brand: {from: file.ext, match: '(a)|b', split: ',', case: title, date: '2006-01-02', default: [x], required: true}}}]", "a.\xff", "")
	for _, file := range []string{"testdata/account.yaml", "testdata/rules.yaml"} {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data), "a/b.jpg", "x")
	}
	scripts, _ := filepath.Glob("testdata/map/*.txtar")
	for _, script := range scripts {
		archive, err := txtar.ParseFile(script)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(archive.Files[0].Data), "hold/a.jpg", "EMEA;APAC,Web;2026-01-31;Europe/Germany")
	}
	f.Fuzz(func(t *testing.T, text, path, fact string) {
		var doc yaml.Node
		if yaml.Unmarshal([]byte(text), &doc) != nil || len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode || hasAlias(&doc) {
			return // config makes the tree plain before it comes here
		}
		r := yamltree.NewReader(nil)
		fields := r.Fields(doc.Content[0], "the test", yamltree.Keys{Known: []string{"levels", "rules"}})
		rules := ParseRules(r, fields["levels"], fields["rules"])
		VocabularyIDs([]Rules{rules}, account())
		m, problems := Resolve(rules, account())
		if m == nil && len(problems) == 0 {
			t.Fatal("neither a Mapper nor problems")
		}
		if len(r.Problems()) > 0 || m == nil {
			return
		}
		known := facts.Gather(file.File{Folder: "campaigns", Path: path, Stat: file.Stat{Size: 42}}, time.Unix(1777588200, 0), rules.Levels)
		values := strings.Split(metadata.Clean(fact), ";")
		for name := range m.Needs().Names {
			if _, ok := known[name]; !ok && strings.Join(values, "") != "" {
				known[name] = metadata.Fact{Values: values, Origin: "the test"}
			}
		}
		got, err := m.Map(known, path)
		if err != nil {
			return
		}
		if len(got.Problems) == 0 && (got.Asset.TemplateID == "" || len(got.Asset.SecurityIDs) == 0) {
			t.Fatalf("an asset without template or security: %+v", got)
		}
		for _, v := range got.Asset.Metadata {
			if v.Kind == tenovos.Table && (len(v.Rows) == 0 || len(v.Rows) > len(text)*(len(text)+len(path)+len(fact)+1)) {
				t.Fatalf("a table of %d rows", len(v.Rows))
			}
		}
		if len(got.Problems) > (maxTold+1)*(len(text)+1) {
			t.Fatalf("%d problems", len(got.Problems))
		}
		wire, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		var back Result
		if err := json.Unmarshal(wire, &back); err != nil || len(tenovos.Changes(back.Asset.Metadata, got.Asset.Metadata)) > 0 {
			t.Fatalf("%s came back changed, %v", wire, err)
		}
	})
}

// hasAlias says whether a tree has aliases.
func hasAlias(n *yaml.Node) bool {
	if n.Kind == yaml.AliasNode {
		return true
	}
	return slices.ContainsFunc(n.Content, hasAlias)
}
