package ingest_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/journal"
)

// stopAt works on the only entry until it comes to a status, and returns it.
func (r *rig) stopAt(p *process, s journal.Status) journal.Entry {
	r.t.Helper()
	entry := func() journal.Entry {
		e, err := p.journal.Entry(context.Background(), 1)
		if err != nil {
			r.t.Fatal(err)
		}
		return e
	}
	ctx, cancel := context.WithCancel(r.t.Context())
	defer cancel()
	r.atCommit = func() {
		if entry().Status == s {
			cancel()
		}
	}
	defer func() { r.atCommit = nil }()
	if e := entry(); e.Status != s {
		if err := p.Work(ctx, e); err != nil {
			r.t.Fatal(err)
		}
	}
	e := entry()
	if e.Status != s {
		r.t.Fatalf("it is %s, not %s", e.Status, s)
	}
	return e
}

// A worker that holds an entry as it was a moment ago notices what others did since then:
// it goes on from what the entry is, and nothing is made, sent or moved for the old one.
func TestWorkerNoticesWhatOthersDid(t *testing.T) {
	t.Parallel()
	scan := func(r *rig, p *process) {
		if err := r.scan(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	rewrite := func(r *rig, p *process, _ journal.Entry) {
		r.write("a.jpg", 2000, 2)
		scan(r, p)
	}
	touch := func(r *rig, p *process, _ journal.Entry) {
		if err := os.Chmod(filepath.Join(r.drop, "a.jpg"), 0o640); err != nil {
			t.Fatal(err)
		}
		scan(r, p)
	}
	speak := func(r *rig, p *process, e journal.Entry) {
		c := journal.Companion{File: file.File{Folder: e.Folder, Path: "a.jpg.json"}, Since: time.Now().Add(time.Second)}
		if _, _, err := journal.CompanionsOf(p.journal).ActOn(t.Context(), c, journal.Concern{Path: e.Path}); err != nil {
			t.Fatal(err)
		}
	}
	finish := func(_ *rig, p *process, e journal.Entry) {
		if err := p.Work(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	cancel := func(_ *rig, p *process, e journal.Entry) {
		if _, err := p.journal.Advance(t.Context(), journal.Move{ID: e.ID, From: e.Status, To: journal.Cancelled}); err != nil {
			t.Fatal(err)
		}
	}
	rename := func(r *rig, p *process, _ journal.Entry) {
		r.rename("a.jpg", "b/a.jpg")
		scan(r, p)
		second, err := p.journal.Entry(t.Context(), 2)
		if err == nil {
			err = p.Work(t.Context(), second) // which finds that it is the first
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name string
		at   journal.Status
		do   func(*rig, *process, journal.Entry)
		path string // where the file lies in the end; "" if nothing comes of it
		maps int    // how often the rules are applied: in vain, too
	}{
		{"settled, cancelled", journal.Settled, cancel, "", 1},
		{"settled, finished", journal.Settled, finish, "a.jpg", 2},
		{"settled, rewritten", journal.Settled, rewrite, "a.jpg", 1},
		{"settled, touched", journal.Settled, touch, "a.jpg", 1},
		{"settled, spoken of", journal.Settled, speak, "a.jpg", 2},
		{"mapped, cancelled", journal.Mapped, cancel, "", 1},
		{"mapped, finished", journal.Mapped, finish, "a.jpg", 1},
		{"mapped, rewritten", journal.Mapped, rewrite, "a.jpg", 2},
		{"mapped, touched", journal.Mapped, touch, "a.jpg", 2},
		{"mapped, spoken of", journal.Mapped, speak, "a.jpg", 2},
		{"uploading, rewritten", journal.Uploading, rewrite, "a.jpg", 2},
		{"uploading, touched", journal.Uploading, touch, "a.jpg", 1},
		{"uploading, renamed", journal.Uploading, rename, "b/a.jpg", 1},
		{"verified, finished", journal.Verified, finish, "a.jpg", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, nil)
			r.config.Adopt, r.config.VerifyAsset = c.at == journal.Mapped, c.at == journal.Verified // else no file comes by these
			r.commit = func() {
				if r.atCommit != nil {
					r.atCommit()
				}
			}
			maps := 0
			r.config.Folders[0].Map = func(f file.File, at string) (dropfolder.Mapped, error) {
				maps++
				return r.mapFile(f, at)
			}
			r.write("a.jpg", 3000, 1)
			p := r.start()
			defer r.close(p)
			scan(r, p)
			old := r.stopAt(p, c.at)
			c.do(r, p, old)
			if err := p.Work(t.Context(), old); err != nil {
				t.Fatal(err)
			}
			ctx, end := context.WithTimeout(t.Context(), time.Minute)
			defer end()
			if err := r.run(ctx, p); err != nil {
				t.Fatal(err)
			}
			if c.path == "" {
				if n := len(r.sandbox.State().Assets); n != 0 || r.entry("a.jpg").Status != journal.Cancelled {
					t.Errorf("%d assets; the journal:\n%s", n, r.dump(p))
				}
			} else {
				r.wantExactly(c.path)
				if e := r.entry(c.path); e.Status != journal.Filed {
					t.Errorf("it is %s: %v", e.Status, e.Reason)
				}
			}
			if maps != c.maps {
				t.Errorf("the rules were applied %d times, want %d", maps, c.maps)
			}
		})
	}
}
