package mapping

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/internal/yamltree"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// account is an account with one of everything.
func account() Account {
	vocabulary := func(id, name string, values ...string) tenovos.Vocabulary {
		v := tenovos.Vocabulary{ID: id, Name: name}
		for _, value := range values {
			v.Values = append(v.Values, tenovos.VocabularyValue{ID: "v-" + value, Name: value})
		}
		return v
	}
	levels := []tenovos.Attribute{
		{ID: "l-continent", Name: "Continent", Type: "controlledVocabulary", VocabularyID: "voc-continent"},
		{ID: "l-country", Name: "Country", Type: "controlledVocabulary", VocabularyID: "voc-country"},
		{ID: "l-city", Name: "City", Type: "controlledVocabulary", VocabularyID: "voc-city"},
	}
	return Account{
		Templates: []tenovos.Template{
			{ID: "t-1", Name: "Creative Asset", Type: "default", Attributes: []tenovos.Attribute{
				{ID: "a-title", Name: "Title", SearchField: "title", Type: "text", Required: true, Length: 20},
				{ID: "a-brand", Name: "Brand", SearchField: "brand_name", Type: "controlledVocabulary", VocabularyID: "voc-brand", Required: true},
				{ID: "a-keywords", Name: "Keywords", SearchField: "keywords", Type: "controlledVocabulary", VocabularyID: "voc-season", Multiple: true},
				{ID: "a-season", Name: "Season", SearchField: "season", Type: "controlledVocabulary", VocabularyID: "voc-season"},
				{ID: "a-region", Name: "Region", SearchField: "region", Type: "controlledVocabulary", VocabularyID: "voc-region"},
				{ID: "a-code", Name: "Code", SearchField: "code_field", Type: "text", Length: 6},
				{ID: "a-notes", Name: "Notes", SearchField: "notes", Type: "text"},
				{ID: "a-shot", Name: "Shot Date", SearchField: "shot_date", Type: "date", DateFormat: "MM/dd/yyyy"},
				{ID: "a-iso", Name: "Iso Date", SearchField: "iso_date", Type: "date", DateFormat: "yyyy-MM-dd"},
				{ID: "a-odd", Name: "Odd Date", SearchField: "odd_date", Type: "date", DateFormat: "QQ yyyy"},
				{ID: "a-by", Name: "Created By", SearchField: "created_by", Type: "text", ReadOnly: true, Required: true},
				{ID: "a-sum", Name: "Checksum", SearchField: "system_checksum", Type: "text", Required: true},
				{ID: "a-rights", Name: "Usage Rights", SearchField: "rights", Type: "tableAttribute", Columns: []tenovos.Attribute{
					{ID: "c-territory", Name: "Territory", SearchField: "territory", Type: "controlledVocabulary", VocabularyID: "voc-territory"},
					{ID: "c-expire", Name: "Rights Expire", SearchField: "rights_expire", Type: "date", DateFormat: "dd/MM/yyyy"},
					{ID: "c-note", Name: "Note", SearchField: "note", Type: "text", Length: 10},
					{ID: "c-channels", Name: "Channels", SearchField: "channels", Type: "controlledVocabulary", VocabularyID: "voc-channel", Multiple: true},
					{ID: "c-place", Name: "Place", SearchField: "place", Type: "cascade", Columns: levels},
					{ID: "c-deep", Name: "Deep", SearchField: "deep", Type: "cascade"},
					{ID: "c-log", Name: "Log", SearchField: "log", Type: "text", ReadOnly: true, Required: true},
					{ID: "c-embed", Name: "Embed", SearchField: "embed", Type: "externalContent"},
				}},
				{ID: "a-terms", Name: "Terms", SearchField: "terms", Type: "complex", Columns: []tenovos.Attribute{
					{ID: "c-clause", Name: "Clause", Type: "text", Required: true},
					{ID: "c-until", Name: "Until", Type: "date"},
				}},
				{ID: "a-fees", Name: "Fees", SearchField: "fees", Type: "grid"},
				{ID: "a-origin", Name: "Origin", SearchField: "origin", Type: "cascade", Columns: levels},
				{ID: "a-embed", Name: "Embed", SearchField: "embed", Type: "externalContent",
					Columns: []tenovos.Attribute{{ID: "g-1", Name: "Readers"}}},
				{ID: "a-hidden", Name: "Hidden", SearchField: "hidden", Type: "controlledVocabulary", VocabularyID: "voc-none"},
				{ID: "a-price1", Name: "Price", SearchField: "price1", Type: "text"},
				{ID: "a-price2", Name: "Price", SearchField: "price2", Type: "text"},
			}},
			{ID: "t-2", Name: "Creative Asset", Type: "search"},
			{ID: "t-3", Name: "Other", Type: "default"},
			{ID: "t-4", Name: "Other", Type: "default"},
			{ID: "t-5", Name: "Plain"},
		},
		Vocabularies: map[string]tenovos.Vocabulary{
			"voc-brand":     vocabulary("voc-brand", "Brands", "Acme", "Globex", "Initech", "Müller"),
			"voc-season":    vocabulary("voc-season", "Seasons", "Spring", "Summer", "Autumn", "Winter"),
			"voc-territory": vocabulary("voc-territory", "Territories", "EMEA", "APAC", "Americas"),
			"voc-channel":   vocabulary("voc-channel", "Channels", "Web", "Print", "Social"),
			"voc-continent": vocabulary("voc-continent", "Continents", "Europe", "Asia"),
			"voc-country":   vocabulary("voc-country", "Countries", "Germany", "Japan"),
			"voc-city":      vocabulary("voc-city", "Cities", "Berlin", "Tokyo"),
			"voc-region":    vocabulary("voc-region", "Regions", "EMEA", "Emea", "APAC"),
		},
		Security: []tenovos.SecurityTemplate{{ID: "s-1", Name: "Internal"}, {ID: "s-2", Name: "Public"}},
	}
}

// parseRules reads a document with the keys levels and rules.
func parseRules(t testing.TB, text string) (Rules, []yamltree.Problem) {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	r := yamltree.NewReader(nil)
	f := r.Fields(doc.Content[0], "the test", yamltree.Keys{Known: []string{"levels", "rules"}})
	rules := ParseRules(r, f["levels"], f["rules"])
	return rules, r.Problems()
}

// newMapper resolves rules that are right.
func newMapper(t testing.TB, text string) (*Mapper, Rules) {
	t.Helper()
	rules, problems := parseRules(t, text)
	if len(problems) > 0 {
		t.Fatalf("rules: %v", problems)
	}
	m, problems := Resolve(rules, account())
	if len(problems) > 0 {
		t.Fatalf("account: %v", problems)
	}
	return m, rules
}

// TestRuleMistakesAtOnce: what is wrong in the rules whatever the account has.
func TestRuleMistakesAtOnce(t *testing.T) {
	data, err := os.ReadFile("testdata/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, problems := parseRules(t, string(data))
	golden(t, "testdata/rules.golden", string(data), yamltree.SortProblems(problems))
}

func TestAccountMistakesAtOnce(t *testing.T) {
	data, err := os.ReadFile("testdata/account.yaml")
	if err != nil {
		t.Fatal(err)
	}
	rules, problems := parseRules(t, string(data))
	if len(problems) > 0 {
		t.Fatalf("the file itself has problems: %v", problems)
	}
	m, problems := Resolve(rules, account())
	if m != nil {
		t.Error("a Mapper in spite of problems")
	}
	golden(t, "testdata/account.golden", string(data), problems)
}

// golden compares problems with those of a file. Each line of text that a comment
// calls wrong has a problem; a missing attribute is said of the rule.
func golden(t *testing.T, file, text string, problems []yamltree.Problem) {
	t.Helper()
	var got strings.Builder
	at := map[int]bool{}
	for _, p := range problems {
		got.WriteString(p.String() + "\n")
		at[p.Line] = true
	}
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("problems differ (-want +got):\n%s", diff)
	}
	for i, line := range strings.Split(text, "\n") {
		if strings.Contains(line, "# ") && !at[i+1] && !strings.Contains(line, "fills neither") {
			t.Errorf("line %d has no problem: %s", i+1, line)
		}
	}
}

func TestResolveAccepts(t *testing.T) {
	tests := map[string]string{
		"by id":                "template: t-5, security: s-1",
		"ignoring case":        "template: plain, security: PUBLIC",
		"search field":         "template: Creative Asset, security: Public, metadata: {title: x, brand_name: acme}",
		"attribute id":         "template: t-1, security: Public, metadata: {a-title: x, a-brand: v-Acme}",
		"exact among similar":  "template: t-1, security: Public, metadata: {Title: x, Brand: Acme, Region: EMEA, price1: 10}",
		"decomposed":           "template: t-1, security: Public, metadata: {Title: x, Brand: \"Mu\u0308ller\"}",
		"dates as YAML sees":   "template: t-1, security: Public, metadata: {Title: 017, Brand: Acme, Shot Date: 2026-01-31, Iso Date: 2026-01-31T23:00:00+02:00}",
		"security form":        "template: t-5, security: {from: file.folder, default: Internal}",
		"empty map right side": "template: t-1, security: Public, metadata: {Title: x, Brand: {from: file.stem, map: {none: ''}}}",
	}
	for name, rule := range tests {
		rules, problems := parseRules(t, "rules: [{match: '**', "+rule+"}]")
		if len(problems) > 0 {
			t.Errorf("%s: %v", name, problems)
			continue
		}
		if _, problems := Resolve(rules, account()); len(problems) > 0 {
			t.Errorf("%s: %v", name, problems)
		}
	}
}

func TestVocabularyIDs(t *testing.T) {
	rules, _ := parseRules(t, `rules:
  - {match: "**", template: Creative Asset, security: x, metadata: {Brand: x, Keywords: x, Season: x, Title: x, None: x}}
  - {match: "**", template: Creative Asset, security: x, metadata: {Usage Rights: {rows: [{Territory: x, Note: x}, {Place: x, Territory: x, None: x}]}}}
  - {match: "**", template: No Such, security: x, metadata: {Region: x}}`)
	got := VocabularyIDs([]Rules{rules, rules}, account())
	if diff := cmp.Diff([]string{"voc-brand", "voc-season", "voc-territory", "voc-continent", "voc-country", "voc-city"}, got); diff != "" {
		t.Errorf("vocabularies differ (-want +got):\n%s", diff)
	}
	if Ask([]Rules{rules}).Vocabularies {
		t.Error("no rule names a vocabulary")
	}
	rules, _ = parseRules(t, `rules: [{match: "**", template: Plain, security: x, metadata: {Fees: {columns: {c: {kind: multi, vocabulary: Brands}}, rows: [{c: x}]}}}]`)
	if !Ask([]Rules{{}, rules}).Vocabularies {
		t.Error("a rule names a vocabulary")
	}
	rules, _ = parseRules(t, `rules: [{match: "**", template: t-1, security: x, metadata: {Fees: {columns: {c: {kind: multi, vocabulary: Brands}}, rows: [{c: x}]}}}]`)
	if got := VocabularyIDs([]Rules{rules}, account()); !cmp.Equal(got, []string{"voc-brand"}) {
		t.Errorf("vocabularies %v, want that which the rule names", got)
	}
}

func TestNeeds(t *testing.T) {
	rules, problems := parseRules(t, `
levels: "{Brand}/**"
rules:
  - match: "**"
    template: Plain
    security: {from: [XMP-Sidecar.dc:rights, path.brand]}
    metadata:
      A: {from: [EXIF.DateTimeOriginal, "xmp-embedded.xmpMM:History[1].when"]}
      D: {from: [iptc.Byline, IPTC.Province/State, iptc.Copyright]}
      E: {from: [Video.CreationDate, IMAGE.width, pdf.Title, "png.Creation Time"]}
      F: {rows: [{X: {format: "{office.Author}"}}]}
      B: {format: "{iptc.City}, {xmp.Iptc4xmpCore:Location}"}
      C: {rows: [{X: constant}, {Y: {from: manifest.Müller}}]}`)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := Needs{Exif: true, IPTC: true, XMP: true, XMPEmbedded: true, XMPSidecar: true, Manifest: true, Image: true, Video: true, PDF: true, Office: true, PNG: true, Names: map[string]bool{
		"video.creationdate": true, "image.width": true, "pdf.title": true, "png.creation time": true, "office.author": true,
		"xmp-sidecar.dc:rights": true, "path.brand": true, "exif.datetimeoriginal": true, "xmp-embedded.xmpmm:history[1].when": true,
		"iptc.by-line": true, "iptc.province-state": true, "iptc.copyrightnotice": true,
		"iptc.city": true, "xmp.iptc4xmpcore:location": true, "manifest.müller": true,
	}}
	if diff := cmp.Diff(want, rules.Needs()); diff != "" {
		t.Errorf("needs differ (-want +got):\n%s", diff)
	}
	m, _ := newMapper(t, "rules: [{match: '**', template: Plain, security: {from: sidecar.rights}}]")
	if diff := cmp.Diff(Needs{Sidecar: true, Names: map[string]bool{"sidecar.rights": true}}, m.Needs()); diff != "" {
		t.Errorf("needs differ (-want +got):\n%s", diff)
	}
}

func TestNothingShownIsSaid(t *testing.T) {
	rules, _ := parseRules(t, "rules: [{match: '**', template: T, security: S}]")
	_, problems := Resolve(rules, Account{})
	for _, p := range problems {
		if !strings.Contains(p.Hint, "lack the right") {
			t.Errorf("%v: no hint at rights", p)
		}
	}
	if len(problems) != 2 {
		t.Errorf("%d problems, want 2", len(problems))
	}
}
