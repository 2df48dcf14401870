package journal

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

func (r *rig) state(dir string) BatchState {
	r.t.Helper()
	s, err := BatchesOf(r.Journal).State(r.t.Context(), Batch{"in", dir})
	r.ok(err)
	return s
}

func (r *rig) batches() []string {
	r.t.Helper()
	all, err := BatchesOf(r.Journal).In(r.t.Context(), "in")
	r.ok(err)
	dirs := make([]string, len(all))
	for i, d := range all {
		dirs[i] = d.Dir
	}
	return dirs
}

func TestDropsAreTheirTopDirectories(t *testing.T) {
	r := newRig(t)
	r.ok(BatchesOf(r.Journal).Set(t.Context(), "in", true))
	ids := r.admit(fileAt("spring/a", 1), fileAt("spring/b/c", 1), fileAt("spring.old/a", 1), fileAt("spring0", 1), fileAt("\xff/a", 1),
		file.File{Folder: "other", Path: "spring/x"})
	if got, want := r.batches(), []string{"", "spring", "spring.old", "\xff"}; !slices.Equal(got, want) {
		t.Errorf("got the drops %q, want %q", got, want)
	}
	r.bring(ids[0], Mapped)
	r.bring(ids[1], Held)
	want := BatchState{Mapped: 1, Blocking: 1, LastSeen: r.time, LastModTime: 1}
	if got := r.state("spring"); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if r.entry(ids[5]).InDrop || !r.entry(ids[3]).InDrop {
		t.Error("only the files of a folder whose files wait for each other are in a drop")
	}
}

func TestWaitingForADropAndItsRelease(t *testing.T) {
	r := newRig(t)
	r.ok(BatchesOf(r.Journal).Set(t.Context(), "in", true))
	spring := Batch{"in", "spring"}
	ids := r.admit(fileAt("spring/a", 1), fileAt("spring/b", 1), fileAt("autumn/a", 1))
	for _, id := range ids {
		r.bring(id, Mapped)
	}
	for _, id := range ids {
		r.ok(r.WaitForDrop(t.Context(), id, r.time.Add(time.Hour), Reason{Class: "waiting", Message: "the rest"}))
	}
	if got := r.runnable(nil, 10); len(got) != 0 {
		t.Errorf("%v may run, though all wait", got)
	}
	judged := r.state("spring")
	late := r.admit(fileAt("spring/late", 1))[0]
	r.fails(BatchesOf(r.Journal).Release(t.Context(), spring, judged), ErrMoved)
	r.fails(BatchesOf(r.Journal).SetReason(t.Context(), spring, judged, Reason{}), ErrMoved)
	r.bring(late, Held)

	judged = r.state("spring")
	r.ok(BatchesOf(r.Journal).SetReason(t.Context(), spring, judged, Reason{Class: ClassBatch, Message: "1 of 3 is held"}))
	if e := r.entry(ids[1]); e.Reason.Message != "1 of 3 is held" {
		t.Errorf("a member that waits says %+v", e.Reason)
	}
	if e := r.entry(ids[2]); e.Reason.Message != "the rest" {
		t.Errorf("the member of another drop says %+v", e.Reason)
	}
	if n, err := r.Reader().Unfinished(t.Context(), []string{"in"}); err != nil || n != 1 {
		t.Errorf("%d are unfinished (%v), but a drop that waits for somebody has nothing to do: want the other one's", n, err)
	}

	r.ok(BatchesOf(r.Journal).Set(t.Context(), "in", true)) // as at a start: what is missing may have come since
	if n, err := r.Reader().Unfinished(t.Context(), []string{"in"}); err != nil || n != 3 {
		t.Errorf("%d are unfinished (%v), want all three that are mapped", n, err)
	}

	r.ok(BatchesOf(r.Journal).Release(t.Context(), spring, judged))
	r.fails(r.WaitForDrop(t.Context(), ids[0], r.time.Add(time.Hour), Reason{}), ErrMoved)
	if got := r.runnable(nil, 10); !slices.Equal(got, ids[:2]) {
		t.Errorf("%v may run, want the members %v", got, ids[:2])
	}
	if e := r.entry(ids[0]); e.InDrop || e.Reason != (Reason{}) {
		t.Errorf("a released member is in no drop and has no reason: %v %+v", e.InDrop, e.Reason)
	}
	if got := r.state("spring"); got.Members() != 1 {
		t.Errorf("the held file is a drop of its own now: %+v", got)
	}
	r.consistent()
}

func TestWhatDoesNotHoldADropBack(t *testing.T) {
	r := newRig(t)
	r.ok(BatchesOf(r.Journal).Set(t.Context(), "in", true))
	ids := r.admit(fileAt("d/ignored", 1), fileAt("d/copy", 1), fileAt("d/cancelled", 1), fileAt("d/failed later", 1), fileAt("d/waits for its copy", 1))
	r.bring(ids[0], Ignored)
	r.bring(ids[1], Duplicate)
	r.bring(ids[2], Held)
	r.ok(r.Advance(t.Context(), Move{ID: ids[2], From: Held, To: Cancelled}))
	r.bring(ids[3], Mapped)
	r.ok(r.Advance(t.Context(), move(ids[3], Mapped, Creating)))
	r.ok(r.Advance(t.Context(), move(ids[3], Creating, Failed)))
	r.ok(r.Defer(t.Context(), ids[4], Settled, r.time.Add(time.Hour), Reason{Class: ClassDuplicate}, false))
	if got := r.state("d"); got.Settled != 0 || got.Blocking != 0 || got.Copies != 1 {
		t.Errorf("nothing holds the drop back, but the state is %+v", got)
	}
}

func TestBlockersInPages(t *testing.T) {
	r := newRig(t)
	r.ok(BatchesOf(r.Journal).Set(t.Context(), "in", true))
	ids := r.admit(fileAt("d/a", 1), fileAt("d/b", 1), fileAt("d/c", 1), fileAt("e/a", 1))
	for _, id := range ids {
		r.bring(id, Held)
	}
	first, err := BatchesOf(r.Journal).Blockers(t.Context(), Batch{"in", "d"}, 0, 2)
	r.ok(err)
	rest, err := BatchesOf(r.Journal).Blockers(t.Context(), Batch{"in", "d"}, first[1].ID, 2)
	r.ok(err)
	if len(first) != 2 || len(rest) != 1 || rest[0].ID != ids[2] {
		t.Errorf("got %d and then %+v", len(first), rest)
	}
}

func TestSwitchingBatchOnAndOff(t *testing.T) {
	r := newRig(t)
	ids := r.admit(fileAt("d/queued", 1), fileAt("d/rested before", 1), fileAt("d/mapped", 1))
	r.bring(ids[1], Held)
	r.bring(ids[2], Mapped)
	r.ok(BatchesOf(r.Journal).Set(t.Context(), "in", true))
	if got := r.state("d"); got.Settled != 1 || got.Mapped != 1 || got.Blocking != 0 {
		t.Errorf("what was queued is in a drop, what rested before is not: %+v", got)
	}
	r.ok(r.WaitForDrop(t.Context(), ids[2], r.time.Add(time.Hour), Reason{Message: "waits"}))
	r.ok(BatchesOf(r.Journal).Set(t.Context(), "in", false))
	if e := r.entry(ids[2]); e.InDrop || !e.NotBefore.IsZero() || e.Reason.Message != "" {
		t.Errorf("nothing waits any more, but %+v", e)
	}
	if got := r.batches(); len(got) != 0 {
		t.Errorf("drops are left: %q", got)
	}
}

func TestReleaseOfFilesByThemselves(t *testing.T) {
	r := newRig(t)
	r.ok(BatchesOf(r.Journal).Set(t.Context(), "in", true))
	early := r.admit(fileAt("a", 1))[0]
	seen := r.time
	r.time = r.time.Add(time.Second)
	later := r.admit(fileAt("b", 1))[0]
	r.bring(early, Mapped)
	r.bring(later, Mapped)
	n, err := BatchesOf(r.Journal).ReleaseSeen(t.Context(), Batch{Folder: "in"}, seen)
	r.ok(err)
	if n != 1 || r.entry(early).InDrop || !r.entry(later).InDrop {
		t.Errorf("released %d: want the earlier one alone", n)
	}
}

func TestCompanionsIn(t *testing.T) {
	r := newRig(t)
	_, err := CompanionsOf(r.Journal).Admit(t.Context(), []file.File{fileAt("a.xmp", 1), fileAt("manifest.csv", 1), fileAt("d/manifest.csv", 1)})
	r.ok(err)
	got, err := CompanionsOf(r.Journal).In(t.Context(), "in", ".", func(p string) bool { return strings.HasSuffix(p, ".csv") })
	r.ok(err)
	if !slices.Equal(got, []string{"manifest.csv"}) {
		t.Errorf("got %q", got)
	}
	got, err = CompanionsOf(r.Journal).In(t.Context(), "other", ".", func(string) bool { return true })
	r.ok(err)
	if len(got) != 0 {
		t.Errorf("got %q of another folder", got)
	}
}

// plan is how SQLite means to answer a query.
func (r *rig) plan(query string, args ...any) string {
	r.t.Helper()
	rows, err := r.Reader().db.Query(`EXPLAIN QUERY PLAN `+inDialect(query), args...)
	r.ok(err)
	defer func() { _ = rows.Close() }()
	var plan strings.Builder
	for rows.Next() {
		var id, parent, unused int
		var detail string
		r.ok(rows.Scan(&id, &parent, &unused, &detail))
		fmt.Fprintln(&plan, detail)
	}
	r.ok(rows.Err())
	return plan.String()
}

// A drop is asked for every second: it may cost its members, not the folder.
func TestPlansOfDrops(t *testing.T) {
	r := newRig(t)
	for name, c := range map[string]struct {
		query string
		args  []any
	}{
		"drops":      {openBatches, []any{"in"}},
		"members":    {batchMembers, []any{"in", []byte("d")}},
		"duplicates": {batchDuplicates, []any{"in", []byte("d")}},
		"run":        {runAtOnce + mappedBatch, []any{1, "in", []byte("d")}},
		"release":    {releaseMapped + mappedBatch, []any{1, "in", []byte("d")}},
		"blockers":   {batchBlockers, []any{"in", []byte("d"), 0, 1}},
	} {
		p := r.plan(c.query, c.args...)
		if !strings.Contains(p, "entries_batch (folder=?") || strings.Contains(p, "SCAN e") || strings.Contains(p, "GROUP BY") {
			t.Errorf("%s:\n%s", name, p)
		}
	}
}
