package ingest_test

import (
	"bytes"
	"context"
	"io/fs"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/ingest"
	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	circuits "github.com/tenovos-ingest/ingestd/internal/outage"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
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

// unreadAfter is a store that takes all of an upload, whose source cannot be looked at
// afterwards, once.
type unreadAfter struct {
	ingest.Store
	uploads atomic.Int64
}

func (s *unreadAfter) Upload(ctx context.Context, job uploader.Job) error {
	err := s.Store.Upload(ctx, job)
	if s.uploads.Add(1) == 1 && err == nil {
		return &fs.PathError{Op: "stat", Path: "a.jpg", Err: syscall.EIO}
	}
	return err
}

// TestStoredBytesAreNotSentAgain loses sight of a file between the answer of the store and
// the end of the stage: what the store has is known all the same.
func TestStoredBytesAreNotSentAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	store := &unreadAfter{}
	r.store = func(s ingest.Store) ingest.Store { store.Store = s; return store }
	r.write("a.jpg", 1000, 1)
	r.backfill()
	r.wantExactly("a.jpg")
	if n := store.uploads.Load(); n != 1 {
		t.Errorf("the bytes were sent %d times", n)
	}
	if e := r.entry("a.jpg"); e.Status != journal.Filed || len(e.SHA256) == 0 {
		t.Errorf("the file is %s, its hash %x", e.Status, e.SHA256)
	}
}

// TestNameThatIsBusyClearsWhatWasWaitedFor has a settled file that waited for something
// meet a create of its name: what it waits for from then on is that.
func TestNameThatIsBusyClearsWhatWasWaitedFor(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.write("x/a.jpg", 1000, 1)
	r.write("y/a.jpg", 1000, 2)
	p := r.start()
	defer r.close(p)
	r.admitAll(p)
	first, second := r.entry("x/a.jpg"), r.entry("y/a.jpg")
	_, err := p.journal.Advance(t.Context(), journal.Move{
		ID: first.ID, From: journal.Settled, To: journal.Creating, Asset: []byte(`{}`), Filename: "a.jpg", FactsAt: time.Now(),
	})
	must(t, err)
	second, err = p.journal.Advance(t.Context(), journal.Move{
		ID: second.ID, From: journal.Settled, To: journal.Settled, Reason: journal.Reason{Class: "waiting", Message: "waits for another file"},
	})
	must(t, err)
	must(t, p.Work(t.Context(), second))
	if e := r.entry("y/a.jpg"); e.Status != journal.Mapped || e.Reason != (journal.Reason{}) || !bytes.Contains(e.Asset, []byte("a.jpg")) {
		t.Errorf("the second file is %s with the reason %+v", e.Status, e.Reason)
	}
}

// TestCreatedAtOnceMendsTheWay has a settled file try for all that were refused as mapped
// ones: once its asset is created, they go on.
func TestCreatedAtOnceMendsTheWay(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	now := time.Now()
	r.clock = func() time.Time { return now }
	r.write("a.jpg", 1000, 1)
	p := r.start()
	defer r.close(p)
	r.admitAll(p)
	for id := range int64(3) {
		p.Circuits().Refused(journal.Entry{ID: 1000 + id}, circuits.Refusal{Circuit: circuits.Call(journal.Mapped), Reason: journal.Reason{Message: "no"}})
	}
	if !p.Circuits().Tripped() {
		t.Fatal("the circuit is not tripped")
	}
	now = now.Add(5 * time.Second)
	must(t, p.Work(t.Context(), r.entry("a.jpg")))
	if e := r.entry("a.jpg"); e.Status != journal.Filed || p.Circuits().Tripped() {
		t.Errorf("the file is %s, and others wait: %t", e.Status, p.Circuits().Tripped())
	}
}
