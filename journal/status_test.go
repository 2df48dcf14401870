package journal

import (
	"strings"
	"testing"
)

func TestEveryMove(t *testing.T) {
	r := newRig(t)
	at := func(from, to Status) int64 { // a new entry, on its way from one to the other
		id := r.admit(file(string(from+"/"+to), 1))[0]
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
			if !CanAdvance(from, to) {
				r.fails(r.Advance(t.Context(), move(stays, from, to)), ErrIllegal)
				continue
			}
			id := at(from, to)
			m := move(id, from, to)
			if m.fills() {
				m.Fills = r.placeholder("p.jpg")
				r.bring(m.Fills, Filed)
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

// The lists in SQL are written by hand in two places, because a partial index
// serves only a query that says the same words.
func TestQueueListsAgree(t *testing.T) {
	schema, err := migrations.ReadFile("migrations/0001_journal.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range statuses() {
		quoted := "'" + string(s) + "'"
		if got := strings.Contains(begunSQL, quoted); got != s.Active() {
			t.Errorf("%s in begunSQL: %v", s, got)
		}
		if got := strings.Contains(queuedSQL, quoted); got != (s.Runnable() && !s.Active()) {
			t.Errorf("%s in queuedSQL: %v", s, got)
		}
	}
	for _, list := range []string{begunSQL, queuedSQL} {
		if !strings.Contains(string(schema), "WHERE "+list+";") {
			t.Errorf("no index says %s", list)
		}
	}
}

func TestMovesThatLackAFact(t *testing.T) {
	r := newRig(t)
	id := r.admit(file("a", 1))[0]
	for _, m := range []Move{
		{From: Settled, To: Mapped, Filename: "x"},
		{From: Settled, To: Mapped, Asset: []byte("{}")},
		{From: Creating, To: Created},
		{From: Uploading, To: Cancelling},
		{From: Uploading, To: Cancelling, Outcome: Filed},
		{From: Settled, To: Held, Outcome: Held},
		{From: Created, To: Uploading, Created: &Creation{}},
	} {
		m.ID = id
		r.fails(r.Advance(t.Context(), m), ErrIllegal)
	}
	if e := r.entry(id); e.Status != Settled {
		t.Errorf("the entry is %s", e.Status)
	}
}
