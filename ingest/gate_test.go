package ingest_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/journal"
)

// TestCancelWhileEverythingWaits cancels what is on its way while Tenovos is away for
// longer: it is recorded, said, and done when Tenovos answers again. A retry says that it
// waits.
func TestCancelWhileEverythingWaits(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	var ahead atomic.Int64
	r.clock = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	r.queue(
		sandbox.Fault{Operation: sandbox.PutObject, Kind: sandbox.FaultStall, Delay: time.Minute},
		sandbox.Fault{Operation: "CreateAsset", About: "b.jpg", Kind: sandbox.FaultStatus, Status: 503, Times: forGood},
		sandbox.Fault{Operation: "GetCurrentUser", Kind: sandbox.FaultStatus, Status: 503, Times: forGood})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	p := r.start()
	defer r.close(p)
	r.write("a.jpg", 1000, 1)
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx, nil, nil) }()
	if err := r.scan(ctx, p); err != nil {
		t.Fatal(err)
	}
	await := func(what string, so func() bool) {
		t.Helper()
		for ; !so(); time.Sleep(5 * time.Millisecond) {
			if ctx.Err() != nil {
				t.Fatal(what)
			}
		}
	}
	await("a.jpg is not sent", func() bool { return r.sandbox.State().InFlight > 0 && r.statusOf("a.jpg") == journal.Uploading })
	r.write("b.jpg", 1000, 1)
	if err := r.scan(ctx, p); err != nil {
		t.Fatal(err)
	}
	await("nothing waits", func() bool { return p.Paused() != "" })
	ahead.Store(int64(time.Minute))
	asked := func(kind string, ids ...int64) []desk.Outcome {
		return r.askOf(ctx, kind, desk.Selection{IDs: ids}, func(int64) error { return nil })
	}
	e := r.entry("a.jpg")
	got := asked(desk.RequestCancel, e.ID)
	r.wantResults(got, "cancelling")
	if !strings.Contains(got[0].Detail, "when Tenovos answers again: ") {
		t.Errorf("it says %q", got[0].Detail)
	}
	r.wantResults(asked(desk.RequestCancel, e.ID), "cancelling") // again
	r.wantResults(asked(desk.RequestCancel, r.entry("b.jpg").ID), "skipped")
	r.sandbox.ClearFaults()
	await("the cancel is not done", func() bool { return r.statusOf("a.jpg") == journal.Cancelled })
	got = asked(desk.RequestRetry, e.ID)
	r.wantResults(got, "requeued")
	if got[0].Detail != "" {
		t.Errorf("nothing waits, and retry says %q", got[0].Detail)
	}
	await("the files are not in", func() bool { return r.statusOf("a.jpg") == journal.Filed && r.statusOf("b.jpg") == journal.Filed })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	r.wantExactly("a.jpg", "b.jpg")
}
