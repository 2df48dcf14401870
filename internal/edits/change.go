package edits

import (
	"errors"
	"slices"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// Change is what the rules would change in an asset that exists.
type Change struct {
	Edit   tenovos.Edit
	Before tenovos.NewAsset // what was sent last
	After  tenovos.NewAsset // the same with the changes
	// Refused says why nothing may be sent; it is empty otherwise.
	Refused journal.Reason
}

// None reports that nothing differs.
func (c Change) None() bool { return len(c.Edit.Metadata) == 0 && len(c.Edit.SecurityIDs) == 0 }

// ChangeOf maps a filed entry anew and compares the result with what was sent last:
// what people changed in Tenovos since stays as it is unless the rules' own value
// changed. An attribute for which the rules find nothing any more is not emptied, and
// one that rests on what cannot be read stays as it is. The functions are as Deps has them.
func ChangeOf(e journal.Entry, rules func(e journal.Entry, at string) (dropfolder.Mapped, error), missed func(journal.Entry, dropfolder.Mapped)) (Change, error) {
	before, err := dropfolder.StoredAsset(e)
	if err != nil {
		return Change{}, err
	}
	c := Change{Before: before, After: before}
	m, err := rules(e, e.MovedTo)
	switch {
	case errors.Is(err, dropfolder.ErrNoRule):
		return c, nil
	case err != nil:
		return c, err
	case slices.ContainsFunc(m.Problems, sure):
		c.Refused = m.Reason()
		return c, nil
	case m.Asset.TemplateID != before.TemplateID:
		c.Refused = reasons.Template
		return c, nil
	}
	missed(e, m)
	for _, v := range tenovos.Changes(before.Metadata, m.Asset.Metadata) {
		if !m.Unsure[v.DefinitionID] {
			c.Edit.Metadata = append(c.Edit.Metadata, v)
		}
	}
	if !tenovos.SameIDs(before.SecurityIDs, m.Asset.SecurityIDs) && !m.Unsure[""] {
		c.Edit.SecurityIDs = m.Asset.SecurityIDs
		c.After.SecurityIDs = m.Asset.SecurityIDs
	}
	c.After.Metadata = replaced(before.Metadata, c.Edit.Metadata)
	return c, nil
}

// sure reports a problem that does not come of what cannot be read.
func sure(p dropfolder.Problem) bool { return !p.Unsure }

// replaced returns values with those of the same attributes replaced, and new ones
// added.
func replaced(values, by []tenovos.Value) []tenovos.Value {
	out := slices.Clone(values)
	for _, v := range by {
		i := slices.IndexFunc(out, func(o tenovos.Value) bool { return o.DefinitionID == v.DefinitionID })
		if i < 0 {
			out = append(out, v)
		} else {
			out[i] = v
		}
	}
	return out
}
