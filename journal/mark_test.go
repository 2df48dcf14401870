package journal

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// TestMarksAgree holds the quick look-up of whole directories against the exact
// one, after many random changes of many paths: a file that a mark calls known
// must be known.
func TestMarksAgree(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	random := rand.New(rand.NewPCG(1, 2))
	pick := func() file.File {
		return fileAt(fmt.Sprintf("dir-%d/%d.jpg", random.IntN(3), random.IntN(4)), random.IntN(3))
	}
	for range 400 {
		f := pick()
		switch e, ok, err := r.Reader().Latest(ctx, f.Folder, f.Path); {
		case err != nil:
			t.Fatal(err)
		case !ok || random.IntN(3) == 0:
			r.admit(f)
		case e.Status == Settled && random.IntN(3) == 0:
			r.ok(r.Rehint(ctx, e.ID, f, time.Time{}))
		case e.Status == Settled && random.IntN(2) == 0:
			if _, ok, err := r.Reader().Previous(ctx, e); err != nil {
				t.Fatal(err)
			} else if ok {
				r.ok(r.Unchanged(ctx, e.ID))
			}
		case e.Status == Settled:
			to := []Status{Filed, Superseded, Uploading, Failed, Held}[random.IntN(5)]
			r.bring(e.ID, to)
		case e.Status == Uploading:
			m := move(e.ID, Uploading, Cancelling)
			m.Outcome = Superseded
			r.ok(r.Advance(ctx, m))
		}
	}
	var marked, exact int
	for dir := range 3 {
		for n := range 4 {
			for version := range 3 {
				f := fileAt(fmt.Sprintf("dir-%d/%d.jpg", dir, n), version)
				with, err := r.Reader().Unknown(ctx, []file.File{f})
				r.ok(err)
				r.byHand(`CREATE TEMP TABLE kept AS SELECT id, mark FROM entries`)
				r.byHand(`UPDATE entries SET mark = NULL`)
				without, err := r.Reader().Unknown(ctx, []file.File{f})
				r.ok(err)
				r.byHand(`UPDATE entries SET mark = (SELECT mark FROM kept WHERE kept.id = entries.id)`)
				r.byHand(`DROP TABLE kept`)
				if len(with) != len(without) {
					t.Errorf("%+v: known by its mark: %t, in fact: %t", f, len(with) == 0, len(without) == 0)
				}
				exact += 1 - len(without)
				var n int
				r.ok(r.Reader().db.QueryRow(`SELECT count(*) FROM entries WHERE place = ? AND mark = ?`, placeOf(f.Folder, f.Path), markOf(f)).Scan(&n))
				marked += n
			}
		}
	}
	if exact == 0 || marked < exact {
		t.Errorf("%d files are known, %d of them by their marks", exact, marked)
	}
}

func TestRenamedTakesAllGenerationsAlong(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	first := r.admit(fileAt("old", 1))[0]
	r.bring(first, Filed)
	second := r.admit(fileAt("old", 2))[0]
	r.bring(second, Filed)
	gone := r.admit(fileAt("new", 1))[0]
	r.bring(gone, Superseded)
	now := fileAt("new", 2)
	now.ChangeTime = 99 // a rename sets it
	renamed := r.admit(now)[0]

	same, err := r.Reader().SameFile(ctx, r.entry(renamed))
	r.ok(err)
	if len(same) != 1 || same[0].ID != second {
		t.Fatalf("the same file is %v", same)
	}
	r.ok(r.Renamed(ctx, renamed, r.entry(second)))
	r.balanced()
	e := r.entry(second)
	if e.Path != "new" || e.ChangeTime != 99 || e.Status != Filed {
		t.Errorf("the entry is %+v", e)
	}
	if f := r.entry(first); f.Path != "new" || f.Generation >= e.Generation || f.Generation <= r.entry(gone).Generation {
		t.Errorf("the first generation is %+v", f)
	}
	_, err = r.Entry(ctx, renamed)
	r.fails(err, ErrUnknown)
	if unknown, err := r.Reader().Unknown(ctx, []file.File{now}); err != nil || len(unknown) > 0 {
		t.Errorf("unknown are %v, %v", unknown, err)
	}
	// Two exchange their names: each takes its own generations along.
	of := func(path string) file.File { f := fileAt(path, 3); f.Ino = 8; return f }
	other := r.admit(of("other"))[0]
	r.bring(other, Filed)
	link, again := of("link"), of("link") // another name of the file
	again.ChangeTime++
	r.bring(r.admit(link)[0], Filed)
	r.admit(again)
	if found, err := r.Reader().Displaced(ctx, r.entry(other)); err != nil || found {
		t.Errorf("a file that keeps its name is found under another: %v", err)
	}
	exchanged := []int64{r.admit(fileAt("other", 2))[0], r.admit(of("new"))[0]}
	if found, err := r.Reader().Displaced(ctx, r.entry(other)); err != nil || !found {
		t.Errorf("a file whose name was taken is not found: %v", err)
	}
	for i, want := range []int64{second, other} {
		same, err := r.Reader().SameFile(ctx, r.entry(exchanged[i]))
		if err != nil || len(same) == 0 || same[0].ID != want {
			t.Fatalf("the same file is %v, %v", same, err)
		}
		r.ok(r.Renamed(ctx, exchanged[i], same[0]))
	}
	r.balanced()
	r.consistent()
	if e, f := r.entry(second), r.entry(other); e.Path != "other" || f.Path != "new" || r.entry(first).Path != "other" {
		t.Errorf("the exchanged entries are %+v and %+v", e, f)
	}
	// Somebody was faster.
	third := fileAt("third", 2)
	id := r.admit(third)[0]
	stale := r.entry(second)
	stale.Path = "old"
	r.fails(r.Renamed(ctx, id, stale), ErrMoved)
}

// Names are exchanged, exchanged back before anyone looks, and exchanged again.
func TestDisplacedOnceMore(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	of := func(path string, ino uint64, changed int64) file.File {
		f := fileAt(path, 3)
		f.Ino, f.ChangeTime = ino, changed
		return f
	}
	a, b := r.admit(of("a", 1, 1))[0], r.admit(of("b", 2, 1))[0]
	r.bring(a, Filed)
	r.bring(b, Filed)
	r.admit(of("a", 2, 2), of("b", 1, 2))
	for _, back := range r.admit(of("a", 1, 3), of("b", 2, 3)) {
		r.ok(r.Unchanged(ctx, back))
	}
	r.admit(of("a", 2, 4), of("b", 1, 4))
	if found, err := r.Reader().Displaced(ctx, r.entry(a)); err != nil || !found {
		t.Errorf("a file whose name was taken is not found: %v", err)
	}
}

// What a decision rests on may go to another path before it is recorded.
func TestDecisionOnAPathThatWasRenamed(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	old := r.admit(fileAt("a", 1))[0]
	r.bring(old, Filed)
	next := r.admit(fileAt("a", 2))[0]
	renamed := fileAt("b", 1)
	renamed.ChangeTime = 99
	moved := r.admit(renamed)[0]
	version := move(next, Settled, Mapped)
	version.Previous = &old
	r.ok(r.Renamed(ctx, moved, r.entry(old)))
	r.fails(r.Advance(ctx, version), ErrMoved)
	none := int64(0)
	version.Previous = &none
	r.ok(r.Advance(ctx, version))
}

// A path of which a version is on its way keeps its history.
func TestRenamedWhileAVersionIsOnItsWay(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	old := r.admit(fileAt("a", 1))[0]
	r.bring(old, Filed)
	r.bring(r.admit(fileAt("a", 2))[0], Mapped)
	renamed := fileAt("b", 1)
	renamed.ChangeTime = 99
	moved := r.entry(r.admit(renamed)[0])
	if same, err := r.Reader().SameFile(ctx, moved); err != nil || len(same) > 0 {
		t.Errorf("the same file is %v, %v", same, err)
	}
	r.fails(r.Renamed(ctx, moved.ID, r.entry(old)), ErrMoved)
}

func TestFilingIsForgottenByARetry(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	id := r.admit(fileAt("a", 1))[0]
	r.fails(FilingOf(r.Journal).Set(ctx, id, Failed, "b", "c"), ErrMoved)
	r.bring(id, Failed)
	r.ok(FilingOf(r.Journal).Set(ctx, id, Failed, ".aside", "_failed/a"))
	if e := r.entry(id); !e.Taken() || e.Aside != ".aside" || e.MovedTo != "_failed/a" {
		t.Errorf("the entry is %+v", e)
	}
	r.bring(id, Settled)
	if e := r.entry(id); e.Taken() || e.MovedTo != "" {
		t.Errorf("the entry is %+v", e)
	}
}
