package ingest_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/ingest"
	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// asset returns a version as the account has it.
func (r *rig) asset(objectID string) sandbox.Asset {
	r.t.Helper()
	for _, a := range r.sandbox.State().Assets {
		if a.ObjectID == objectID {
			return a
		}
	}
	r.t.Fatalf("the account has no version %s", objectID)
	return sandbox.Asset{}
}

// wantSpared fails unless a version is available with its content.
func (r *rig) wantSpared(versions ...tenovos.Upload) {
	r.t.Helper()
	for _, v := range versions {
		if a := r.asset(v.ObjectID); a.Deleted || !a.HasContent {
			r.t.Errorf("version %s (%s) is gone: deleted %v, content %v\n%s", v.ObjectID, a.Filename, a.Deleted, a.HasContent, r.log)
		}
	}
}

// wantNoneEmpty fails if an empty version was left behind.
func (r *rig) wantNoneEmpty() {
	r.t.Helper()
	for _, a := range available(r.sandbox.State()) {
		if !a.HasContent {
			r.t.Errorf("an empty version was left behind: %s", a.ObjectID)
		}
	}
}

// refusePuts has every upload of a file refused.
func (r *rig) refusePuts(times int) {
	r.queue(sandbox.Fault{Operation: sandbox.PutObject, Kind: sandbox.FaultStatus, Status: 403, Body: denied, Times: times})
}

// later lets the clean-up work be done that a run has left for then.
func (r *rig) later(offset *atomic.Int64, by time.Duration) {
	r.t.Helper()
	offset.Add(int64(by))
	p := r.start()
	defer r.close(p)
	over := make(chan struct{})
	ran := make(chan error, 1)
	go func() { ran <- p.Run(r.t.Context(), over, nil) }()
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		due, err := journal.ChoresOf(p.journal).Due(r.t.Context(), r.clock(), "", 10)
		if err != nil {
			r.t.Fatal(err)
		}
		if len(due) == 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	close(over)
	if err := <-ran; err != nil {
		r.t.Error(err)
	}
}

func newLaterRig(t *testing.T, change func(*sandbox.Options)) (*rig, *atomic.Int64) {
	t.Helper()
	r := newNameRig(t, change)
	offset := new(atomic.Int64)
	r.clock = func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }
	return r, offset
}

// Whatever a delete takes along, the versions of a customer are there afterwards, as
// they were, and those that a librarian had deleted are not.
func TestFailedVersionSparesTheOthers(t *testing.T) {
	for name, change := range map[string]func(*sandbox.Options){
		"itself alone":                      func(o *sandbox.Options) { o.DeleteScope = "version" },
		"all versions":                      func(o *sandbox.Options) { o.DeleteScope = "all" },
		"the older":                         func(o *sandbox.Options) { o.DeleteScope = "older" },
		"all, and does not tell who":        func(o *sandbox.Options) { o.DeleteScope, o.HideDeletedBy = "all", true },
		"all, and hides what is deleted":    func(o *sandbox.Options) { o.DeleteScope, o.HideDeleted = "all", true },
		"all, and lists the newest first":   func(o *sandbox.Options) { o.DeleteScope, o.VersionsOrder = "all", "newest" },
		"all, and makes current what is in": func(o *sandbox.Options) { o.DeleteScope, o.VersionFlipsLate = "all", true },
		"all, by the cancel": func(o *sandbox.Options) {
			o.DeleteScope, o.CancelRecord, o.MultipartUnasked = "all", "delete", true
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newNameRig(t, func(o *sandbox.Options) { o.UndeleteScope = "version" })
			first := r.there("hero.jpg", "first", "")
			binned := r.there("hero.jpg", "binned", first.OriginalFileID)
			third := r.there("hero.jpg", "third", first.OriginalFileID)
			r.remove(binned.ObjectID)
			must(t, r.sandbox.Configure(change))
			r.refusePuts(99)
			r.queue(sandbox.Fault{Operation: sandbox.PutPart, Kind: sandbox.FaultStatus, Status: 403, Body: denied, Times: 99})
			r.write("hero.jpg", 1000, 1)
			r.backfill()
			r.wantSpared(first, third)
			r.wantNoneEmpty()
			if !r.asset(binned.ObjectID).Deleted {
				t.Error("what a librarian had deleted was restored")
			}
			if !r.asset(third.ObjectID).Current {
				t.Error("the version that was current before is not any more")
			}
			e := r.entry("hero.jpg")
			if e.Status != journal.Failed {
				t.Fatalf("it is %s", e.Status)
			}
			took := name != "itself alone"
			for _, id := range []string{first.ObjectID, third.ObjectID} {
				if strings.Contains(e.Reason.Message, id) != took || strings.Contains(r.log.String(), id) != took && took {
					t.Errorf("the reason does not tell, or tells wrongly, what became of %s: %s", id, e.Reason.Message)
				}
			}
		})
	}
}

// Nothing more is asked where a file is no version, and nothing at all where none fails.
func TestRemovalCostsNothingWhereNothingIsRemoved(t *testing.T) {
	r := newRig(t, nil)
	r.write("a.jpg", 1000, 1)
	r.backfill()
	r.write("a.jpg", 1000, 2)
	r.backfill()
	for _, q := range r.sandbox.Requests() {
		if q.Operation == "GetVersions" || q.Operation == "DeleteAsset" {
			t.Errorf("asked for %s %s", q.Operation, q.Path)
		}
	}
}

// An account that restores the versions of an asset together cannot lose one of them:
// the empty one stays, which is said, and the asset is not taken away again and again.
func TestVersionsThatGoAndComeTogether(t *testing.T) {
	r := newNameRig(t, func(o *sandbox.Options) { o.DeleteScope, o.UndeleteScope = "all", "all" })
	first := r.there("hero.jpg", "first", "")
	r.refusePuts(99)
	r.write("hero.jpg", 1000, 1)
	r.backfill()
	r.wantSpared(first)
	e := r.entry("hero.jpg")
	if e.Status != journal.Failed || !strings.Contains(e.Reason.Message, "together") {
		t.Errorf("it is %s: %s", e.Status, e.Reason.Message)
	}
	deletes := 0
	for _, q := range r.sandbox.Requests() {
		if q.Operation == "DeleteAsset" {
			deletes++
		}
	}
	if deletes > 2 { // one delete and one undelete
		t.Errorf("%d deletes and undeletes were sent", deletes)
	}
}

// A restore that is refused is tried again beside the work, and the operator is told.
func TestRestoreThatIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		fault sandbox.Fault
		held  bool // the file; else it goes in at last
	}{
		"once":           {fault: sandbox.Fault{Kind: sandbox.FaultStatus, Status: 403, Body: `{"message":"Failed to UnDelete Asset"}`}},
		"reply lost":     {fault: sandbox.Fault{Kind: sandbox.FaultResetAfter}},
		"by a proxy":     {fault: sandbox.Fault{Kind: sandbox.FaultStatus, Status: 403, Body: "<html><h1>403 Forbidden</h1>Blocked by policy</html>", Times: 5}},
		"not arrived":    {fault: sandbox.Fault{Kind: sandbox.FaultResetBefore}},
		"for long":       {fault: sandbox.Fault{Kind: sandbox.FaultStatus, Status: 403, Body: `{"message":"Failed to UnDelete Asset"}`, Times: 40}, held: true},
		"without rights": {fault: sandbox.Fault{Kind: sandbox.FaultStatus, Status: 403, Body: `{"message":"Forbidden"}`, Times: 40}, held: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, offset := newLaterRig(t, func(o *sandbox.Options) { o.DeleteScope, o.UndeleteScope = "all", "version" })
			first := r.there("hero.jpg", "first", "")
			r.refusePuts(1)
			c.fault.Operation, c.fault.BodyHas = "DeleteAsset", "undelete"
			r.queue(c.fault)
			r.write("hero.jpg", 1000, 1)
			r.backfill()
			e := r.entry("hero.jpg")
			if !c.held {
				r.wantSpared(first)
				r.wantOriginal("hero.jpg", first.OriginalFileID)
				r.wantNoneEmpty()
				return
			}
			if e.Status != journal.Held || !strings.Contains(e.Reason.Message, first.ObjectID) || e.Reason.Hint == "" {
				t.Fatalf("it is %s: %+v", e.Status, e.Reason)
			}
			r.sandbox.ClearFaults()
			r.later(offset, 20*time.Second)
			r.wantSpared(first)
			r.wantResults(r.ask(desk.RequestRetry, desk.Selection{}), "requeued")
			r.backfill()
			r.wantOriginal("hero.jpg", first.OriginalFileID)
			r.wantNoneEmpty()
		})
	}
}

// A delete that is refused at first is done beside the work, with the same care.
func TestRemovalBesideTheWork(t *testing.T) {
	r, offset := newLaterRig(t, func(o *sandbox.Options) { o.DeleteScope, o.UndeleteScope = "all", "version" })
	first := r.there("hero.jpg", "first", "")
	r.refusePuts(1)
	r.queue(sandbox.Fault{Operation: "DeleteAsset", Kind: sandbox.FaultStatus, Status: 400, Body: `{"message":"no"}`, Times: 4})
	r.write("hero.jpg", 1000, 1)
	r.backfill()
	r.wantSpared(first)
	second := r.entry("hero.jpg")
	if second.Status != journal.Filed {
		t.Fatalf("it is %s: %s", second.Status, second.Reason.Message)
	}
	r.later(offset, 20*time.Second)
	r.wantSpared(first, tenovos.Upload{ObjectID: second.ObjectID})
	r.wantNoneEmpty()
	if !strings.Contains(r.log.String(), first.ObjectID) {
		t.Errorf("the log does not name what went along:\n%s", r.log)
	}
	p := r.start()
	defer r.close(p)
	if open, err := journal.ChoresOf(p.journal).Due(t.Context(), r.clock().Add(1000*time.Hour), "", 10); err != nil || len(open) > 0 {
		t.Errorf("work is left open: %+v, %v", open, err)
	}
}

// The operator who withdraws a version loses no other.
func TestWithdrawSparesTheOthers(t *testing.T) {
	for name, undelete := range map[string]string{"restored alone": "version", "restored together": "all"} {
		t.Run(name, func(t *testing.T) {
			r := newNameRig(t, func(o *sandbox.Options) { o.DeleteScope, o.UndeleteScope = "all", undelete })
			first := r.there("hero.jpg", "first", "")
			r.write("hero.jpg", 1000, 1)
			r.backfill()
			out := r.ask(desk.RequestWithdraw, desk.Selection{})
			r.wantSpared(first)
			e := r.entry("hero.jpg")
			want, result := journal.Withdrawn, "withdrawn"
			if undelete == "all" {
				want, result = journal.Filed, "failed"
			}
			r.wantResults(out, result)
			if e.Status != want || r.asset(e.ObjectID).Deleted != (want == journal.Withdrawn) {
				t.Errorf("it is %s", e.Status)
			}
			if len(out) != 1 || !strings.Contains(out[0].Detail, first.ObjectID) {
				t.Errorf("the operator is not told: %+v", out)
			}
		})
	}
}

// What a librarian deletes at the same moment stays deleted, where Tenovos tells who it
// was.
func TestLibrarianDeletesAtTheSameMoment(t *testing.T) {
	r := newNameRig(t, func(o *sandbox.Options) { o.DeleteScope, o.UndeleteScope = "version", "version" })
	first := r.there("hero.jpg", "first", "")
	second := r.there("hero.jpg", "second", first.OriginalFileID)
	r.api = func(api ingest.API) ingest.API {
		return &deletesAlong{API: api, also: func() {
			acct := r.sandbox.Account()
			c, err := tenovos.New(tenovos.Config{URL: r.web.URL + r.sandbox.Options().BasePath(), Version: "1.5", APIKey: "sandbox-api-key-5up3r",
				Username: acct.Users[1].Username, Password: "librarian-pa55word", MaxConcurrentCalls: 1})
			must(t, err)
			defer c.Close()
			must(t, c.DeleteAsset(context.Background(), second.ObjectID))
		}}
	}
	r.refusePuts(1)
	r.write("hero.jpg", 1000, 1)
	r.backfill()
	r.wantSpared(first)
	if !r.asset(second.ObjectID).Deleted {
		t.Error("what the librarian deleted was restored")
	}
	if !strings.Contains(r.log.String(), "somebody else") {
		t.Errorf("the log does not tell:\n%s", r.log)
	}
}

// deletesAlong does something more before the first delete.
type deletesAlong struct {
	ingest.API
	also func()
	done bool
}

func (d *deletesAlong) DeleteAsset(ctx context.Context, objectID string) error {
	if !d.done {
		d.done = true
		d.also()
	}
	return d.API.DeleteAsset(ctx, objectID)
}

// After a delete Tenovos may call none of the versions the current one, which nobody but
// a person can mend.
func TestNoVersionIsCurrentAfterARemoval(t *testing.T) {
	r := newNameRig(t, func(o *sandbox.Options) { o.NoFallbackVersion = true })
	first := r.there("hero.jpg", "first", "")
	r.refusePuts(99)
	r.write("hero.jpg", 1000, 1)
	r.backfill()
	r.wantSpared(first)
	if e := r.entry("hero.jpg"); !strings.Contains(e.Reason.Message, "current") {
		t.Errorf("the operator is not told: %s", e.Reason.Message)
	}
}

// What was removed on purpose is not brought back by the removal of another version.
func TestTwoRemovalsInOneAsset(t *testing.T) {
	for _, scope := range []string{"version", "all"} {
		t.Run(scope, func(t *testing.T) {
			t.Parallel()
			r, offset := newLaterRig(t, func(o *sandbox.Options) { o.DeleteScope, o.UndeleteScope = scope, "version" })
			first := r.there("hero.jpg", "first", "")
			r.refusePuts(3)
			r.queue(sandbox.Fault{Operation: "DeleteAsset", Kind: sandbox.FaultStatus, Status: 400, Body: `{"message":"no"}`, Times: 999})
			r.write("hero.jpg", 1000, 1)
			r.backfill()
			last := r.entry("hero.jpg")
			if n := len(available(r.sandbox.State())); n != 5 || last.Status != journal.Filed {
				t.Fatalf("it is %s, and %d versions are there, want 5", last.Status, n)
			}
			r.sandbox.ClearFaults()
			for range 3 {
				r.later(offset, 2*time.Hour)
			}
			r.wantSpared(first, tenovos.Upload{ObjectID: last.ObjectID})
			r.wantNoneEmpty()
		})
	}
}

// What an operator restores while others are still to be brought back says nothing about
// the account: it is not taken for one that restores all versions together.
func TestRestoreBesideAnOpenRemoval(t *testing.T) {
	r, offset := newLaterRig(t, func(o *sandbox.Options) { o.DeleteScope, o.UndeleteScope = "all", "version" })
	first := r.there("hero.jpg", "first", "")
	r.write("hero.jpg", 1000, 1)
	r.backfill()
	second := r.entry("hero.jpg")
	r.queue(sandbox.Fault{Operation: "DeleteAsset", BodyHas: "undelete", Kind: sandbox.FaultStatus, Status: 403, Body: `{"message":"Failed to UnDelete Asset"}`, Times: 40})
	r.wantResults(r.ask(desk.RequestWithdraw, desk.Selection{}), "withdrawn")
	r.sandbox.ClearFaults()
	r.wantResults(r.ask(desk.RequestUndelete, desk.Selection{}), "restored")
	r.later(offset, 20*time.Second)
	r.wantSpared(first, tenovos.Upload{ObjectID: second.ObjectID})
	if strings.Contains(r.log.String(), "together") {
		t.Errorf("it is taken for an account that restores versions together:\n%s", r.log)
	}
	p := r.start()
	defer r.close(p)
	if open, err := journal.ChoresOf(p.journal).Due(t.Context(), r.clock().Add(1000*time.Hour), "", 10); err != nil || len(open) > 0 {
		t.Errorf("what is deleted on purpose from now on would be brought back: %+v, %v", open, err)
	}
}
