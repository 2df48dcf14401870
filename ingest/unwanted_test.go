package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/ingest"
	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// stuckUntilAborted is a store that takes nothing until an upload is aborted, and
// everything from then on.
type stuckUntilAborted struct {
	ingest.Store
	stuck   atomic.Int64
	aborted atomic.Bool
}

func (s *stuckUntilAborted) Upload(ctx context.Context, job uploader.Job) error {
	if s.aborted.Load() {
		return s.Store.Upload(ctx, job)
	}
	s.stuck.Add(1)
	<-ctx.Done()
	s.aborted.Store(true)
	return ctx.Err()
}

// count returns how many entries are in each status.
func (r *rig) count() map[journal.Status]int {
	r.t.Helper()
	n := make(map[journal.Status]int)
	for _, e := range r.entries() {
		n[e.Status]++
	}
	return n
}

// TestCancelIsFasterThanTheWorkers cancels everything while all workers send: none of it
// is ingested after that, but what comes later is.
func TestCancelIsFasterThanTheWorkers(t *testing.T) {
	t.Parallel()
	const n = 230 // more than a batch
	r := newRig(t, nil)
	for i := range n {
		r.write(fmt.Sprintf("f%03d.jpg", i), 10+i, uint64(i))
	}
	store := &stuckUntilAborted{}
	r.store = func(s ingest.Store) ingest.Store { store.Store = s; return store }
	p := r.start()
	defer r.close(p)
	r.admitAll(p)
	stop := runUntil(p)
	r.until(p, "all workers send", func() bool { return store.stuck.Load() == int64(r.config.Workers) })
	out := r.askOf(t.Context(), desk.RequestCancel, desk.Selection{}, func(int64) error { return nil })
	if got := r.count(); len(out) != n || got[journal.Cancelled] != n {
		t.Errorf("%d answers, and the entries are %v", len(out), got)
	}
	paths := make(map[int64]string, n)
	for _, e := range r.entries() {
		paths[e.ID] = e.Path
	}
	for i, o := range out {
		if o.Result != "cancelled" || o.Folder != "drop" || o.Path != paths[o.ID] || i > 0 && o.ID <= out[i-1].ID {
			t.Fatalf("the %d. answer is %+v", i, o)
		}
	}
	r.write("later.jpg", 1000, 1)
	r.admitAll(p)
	r.until(p, "what came later is in", func() bool { return r.filed(p, "drop") == 1 })
	r.wantResults(r.askOf(t.Context(), desk.RequestRetry, desk.Selection{IDs: []int64{out[n-1].ID}}, func(int64) error { return nil }), "requeued")
	r.until(p, "what was sent round again is in", func() bool { return r.filed(p, "drop") == 2 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

// TestCancelThatIsCutGoesOn ends the process between two batches of a cancel: the books
// balance, and the next process does the rest.
func TestCancelThatIsCutGoesOn(t *testing.T) {
	t.Parallel()
	const n = 230
	r := newRig(t, nil)
	for i := range n {
		r.write(fmt.Sprintf("f%03d.jpg", i), 10+i, uint64(i))
	}
	store := &stuckUntilAborted{}
	r.store = func(s ingest.Store) ingest.Store { store.Store = s; return store }
	drain := make(chan struct{})
	var watched, drained atomic.Bool
	r.commit = func() { // before the transaction that follows the first batch
		if watched.Load() && !drained.Load() && r.count()[journal.Cancelled] > 20 && drained.CompareAndSwap(false, true) {
			close(drain)
		}
	}
	p := r.start()
	r.admitAll(p)
	ended := make(chan error, 1)
	go func() { ended <- p.Run(t.Context(), drain, nil) }()
	r.until(p, "all workers send", func() bool { return store.stuck.Load() == int64(r.config.Workers) })
	watched.Store(true)
	id, err := journal.Ask(t.Context(), r.journal, desk.RequestCancel, []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	got := r.count()
	if got[journal.Cancelled] == 0 || got[journal.Cancelled] == n || got[journal.Filed] > 0 {
		t.Errorf("after the end in between: %v", got)
	}
	r.close(p)
	r.commit = nil
	p = r.start()
	defer r.close(p)
	if err := p.Desk().ServeOne(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if got := r.count(); got[journal.Cancelled] != n {
		t.Errorf("after the next process: %v", got)
	}
}

// TestCancelledRowsStayCancelled cancels the rows of a manifest, and has a run look at the
// manifest again: they make no new entries and no assets.
func TestCancelledRowsStayCancelled(t *testing.T) {
	t.Parallel()
	const n = 30
	r := newRig(t, nil)
	r.config.Folders[0].Companions = manyRows(n)
	r.write("manifest.csv", 10, 1)
	r.config.Folders[0].Map = func(f file.File, at string) (dropfolder.Mapped, error) {
		return dropfolder.Mapped{}, &dropfolder.LaterError{After: time.Minute, Err: errors.New("the rules are not read yet")}
	}
	p := r.start()
	r.admitAll(p)
	stop := runUntil(p)
	r.until(p, "the rows are admitted", func() bool { return len(r.entries()) == n })
	if got := len(r.askOf(t.Context(), desk.RequestCancel, desk.Selection{}, func(int64) error { return nil })); got != n {
		t.Errorf("%d answers", got)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	r.close(p)
	r.config.Folders[0].Map = r.mapFile
	r.write("manifest.csv", 11, 2)
	r.backfill()
	if got := r.count(); got[journal.Cancelled] != n || len(r.entries()) != n {
		t.Errorf("the entries are %v", got)
	}
	r.wantExactly()
}
