package mapping

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenovos-ingest/ingestd/internal/facts"
	"github.com/tenovos-ingest/ingestd/internal/file"
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
		r, err := m.Map(facts.Gather(file.File{Path: path}, time.Time{}, rules.Levels), path)
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

// TestDenied tells of each right that is missing where a rule wants it, and of no other.
func TestDenied(t *testing.T) {
	t.Parallel()
	rules, _ := parseRules(t, `levels: "{brand}/**"
rules:
  - {match: "a", template: Plain, security: {from: path.brand}, metadata: {}}
  - {match: "b", template: `+idA+`, security: {from: path.brand, map: {x: `+idA+`, y: Internal}, default: Public}, metadata: {}}
  - {match: "c", template: `+idB+`, security: `+idB+`, metadata: {}}
  - {match: "d", template: Creative Asset, security: x, metadata: {Title: x, Brand: Acme, Fees: {columns: {c: {kind: multi, vocabulary: Labels}}, rows: [{c: x}]}}}`)
	a := account()
	a.Denied = Denied{Security: "403", Template: map[string]string{idA: "401"}, Vocabularies: "405"}
	_, problems := Resolve(rules, a)
	var got []string
	for _, p := range problems {
		got = append(got, p.String())
	}
	const list = "(403) (which takes administrator rights: "
	want := []string{
		"3:45: rule 1 takes security templates from what is known of a file, which may be names, and the account may not list security templates " + list + "say by `map` which ids are meant, or ask for the right)",
		`4:28: rule 2: the account may not read metadata template "` + idA + `" (401) (ask for the right "Metadata Template Management", or for the one to list metadata templates)`,
		`4:145: rule 2 names the security template "Internal", and the account may not list security templates ` + list + "give its id instead, or ask for the right)",
		`4:165: rule 2 names the security template "Public", and the account may not list security templates ` + list + "give its id instead, or ask for the right)",
		`5:28: the account has no metadata template "` + idB + `" (use one of "Creative Asset", "Creative Asset", "Other", "Other", "Plain")`,
		`6:54: rule 4 names the security template "x", and the account may not list security templates ` + list + "give its id instead, or ask for the right)",
		`6:137: column "c" names the vocabulary "Labels", and the account may not list vocabularies (405) (give the vocabulary's id instead, or ask for the right)`,
		`6:155: column "c" takes its values from vocabulary "", which the account does not show (the user may lack the right to see it)`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
