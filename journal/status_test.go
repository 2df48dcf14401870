package journal

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEveryMove(t *testing.T) {
	r := newRig(t)
	at := func(from, to Status) int64 { // a new entry, on its way from one to the other
		id := r.admit(fileAt(string(from+"/"+to), 1))[0]
		if from == Held && to == Verifying {
			r.bring(id, Verifying)
		}
		if from == Cancelling && to == Verifying {
			r.bring(id, Completing)
		}
		r.bring(id, from)
		return id
	}
	for _, from := range statuses() {
		stays := at(from, "nowhere")
		for _, to := range statuses() {
			if from == to && from.Runnable() { // it stays, and only that
				r.ok(r.Advance(t.Context(), Move{ID: stays, From: from, To: to, NotBefore: r.time}))
				continue
			}
			if !CanAdvance(from, to) {
				r.fails(r.Advance(t.Context(), move(stays, from, to)), ErrIllegal)
				continue
			}
			id := at(from, to)
			m := move(id, from, to)
			if from == Uploading && (to == Verified || to == Filed) {
				r.fails(r.Advance(t.Context(), m), ErrIllegal) // not all of it is stored
				r.sendAll(id)
			}
			r.ok(r.Advance(t.Context(), m))
			e := r.entry(id)
			if e.Status != to || (e.Attempt != nil) != to.attempting() {
				t.Errorf("%s -> %s: the entry is %s, its attempt %v", from, to, e.Status, e.Attempt)
			}
		}
		if e := r.entry(stays); e.Status != from {
			t.Errorf("illegal moves took %s to %s", from, e.Status)
		}
	}
	r.balanced()
	r.consistent()
}

func TestTableHasNoTrap(t *testing.T) {
	for _, s := range statuses() {
		if shortest(Settled, s) == nil {
			t.Errorf("%s is never reached", s)
		}
		rests := s.Resting()
		for _, to := range statuses() {
			rests = rests || to.Resting() && shortest(s, to) != nil
		}
		if !rests {
			t.Errorf("from %s no rest is reached", s)
		}
		if len(moves[s]) == 0 && s != Superseded {
			t.Errorf("%s has no way out", s)
		}
		if s.Runnable() == s.Resting() {
			t.Errorf("%s must either run or rest", s)
		}
		if CanAdvance(s, s) {
			t.Errorf("%s -> %s is no move", s, s)
		}
	}
	if s := Status("bogus"); s.Runnable() || s.Resting() || CanAdvance(s, Settled) || CanAdvance(Settled, s) {
		t.Error("an unknown status neither runs, rests nor moves")
	}
	Moves()[Settled][0] = "bogus"
	if !CanAdvance(Settled, Mapped) {
		t.Error("Moves hands out the table itself")
	}
}

// The lists of statuses in SQL are those that the methods tell.
func TestStatusesInSQL(t *testing.T) {
	lists := map[string]func(Status) bool{
		"begun":      Status.Active,
		"queued":     func(s Status) bool { return s.Runnable() && !s.Active() },
		"unfinished": Status.Runnable,
	}
	for _, s := range statuses() {
		if got := inDialect("{" + string(s) + "}"); got != "'"+string(s)+"'" {
			t.Errorf("%s is %s in SQL", s, got)
		}
		for name, is := range lists {
			if got := strings.Contains(inDialect("{"+name+"}"), "'"+string(s)+"'"); got != is(s) {
				t.Errorf("%s in {%s}: %v", s, name, got)
			}
		}
	}
}

// No status is typed a second time, but in the schema, whose text stays as it is.
func TestStatusesAreTypedOnce(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range statuses() {
			if strings.Contains(string(text), "'"+string(s)+"'") {
				t.Errorf("%s has '%s' where SQL has {%s}", name, s, s)
			}
		}
	}
}

func TestMovesThatLackAFact(t *testing.T) {
	r := newRig(t)
	id := r.admit(fileAt("a", 1))[0]
	for _, m := range []Move{
		{From: Settled, To: Mapped, Filename: "x"},
		{From: Settled, To: Mapped, Asset: []byte("{}")},
		{From: Creating, To: Uploading},
		{From: Settled, To: Creating, Filename: "x"},
		{From: Settled, To: Creating, Asset: []byte("{}")},
		{From: Uploading, To: Cancelling},
		{From: Uploading, To: Cancelling, Outcome: Filed},
		{From: Settled, To: Held, Outcome: Held},
		{From: Uploading, To: Completing, Created: &Creation{}},
		{From: Filed, To: Filed},
		{From: Settled, To: Settled, Stay: Stay{ForDrop: true}},
		{From: Uploading, To: Uploading, Stay: Stay{Unchanged: true}},
		{From: Mapped, To: Mapped, Outcome: Held},
		{From: Settled, To: Held, Stay: Stay{Unchanged: true}},
	} {
		m.ID = id
		r.fails(r.Advance(t.Context(), m), ErrIllegal)
	}
	if e := r.entry(id); e.Status != Settled {
		t.Errorf("the entry is %s", e.Status)
	}
}
