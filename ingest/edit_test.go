package ingest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// retitled has the rules give every file a title that the test may change.
func retitled(r *rig) *atomic.Pointer[string] {
	title := new(atomic.Pointer[string])
	first := "first"
	title.Store(&first)
	attribute := r.account.Templates[0].Groups[0].Attributes[0].ID
	r.config.Folders[0].Map = func(f file.File, at string) (dropfolder.Mapped, error) {
		m, err := r.mapFile(f, at)
		m.Asset.Metadata = []tenovos.Value{tenovos.TextValue(attribute, *title.Load())}
		return m, err
	}
	return title
}

// titles counts the titles of the assets that are not deleted.
func (r *rig) titles() map[string]int {
	out := make(map[string]int)
	for _, a := range available(r.sandbox.State()) {
		var title string
		_ = json.Unmarshal(a.Metadata[0].Value, &title)
		out[title]++
	}
	return out
}

func TestUpdateSendsOnlyWhatDiffers(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	title := retitled(r)
	r.write("a.jpg", 1000, 1)
	r.backfill()
	r.wantResults(r.ask(desk.RequestUpdate, desk.Selection{}), "same")
	second := "second"
	title.Store(&second)
	// Trouble of the service costs a wait, and nothing else.
	r.queue(sandbox.Fault{Operation: "UpdateAsset", Kind: sandbox.FaultStatus, Status: 503})
	r.wantResults(r.ask(desk.RequestUpdate, desk.Selection{}), "updated")
	r.wantResults(r.ask(desk.RequestUpdate, desk.Selection{}), "same")
	if got := r.titles(); got["second"] != 1 || len(got) != 1 {
		t.Errorf("titles are %v", got)
	}
	// A refusal is told, and leaves the asset as it is.
	third := strings.Repeat("x", 201) // longer than the attribute
	title.Store(&third)
	got := r.ask(desk.RequestUpdate, desk.Selection{})
	r.wantResults(got, "failed")
	if !strings.Contains(got[0].Detail, "its asset keeps the metadata that it has") {
		t.Errorf("it says %q", got[0].Detail)
	}
	if got := r.titles(); got["second"] != 1 {
		t.Errorf("titles are %v", got)
	}
	if e := r.entry("a.jpg"); e.Status != journal.Filed || e.Reason.Message == "" || e.Reason.Hint == "" {
		t.Errorf("the entry is %s: %+v", e.Status, e.Reason)
	}
}

// TestBulkEditsComeTrue corrects many assets while bulk edits meet trouble: in the
// end each asset holds what it should.
func TestBulkEditsComeTrue(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string][]sandbox.Fault{
		"none":           nil,
		"the reply lost": {{Operation: "EditAssets", Kind: sandbox.FaultResetAfter}},
		"not performed":  {{Operation: "EditAssets", Kind: sandbox.FaultResetBefore}},
		"refused":        {{Operation: "EditAssets", Kind: sandbox.FaultStatus, Status: 400, Body: `{"message":"Missing Bulk Edit Asset Details"}`}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(o *sandbox.Options) { o.BulkLag = 50 * time.Millisecond })
			if name == "not performed" {
				r.config.BulkSeen = 2 * time.Second
			}
			title := retitled(r)
			const n = 25
			for i := range n {
				r.write(fmt.Sprintf("%d.jpg", i), 100+i, uint64(i))
			}
			r.backfill()
			second := "second"
			title.Store(&second)
			r.queue(faults...)
			for _, o := range r.ask(desk.RequestUpdate, desk.Selection{}) {
				if o.Result != "updated" {
					t.Errorf("%+v", o)
				}
			}
			if got := r.titles(); got["second"] != n {
				t.Errorf("titles are %v\n%s", got, r.log)
			}
			r.wantNothingLeft(r.sandbox.State())
		})
	}
}

// TestEditsOutliveTheProcess stops between the working out and the sending of an
// edit, and in front of a bulk edit that is not seen yet.
func TestEditsOutliveTheProcess(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	title := retitled(r)
	const n = 12
	for i := range n {
		r.write(fmt.Sprintf("%d.jpg", i), 100+i, uint64(i))
	}
	r.backfill()
	second := "second"
	title.Store(&second)
	var ids []int64
	for _, e := range r.entries() {
		ids = append(ids, e.ID)
	}
	p := r.start()
	if _, err := journal.EditsOf(p.journal).Open(t.Context(), ids); err != nil {
		t.Fatal(err)
	}
	r.close(p)
	for kill := int64(1); kill <= 4; kill++ { // each start ends one commit later
		ctx, cancel := context.WithCancel(t.Context())
		var commits atomic.Int64
		r.commit = func() {
			if commits.Add(1) == kill {
				cancel()
			}
		}
		p := r.start()
		done := make(chan struct{})
		close(done)
		if err := p.Run(ctx, nil, done); err != nil {
			t.Error(err)
		}
		cancel()
		r.close(p)
		r.commit = nil
	}
	r.backfill()
	if got := r.titles(); got["second"] != n {
		t.Errorf("titles are %v", got)
	}
}
