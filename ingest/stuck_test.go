package ingest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/journal"
)

// Files that somebody on the way never lets through, for what is in them, do not hold up
// the others for good: as soon as these get through, those are known to be alone.
func TestFilesThatAreRefusedForGoodHoldUpNobody(t *testing.T) {
	for name, operation := range map[string]string{"content": "PutObject", "metadata": "CreateAsset"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			r.config.Workers, r.config.Folders[0].Order = 3, journal.OrderPath // those that are bad go first
			r.config.RetryInitial, r.config.RetryMax = 300*time.Millisecond, 300*time.Millisecond
			for i := range 3 {
				path := fmt.Sprintf("a-bad-%d.jpg", i)
				r.write(path, 500+i, 1)
				r.queue(sandbox.Fault{Operation: operation, About: path, Kind: sandbox.FaultStatus, Status: 403, Body: "<html><title>Virus</title></html>", Times: forGood})
			}
			for i := range 12 {
				r.write(fmt.Sprintf("good-%02d.jpg", i), 1000+i, 1)
			}
			r.watched(func(entries map[string]journal.Entry) bool {
				for path, e := range entries {
					if good := strings.HasPrefix(path, "good"); good && e.Status != journal.Filed || e.Failures > 0 {
						return false
					}
				}
				return len(entries) == 15
			})
			if n := strings.Count(r.log.String(), "one file after another is refused"); n > 4 {
				t.Errorf("it is said %d times:\n%s", n, r.log)
			}
		})
	}
}

// A file whose upload may be completed already, and whose completion is refused on the
// way as those of others are, cannot be cancelled now: that is answered at once.
func TestCancelOfWhatIsHeldUp(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *sandbox.Options) { o.ProxyStatus, o.ProxyOn, o.MultipartUnasked = 413, "FinishUpload", true })
	for i := range 4 {
		r.write(fmt.Sprintf("%d.jpg", i), 1000, 1)
	}
	asked := false
	r.watched(func(entries map[string]journal.Entry) bool {
		for _, e := range entries {
			if e.Status != journal.Completing || e.Reason.Class != "held-up" || time.Until(e.NotBefore) < 200*time.Millisecond || asked {
				continue
			}
			asked = true
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			out := r.askOf(ctx, desk.RequestCancel, desk.Selection{IDs: []int64{e.ID}}, func(int64) error { return nil })
			r.wantResults(out, "skipped")
		}
		return asked
	})
	if err := r.sandbox.Configure(func(o *sandbox.Options) { o.ProxyStatus = 0 }); err != nil {
		t.Fatal(err)
	}
	for _, e := range r.entries() { // who has no daemon finds out
		r.wantResults(r.ask(desk.RequestCancel, desk.Selection{IDs: []int64{e.ID}}), "ingested")
	}
}
