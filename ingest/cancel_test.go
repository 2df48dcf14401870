package ingest_test

import (
	"net/http"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/journal"
)

// An upload that Tenovos refuses to complete is cancelled and begun again. Where the
// cancel succeeds, and the removal of the empty asset has to be repeated, the cancel is
// repeated, too: that it finds no upload then does not mean that this was completed.
func TestCancelledUploadIsNotTakenForCompleted(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *sandbox.Options) { o.MultipartUnasked = true })
	r.write("a.jpg", 3000, 1)
	r.queue(
		sandbox.Fault{Operation: "FinishUpload", BodyHas: `"action":"complete"`, Kind: sandbox.FaultErrorIn200},
		sandbox.Fault{Operation: "DeleteAsset", Kind: sandbox.FaultStatus, Status: http.StatusTooManyRequests, RetryAfter: "1"},
	)
	r.backfill()
	r.wantExactly("a.jpg")
	r.wantFiles("a.jpg")
}

// A file of which the upload was given up for good rests with a hint, also where the
// upload could not be taken back at once, and its reason tells of that.
func TestRestsWithHintAfterTroubleWithCancel(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.write("a.jpg", 3000, 1)
	refused := refusedPut(sandbox.PutObject)
	refused.Times = forGood
	r.queue(refused, sandbox.Fault{Operation: "DeleteAsset", Kind: sandbox.FaultStatus, Status: http.StatusBadRequest, Times: forGood})
	r.backfill()
	if e := r.entry("a.jpg"); e.Status != journal.Failed || e.Reason.Message == "" || e.Reason.Hint == "" {
		t.Errorf("it is %s: %+v", e.Status, e.Reason)
	}
}
