package journal

import (
	"slices"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

func TestHeed(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	tick := func() time.Time { r.time = r.time.Add(time.Second); return r.time }
	ids := r.admit(fileAt("a/1.jpg", 1), fileAt("a/2.jpg", 1), fileAt("a/3.jpg", 1), fileAt("b/4.jpg", 1), fileAt("a/5.jpg", 1))
	mapped := func(id int64, at time.Time) {
		m := move(id, Settled, Mapped)
		m.FactsAt, m.MappedAt = at, r.entry(id).MappedAt
		r.ok(r.Advance(ctx, m))
	}
	before := tick()
	for _, id := range []int64{ids[1], ids[3]} { // one below, one elsewhere
		mapped(id, before)
		r.bring(id, Filed)
	}
	r.ok(r.Advance(ctx, Move{ID: ids[2], From: Settled, To: Held, Reason: Reason{Class: ClassMetadata, Message: "no brand"}}))
	mapped(ids[4], before)

	tick()
	manifest := file.File{Folder: "in", Path: "a/manifest.csv", Stat: file.Stat{Size: 1, Ino: 9}}
	n, err := CompanionsOf(r.Journal).Admit(ctx, []file.File{manifest})
	r.ok(err)
	if again, err := CompanionsOf(r.Journal).Admit(ctx, []file.File{manifest}); err != nil || n != 1 || again != 0 {
		t.Errorf("admitted %d, then %d, %v", n, again, err)
	}
	due, err := CompanionsOf(r.Journal).Due(ctx, []string{"in"}, 10)
	if err != nil || len(due) != 1 {
		t.Fatal(due, err)
	}
	released, edits, err := CompanionsOf(r.Journal).ActOn(ctx, due[0], Concern{Dir: "a"})
	if err != nil || released != 2 || edits != 1 { // held and mapped; filed
		t.Errorf("released %d, edits %d, %v", released, edits, err)
	}
	if e := r.entry(ids[2]); e.Status != Settled || e.Reason.Message != "" {
		t.Errorf("the held one is %s: %+v", e.Status, e.Reason)
	}
	if _, open, err := OpenEditsOf(r.Reader()).Of(ctx, ids[3]); err != nil || open {
		t.Errorf("an edit of what it does not speak of: %t, %v", open, err)
	}
	// Whoever gathered facts before it came must do so again.
	late := move(ids[0], Settled, Mapped)
	late.FactsAt = r.time // MappedAt as it was before
	r.fails(r.Advance(ctx, late), ErrMoved)
	mapped(ids[0], tick())
	// It is done, but for rows without files.
	if due, err := CompanionsOf(r.Journal).Due(ctx, []string{"in"}, 10); err != nil || len(due) != 0 {
		t.Errorf("due are %v, %v", due, err)
	}
	if n, err := CompanionReaderOf(r.Reader()).CountPending(ctx, []string{"in"}, []string{"in"}); err != nil || n != 2 {
		t.Errorf("%d pending, %v", n, err)
	}
}

// A sidecar speaks of its path, with those that begin with it and a dot.
func TestConcernOfAPath(t *testing.T) {
	r := newRig(t)
	var yes []string
	for path, concerned := range map[string]bool{
		"d/a": true, "d/a.": true, "d/a.jpg": true, "d/a.\xff": true, "d/a.jpg/x": true,
		"d/": false, "d/A.jpg": false, "d/a b": false, "d/a-1.jpg": false, "d/a/x": false, "d/ab": false, "e/a.jpg": false,
	} {
		r.admit(fileAt(path, 1))
		if concerned {
			yes = append(yes, path)
		}
	}
	which, args := Concern{Path: "d/a"}.where()
	rows, err := r.Reader().db.Query(`SELECT e.path FROM entries e WHERE `+which, args...)
	r.ok(err)
	defer func() { _ = rows.Close() }()
	var got []string
	for rows.Next() {
		var path []byte
		r.ok(rows.Scan(&path))
		got = append(got, string(path))
	}
	r.ok(rows.Err())
	slices.Sort(yes)
	if slices.Sort(got); !slices.Equal(got, yes) {
		t.Errorf("it speaks of %q, want %q", got, yes)
	}
}

// A clock that was set back does not make a companion of what was told before.
func TestMappedAgainAfterTheClockWentBack(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	id := r.admit(fileAt("a.jpg", 1))[0]
	for range 2 {
		m := move(id, Settled, Mapped)
		m.FactsAt, m.MappedAt = r.time, r.entry(id).MappedAt
		r.ok(r.Advance(ctx, m))
		r.ok(r.Advance(ctx, Move{ID: id, From: Mapped, To: Settled}))
		r.time = r.time.Add(-time.Hour)
	}
	// What a companion tells now is missed by who read the entry before.
	m := move(id, Settled, Mapped)
	m.FactsAt, m.MappedAt = r.time.Add(2*time.Hour), r.entry(id).MappedAt
	_, _, err := CompanionsOf(r.Journal).ActOn(ctx, Companion{File: fileAt("a.xmp", 1), Since: r.time}, Concern{Path: "a"})
	r.ok(err)
	r.fails(r.Advance(ctx, m), ErrMoved)
}

func TestEditThatIsAskedForAgain(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	id := r.admit(fileAt("a.jpg", 1))[0]
	r.bring(id, Mapped)
	r.ok(r.Advance(ctx, move(id, Mapped, Verified)))
	r.ok(r.Advance(ctx, move(id, Verified, Filed)))
	open := func() Edit {
		t.Helper()
		n, err := EditsOf(r.Journal).Open(ctx, []int64{id})
		r.ok(err)
		due, err := EditsOf(r.Journal).Due(ctx, ToMap, r.time, "in", 10)
		if err != nil || n != 1 || len(due) != 1 {
			t.Fatal(n, due, err)
		}
		return due[0]
	}
	first := open()
	first.Asset = []byte(`{"sent":1}`)
	second := open() // within the same millisecond
	r.ok(EditsOf(r.Journal).Done(ctx, first, first.Asset, Reason{}))
	if e := r.entry(id); string(e.Asset) != `{"sent":1}` {
		t.Errorf("what was sent is %s", e.Asset)
	}
	if _, ok, err := OpenEditsOf(r.Reader()).Of(ctx, id); err != nil || !ok {
		t.Error("the second is closed by the first", err)
	}
	r.ok(EditsOf(r.Journal).Done(ctx, second, nil, Reason{}))
	if _, ok, err := OpenEditsOf(r.Reader()).Of(ctx, id); err != nil || ok {
		t.Error("the second stays open", err)
	}
	// What is withdrawn is edited no more.
	open()
	r.ok(r.Advance(ctx, move(id, Filed, Withdrawn)))
	if _, ok, err := OpenEditsOf(r.Reader()).Of(ctx, id); err != nil || ok {
		t.Error("an edit of what is withdrawn", err)
	}
}
