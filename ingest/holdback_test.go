package ingest

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/hands"
	"github.com/tenovos-ingest/ingestd/journal"
)

// heldRig is a journal with queued entries, and circuits that hold them up.
func heldRig(t *testing.T, files int, onCommit func()) (*holdups, []journal.Claim) {
	t.Helper()
	ctx := t.Context()
	j, err := journal.Open(ctx, filepath.Join(t.TempDir(), "journal.db"), journal.Options{OnCommit: onCommit})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	var found []file.File
	for i := range files {
		found = append(found, file.File{Folder: "drop", Path: fmt.Sprint(i), Stat: file.Stat{Size: 10, ModTime: 1, ChangeTime: 1, Ino: uint64(i + 1)}})
	}
	if _, err := j.Admit(ctx, found); err != nil {
		t.Fatal(err)
	}
	h := &holdups{circuits: newCircuits(time.Now), journal: j, log: zerolog.Nop(), wake: func() {}}
	return h, due(t, j)
}

func due(t *testing.T, j *journal.Journal) []journal.Claim {
	t.Helper()
	claims, err := j.Runnable(t.Context(), time.Now().Add(time.Millisecond), []journal.Share{{Folder: "drop", Limit: 1000}}, nil, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

// An entry that is put off just when all are set free goes on with them.
func TestEntryIsPutOffJustWhenAllAreSetFree(t *testing.T) {
	var h *holdups
	free := func() {}
	h, claims := heldRig(t, 2, func() { free() })
	for id := range int64(tripFiles) {
		h.refuse(circuitStore, 100+id, 0, 0, "no")
	}
	for _, c := range claims { // the first of them is to try next
		e, err := h.journal.Entry(t.Context(), c.ID)
		if err != nil {
			t.Fatal(err)
		}
		free = func() {
			if c.ID == claims[1].ID { // whoever got through has woken all that were put off before
				free = func() {}
				h.pass(circuitStore, 100, 10)
			}
		}
		if held, err := h.holdBack(t.Context(), e, circuitStore); !held || err != nil {
			t.Fatalf("held %v, %v", held, err)
		}
	}
	if n := len(due(t, h.journal)); n != 2 {
		t.Errorf("%d of 2 entries go on", n)
	}
}

// A claim is worth nothing once somebody else may have had the entry in hand, and one that
// was begun is read by who goes on with it.
func TestClaimIsOfItsMoment(t *testing.T) {
	h, claims := heldRig(t, 2, nil)
	p := New(Config{}, Deps{Journal: h.journal})
	before := p.hands.Others()
	p.hands.Hold(claims[0].ID, &hands.Flight{Dispatched: true})
	if e := p.claimed(claims[0], before); e.ID != claims[0].ID || e.Status != journal.Settled {
		t.Errorf("a whole claim gives %+v", e)
	}
	if e := p.claimed(journal.Claim{Entry: journal.Entry{ID: 7}}, before); e.ID != 0 {
		t.Errorf("a claim of what was begun gives %+v", e)
	}
	p.hands.Take(claims[1].Entry)
	p.hands.Release(claims[1].ID)
	p.hands.Hold(claims[1].ID, &hands.Flight{Dispatched: true})
	if e := p.claimed(claims[1], before); e.ID != 0 {
		t.Errorf("a claim of what a request had in hand meanwhile gives %+v", e)
	}
}

// Of many that wait, a few at a time are woken to try, each in turn.
func TestSomeOfThoseHeldUpAreWoken(t *testing.T) {
	const files = 3 * freshTries
	h, claims := heldRig(t, files, nil)
	ctx := t.Context()
	for i, c := range claims {
		after := heldUp + time.Duration(i)*time.Second
		if i == 0 {
			after = longestRest - time.Second // it was refused
		}
		if err := deferEntry(ctx, h.journal, c.ID, journal.Settled, time.Now().Add(after), reasonHeldUp("no"), false); err != nil {
			t.Fatal(err)
		}
	}
	woken := map[int64]bool{}
	for range 2 {
		if err := h.freshen(ctx); err != nil {
			t.Fatal(err)
		}
		some := due(t, h.journal)
		if len(some) != freshTries {
			t.Fatalf("%d are woken", len(some))
		}
		for _, c := range some {
			if woken[c.ID] || c.ID == claims[0].ID {
				t.Errorf("entry %d is woken", c.ID)
			}
			woken[c.ID] = true
			if err := deferEntry(ctx, h.journal, c.ID, journal.Settled, time.Now().Add(2*heldUp), reasonHeldUp("no"), false); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Where a right is lost for one rule, it is told when another's files turn out to go in:
// then not everything waits.
func TestItIsToldThatNotEverythingWaits(t *testing.T) {
	h, _ := heldRig(t, 0, nil)
	told := "nothing"
	h.told = func() { told = h.reason() }
	for id := range int64(tripFiles) {
		h.refuse("create lost", id, 0, 0, "no")
	}
	h.told()
	time.Sleep(time.Millisecond) // the circuit's clock is this host's
	if err := h.passed(t.Context(), 9, 10, "create kept"); err != nil || told != "" {
		t.Errorf("told %q, %v", told, err)
	}
	for id := range int64(tripFiles) {
		h.refuse(circuitStore, id, 0, 1000, "too large")
	}
	h.told()
	if err := h.passed(t.Context(), 9, 10, circuitStore); err != nil || told != "" {
		t.Errorf("smaller files go in, and told is %q, %v", told, err)
	}
}
