package config

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"github.com/tenovos-ingest/ingestd/internal/mapping"
)

const schemaFile = "../../deploy/config.schema.json"

// schemaNode is what the tests look at of the schema.
type schemaNode struct {
	Properties           map[string]schemaNode `json:"properties"`
	AdditionalProperties any                   `json:"additionalProperties"`
	Defs                 map[string]schemaNode `json:"$defs"`
	AnyOf                []schemaNode          `json:"anyOf"`
	Enum                 []any                 `json:"enum"`
	Description          string                `json:"description"`
	Ref                  string                `json:"$ref"`
	Default              any                   `json:"default"`
}

func readSchema(t *testing.T) schemaNode {
	t.Helper()
	data, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	var s schemaNode
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSchemaKnowsEveryKey holds the schema against the loader's own tables of keys,
// both ways.
func TestSchemaKnowsEveryKey(t *testing.T) {
	s := readSchema(t)
	rule, form, column := mapping.KnownKeys()
	columns, ok := s.Defs["form"].Properties["columns"].AdditionalProperties.(map[string]any)["properties"].(map[string]any)
	if !ok {
		t.Fatal("the schema does not describe columns")
	}
	for _, c := range []struct {
		what      string
		got, want []string
	}{
		{"the file", slices.Collect(maps.Keys(s.Properties)), fileKeys.Known},
		{"tenovos", slices.Collect(maps.Keys(s.Defs["tenovos"].Properties)), tenovosKeys.Known},
		{"upload", slices.Collect(maps.Keys(s.Properties["upload"].Properties)), uploadKeys.Known},
		{"retry", slices.Collect(maps.Keys(s.Properties["retry"].Properties)), retryKeys.Known},
		{"log", slices.Collect(maps.Keys(s.Properties["log"].Properties)), logKeys.Known},
		{"a webhook", slices.Collect(maps.Keys(s.Defs["webhook"].Properties)), webhookKeys.Known},
		{"a mail", slices.Collect(maps.Keys(s.Defs["mail"].Properties)), mailKeys.Known},
		{"a folder", slices.Collect(maps.Keys(s.Defs["folder"].Properties)), folderKeys.Known},
		{"a rule", slices.Collect(maps.Keys(s.Defs["rule"].Properties)), rule},
		{"a form", slices.Collect(maps.Keys(s.Defs["form"].Properties)), form},
		{"a column", slices.Collect(maps.Keys(columns)), column},
	} {
		want := slices.Sorted(slices.Values(c.want))
		slices.Sort(c.got)
		if !slices.Equal(c.got, want) {
			t.Errorf("of %s the schema knows %q, the loader %q", c.what, c.got, want)
		}
	}
}

// TestSchemaTellsTheChoicesAndDefaults has the loader read each choice that the
// schema offers, and compares the defaults.
func TestSchemaTellsTheChoicesAndDefaults(t *testing.T) {
	s := readSchema(t)
	for key, node := range s.Defs["folder"].Properties {
		for _, one := range node.AnyOf {
			for _, choice := range one.Enum {
				text := strings.Replace(minimal, "path: drop", "path: drop\n    "+key+": "+quoted(choice.(string)), 1)
				if _, err := parse("choice.yaml", []byte(text), lookup(nil)); err != nil {
					t.Errorf("the schema offers %s: %s, the loader says: %v", key, choice, err)
				}
			}
		}
	}
	d := defaultFolder()
	for key, want := range map[string]any{
		"settle": d.Settle.String(), "poll_interval": d.PollInterval.String(), "watch": d.Watch, "order": d.Order, "after": d.After,
		"done": d.Done, "failed": d.Failed, "duplicates": d.Duplicates, "empty": d.Empty, "prune": d.Prune, "workers": float64(d.Workers),
	} {
		if got := s.Defs["folder"].Properties[key].Default; got != want {
			t.Errorf("the schema says that %s is %v, the loader %v", key, got, want)
		}
	}
	c := defaults("")
	for key, want := range map[string]any{"workers": float64(c.Workers), "listen": c.Listen.Address, "shutdown_grace": c.ShutdownGrace.String()} {
		if got := s.Properties[key].Default; got != want {
			t.Errorf("the schema says that %s is %v, the loader %v", key, got, want)
		}
	}
}

func quoted(text string) string {
	b, _ := json.Marshal(text) // a text always marshals
	return string(b)
}

// TestSchemaAgreesWithTheLoader validates configurations that the loader takes, and
// some that it refuses.
func TestSchemaAgreesWithTheLoader(t *testing.T) {
	abs, err := filepath.Abs(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := jsonschema.NewCompiler().Compile(abs)
	if err != nil {
		t.Fatal(err)
	}
	validate := func(text string) error {
		var doc any
		if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := jsonschema.UnmarshalJSON(strings.NewReader(string(b)))
		if err != nil {
			t.Fatal(err)
		}
		return schema.Validate(plain)
	}
	files, err := filepath.Glob("../../cmd/ingestd/testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range append(files, exampleFile, "testdata/full.yaml") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(string(text)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	if err := validate(minimal); err != nil {
		t.Error(err)
	}
	for _, source := range append(mapping.SourceExamples(), "path.brand", "file.stem") {
		text := strings.Replace(minimal, "security: S", "security: S, metadata: {Title: {from: ["+source+", "+strings.ToUpper(source)+"], date: [\"2006\"]}}", 1)
		if err := validate(text); err != nil {
			t.Errorf("the schema refuses %s: %v", source, err)
		}
	}
	for _, text := range []string{
		strings.Replace(minimal, "path: drop", "path: drop\n    hours: \"Mon-Fri 20:00-6:00, Sat,Sun\"", 1),
		strings.Replace(minimal, "path: drop", "path: drop\n    hours: \"\"", 1),
		strings.Replace(minimal, "journal:", "upload: {bandwidth: \"Mon-Fri 08:00,10MiB 18:00,off\"}\njournal:", 1),
		strings.Replace(minimal, "journal:", "upload: {bandwidth: \"Mon-08:00,1024\"}\njournal:", 1),
		strings.Replace(minimal, "journal:", "upload: {bandwidth: \"off\"}\njournal:", 1),
	} {
		if _, err := parse("timetable.yaml", []byte(text), lookup(nil)); err != nil {
			t.Error(err)
		}
		if err := validate(text); err != nil {
			t.Errorf("the schema refuses a timetable: %v", err)
		}
	}
	for what, change := range map[string][2]string{
		"hours without an end":  {"path: drop", "path: drop\n    hours: \"20:00\""},
		"a time without a rate": {"journal:", "upload: {bandwidth: \"08:00\"}\njournal:"},
		"an unknown key":        {"journal:", "jurnal: x\njournal:"},
		"a wrong choice":        {"path: drop", "path: drop\n    after: burn"},
		"a wrong duration":      {"path: drop", "path: drop\n    settle: soon"},
		"no rules":              {"    rules:", "    levels:"},
		"an unknown source":     {`security: S`, `security: S, metadata: {Title: {from: exfi.Make}}`},
		"an unknown form key":   {`security: S`, `security: S, metadata: {Title: {form: file.stem}}`},
		"no layout of dates":    {`security: S`, `security: S, metadata: {Shot: {from: file.stem, date: []}}`},
		"two passwords":         {"password: p", "password: p, password_file: q"},
		"a wait without a time": {`security: S`, `security: S, wait_for: xmp`},
		"a text for a list":     {"path: drop", "path: drop\n    include: all"},
		"a column of no kind":   {`security: S`, `security: S, metadata: {Rights: {rows: [{a: b}], columns: {a: {kind: number}}}}`},
		"an unknown upload key": {"journal:", "upload: {part: 1}\njournal:"},
		"a size in other words": {"journal:", "upload: {max_file_size: 5GB}\njournal:"},
		"an event of none":      {"journal:", "notify: [{url: 'https://h', on: [filed]}]\njournal:"},
		"mail to nobody":        {"journal:", "notify: [{smtp: 'h:25', from: a@b}]\njournal:"},
		"mail by a webhook":     {"journal:", "notify: [{url: 'https://h', to: [a@b]}]\njournal:"},
	} {
		text := strings.Replace(minimal, change[0], change[1], 1)
		if text == minimal {
			t.Fatalf("%s: nothing is changed", what)
		}
		if validate(text) == nil {
			t.Errorf("the schema takes %s", what)
		}
		if _, err := parse("broken.yaml", []byte(text), lookup(nil)); err == nil {
			t.Errorf("the loader takes %s", what)
		}
	}
}
