package outage

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/journal"
)

// heldRig is a journal with queued entries, and circuits that hold them up.
func heldRig(t *testing.T, files int, onCommit func()) (*Circuits, *journal.Journal, []journal.Claim) {
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
	h := NewCircuits(Deps{Queue: journal.DeferredOf(j), Log: zerolog.Nop(), Now: time.Now, Wake: func() {}, Changed: func() {}})
	return h, j, due(t, j)
}

// putOff records that a settled entry waits.
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
	free := func() {}
	h, j, claims := heldRig(t, 2, func() { free() })
	for id := range int64(tripFiles) {
		h.refuse(ContentStore, 100+id, 0, 0, "no")
	}
	for _, c := range claims { // the first of them is to try next
		e, err := j.Entry(t.Context(), c.ID)
		if err != nil {
			t.Fatal(err)
		}
		free = func() {
			if c.ID == claims[1].ID { // whoever got through has woken all that were put off before
				free = func() {}
				h.pass(ContentStore, 100, 10)
			}
		}
		w, held := h.HoldBack(e, ContentStore)
		if !held {
			t.Fatalf("held %v", held)
		}
		if err := putOff(t.Context(), j, e.ID, e.Status, w.Until, w.Reason); err != nil {
			t.Fatal(err)
		}
		if err := w.Recorded(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(due(t, j)); n != 2 {
		t.Errorf("%d of 2 entries go on", n)
	}
}

// Of many that wait, a few at a time are woken to try, each in turn.
func TestSomeOfThoseHeldUpAreWoken(t *testing.T) {
	const files = 3 * freshTries
	h, j, claims := heldRig(t, files, nil)
	ctx := t.Context()
	for i, c := range claims {
		after := heldUp + time.Duration(i)*time.Second
		if i == 0 {
			after = LongestRest - time.Second // it was refused
		}
		if err := putOff(ctx, j, c.ID, journal.Settled, time.Now().Add(after), heldUpReason("no")); err != nil {
			t.Fatal(err)
		}
	}
	woken := map[int64]bool{}
	for range 2 {
		if err := h.wakeFresh(ctx); err != nil {
			t.Fatal(err)
		}
		some := due(t, j)
		if len(some) != freshTries {
			t.Fatalf("%d are woken", len(some))
		}
		for _, c := range some {
			if woken[c.ID] || c.ID == claims[0].ID {
				t.Errorf("entry %d is woken", c.ID)
			}
			woken[c.ID] = true
			if err := putOff(ctx, j, c.ID, journal.Settled, time.Now().Add(2*heldUp), heldUpReason("no")); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Where a right is lost for one rule, it is told when another's files turn out to go in:
// then not everything waits.
func TestItIsToldThatNotEverythingWaits(t *testing.T) {
	h, _, _ := heldRig(t, 0, nil)
	told := "nothing"
	h.Changed = func() { told = h.reason() }
	for id := range int64(tripFiles) {
		h.refuse("create lost", id, 0, 0, "no")
	}
	h.Changed()
	time.Sleep(time.Millisecond) // the circuit's clock is this host's
	if err := h.Passed(t.Context(), 9, 10, "create kept"); err != nil || told != "" {
		t.Errorf("told %q, %v", told, err)
	}
	for id := range int64(tripFiles) {
		h.refuse(ContentStore, id, 0, 1000, "too large")
	}
	h.Changed()
	if err := h.Passed(t.Context(), 9, 10, ContentStore); err != nil || told != "" {
		t.Errorf("smaller files go in, and told is %q, %v", told, err)
	}
}

// putOff defers an entry.
func putOff(ctx context.Context, j *journal.Journal, id int64, in journal.Status, until time.Time, why journal.Reason) error {
	_, err := j.Advance(ctx, journal.Move{ID: id, From: in, To: in, NotBefore: until, Reason: why})
	return err
}
