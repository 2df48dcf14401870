package journal

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// happened is an event without its times.
type happened struct {
	Was     Status
	Kind    EventKind
	Message string
}

func (r *rig) events(id int64) (out []happened) {
	r.t.Helper()
	all, err := EventsOf(r.Reader()).Of(r.t.Context(), id)
	r.ok(err)
	for _, e := range all {
		out = append(out, happened{e.Was, e.Kind, e.Reason.Message})
	}
	return out
}

// TestEventsOfALife follows entries through trouble: each rest and each way out of one is
// an event, a reason to wait is one where it is new, and the middle of a life is none.
func TestEventsOfALife(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	id := r.admit(fileAt("a.jpg", 1))[0]
	busy := Reason{Class: "busy", Message: "it is busy"}
	for range 3 {
		r.ok(r.Advance(ctx, Move{ID: id, From: Settled, To: Settled, Reason: busy}))
	}
	r.ok(r.Advance(ctx, Move{ID: id, From: Settled, To: Held, Reason: Reason{Class: ClassMetadata, Message: "no brand", Hint: "add it"}}))
	for _, sum := range []string{"1", "2"} { // the first one is only stored
		_, err := FoldersOf(r.Journal).SetRules(ctx, "in", sum)
		r.ok(err)
	}
	r.bring(id, Filed)
	got := r.events(id)
	want := []happened{
		{Settled, "settled", "it is busy"}, {Settled, "held", "no brand"}, {Held, "settled", "the rules are others"},
		{got[len(got)-1].Was, "filed", ""},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	trail, err := TrailOf(ctx, r.Reader(), id)
	r.ok(err)
	if a := trail.Attempts; len(a) != 1 || a[0].IntentAt.IsZero() || a[0].CreatedAt.IsZero() || a[0].EndedAt.IsZero() || a[0].Stored != a[0].Planned {
		t.Errorf("the attempts are %+v", a)
	}

	moved := fileAt("b.jpg", 1)
	next := r.admit(moved)[0]
	r.ok(r.Renamed(ctx, next, r.entry(id)))
	if got := r.events(id); got[len(got)-1] != (happened{Filed, "filed", "its file was a.jpg before"}) {
		t.Errorf("after a rename the events are %v", got)
	}
	r.consistent()
}

// TestFollowers has a follower begin at the end of the feed, read on from where it came to
// after the journal was opened again, and see events of folders between those of entries.
func TestFollowers(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	hold := func(path string) {
		id := r.admit(fileAt(path, 1))[0]
		r.ok(r.Advance(ctx, Move{ID: id, From: Settled, To: Held, Reason: Reason{Message: path}}))
	}
	hold("before.jpg")
	at, err := FollowersOf(r.Journal).Cursor(ctx, "csv")
	r.ok(err)
	hold("a.jpg")
	r.ok(RecordEvent(ctx, r.Journal, "in", EventPaused, Reason{Message: "its share is away"}))
	hold("b.jpg")
	news, err := EventsOf(r.Reader()).After(ctx, at, 2)
	r.ok(err)
	if len(news) != 2 || news[0].Path != "a.jpg" || news[0].Folder != "in" || news[1].Kind != EventPaused || news[1].EntryID != 0 || news[1].Folder != "in" {
		t.Fatalf("the events are %+v", news)
	}
	r.ok(FollowersOf(r.Journal).SetCursor(ctx, "csv", news[1].ID))
	r.ok(r.Close())
	r.reopen()
	at, err = FollowersOf(r.Journal).Cursor(ctx, "csv")
	r.ok(err)
	if news, err = EventsOf(r.Reader()).After(ctx, at, 10); err != nil || len(news) != 1 || news[0].Path != "b.jpg" || news[0].Stays() {
		t.Errorf("the events are %+v, %v", news, err)
	}
	r.ok(FollowersOf(r.Journal).Keep(ctx, nil))
	last, err := EventsOf(r.Reader()).Last(ctx)
	r.ok(err)
	if at, err = FollowersOf(r.Journal).Cursor(ctx, "csv"); err != nil || at != last {
		t.Errorf("a follower that is configured again begins at %d, not %d: %v", at, last, err)
	}
}

// TestFollowersAfterRestore puts an older copy in the place of the journal, and lets a journal
// say of a follower that it is further than any event: it misses none of those that follow.
func TestFollowersAfterRestore(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	happens := func(what string) {
		t.Helper()
		r.ok(RecordEvent(ctx, r.Journal, "in", EventPaused, Reason{Message: what}))
	}
	news := func(want ...string) {
		t.Helper()
		at, err := FollowersOf(r.Journal).Cursor(ctx, "csv")
		r.ok(err)
		events, err := EventsOf(r.Reader()).After(ctx, at, 10)
		r.ok(err)
		got := make([]string, len(events))
		for i, e := range events {
			got[i] = e.Reason.Message
			at = e.ID
		}
		if !slices.Equal(got, want) {
			t.Errorf("the follower is told %q, want %q", got, want)
		}
		r.ok(FollowersOf(r.Journal).SetCursor(ctx, "csv", at))
	}
	news()
	happens("before the copy")
	copied := filepath.Join(t.TempDir(), "copy.db")
	r.ok(Backup(ctx, r.path, copied))
	for range 5 {
		happens("after the copy")
	}
	news("before the copy", "after the copy", "after the copy", "after the copy", "after the copy", "after the copy")
	r.ok(r.Close())
	r.ok(Restore(ctx, r.path, copied))
	r.reopen()
	news("before the copy") // it is told once more: the copy does not know that it was
	happens("after the restore")
	news("after the restore")

	r.ok(FollowersOf(r.Journal).SetCursor(ctx, "csv", 1<<40))
	news()
	happens("behind a place that is none")
	news("behind a place that is none")
}

// TestPrunedPauses forgets the waits of folders with the entries of their time, and neither how
// a folder does nor the drops that were told of.
func TestPrunedPauses(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	happens := func(folder string, kind EventKind) {
		t.Helper()
		r.ok(RecordEvent(ctx, r.Journal, folder, kind, Reason{Message: "x"}))
	}
	for range 3 {
		happens("a", EventPaused)
		happens("a", EventResumed)
		happens("b", EventResumed)
		happens("b", EventPaused)
		happens("b", EventDropDone)
	}
	id := r.admit(fileAt("gone.jpg", 1))[0]
	r.ok(r.Advance(ctx, Move{ID: id, From: Settled, To: Superseded, Reason: Reason{Message: "it vanished"}}))
	r.time = r.time.Add(time.Hour)
	before := r.time
	r.time = r.time.Add(time.Hour)
	happens("a", EventPaused)
	if n := r.pruneAll(Forget{Before: before}); n != 1 {
		t.Fatalf("%d entries were pruned", n)
	}
	events, err := EventsOf(r.Reader()).After(ctx, 0, 100)
	r.ok(err)
	var left []string
	for _, e := range events {
		left = append(left, fmt.Sprint(e.Folder, " ", e.Kind))
	}
	want := []string{"b drop_done", "b drop_done", "b paused", "b drop_done", "a paused"}
	if !slices.Equal(left, want) {
		t.Errorf("left are %q, want %q", left, want)
	}
	if waiting, err := OutwardOf(r.Reader()).Paused(ctx); err != nil || !slices.Equal(waiting, []string{"a", "b"}) {
		t.Errorf("folders that wait are %q, %v", waiting, err)
	}
}

// TestPlansOfEvents reads events by their id and their entry, never all of them.
func TestPlansOfEvents(t *testing.T) {
	r := newRig(t)
	for name, plan := range map[string]string{
		"feed": r.plan(eventsAfter, 1, 1), "of an entry": r.plan(eventsOf, 1),
	} {
		if strings.Contains(plan, "SCAN") || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("%s: %s", name, plan)
		}
	}
}
