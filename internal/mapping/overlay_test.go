package mapping

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tenovos-ingest/ingestd/internal/tenovos"
)

func TestOverlay(t *testing.T) {
	m, _ := newMapper(t, `{rules: [{match: "**", template: t-1, security: Internal, metadata: {Title: x, Brand: Acme}}]}`)
	text := tenovos.TextValue
	table := tenovos.TableValue("a-rights", []tenovos.Value{tenovos.SingleValue("c-territory", "v-EMEA"), text("c-note", "by hand")})
	raw := tenovos.Value{DefinitionID: "a-embed", Kind: tenovos.Raw, Raw: json.RawMessage(`{"metadataDefinitionId":"a-embed","metadataDefinitionValue":{"odd":[1]}}`)}
	for _, c := range []struct {
		name                string
		template            string
		current, ours, want []tenovos.Value
	}{
		{name: "nothing at all", template: "t-1", want: []tenovos.Value{}},
		{name: "ours win, and stand first", template: "t-1",
			current: []tenovos.Value{text("a-notes", "kept"), text("a-title", "theirs")},
			ours:    []tenovos.Value{text("a-title", "ours")},
			want:    []tenovos.Value{text("a-title", "ours"), text("a-notes", "kept")}},
		{name: "a table is kept whole", template: "t-1", current: []tenovos.Value{table}, want: []tenovos.Value{table}},
		{name: "a table of ours replaces one", template: "t-1", current: []tenovos.Value{table},
			ours: []tenovos.Value{tenovos.TableValue("a-rights")}, want: []tenovos.Value{tenovos.TableValue("a-rights")}},
		{name: "what is not understood is kept as it is", template: "t-1", current: []tenovos.Value{raw}, want: []tenovos.Value{raw}},
		{name: "not in the template", template: "t-1", current: []tenovos.Value{text("a-of-another", "x"), text("", "y")}, want: []tenovos.Value{}},
		{name: "read-only and of the system", template: "t-1", current: []tenovos.Value{text("a-by", "u-1"), text("a-sum", "d41d8")}, want: []tenovos.Value{}},
		{name: "without a value", template: "t-1", current: []tenovos.Value{{DefinitionID: "a-notes", Kind: tenovos.Empty}}, want: []tenovos.Value{}},
		{name: "twice", template: "t-1", current: []tenovos.Value{text("a-notes", "first"), text("a-notes", "second")},
			want: []tenovos.Value{text("a-notes", "first")}},
		{name: "a template of no rule", template: "t-3", current: []tenovos.Value{text("a-notes", "x")},
			ours: []tenovos.Value{text("a-title", "ours")}, want: []tenovos.Value{text("a-title", "ours")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := m.Overlay(c.template, c.current, c.ours)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("values differ (-want +got):\n%s", diff)
			}
		})
	}
}
