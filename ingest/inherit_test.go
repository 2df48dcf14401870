package ingest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// The metadata of a version is the asset's, overlaid with that of the rules.
func TestVersionInheritsMetadata(t *testing.T) {
	for _, by := range []string{"path", "filename"} {
		t.Run(by, func(t *testing.T) {
			r := newRig(t, nil)
			r.config.Folders[0].VersionByPath, r.config.Folders[0].VersionByFilename = by == "path", by == "filename"
			r.config.Folders[0].Inherit = func(template string, current, ours []tenovos.Value) []tenovos.Value {
				if template != r.account.Templates[0].ID {
					t.Errorf("asked about template %s", template)
				}
				return append(slices.Clone(ours), slices.DeleteFunc(slices.Clone(current), func(v tenovos.Value) bool {
					return v.DefinitionID == r.attribute("Title")
				})...)
			}
			r.write("a/hero.jpg", 1000, 1)
			r.backfill()
			byHand := []tenovos.Value{
				tenovos.TextValue(r.attribute("Title"), "overruled"),
				tenovos.TextValue(r.attribute("Description"), "by hand"),
				tenovos.TableValue(r.attribute("Usage Rights"), []tenovos.Value{tenovos.TextValue(r.attribute("Note"), "until spring")}),
				{DefinitionID: r.attribute("Brand"), Kind: tenovos.Raw, Raw: fmt.Appendf(nil, // of no documented shape
					`{"metadataDefinitionId":%q,"metadataDefinitionValue":{"valueId":%q,"since":2026}}`,
					r.attribute("Brand"), r.account.Vocabularies[0].Values[0].ID)},
			}
			c := r.client()
			defer c.Close()
			if err := c.UpdateAsset(t.Context(), r.entry("a/hero.jpg").ObjectID, tenovos.Edit{Metadata: byHand}); err != nil {
				t.Fatal(err)
			}
			next := map[string]string{"path": "a/hero.jpg", "filename": "b/hero.jpg"}[by]
			r.write(next, 1000, 2)
			r.backfill()
			a, err := c.Asset(t.Context(), r.entry(next).FileID)
			if err != nil {
				t.Fatal(err)
			}
			byHand[0].Text = "hero.jpg" // as the rule says
			if left := tenovos.Changes(a.Metadata, byHand); len(left) > 0 || a.OriginalFileID == a.FileID {
				t.Errorf("the version has %+v\nand misses %+v", a.Metadata, left)
			}
		})
	}
}

// Nothing is carried over between templates, which the log tells, and an asset that
// is gone gets no version.
func TestVersionOfAnotherTemplateAndOfWhatIsGone(t *testing.T) {
	r := newRig(t, nil)
	r.config.Folders[0].Inherit = func(string, []tenovos.Value, []tenovos.Value) []tenovos.Value {
		t.Error("the metadata of another template was asked for")
		return nil
	}
	acct := *r.account
	r.account = &acct
	acct.Templates = []sandbox.Template{r.account.Templates[2], r.account.Templates[0]}
	r.write("a.jpg", 1000, 1)
	r.backfill()
	acct.Templates = []sandbox.Template{acct.Templates[1], acct.Templates[0]}
	r.write("a.jpg", 1000, 2)
	r.backfill()
	if e := r.entry("a.jpg"); e.Status != journal.Filed || e.OriginalFileID == e.FileID {
		t.Errorf("want a version, got %s: %s", e.Status, e.Reason.Message)
	}
	if !strings.Contains(r.log.String(), "another template") {
		t.Errorf("the log does not say so:\n%s", r.log)
	}
	for _, a := range available(r.sandbox.State()) {
		r.remove(a.ObjectID)
	}
	r.write("a.jpg", 1000, 3)
	r.backfill()
	if e := r.entry("a.jpg"); e.Status != journal.Held || !strings.Contains(e.Reason.Hint, "--as-new") {
		t.Errorf("want held with a choice, got %s %+v", e.Status, e.Reason)
	}
}
