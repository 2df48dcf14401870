package mapping

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tenovos-ingest/ingestd/internal/facts"
)

const (
	idA = "840911d1-963e-52c7-b007-bd3c8e5207c3"
	idB = "B77FCB53-1AE9-52BF-BA3C-0DB44CB723AE"
)

// TestAsk tells what rules of each sort want to know of an account.
func TestAsk(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		template, security, metadata string
		want                         Asked
	}{
		"ids alone":              {idA, "[" + idA + ", " + idB + "]", "", Asked{TemplateIDs: []string{idA}, SecurityIDs: []string{idA, idB}}},
		"a template's name":      {"Image", idB, "", Asked{Templates: true, SecurityIDs: []string{idB}}},
		"one name among ids":     {idB, "[" + idA + ", Internal]", "", Asked{TemplateIDs: []string{idB}, Security: true, SecurityIDs: []string{idA}}},
		"no id, if nearly one":   {idA + "0", idB[1:], "", Asked{Templates: true, Security: true}},
		"a map of ids":           {idA, "{from: path.brand, map: {acme: " + idA + "}}", "", Asked{TemplateIDs: []string{idA}, SecurityIDs: []string{idA}}},
		"a map of ids, in case":  {idA, "{from: path.brand, case: upper, map: {acme: " + idA + "}}", "", Asked{TemplateIDs: []string{idA}, SecurityIDs: []string{strings.ToUpper(idA)}}},
		"a map with a name":      {idA, "{from: path.brand, map: {acme: Internal}}", "", Asked{TemplateIDs: []string{idA}, Security: true}},
		"a map, a name else":     {idA, "{from: path.brand, map: {acme: " + idA + "}, default: Internal}", "", Asked{TemplateIDs: []string{idA}, Security: true, SecurityIDs: []string{idA}}},
		"whatever a file says":   {idA, "{from: path.brand, default: " + idA + "}", "", Asked{TemplateIDs: []string{idA}, Security: true, SecurityIDs: []string{idA}}},
		"whatever a format says": {idA, `{format: "{path.brand} only"}`, "", Asked{TemplateIDs: []string{idA}, Security: true}},
		"a vocabulary's name":    {idA, idA, "T: {columns: {c: {kind: vocabulary, vocabulary: Brands}}, rows: [{c: x}]}", Asked{TemplateIDs: []string{idA}, SecurityIDs: []string{idA}, Vocabularies: true}},
		"a vocabulary's id":      {idA, idA, "T: {columns: {c: {kind: vocabulary, vocabulary: " + idB + "}}, rows: [{c: x}]}", Asked{TemplateIDs: []string{idA}, SecurityIDs: []string{idA}}},
	} {
		rules, problems := parseRules(t, `levels: "{brand}/**"
rules: [{match: "**", template: `+tt.template+`, security: `+tt.security+`, metadata: {`+tt.metadata+`}}]`)
		if len(problems) > 0 {
			t.Fatalf("%s: %v", name, problems)
		}
		if diff := cmp.Diff(tt.want, Ask([]Rules{rules, rules})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestSecurityAsGiven maps without any list of security templates: ids stand for
// themselves, and a name, which only a file can bring, holds it. Nobody reads names again
// for it.
func TestSecurityAsGiven(t *testing.T) {
	t.Parallel()
	rules, _ := parseRules(t, `levels: "{brand}/**"
rules: [{match: "**", template: Plain, security: {from: path.brand, map: {acme: `+idA+`}}, metadata: {}}]`)
	a := account()
	a.Security, a.SecurityAsGiven = nil, true
	m, problems := Resolve(rules, a)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for path, want := range map[string]string{"acme/x.jpg": idA, idB + "/x.jpg": idB, "hooli/x.jpg": ""} {
		r, err := m.Map(facts.Gather(facts.File{Path: path}, rules.Levels), path)
		if err != nil {
			t.Fatal(err)
		}
		if want != "" && (len(r.Problems) > 0 || !cmp.Equal(r.Asset.SecurityIDs, []string{want})) {
			t.Errorf("%s: %v, %v", path, r.Asset.SecurityIDs, r.Problems)
		}
		if want == "" && (len(r.Problems) != 1 || !strings.Contains(r.Problems[0].Message, `"hooli" is no id of a security template`) || r.Unknown()) {
			t.Errorf("%s: %v", path, r.Problems)
		}
	}
}
