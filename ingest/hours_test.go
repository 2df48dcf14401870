package ingest_test

import (
	"context"
	"strings"
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

// hours are those of the folder drop: from opens to closes on the test's clock, which can
// be put forward.
type hours struct {
	begun         time.Time
	opens, closes atomic.Int64 // since begun
	ahead         atomic.Int64 // how far the clock is
}

const never = 1000 * time.Hour

func (r *rig) hours(opens, closes time.Duration) *hours {
	h := &hours{begun: time.Now()}
	h.opens.Store(int64(opens))
	h.closes.Store(int64(closes))
	r.clock = func() time.Time { return time.Now().Add(time.Duration(h.ahead.Load())) }
	r.config.Folders[0].Open = h.open
	return h
}

func (h *hours) open(now time.Time) (open bool, until time.Time, why string) {
	opens, closes := h.begun.Add(time.Duration(h.opens.Load())), h.begun.Add(time.Duration(h.closes.Load()))
	switch {
	case now.Before(opens):
		return false, opens, "its hours: from then"
	case now.Before(closes):
		return true, closes, ""
	}
	return false, h.begun.Add(2 * never), "its hours: from the end of time"
}

func (h *hours) close() { h.closes.Store(int64(time.Since(h.begun)) + h.ahead.Load()) }

// inStatus counts the entries of a folder in a status.
func (r *rig) inStatus(folder string, s journal.Status) (n int) {
	r.t.Helper()
	for _, e := range r.entries() {
		if e.Folder == folder && e.Status == s {
			n++
		}
	}
	return n
}

// A folder outside of its hours has its files seen and queued, and no more; another goes on.
// They begin when their time comes, also by a clock that is put forward.
func TestFolderBeginsAtItsHour(t *testing.T) {
	t.Parallel()
	for name, put := range map[string]time.Duration{"in time": 0, "by a clock that is set": 5 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			r.addFolder("other")
			h := r.hours(time.Second+put, never)
			r.fill("drop", "waits", 20, 10)
			r.fill("other", "goes", 5, 10)
			p := r.start()
			defer r.close(p)
			r.admitAll(p)
			stop := runUntil(p)
			r.until(p, "the other folder's files are in", func() bool { return r.filed(p, "other") == 5 })
			if put > 0 {
				if n := r.inStatus("drop", journal.Settled); n != 20 {
					t.Errorf("%d of 20 files are queued outside of their hours", n)
				}
				h.ahead.Store(int64(put + time.Second))
			}
			r.until(p, "the files are in", func() bool { return r.filed(p, "drop") == 20 })
			for _, e := range r.entries() {
				if opens := h.begun.Add(time.Duration(h.opens.Load())); e.Folder == "drop" && e.Since.Before(opens.Truncate(time.Millisecond)) {
					t.Errorf("%s was filed at %s, before its hours began at %s", e.Path, e.Since, opens)
				}
			}
			if err := stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

// What is on its way as the hours end finishes, also where its upload has to begin anew;
// what is not waits, and the next process knows it.
func TestHoursEnd(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]error{"uploading": nil, "expired": uploader.ErrURLExpired, "no such upload": uploader.ErrNoSuchUpload} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			r.config.Workers = 1
			h := r.hours(0, never)
			sending, closed := make(chan struct{}), make(chan struct{})
			var uploads atomic.Int64
			r.store = func(s ingest.Store) ingest.Store {
				return storeFunc(func(ctx context.Context, job uploader.Job) error {
					if uploads.Add(1) == 1 {
						close(sending)
						<-closed
						if trouble != nil {
							return trouble
						}
					}
					return s.Upload(ctx, job)
				})
			}
			r.write("a.jpg", 1000, 1)
			p := r.start()
			r.admitAll(p)
			stop := runUntil(p)
			<-sending
			r.write("b.jpg", 1000, 1)
			r.admitAll(p)
			h.close()
			close(closed)
			r.until(p, "what was begun is in", func() bool { return r.filed(p, "drop") == 1 })
			if err := stop(); err != nil {
				t.Error(err)
			}
			r.close(p)
			if r.entry("a.jpg").Status != journal.Filed || r.entry("b.jpg").Status != journal.Settled {
				t.Errorf("a.jpg is %s and b.jpg %s", r.entry("a.jpg").Status, r.entry("b.jpg").Status)
			}
			h.closes.Store(int64(never))
			r.backfill()
			r.wantExactly("a.jpg", "b.jpg")
		})
	}
}

// Hours that end while a file is looked at, which may take long, keep it from being begun.
func TestHoursEndWhileAFileIsLookedAt(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	h := r.hours(0, never)
	looked := make(chan struct{}, 10)
	r.config.Folders[0].Map = func(f file.File, at string) (dropfolder.Mapped, error) {
		h.close()
		looked <- struct{}{}
		return r.mapFile(f, at)
	}
	r.write("a.jpg", 1000, 1)
	p := r.start()
	r.admitAll(p)
	stop := runUntil(p)
	<-looked
	r.until(p, "the file waits", func() bool { return r.inStatus("drop", journal.Mapped) == 1 })
	if err := stop(); err != nil {
		t.Error(err)
	}
	r.close(p)
	if n := len(r.sandbox.State().Assets); n != 0 {
		t.Errorf("%d assets were created", n)
	}
	r.config.Folders[0].Map = r.mapFile
	h.closes.Store(int64(never))
	r.backfill()
	r.wantExactly("a.jpg")
}

// A backfill waits for the hours. Operators' requests do not: what waits can be cancelled,
// and what they want tried again waits in its turn.
func TestRequestsOutsideOfHours(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	h := r.hours(time.Hour, never)
	r.fill("drop", "waits", 3, 10)
	p := r.start()
	defer r.close(p)
	ended := make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	go func() { ended <- r.run(ctx, p) }()
	r.until(p, "the files are queued", func() bool { return r.inStatus("drop", journal.Settled) == 3 })
	id := r.entry("waits-001.bin").ID
	served := func(int64) error { return nil } // the backfill does
	r.wantResults(r.askOf(ctx, desk.RequestCancel, desk.Selection{IDs: []int64{id}}, served), "cancelled")
	r.wantResults(r.askOf(ctx, desk.RequestRetry, desk.Selection{IDs: []int64{id}}, served), "requeued")
	r.wantResults(r.askOf(ctx, desk.RequestCancel, desk.Selection{IDs: []int64{r.entry("waits-002.bin").ID}}, served), "cancelled")
	if n := r.inStatus("drop", journal.Settled); n != 2 {
		t.Errorf("%d files wait, want 2", n)
	}
	h.ahead.Store(int64(time.Hour + time.Second))
	if err := <-ended; err != nil || ctx.Err() != nil {
		t.Fatal(err, ctx.Err())
	}
	r.wantExactly("waits-000.bin", "waits-001.bin")
}

// The files of a drop say that they wait for the hours, and are created together when those
// begin.
func TestDropWaitsForItsHours(t *testing.T) {
	t.Parallel()
	r := newBatchRig(t)
	h := r.hours(0, never)
	var begun atomic.Int64
	r.config.Folders[0].Map = func(f file.File, at string) (dropfolder.Mapped, error) {
		if begun.Add(1) == 1 {
			h.close() // while the first one of them is looked at
		}
		return r.mapFile(f, at)
	}
	paths := []string{"summer/a.jpg", "summer/b.jpg", "summer/c.jpg", "summer/d.jpg", "summer/e.jpg", "summer/f.jpg"}
	for _, path := range paths {
		r.write(path, 100, 1)
	}
	r.begin()
	r.wait("queued", func(e journal.Entry) bool { return e.Status == journal.Settled || e.Status == journal.Mapped }, paths...)
	r.until(r.process, "the drop says what it waits for", func() bool {
		for _, e := range r.entries() {
			if e.Status == journal.Mapped && strings.Contains(e.Reason.Message, "the rest of its drop summer: its hours: from the end of time") {
				return true
			}
		}
		return false
	})
	if n := len(r.sandbox.State().Assets); n != 0 {
		t.Errorf("%d assets were created", n)
	}
	h.closes.Store(int64(never))
	h.ahead.Store(int64(time.Minute)) // nobody else says that the hours have changed
	r.wait("in", func(e journal.Entry) bool { return e.Status == journal.Filed }, paths...)
}
