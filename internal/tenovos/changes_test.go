package tenovos

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEqual(t *testing.T) {
	place := CascadeValue("p", SingleValue("l-1", "v"), SingleValue("l-2", "w"))
	for name, tt := range map[string]struct {
		a, b Value
		want bool
	}{
		"date and text":       {DateValue("d", "01/31/2026"), TextValue("d", "01/31/2026"), true},
		"texts":               {TextValue("d", "x"), TextValue("d", "X"), false},
		"attributes":          {TextValue("d", "x"), TextValue("e", "x"), false},
		"order of ids":        {MultiValue("d", "v", "w"), MultiValue("d", "w", "v"), true},
		"number of ids":       {MultiValue("d", "v", "w"), MultiValue("d", "v"), false},
		"an id twice":         {MultiValue("d", "v", "v"), MultiValue("d", "v"), true},
		"one and one of many": {SingleValue("d", "v"), MultiValue("d", "v"), false},
		"order of cells":      {TableValue("d", []Value{TextValue("a", "x"), place}), TableValue("d", []Value{place, TextValue("a", "x")}), true},
		"order of rows":       {TableValue("d", []Value{TextValue("a", "x")}, []Value{place}), TableValue("d", []Value{place}, []Value{TextValue("a", "x")}), false},
		"empty cell":          {TableValue("d", []Value{TextValue("a", "x"), {DefinitionID: "b", Kind: Empty}}), TableValue("d", []Value{TextValue("a", "x")}), true},
		"date in a cell":      {TableValue("d", []Value{DateValue("a", "x")}), TableValue("d", []Value{TextValue("a", "x")}), true},
		"ids in a cell":       {TableValue("d", []Value{MultiValue("a", "v", "w")}), TableValue("d", []Value{MultiValue("a", "w", "v")}), true},
		"no rows":             {TableValue("d"), Value{DefinitionID: "d", Kind: Empty}, false},
		"levels":              {place, CascadeValue("p", SingleValue("l-1", "v")), false},
		"order of levels":     {place, CascadeValue("p", SingleValue("l-2", "w"), SingleValue("l-1", "v")), false},
		"unknown, spaced":     {Value{DefinitionID: "d", Kind: Raw, Raw: json.RawMessage(`{"a": 1, "b":2}`)}, Value{DefinitionID: "d", Kind: Raw, Raw: json.RawMessage(`{"b":2,"a":1}`)}, true},
		"what cannot be told": {Value{Kind: "grid"}, Value{Kind: "grid"}, false},
	} {
		if got := Equal(tt.a, tt.b); got != tt.want || Equal(tt.b, tt.a) != got {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
	ids := []string{"w", "v"}
	Equal(MultiValue("d", ids...), MultiValue("d", ids...))
	if ids[0] != "w" {
		t.Error("Equal sorted its argument")
	}
}

func TestChanges(t *testing.T) {
	before := []Value{TextValue("a", "x"), TextValue("b", "y"), TextValue("gone", "z"), MultiValue("m", "1", "2"), {DefinitionID: "e", Kind: Empty}}
	after := []Value{TextValue("new", "n"), TextValue("b", "Y"), DateValue("a", "x"), MultiValue("m", "2", "1"), TextValue("e", "now")}
	want := []Value{TextValue("new", "n"), TextValue("b", "Y"), TextValue("e", "now")}
	if diff := cmp.Diff(want, Changes(before, after)); diff != "" {
		t.Errorf("changes differ (-want +got):\n%s", diff)
	}
	if got := Changes(after, after); got != nil {
		t.Errorf("no change is %v", got)
	}
}
