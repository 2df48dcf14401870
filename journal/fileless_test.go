package journal

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// manifest admits a manifest whose rows without files are due.
func (r *rig) manifest(f file.File) Companion {
	r.t.Helper()
	_, err := CompanionsOf(r.Journal).Admit(r.t.Context(), []file.File{f})
	r.ok(err)
	due, err := CompanionsOf(r.Journal).Due(r.t.Context(), []string{"in"}, 10)
	r.ok(err)
	_, _, err = CompanionsOf(r.Journal).ActOn(r.t.Context(), due[0], Concern{Dir: "."})
	r.ok(err)
	return due[0]
}

func (r *rig) dueManifests() int {
	r.t.Helper()
	due, err := CompanionsOf(r.Journal).DueManifests(r.t.Context(), "in", 10)
	r.ok(err)
	return len(due)
}

// TestFilelessInBatches admits the rows of a manifest in pieces, some of them twice, as
// after a crash: each is there once, and the books balance. Those of a manifest that
// changed meanwhile are not admitted.
func TestFilelessInBatches(t *testing.T) {
	r := newRig(t)
	c := r.manifest(fileAt("manifest.csv", 1))
	batch := func(from, to int) (rows []Fileless) {
		for i := from; i < to; i++ {
			rows = append(rows, Fileless{Path: fmt.Sprintf("%d.jpg", i), Kind: Placeholder, Sign: 1})
		}
		return rows
	}
	for _, b := range []struct{ from, to, want int }{{0, 10, 10}, {0, 10, 0}, {5, 20, 10}} {
		n, err := CompanionsOf(r.Journal).AdmitRows(t.Context(), c, batch(b.from, b.to))
		r.ok(err)
		if n != b.want || r.dueManifests() != 1 {
			t.Errorf("rows %d to %d: %d are new, want %d; %d manifests are due", b.from, b.to, n, b.want, r.dueManifests())
		}
	}
	changed := r.manifest(fileAt("manifest.csv", 2))
	if n, err := CompanionsOf(r.Journal).AdmitRows(t.Context(), c, batch(20, 30)); n != 0 || !errors.Is(err, ErrMoved) {
		t.Errorf("of the manifest as it was: %d, %v", n, err)
	}
	r.ok(CompanionsOf(r.Journal).RowsAdmitted(t.Context(), c, false))
	if r.dueManifests() != 1 {
		t.Error("the changed manifest is taken for admitted")
	}
	_, err := CompanionsOf(r.Journal).AdmitRows(t.Context(), changed, batch(20, 21))
	r.ok(err)
	r.ok(CompanionsOf(r.Journal).RowsAdmitted(t.Context(), changed, false))
	counts, err := r.Reader().Counts(t.Context())
	r.ok(err)
	if seen := counts[0].Seen; seen != 21 || r.dueManifests() != 0 {
		t.Errorf("%d seen, want 21; %d manifests are due", seen, r.dueManifests())
	}
}

// TestRefusedManifests wait for the next start, and keep nobody from ending.
func TestRefusedManifests(t *testing.T) {
	r := newRig(t)
	r.ok(CompanionsOf(r.Journal).RowsAdmitted(t.Context(), r.manifest(fileAt("manifest.csv", 1)), true))
	refused := func() int {
		n, err := CompanionReaderOf(r.Reader()).CountRefused(t.Context(), []string{"in"})
		r.ok(err)
		return n
	}
	pending, err := CompanionReaderOf(r.Reader()).CountPending(t.Context(), []string{"in"}, nil)
	r.ok(err)
	if refused() != 1 || pending != 0 || r.dueManifests() != 0 {
		t.Errorf("%d refused, %d pending, %d due", refused(), pending, r.dueManifests())
	}
	r.ok(CompanionsOf(r.Journal).ReopenRefused(t.Context(), "in"))
	if refused() != 0 || r.dueManifests() != 1 {
		t.Errorf("at the next start %d refused, %d due", refused(), r.dueManifests())
	}
}

// TestAskBesideABusyOwner leaves requests while the owner writes without a pause.
func TestAskBesideABusyOwner(t *testing.T) {
	r := newRig(t)
	var asked atomic.Int32
	done := make(chan error)
	go func() {
		var err error
		for i := 0; err == nil && asked.Load() < 10; i++ {
			_, err = r.Admit(t.Context(), []file.File{fileAt(fmt.Sprintf("%d.jpg", i), 1)})
		}
		done <- err
	}()
	for range 10 {
		if _, err := Ask(t.Context(), r.path, "retry", []byte("{}")); err != nil {
			t.Error(err)
		}
		asked.Add(1)
	}
	r.ok(<-done)
}
