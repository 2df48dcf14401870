package journal

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// rest brings an entry to rest with a class of reason.
func (r *rig) rest(id int64, in Status, class string) {
	r.t.Helper()
	r.ok(r.Advance(r.t.Context(), Move{ID: id, From: Settled, To: in, CountFailure: true,
		Reason: Reason{Class: class, Message: "why", Hint: "what helps"}}))
}

// TestSetRules changes the rules of a folder in which every kind of entry rests.
func TestSetRules(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	sum := func(sum string, want int) {
		t.Helper()
		if n, err := FoldersOf(r.Journal).SetRules(t.Context(), "in", sum); n != want || err != nil {
			t.Fatalf("rules %s: %d released, want %d (%v)", sum, n, want, err)
		}
	}
	type resting struct {
		path  string
		in    Status
		class string
		goes  bool
	}
	cases := []resting{
		{"held for metadata", Held, ClassMetadata, true},
		{"failed for metadata", Failed, ClassMetadata, true},
		{"no rule", Ignored, ClassNoRule, true},
		{"failed and moved away", Failed, ClassMetadata, false},
		{"held for twins", Held, "twins", false},
		{"failed in the store", Failed, "store", false},
		{"ignored for something else", Ignored, "other", false},
		{"cancelled", Cancelled, ClassMetadata, false},
		{"duplicate", Duplicate, ClassMetadata, false},
	}
	ids := map[string]int64{}
	for _, c := range cases {
		ids[c.path] = r.admit(fileAt(c.path, 1))[0]
		r.rest(ids[c.path], c.in, c.class)
	}
	r.ok(FilingOf(r.Journal).Set(t.Context(), ids["failed and moved away"], Failed, ".aside", "_failed/x"))
	elsewhere := fileAt("elsewhere", 1)
	elsewhere.Folder = "other"
	ids["elsewhere"] = r.admit(elsewhere)[0]
	r.rest(ids["elsewhere"], Held, ClassMetadata)
	waiting := r.admit(fileAt("waiting", 1))[0]

	r.time = r.time.Add(time.Hour)
	sum("one", 0) // the first is only stored
	sum("one", 0)
	if e := r.entry(ids["no rule"]); e.Status != Ignored || e.Reason.Message != "why" {
		t.Fatalf("the first rules moved it: %+v", e)
	}
	r.time = r.time.Add(time.Hour)
	sum("two", 3)
	sum("two", 0)
	var released []int64
	for _, c := range append(cases, resting{"elsewhere", Held, ClassMetadata, false}) {
		e := r.entry(ids[c.path])
		if !c.goes {
			if e.Status != c.in || e.Reason.Class != c.class || e.Failures != 1 {
				t.Errorf("%s: is %s (%s)", c.path, e.Status, e.Reason.Class)
			}
			continue
		}
		released = append(released, e.ID)
		if e.Status != Settled || e.Reason != (Reason{}) || e.Failures != 0 || !e.Since.Equal(r.time) || !e.NotBefore.IsZero() {
			t.Errorf("%s: is %+v", c.path, e)
		}
	}
	claims, err := r.Runnable(t.Context(), r.time, []Share{{Folder: "in", Limit: 10}}, nil, 10)
	r.ok(err)
	var runnable []int64
	for _, c := range claims {
		runnable = append(runnable, c.ID)
	}
	if want := append(released, waiting); !slices.Equal(runnable, want) {
		t.Errorf("runnable are %v, want %v", runnable, want)
	}
	// Whoever looked at the files before still finds them known.
	if fresh, err := r.Reader().Unknown(t.Context(), []file.File{fileAt("held for metadata", 1)}); err != nil || len(fresh) != 0 {
		t.Errorf("the journal no longer knows %v (%v)", fresh, err)
	}
	// The sum survives, and going back is a change as well.
	r.ok(r.Close())
	r.reopen()
	sum("two", 0)
	sum("one", 0)
}

// TestSetRulesKeepsAsNew releases what an operator wanted to be an asset of its
// own and the folder's new order.
func TestSetRulesKeepsAsNew(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	big := fileAt("a", 9)
	ids := r.admit(big, fileAt("b", 1))
	for _, id := range ids {
		r.rest(id, Held, ClassMetadata)
	}
	r.ok(r.Advance(t.Context(), Move{ID: ids[0], From: Held, To: Settled, ResetCounts: true, AsNew: true}))
	r.rest(ids[0], Held, ClassMetadata)
	if _, err := FoldersOf(r.Journal).SetRules(t.Context(), "in", "one"); err != nil {
		t.Fatal(err)
	}
	r.ok(FoldersOf(r.Journal).SetOrder(t.Context(), "in", OrderSize))
	if n, err := FoldersOf(r.Journal).SetRules(t.Context(), "in", "two"); n != 2 || err != nil {
		t.Fatalf("%d released, %v", n, err)
	}
	if e := r.entry(ids[0]); !e.AsNew {
		t.Error("what was asked for is forgotten")
	}
	claims, err := r.Runnable(t.Context(), r.time, []Share{{Folder: "in", Limit: 10}}, nil, 10)
	r.ok(err)
	if len(claims) != 2 || claims[0].ID != ids[1] {
		t.Errorf("the small one is not first: %+v", claims)
	}
}

// TestSetRulesStopsInTheMiddle ends a release after its first transaction: what
// is done stays done, and the next call does the rest.
func TestSetRulesStopsInTheMiddle(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	history(t, r.Journal, releaseChunk+10)
	r.byHand(`UPDATE entries SET status = 'ignored', rests = 1, class = '` + ClassNoRule + `'`)
	_, err := FoldersOf(r.Journal).SetRules(t.Context(), "photos", "one")
	r.ok(err)
	ctx, stop := context.WithCancel(t.Context())
	r.onCommit = stop
	n, err := FoldersOf(r.Journal).SetRules(ctx, "photos", "two")
	if n != releaseChunk {
		t.Errorf("released %d, want %d", n, releaseChunk)
	}
	r.fails(err, context.Canceled)
	r.ok(r.Close())
	r.reopen()
	if n, err := FoldersOf(r.Journal).SetRules(t.Context(), "photos", "two"); n != 10 || err != nil {
		t.Errorf("then released %d, want the other 10 (%v)", n, err)
	}
	if n, err := FoldersOf(r.Journal).SetRules(t.Context(), "photos", "two"); n != 0 || err != nil {
		t.Errorf("released %d once more (%v)", n, err)
	}
	r.balanced()
}
