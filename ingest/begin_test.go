package ingest_test

import (
	"sync"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/journal"
)

// whileMapped has something done while the rules are applied to a file for the first time.
func (r *rig) whileMapped(do func()) {
	var once sync.Once
	apply := r.config.Folders[0].Map
	r.config.Folders[0].Map = func(f file.File, at string) (dropfolder.Mapped, error) {
		once.Do(do)
		return apply(f, at)
	}
}

// TestNothingIsCreatedInADrain ends the process while a file is looked at, which may take
// long: its asset is the next process' to create, and not left empty until then.
func TestNothingIsCreatedInADrain(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	drain := make(chan struct{})
	r.whileMapped(func() { close(drain) })
	r.write("a.jpg", 1000, 1)
	p := r.start()
	r.admitAll(p)
	if err := p.Run(t.Context(), drain, nil); err != nil {
		t.Fatal(err)
	}
	r.close(p)
	if e, n := r.entry("a.jpg"), len(r.sandbox.State().Assets); e.Status != journal.Mapped || n != 0 {
		t.Errorf("the file is %s and %d assets were created, want it mapped and none", e.Status, n)
	}
	r.backfill()
	r.wantExactly("a.jpg")
}

// TestNothingIsCreatedOfWhatIsCancelled cancels a file while it is looked at.
func TestNothingIsCreatedOfWhatIsCancelled(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.write("a.jpg", 1000, 1)
	var p *process
	r.whileMapped(func() {
		if _, err := journal.Ask(t.Context(), r.journal, desk.RequestCancel, []byte(`{}`)); err != nil {
			t.Error(err)
		}
		id := r.entry("a.jpg").ID
		r.until(p, "the request is seen", func() bool { return p.Desk().Unwanted(id) })
	})
	p = r.start()
	defer r.close(p)
	r.admitAll(p)
	stop := runUntil(p)
	r.until(p, "it is cancelled", func() bool { return r.entry("a.jpg").Status == journal.Cancelled })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if n := len(r.sandbox.State().Assets); n != 0 {
		t.Errorf("%d assets were created", n)
	}
}
