package ingest_test

import (
	"context"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/journal"
)

// Files that come again, and requests about files that are nearly done.

// TestDroppedAgainAfterWithdraw drops what was withdrawn: it is no duplicate, for
// there is nothing that it would be one of.
func TestDroppedAgainAfterWithdraw(t *testing.T) {
	t.Parallel()
	r := newFilingRig(t, dropfolder.AfterMove)
	r.write("a.jpg", 1000, 1)
	r.backfill()
	r.wantResults(r.ask(desk.RequestWithdraw, desk.Selection{IDs: []int64{1}}), "withdrawn")
	r.write("a.jpg", 1000, 1)
	r.backfill()
	if e := r.entry("a.jpg"); e.Status != journal.Held || e.Reason.Hint == "" {
		t.Errorf("it is %s: %+v", e.Status, e.Reason)
	}
	r.wantResults(r.ask(desk.RequestRetry, desk.Selection{AsNew: true}), "requeued")
	r.backfill()
	if got := available(r.sandbox.State()); len(got) != 1 || r.entry("a.jpg").Status != journal.Filed {
		t.Errorf("%d assets, the entry is %s", len(got), r.entry("a.jpg").Status)
	}
}

// TestMismatchGoesRoundAgain sends a file round again whose asset holds other bytes,
// by a command and by putting it back: that asset goes.
func TestMismatchGoesRoundAgain(t *testing.T) {
	t.Parallel()
	for name, again := range map[string]func(r *rig){
		"retried":  func(r *rig) { r.wantResults(r.ask(desk.RequestRetry, desk.Selection{}), "requeued") },
		"put back": func(r *rig) { r.rename("_failed/a.jpg", "a.jpg") },
	} {
		t.Run(name, func(t *testing.T) {
			r := newFilingRig(t, dropfolder.AfterMove)
			if err := r.sandbox.Configure(func(o *sandbox.Options) { o.SSEKMS = true }); err != nil { // no ETag tells
				t.Fatal(err)
			}
			r.config.VerifyAsset = true
			r.queue(sandbox.Fault{Operation: sandbox.PutObject, Kind: sandbox.FaultWrongETag})
			r.write("a.jpg", 1000, 1)
			sum := r.md5("a.jpg")
			r.backfill()
			if e := r.entry("a.jpg"); e.Status != journal.Failed || e.Reason.Class != journal.ClassMismatch {
				t.Fatalf("it is %s: %+v", e.Status, e.Reason)
			}
			again(r)
			r.backfill()
			if got := available(r.sandbox.State()); len(got) != 1 || got[0].ContentMD5 != sum {
				t.Errorf("%d assets, want the one with the file's bytes: %+v", len(got), got)
			}
		})
	}
}

// TestCancelOfWhatCannotBeMoved asks to cancel a file whose content is in, but which
// cannot be moved away: the answer does not wait for that.
func TestCancelOfWhatCannotBeMoved(t *testing.T) {
	t.Parallel()
	r := newFilingRig(t, dropfolder.AfterMove)
	r.config.Folders[0].Done = "ignored"
	r.write("ignored", 10, 1) // a file, so that it can be no directory
	r.write("a.jpg", 1000, 1)
	p := r.start()
	defer r.close(p)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := r.scan(ctx, p); err != nil {
		t.Fatal(err)
	}
	drain, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- p.Run(ctx, drain, nil) }()
	for r.entry("a.jpg").Status != journal.Verified {
		if ctx.Err() != nil {
			t.Fatalf("it does not get so far\n%s", r.log)
		}
		time.Sleep(5 * time.Millisecond)
	}
	r.wantResults(r.askOf(ctx, desk.RequestCancel, desk.Selection{IDs: []int64{r.entry("a.jpg").ID}}, func(int64) error { return nil }), "ingested")
	close(drain)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// TestCommandAnswersItsOwnRequest leaves a request behind that needs the rules: a
// command that has none must not take it.
func TestCommandAnswersItsOwnRequest(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.write("a.jpg", 1000, 1)
	r.backfill()
	left, err := journal.Ask(t.Context(), r.journal, desk.RequestUpdate, []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	r.config.Folders[0].Map = nil
	r.wantResults(r.ask(desk.RequestRetry, desk.Selection{IDs: []int64{1}}), "skipped")
	p := r.start()
	defer r.close(p)
	waiting, err := journal.RequestsOf(p.journal).Open(t.Context())
	if err != nil || len(waiting) != 1 || waiting[0].ID != left {
		t.Errorf("%+v wait, error %v", waiting, err)
	}
}
