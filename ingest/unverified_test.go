package ingest_test

import (
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/journal"
)

// A file that rests because its content was handed over and never seen right is not
// handed over again when it is renamed: its entry goes with it, and a retry looks again.
func TestUnverifiedFileIsRenamed(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *sandbox.Options) { o.ChecksumLag = time.Hour })
	r.config.VerifyAsset, r.config.VerifyTimeout = true, time.Millisecond
	r.write("a.jpg", 3000, 1)
	r.backfill()
	if e := r.entry("a.jpg"); e.Status != journal.Held || e.Reason.Class != journal.ClassUnverified {
		t.Fatalf("it is %s: %+v", e.Status, e.Reason)
	}
	r.rename("a.jpg", "b.jpg")
	r.backfill()
	if e := r.entry("b.jpg"); e.ID != 1 || e.Status != journal.Held {
		t.Errorf("entry %d is %s: %+v", e.ID, e.Status, e.Reason)
	}
	if n := len(r.sandbox.State().Assets); n != 1 {
		t.Errorf("%d assets were created", n)
	}
	must(t, r.sandbox.Configure(func(o *sandbox.Options) { o.ChecksumLag = 0 }))
	r.wantResults(r.ask(desk.RequestRetry, desk.Selection{}), "requeued")
	r.backfill()
	if e := r.entry("b.jpg"); e.Status != journal.Filed {
		t.Errorf("it is %s: %+v", e.Status, e.Reason)
	}
}
