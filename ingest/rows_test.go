package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/journal"
)

// manyRows returns rows without files, a few batches of them.
func manyRows(n int) rowsOf {
	rows := make(rowsOf, n)
	for i := range rows {
		rows[i].Path = fmt.Sprintf("row-%03d.jpg", i)
	}
	return rows
}

// paused is a folder whose manifest's rows stop after the first batch, until they are
// let on.
type paused struct {
	rowsOf
	stopped chan struct{} // closed after the first batch
	goOn    chan struct{}
	batches *int
}

func (f paused) Rows(path string, each func([]dropfolder.FilelessRow) error) error {
	return f.rowsOf.Rows(path, func(rows []dropfolder.FilelessRow) error {
		if *f.batches++; *f.batches == 2 {
			close(f.stopped)
			<-f.goOn
		}
		return each(rows)
	})
}

func newPaused(rows rowsOf) paused {
	return paused{rows, make(chan struct{}), make(chan struct{}), new(int)}
}

// oncePerRow fails unless each row has become one asset.
func (r *rig) oncePerRow(n int) {
	r.t.Helper()
	got := map[string]int{}
	for _, a := range available(r.sandbox.State()) {
		got[a.Filename]++
	}
	for i := range n {
		name := fmt.Sprintf("row-%03d.jpg", i)
		if got[name] != 1 {
			r.t.Errorf("%d assets of %s\n%s", got[name], name, r.log)
		}
	}
}

// TestRowsBesideOtherWork stops in the middle of a manifest's rows: the file of another
// folder gets in, a request is answered, and the first rows become assets meanwhile. A
// drain ends the run there and then; the next one admits the rest.
func TestRowsBesideOtherWork(t *testing.T) {
	const n = 20
	r := newRig(t, nil)
	r.addFolder("other")
	rows := newPaused(manyRows(n))
	r.config.Folders[0].Companions = rows
	r.write("manifest.csv", 10, 1)
	p := r.start()
	drain, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- p.Run(t.Context(), drain, nil) }()
	r.admitAll(p)
	<-rows.stopped
	r.write("../other/a.jpg", 1000, 1)
	r.admitAll(p)
	r.until(p, "the other folder's file, and the first rows", func() bool { return r.filed(p, "other") == 1 && r.filed(p, "drop") == 2 })
	r.wantResults(r.askOf(t.Context(), desk.RequestRetry, desk.Selection{IDs: []int64{1}}, func(int64) error { return nil }), "skipped")
	close(drain)
	close(rows.goOn)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if *rows.batches > 3 {
		t.Errorf("%d batches were admitted although the run was to end", *rows.batches)
	}
	r.close(p)
	r.config.Folders[0].Companions = manyRows(n)
	r.backfill()
	r.oncePerRow(n)
}

// TestCrashWhileRowsAreAdmitted kills the process after each of the first commits.
func TestCrashWhileRowsAreAdmitted(t *testing.T) {
	const n = 6
	for at := 2; at <= 9; at++ {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			r.config.Folders[0].Companions = manyRows(n)
			r.write("manifest.csv", 10, 1)
			if got := r.crash(at); got != -1 {
				t.Fatalf("it lived, and passed %d points", got)
			}
			r.crash(0)
			r.oncePerRow(n)
		})
	}
}

// tooManyRows is a folder whose manifest has too many rows.
type tooManyRows struct{ rowsOf }

func (tooManyRows) Rows(string, func([]dropfolder.FilelessRow) error) error {
	return fmt.Errorf("%w: 6 rows, more than 5", dropfolder.ErrTooManyRows)
}

// TestRefusedRows become nothing, which is said, until a start allows them.
func TestRefusedRows(t *testing.T) {
	r := newRig(t, nil)
	r.config.Folders[0].Companions = tooManyRows{}
	r.write("manifest.csv", 10, 1)
	r.backfill()
	if n := len(r.sandbox.State().Assets); n != 0 || !strings.Contains(r.log.String(), "6 rows, more than 5") {
		t.Errorf("%d assets\n%s", n, r.log)
	}
	r.config.Folders[0].Companions = manyRows(6)
	r.backfill()
	r.oncePerRow(6)
}

// TestMappedLater has a manifest that cannot be looked at for a while: its file waits,
// without an attempt that counts, and its asset is corrected later, too.
func TestMappedLater(t *testing.T) {
	r := newRig(t, nil)
	times := 10 // more than a file has attempts
	r.config.Folders[0].Map = func(f file.File, at string) (dropfolder.Mapped, error) {
		if times--; times >= 0 {
			return dropfolder.Mapped{}, &dropfolder.LaterError{Err: errors.New("the manifest is just being read"), After: time.Millisecond}
		}
		return r.mapFile(f, at)
	}
	r.config.Workers = 1
	r.write("a.jpg", 1000, 1)
	r.backfill()
	if e := r.entry("a.jpg"); e.Status != journal.Filed || e.Failures != 0 {
		t.Errorf("%s after %d failures: %s\n%s", e.Status, e.Failures, e.Reason.Message, r.log)
	}
	times = 10
	p := r.start()
	defer r.close(p)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	id := r.entry("a.jpg").ID
	got := r.askOf(ctx, desk.RequestUpdate, desk.Selection{IDs: []int64{id}}, func(id int64) error { return p.Desk().ServeOne(ctx, id) })
	r.wantResults(got, "same")
	if times >= 0 {
		t.Errorf("the edit was given up %d tries early\n%s", times+1, r.log)
	}
}
