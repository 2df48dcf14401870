package journal

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// TestTouch has a file touched whose entry is in each status. It is no new generation
// but where the touch is what mends it, or somebody put it back.
func TestTouch(t *testing.T) {
	for _, way := range []string{"admitted", "asked about"} {
		t.Run(way, func(t *testing.T) {
			r, ctx := newRig(t), t.Context()
			for _, s := range statuses() {
				f := fileAt(string(s), 1)
				id := r.admit(f)[0]
				r.bring(id, s)
				f.ChangeTime = 99
				tell := func() (fresh int) {
					if way == "admitted" {
						return len(r.admit(f))
					}
					rest, err := r.Touch(ctx, []file.File{f})
					r.ok(err)
					return len(rest)
				}
				if fresh := tell(); (fresh > 0) != (s == Superseded) {
					t.Errorf("%s: a touched file is new: %d", s, fresh)
				}
				if s == Superseded {
					continue
				}
				want, hint := s, int64(99)
				switch {
				case s == Mapped: // what was mapped may be of other bytes
					want = Settled
				case s.Active(): // the bytes are compared first
					hint = 1
				}
				if e := r.entry(id); e.Status != want || e.ChangeTime != hint {
					t.Errorf("%s became %s with change time %d, want %s with %d", s, e.Status, e.ChangeTime, want, hint)
				}
				known, err := r.Reader().Unknown(ctx, []file.File{f})
				r.ok(err)
				if (len(known) == 0) == s.Active() {
					t.Errorf("%s: the file is known: %t", s, len(known) == 0)
				}
				if s.Active() {
					r.ok(r.Compared(ctx, id, 99))
					if known, err = r.Reader().Unknown(ctx, []file.File{f}); err != nil || len(known) > 0 {
						t.Errorf("%s: unknown after its bytes were compared: %v", s, err)
					}
				}
				if s == Creating { // one of a name at a time
					r.bring(id, Failed)
				}
			}
			r.balanced()
		})
	}
}

func TestTouchThatMendsOrPutsBack(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	touched := func(path string) file.File {
		f := fileAt(path, 1)
		f.ChangeTime = 99
		return f
	}
	ids := r.admit(fileAt("unreadable", 1), fileAt("moved", 1), fileAt("rejected", 1), fileAt("waits", 1))
	r.ok(r.Advance(ctx, Move{ID: ids[0], From: Settled, To: Failed, Reason: Reason{Class: ClassUnreadable}}))
	r.bring(ids[1], Failed)
	r.ok(FilingOf(r.Journal).Set(ctx, ids[1], Failed, ".ingestd-2", "_failed/moved"))
	r.bring(ids[2], Failed)
	r.ok(r.Defer(ctx, ids[3], Settled, r.time.Add(time.Hour), Reason{Class: ClassUnreadable}, false))
	rest, err := r.Touch(ctx, []file.File{touched("unreadable"), touched("moved"), touched("rejected"), touched("waits")})
	r.ok(err)
	if want := []file.File{touched("unreadable"), touched("moved")}; !slices.Equal(rest, want) {
		t.Errorf("new are %v, want %v", rest, want)
	}
	if n := len(r.admit(rest...)); n != 2 {
		t.Errorf("%d new generations, want 2", n)
	}
	if e := r.entry(ids[0]); e.Status != Superseded {
		t.Errorf("what could not be read is %s", e.Status)
	}
	if e := r.entry(ids[3]); !e.NotBefore.IsZero() {
		t.Errorf("what waits to be readable waits on until %v", e.NotBefore)
	}
	r.balanced()
}

// TestRewrittenWithItsTimesPutBack makes a generation of what only the bytes tell.
func TestRewrittenWithItsTimesPutBack(t *testing.T) {
	r := newRig(t)
	f := fileAt("a", 1)
	r.bring(r.admit(f)[0], Verified)
	f.ChangeTime = 2
	r.ok(r.AdmitRewritten(t.Context(), f))
	r.ok(r.AdmitRewritten(t.Context(), f))
	if ids := r.ids(Filter{All: true}); len(ids) != 2 || r.entry(ids[1]).Generation != 2 {
		t.Errorf("entries %v", ids)
	}
	r.balanced()
}

// TestTouchOfAnArchive takes the modes of many files for nothing, a batch a commit.
func TestTouchOfAnArchive(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	var files []file.File
	for i := range 1000 {
		files = append(files, fileAt(fmt.Sprintf("dir/%d.jpg", i), 1))
	}
	for _, id := range r.admit(files...) {
		r.byHand(`UPDATE entries SET status = 'filed', rests = 1 WHERE id = ?`, id)
		r.byHand(`DELETE FROM work WHERE entry_id = ?`, id)
		r.byHand(`INSERT INTO events (at, entry_id, kind, was) VALUES (0, ?, 'filed', 'settled')`, id)
	}
	for i := range files {
		files[i].ChangeTime = 2
	}
	commits := 0
	r.onCommit = func() { commits++ }
	rest, err := r.Touch(ctx, files)
	r.ok(err)
	known, err := r.Reader().Unknown(ctx, files)
	r.ok(err)
	if len(rest) != 0 || len(known) != 0 || commits != 1 {
		t.Errorf("%d are new, %d unknown, in %d commits", len(rest), len(known), commits)
	}
}

// TestRenamedInMidUpload has an entry whose upload is under way get its new path.
func TestRenamedInMidUpload(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	for i, s := range []Status{Creating, Uploading, Completing, Verifying} {
		from, to := fileAt(string(s)+"/old", 1), fileAt(string(s)+"/new", 1)
		from.Ino, to.Ino, to.ChangeTime = uint64(i), uint64(i), 99
		first := r.admit(from)[0]
		r.bring(first, s)
		r.ok(r.Defer(ctx, first, s, r.time.Add(time.Hour), Reason{}, false))
		second := r.admit(to)[0]
		same, err := r.Reader().SameFile(ctx, r.entry(second))
		r.ok(err)
		if len(same) != 1 || same[0].ID != first {
			t.Fatalf("%s: the same file is %v", s, same)
		}
		r.ok(r.Renamed(ctx, second, same[0]))
		e := r.entry(first)
		if e.Path != to.Path || e.Status != s || e.ChangeTime != 1 || !e.NotBefore.IsZero() {
			t.Errorf("%s: %s is %s with change time %d, due %v", s, e.Path, e.Status, e.ChangeTime, e.NotBefore)
		}
		if n := len(r.admit(to)); n != 0 {
			t.Errorf("%s: its new path is a new file", s)
		}
		r.ok(r.Compared(ctx, first, 99))
		if known, err := r.Reader().Unknown(ctx, []file.File{to}); err != nil || len(known) > 0 {
			t.Errorf("%s: unknown after its bytes were compared: %v", s, err)
		}
		r.bring(first, map[bool]Status{true: Failed, false: s}[s == Creating])
	}
	r.balanced()
}

// TestMoveThatRestsOnContent refuses a move that was decided by what a file held before it
// was touched.
func TestMoveThatRestsOnContent(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	f := fileAt("a", 1)
	id := r.admit(f)[0]
	looked := r.entry(id).ChangeTime
	r.ok(r.SetSHA256(ctx, id, []byte("sum")))
	f.ChangeTime = 99
	_, err := r.Touch(ctx, []file.File{f})
	r.ok(err)
	m := Move{ID: id, From: Settled, To: Duplicate, ChangeTime: &looked}
	r.fails(r.Advance(ctx, m), ErrMoved)
	m.ChangeTime = &f.ChangeTime
	r.ok(r.Advance(ctx, m))
	r.consistent()
}
