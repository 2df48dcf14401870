package config

import (
	"slices"
	"strings"
	"testing"
)

const summed = `tenovos: {url: https://x/v1, api_key: k, username: u, password: "${PASSWORD}"}
journal: /state/journal.db
upload: {parts: 2}
folders:
  - name: a
    path: /drop/a
    settle: 1s
    levels: "{brand}/**"
    rules:
      - {match: "**", template: T, security: [S], metadata: {Title: "${TITLE}"}}
  - {name: b, path: /drop/b, rules: [{match: "**", template: T, security: [S], metadata: {Title: x}}]}
`

// TestSums holds a changed file against the one before: which sums differ?
func TestSums(t *testing.T) {
	t.Parallel()
	load := func(text, password, title string) *Config {
		t.Helper()
		c, err := parse("c.yaml", []byte(text), func(name string) (string, bool) {
			return map[string]string{"PASSWORD": password, "TITLE": title}[name], true
		})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	before := load(summed, "secret", "title")
	for _, tt := range []struct {
		name            string
		from, to        string // of the text
		password, title string
		want            string
	}{
		{name: "nothing", want: ""},
		{name: "a comment and quotes", from: "journal: /state/journal.db", to: "# where\njournal: '/state/journal.db'", want: ""},
		{name: "a value", from: "parts: 2", to: "parts: 3", want: "upload"},
		{name: "a text in place of a number", from: "/drop/b, rules", to: "/drop/b, marker: '1', rules", want: "b"},
		{name: "a new key", from: "upload:", to: "workers: 3\nupload:", want: "workers"},
		{name: "a key less", from: "upload: {parts: 2}\n", want: "upload"},
		{name: "a secret", password: "other", want: "tenovos"},
		{name: "a variable in a rule", title: "other", want: "a a/rules"},
		{name: "beyond the rules", from: "settle: 1s", to: "settle: 2s", want: "a"},
		{name: "levels", from: "{brand}", to: "{client}", want: "a a/rules"},
		{name: "a key that moves from a value to a list", from: "[S], metadata: {Title: x}", to: "S, metadata: {Title: x}", want: "b b/rules"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := summed
			if tt.from != "" {
				text = strings.Replace(summed, tt.from, tt.to, 1)
			}
			password, title := "secret", "title"
			if tt.password != "" {
				password = tt.password
			}
			if tt.title != "" {
				title = tt.title
			}
			after := load(text, password, title)
			var got []string
			for key := range before.Sums {
				if after.Sums[key] != before.Sums[key] {
					got = append(got, key)
				}
			}
			for key := range after.Sums {
				if before.Sums[key] == "" {
					got = append(got, key)
				}
			}
			slices.Sort(got)
			for i, f := range after.Folders {
				if f.Sum != before.Folders[i].Sum {
					got = append(got, f.Name)
				}
				if f.RulesSum != before.Folders[i].RulesSum {
					got = append(got, f.Name+"/rules")
				}
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("differs in %q, want %q", got, tt.want)
			}
		})
	}
}
