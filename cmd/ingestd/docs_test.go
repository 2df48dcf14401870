package main

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/history"
	"github.com/tenovos-ingest/ingestd/internal/report"
)

// TestJSONIsDocumented looks for every field that --json prints in docs/json.md, and for
// --json in every command that prints data.
func TestJSONIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/json.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{
		report.Folder{}, report.Entry{}, report.Group{}, report.Example{}, history.Event{}, forecast{}, summary{},
		forecastSum{}, forecastReason{}, becoming{}, desk.Outcome{}, reload{}, pruneReport{}, prunedFolder{}, difference{}, changed{},
	} {
		typ := reflect.TypeOf(v)
		for field := range typ.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name != "" && name != "-" && !strings.Contains(string(text), `"`+name+`"`) {
				t.Errorf("%s: %q is not documented", typ, name)
			}
		}
	}
	for _, c := range newRoot().Commands() {
		switch c.Name() {
		case "run", "hash-password": // what they print is no data
		default:
			if c.Flags().Lookup("json") == nil {
				t.Errorf("%s has no --json", c.Name())
			}
		}
	}
}

// TestSwitchesTakeNoValue looks for a switch whose help shows a value that it does not take.
func TestSwitchesTakeNoValue(t *testing.T) {
	for _, c := range newRoot().Commands() {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if value, _ := pflag.UnquoteUsage(f); f.Value.Type() == "bool" && value != "" {
				t.Errorf("%s --help says: --%s %s", c.Name(), f.Name, value)
			}
		})
	}
}
