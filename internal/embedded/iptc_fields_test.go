package embedded

import (
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/metadata"
)

// TestIPTCAliases fails when an alias leads nowhere or hides a field.
func TestIPTCAliases(t *testing.T) {
	for alias, field := range iptcAliases {
		if got, ok := IPTCField(field); !ok || got != field {
			t.Errorf("alias %q: there is no field %q", alias, field)
		}
		if metadata.Squeeze(alias) != alias {
			t.Errorf("alias %q is not squeezed", alias)
		}
	}
	for _, field := range iptcNames() {
		if got, ok := IPTCField(field); !ok || got != field {
			t.Errorf("IPTCField(%q) = %q, %t", field, got, ok)
		}
	}
}
