package journal

import (
	"strings"
	"testing"
	"time"
)

// A duty stands from the moment it is stored, is found by its object, and closes as
// other chores do.
func TestDuties(t *testing.T) {
	r := newRig(t)
	id := r.admit(fileAt("a", 1))[0]
	d := DutiesOf(r.Journal)
	if _, found, err := d.Find(t.Context(), "o"); err != nil || found {
		t.Errorf("found what was not stored: %v", err)
	}
	until := time.Now().Add(time.Hour).Truncate(time.Millisecond)
	duty, err := d.Open(t.Context(), id, NewChore{Kind: ChoreRestore, ObjectID: "o", FileID: "f", Filename: "a", Spec: `{"others":["p"]}`, Until: until})
	r.ok(err)
	r.ok(r.Close())
	r.reopen()
	d = DutiesOf(r.Journal)
	r.ok(d.Learn(t.Context(), duty, `{"others":["p"],"taken":["p"]}`))
	c, found, err := d.Find(t.Context(), "o")
	if err != nil || !found || c.ID != duty || c.EntryID != id || c.FileID != "f" || !strings.Contains(c.Spec, "taken") || !c.Until.Equal(until) {
		t.Errorf("got %+v, %v, %v", c, found, err)
	}
	for object, want := range map[string]int{"p": 1, "o": 0, "q": 0} {
		if open, err := d.Sparing(t.Context(), object); err != nil || len(open) != want {
			t.Errorf("%d duties spare %s, want %d: %v", len(open), object, want, err)
		}
	}
	r.ok(ChoresOf(r.Journal).Done(t.Context(), duty))
	r.fails(d.Learn(t.Context(), duty, `{}`), ErrUnknown)
}

// A remark is added once, to a reason that an entry rests with.
func TestRemark(t *testing.T) {
	r := newRig(t)
	ids := r.admit(fileAt("failed", 1), fileAt("queued", 1))
	r.ok(r.Advance(t.Context(), Move{ID: ids[0], From: Settled, To: Failed, Reason: Reason{Class: "c", Message: "why"}}))
	d := DutiesOf(r.Journal)
	for range 2 {
		r.ok(d.Remark(t.Context(), ids[0], "and more"))
		r.ok(d.Remark(t.Context(), ids[1], "and more"))
	}
	if a, b := r.entry(ids[0]).Reason.Message, r.entry(ids[1]).Reason.Message; a != "why; and more" || b != "" {
		t.Errorf("got %q and %q", a, b)
	}
}

// An object is free for the path whose earlier generation has it, and for no other entry
// while anything is about it.
func TestAdoptable(t *testing.T) {
	r := newRig(t)
	first := r.admit(fileAt("a", 1))[0]
	r.bring(first, Filed)
	known := r.entry(first).ObjectID
	next, other := r.admit(fileAt("a", 2))[0], r.admit(fileAt("b", 1))[0]
	cleaned := r.admit(fileAt("c", 1))[0]
	_, err := DutiesOf(r.Journal).Open(t.Context(), cleaned, NewChore{Kind: ChoreDelete, ObjectID: "given up"})
	r.ok(err)
	for _, c := range []struct {
		entry  int64
		object string
		want   bool
	}{
		{next, known, true}, {other, known, false}, {first, "new", true}, {other, "new", true}, {other, "given up", false}, {other, "", false},
	} {
		if free, err := r.Reader().Adoptable(t.Context(), c.entry, c.object); err != nil || free != c.want {
			t.Errorf("%q for entry %d: %v, want %v: %v", c.object, c.entry, free, c.want, err)
		}
	}
	adopt := func(id int64) error {
		return r.Advance(t.Context(), Move{ID: id, From: Mapped, To: Verified, Created: &Creation{ObjectID: known, FileID: "f", OriginalFileID: "g"}})
	}
	r.bring(other, Mapped)
	r.fails(adopt(other), ErrMoved)
	r.bring(next, Mapped)
	r.ok(adopt(next))
	if plan := r.plan(`SELECT `+strangerSQL, "o", 1); strings.Contains(plan, "SCAN o") || strings.Contains(plan, "SCAN a") || strings.Contains(plan, "SCAN e") {
		t.Errorf("it reads whole tables:\n%s", plan)
	}
}
