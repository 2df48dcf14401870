package ingest_test

import (
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/journal"
)

// TestCancelOfWhatRests cancels what is held and what failed, so that nobody has to see to
// it any more, and takes it back; what was handed over is not given up like that.
func TestCancelOfWhatRests(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.refuse()
	r.write("failed.jpg", 1000, 1)
	r.backfill()
	r.write("held.jpg", 1000, 2)
	r.backfill()
	failed := r.entry("failed.jpg")
	if failed.Status != journal.Failed {
		t.Fatalf("failed.jpg is %s", failed.Status)
	}
	r.wantResults(r.ask(desk.RequestCancel, desk.Selection{})) // of what is unfinished there is nothing
	r.wantResults(r.ask(desk.RequestCancel, desk.Selection{IDs: []int64{failed.ID, 77}}), "cancelled", "unknown")
	r.wantResults(r.ask(desk.RequestCancel, desk.Selection{IDs: []int64{failed.ID}}), "cancelled") // again
	if e := r.entry("failed.jpg"); e.Status != journal.Cancelled || e.Reason != reasons.Cancelled {
		t.Errorf("failed.jpg is %s: %+v", e.Status, e.Reason)
	}
	r.wantResults(r.ask(desk.RequestRetry, desk.Selection{IDs: []int64{failed.ID}}), "requeued")
	r.backfill()
	r.wantExactly("failed.jpg", "held.jpg")
}

func TestCancelOfTheUnverifiedIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *sandbox.Options) { o.ChecksumLag = time.Hour })
	r.config.VerifyAsset, r.config.VerifyTimeout = true, time.Millisecond
	r.write("a.jpg", 1000, 1)
	r.backfill()
	e := r.entry("a.jpg")
	if e.Status != journal.Held || e.Reason.Class != journal.ClassUnverified {
		t.Fatalf("a.jpg is %s: %+v", e.Status, e.Reason)
	}
	r.wantResults(r.ask(desk.RequestCancel, desk.Selection{IDs: []int64{e.ID}}), "skipped")
	if now := r.entry("a.jpg"); now.Status != journal.Held {
		t.Errorf("a.jpg is %s", now.Status)
	}
}

// TestRequestsByReason are about the files that have one reason, whatever numbers and names
// it has, and about no others.
func TestRequestsByReason(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.config.MaxFileSize = 500
	r.write("large.jpg", 1000, 1)
	r.write("larger.jpg", 2000, 1)
	r.backfill()
	r.config.MaxFileSize = 5000
	r.refuse()
	r.write("refused.jpg", 100, 1)
	r.backfill()
	large := r.entry("large.jpg")
	if large.Status != journal.Failed || r.entry("refused.jpg").Status != journal.Failed {
		t.Fatalf("the entries are %+v", r.entries())
	}
	about := desk.Selection{Folders: []string{large.Folder}, Statuses: []journal.Status{journal.Failed}, Class: large.Reason.Class, Alike: reasons.Form(large.Reason.Message, "large.jpg")}
	other := about
	other.Alike = "something else"
	r.wantResults(r.ask(desk.RequestRetry, other))
	r.wantResults(r.ask(desk.RequestRetry, about), "requeued", "requeued")
	r.backfill()
	r.wantExactly("large.jpg", "larger.jpg")
	about.Class, about.Alike = r.entry("refused.jpg").Reason.Class, ""
	r.wantResults(r.ask(desk.RequestCancel, about), "cancelled")
}
