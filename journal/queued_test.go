package journal

import (
	"strings"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// TestQueuedAt has files come into the queue and leave it: told is since when the one waits
// that has waited longest, whatever its place in the order of its folder.
func TestQueuedAt(t *testing.T) {
	r := newRig(t)
	queued := func() map[string]time.Time {
		t.Helper()
		all, err := r.Reader().Counts(t.Context())
		r.ok(err)
		out := map[string]time.Time{}
		for _, c := range all {
			out[c.Name] = c.QueuedAt
		}
		return out
	}
	want := func(what string, folder string, since time.Time) {
		t.Helper()
		if got := queued()[folder]; !got.Equal(since) {
			t.Errorf("%s: in folder %s the oldest waits since %v, want %v", what, folder, got, since)
		}
	}
	first := r.time
	a := r.admit(fileAt("z", 1))[0]
	r.time = first.Add(time.Hour)
	second := r.time
	b := r.admit(fileAt("a", 2), file.File{Folder: "other", Path: "x"})[0]
	want("both", "in", first)
	want("both", "other", second)

	r.ok(r.Advance(t.Context(), move(a, Settled, Mapped))) // which changes nothing about its wait
	r.time = second.Add(time.Hour)
	want("one is mapped", "in", first)
	r.ok(r.Advance(t.Context(), move(a, Mapped, Creating)))
	want("the first is begun", "in", second)
	r.ok(r.Advance(t.Context(), move(a, Creating, Mapped))) // taken back: nothing came of it
	want("the first is taken back", "in", first)
	held := move(a, Mapped, Held)
	held.Reason = Reason{Message: "because"}
	r.ok(r.Advance(t.Context(), held))
	want("the first is held", "in", second)
	third := r.time.Add(time.Hour)
	r.time = third
	r.ok(r.Advance(t.Context(), move(b, Settled, Superseded)))
	want("none is queued", "in", time.Time{})
	r.ok(r.Advance(t.Context(), move(a, Held, Settled))) // an operator asked for it again
	want("the first was asked for again", "in", third)
}

// TestPlanOfCounts has what is queued counted, and its age found, in an index alone.
func TestPlanOfCounts(t *testing.T) {
	r := newRig(t)
	plan := r.plan(countEntries)
	waiting, begun, _ := strings.Cut(plan, "SEARCH work USING INDEX work_due (lane=?)")
	if !strings.Contains(waiting, "SCAN work USING COVERING INDEX work_status") || strings.Contains(waiting, "TEMP B-TREE") || begun == "" {
		t.Errorf("the plan is\n%s", plan)
	}
}

// TestPlansOfChores has no entry, and no look for what is due, read all chores of a kind: of
// files that cannot be moved there may be as many as there are files.
func TestPlansOfChores(t *testing.T) {
	r := newRig(t)
	const which = `SELECT id FROM chores WHERE `
	for plan, want := range map[string]string{
		r.plan(hasChore, 1):                                              "USING INDEX chores_entry",
		r.plan(obstaclesOf, "[]"):                                        "USING INDEX chores_entry",
		r.plan(which+dueChores("in"), "in", 0, 1):                        "USING INDEX chores_due",
		r.plan(which+dueChores(""), "", 0, 1):                            "USING INDEX chores_due",
		r.plan(nextChore("in"), "in"):                                    "USING INDEX chores_due",
		r.plan(nextChore(""), ""):                                        "USING INDEX chores_due",
		r.plan(`SELECT 1 FROM entries e WHERE `+isLeftover, 0, "[]", ""): "SEARCH c USING INDEX chores_entry",
	} {
		if !strings.Contains(plan, want) || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("want %s, got the plan\n%s", want, plan)
		}
	}
}

// TestCleanUps counts what is to be cleaned up, and not what is only looked for.
func TestCleanUps(t *testing.T) {
	r := newRig(t)
	id := r.admit(fileAt("a", 1))[0]
	r.bring(id, Uploading)
	m := move(id, Uploading, Cancelling)
	m.Chores = []NewChore{{Kind: ChoreDelete}, {Kind: ChoreTwin}, {Kind: ChoreCancel}, {Kind: ChoreFile}}
	r.ok(r.Advance(t.Context(), m))
	if n, err := ChoreReaderOf(r.Reader()).CleanUps(t.Context()); n != 3 || err != nil {
		t.Errorf("%d chores are open, %v", n, err)
	}
}
