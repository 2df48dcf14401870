package mapping

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tenovos-ingest/ingestd/internal/metadata"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
)

// TestLines splits a text of several lines, keeps them in a text attribute, and has
// one line everywhere else.
func TestLines(t *testing.T) {
	m, _ := newMapper(t, `
rules:
  - match: "**"
    template: Creative Asset
    security: {from: manifest.security}
    metadata:
      Title: {from: manifest.title, map: {"a b": Both}}
      Keywords: {from: manifest.keywords, split: "\r\n"}
      Notes: {from: manifest.caption}
      Brand: {from: manifest.brand}
      Shot Date: {from: manifest.date}
      Code: {from: manifest.caption, match: "^(\\S+).*paragraph\\.$"}
`)
	m.security = newSecurity([]tenovos.SecurityTemplate{{ID: "s-two-words", Name: "Creative Internal"}}, false)
	known := metadata.Facts{}
	for name, text := range map[string]string{
		"title": "a\nb", "keywords": "Summer\n\nWinter", "caption": "First.\n\nSecond paragraph.", "brand": "Acme\n", "date": "2024-03-01\n", "security": "Creative\nInternal",
	} {
		known[metadata.Key("manifest."+name)] = metadata.Fact{Values: []string{text}, Origin: "line 2 of m.csv"}
	}
	got, err := m.Map(known, "a.jpg")
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Problems) != 0 || len(got.Asset.SecurityIDs) != 1 {
		t.Errorf("security is %v, problems are %v", got.Asset.SecurityIDs, got.Problems)
	}
	want := []tenovos.Value{
		tenovos.TextValue("a-title", "Both"),
		tenovos.MultiValue("a-keywords", "v-Summer", "v-Winter"),
		tenovos.TextValue("a-notes", "First.\n\nSecond paragraph."),
		tenovos.SingleValue("a-brand", "v-Acme"),
		tenovos.DateValue("a-shot", "03/01/2024"),
		tenovos.TextValue("a-code", "First."),
	}
	if diff := cmp.Diff(want, got.Asset.Metadata, cmp.AllowUnexported(tenovos.Value{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
