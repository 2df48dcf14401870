package mapping

import "github.com/tenovos-ingest/ingestd/internal/tenovos"

// Overlay returns the metadata of a new version: ours, which are what the rules
// give, and of current, the asset's values so far, those that ours do not fill, as
// they are. Left out of current are attributes that the template does not have or
// that are not ours to write, and such without a value. Of a template that no rule
// uses nothing is known, so ours are returned alone.
func (m *Mapper) Overlay(templateID string, current, ours []tenovos.Value) []tenovos.Value {
	open := m.writable(templateID)
	for _, v := range ours {
		delete(open, v.DefinitionID)
	}
	out := append([]tenovos.Value{}, ours...)
	for _, v := range current {
		if open[v.DefinitionID] && v.Kind != tenovos.Empty {
			out = append(out, v)
			delete(open, v.DefinitionID) // the API refuses an attribute that stands twice
		}
	}
	return out
}

// writable returns the ids of the attributes of a template that may be written.
func (m *Mapper) writable(templateID string) map[string]bool {
	ids := make(map[string]bool)
	for _, r := range m.rules {
		if r.template.ID != templateID {
			continue
		}
		for _, a := range r.template.Attributes {
			if writable(a) {
				ids[a.ID] = true
			}
		}
		return ids
	}
	return ids
}
