package ingest_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/ingest"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/watcher"
)

// rescan is a daemon whose watcher asks which files are known, until something is so.
func (r *rig) rescan(what string, so func(p *process) bool) {
	r.t.Helper()
	p := r.start()
	defer r.close(p)
	w, err := watcher.New([]watcher.Folder{{Name: "drop", Path: r.drop, Skip: []string{"_ingested", "_failed"}}},
		watcher.Options{Known: p.Unknown, Emit: p.Admit})
	if err != nil {
		r.t.Fatal(err)
	}
	if err := w.Walk(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	stop := runUntil(p)
	r.until(p, what, func() bool { return so(p) })
	if err := stop(); err != nil {
		r.t.Fatal(err)
	}
}

// chores returns the open chores of the folder, due or not.
func (r *rig) chores(p *process) []journal.Chore {
	r.t.Helper()
	open, err := journal.ChoresOf(p.journal).Due(r.t.Context(), time.Now().Add(24*time.Hour), "drop", 100)
	if err != nil {
		r.t.Fatal(err)
	}
	return open
}

func (r *rig) exists(path string) bool {
	_, err := os.Lstat(filepath.Join(r.drop, path))
	return err == nil
}

// writeAlike puts a file of the content of another into the drop.
func (r *rig) writeAlike(path, other string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.drop, path), []byte(r.read(other)), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// TestLeftoversAreMoved has a folder move its files that kept them until now: those of
// an ingested archive go where they would have gone, and a duplicate is told as one.
func TestLeftoversAreMoved(t *testing.T) {
	t.Parallel()
	r := newFilingRig(t, dropfolder.AfterKeep)
	r.write("acme/a.jpg", 1000, 1)
	r.write("ignored.txt", 10, 1)
	r.backfill()
	r.writeAlike("copy.jpg", "acme/a.jpg")
	r.backfill()
	r.refuse()
	r.write("acme/refused.jpg", 1000, 2)
	r.backfill()
	r.config.Folders[0].After = dropfolder.AfterMove
	r.backfill()
	r.wantFiles("acme/a.jpg", "acme/refused.jpg", "copy.jpg", "ignored.txt")
	r.rescan("the files are moved", func(p *process) bool {
		return r.exists("_ingested/acme/a.jpg") && r.exists("_ingested/copy.jpg") && r.exists("_failed/acme/refused.jpg.error.txt") && len(r.chores(p)) == 0
	})
	r.wantFiles("_ingested/acme/a.jpg", "_ingested/copy.jpg", "_failed/acme/refused.jpg", "_failed/acme/refused.jpg.error.txt", "ignored.txt")
	r.wantExactly("_ingested/acme/a.jpg")
	if e := r.entry("acme/a.jpg"); e.Status != journal.Filed || e.MovedTo != "_ingested/acme/a.jpg" {
		t.Errorf("the entry is %s, moved to %q", e.Status, e.MovedTo)
	}
	said := ""
	for line := range strings.Lines(r.log.String()) {
		if strings.Contains(line, "a duplicate was moved") {
			said += line
		}
	}
	for _, part := range []string{"duplicate of drop/acme/a.jpg", `"path":"copy.jpg"`, `"to":"_ingested/copy.jpg"`} {
		if strings.Count(said, part) != 1 {
			t.Errorf("of the duplicate it does not say %s once: %s", part, said)
		}
	}
}

// TestLeftoversOfOtherContentStay: what is not as it was ingested is a file of its own.
func TestLeftoversOfOtherContentStay(t *testing.T) {
	t.Parallel()
	r := newFilingRig(t, dropfolder.AfterKeep)
	r.write("touched.jpg", 1000, 1)
	r.write("new.jpg", 1000, 1)
	r.backfill()
	r.config.Folders[0].After = dropfolder.AfterMove
	if err := os.Chmod(filepath.Join(r.drop, "touched.jpg"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.write("new.jpg", 1000, 2)
	r.rescan("both are in their place", func(*process) bool { return r.exists("_ingested/touched.jpg") && r.exists("_ingested/new.jpg") })
	r.wantFiles("_ingested/touched.jpg", "_ingested/new.jpg")
	if n := len(available(r.sandbox.State())); n != 3 {
		t.Errorf("%d assets, want 3", n)
	}
}

// TestLeftoversAreDeletedOnProof: Tenovos is asked again before a file is deleted that
// came in earlier.
func TestLeftoversAreDeletedOnProof(t *testing.T) {
	t.Parallel()
	r := newFilingRig(t, dropfolder.AfterKeep)
	r.write("in.jpg", 1000, 1)
	r.write("removed.jpg", 1000, 2)
	r.backfill()
	r.writeAlike("copy.jpg", "in.jpg")
	r.backfill()
	client := r.client()
	if err := client.DeleteAsset(t.Context(), r.entry("removed.jpg").ObjectID); err != nil {
		t.Fatal(err)
	}
	client.Close()
	r.config.Folders[0].After = dropfolder.AfterDelete
	r.rescan("one is deleted, and the other is not", func(p *process) bool {
		left := r.chores(p)
		return !r.exists("in.jpg") && len(left) == 1 && left[0].Tries > 0
	})
	r.wantFiles("copy.jpg", "removed.jpg")
	if want := "is in the recycle bin"; !strings.Contains(r.log.String(), want) {
		t.Errorf("the log does not say %q:\n%s", want, r.log)
	}
}

// BenchmarkLeftovers measures what a scan of many known files costs more where
// the folder moves its files, of which none is to be moved.
func BenchmarkLeftovers(b *testing.B) {
	for _, after := range []dropfolder.After{dropfolder.AfterKeep, dropfolder.AfterMove} {
		b.Run(string(after), func(b *testing.B) {
			r := newRig(b, nil)
			f := &r.config.Folders[0]
			f.After, f.Done, f.Failed = after, "_ingested", "_failed"
			p := r.start()
			defer r.close(p)
			const files, batch = 200_000, 1000
			var found []file.File
			for i := range files {
				found = append(found, file.File{Folder: "drop", Path: fmt.Sprintf("dir%d/file%d.jpg", i/batch, i), Stat: file.Stat{Size: int64(i), ModTime: 1, ChangeTime: 2, Ino: uint64(i)}})
			}
			for i := 0; i < files; i += batch {
				if err := p.Admit(b.Context(), found[i:i+batch]); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				for i := 0; i < files; i += batch {
					if fresh, err := p.Unknown(b.Context(), found[i:i+batch]); err != nil || len(fresh) > 0 {
						b.Fatal(len(fresh), err)
					}
				}
			}
		})
	}
}

// TestLeftoversWaitWhileTenovosIsAway: an outage that meets one deletion is everyone's,
// and not asked about for each of the others.
func TestLeftoversWaitWhileTenovosIsAway(t *testing.T) {
	t.Parallel()
	r := newFilingRig(t, dropfolder.AfterKeep)
	const files = 40
	for i := range files {
		r.write(fmt.Sprintf("%d.jpg", i), 1000+i, 1)
	}
	r.backfill()
	r.config.Folders[0].After = dropfolder.AfterDelete
	away := &outOfReach{}
	r.api = func(a ingest.API) ingest.API { away.API = a; return away }
	r.rescan("all are deleted after the outage", func(p *process) bool {
		if p.Paused() != "" || away.asked.Load() > 5 {
			if n := away.asked.Load(); n > 2 && !away.over.Load() {
				t.Errorf("it was asked %d times during the outage", n)
			}
			for _, c := range r.chores(p) {
				if c.Tries > 0 && !away.over.Load() {
					t.Errorf("it counts as a try: %s", c.Message)
				}
			}
			away.over.Store(true)
		}
		return len(r.files()) == 0
	})
}

// outOfReach is an account that is unavailable until that is over.
type outOfReach struct {
	ingest.API
	asked atomic.Int64
	over  atomic.Bool
}

func (o *outOfReach) Asset(ctx context.Context, id string) (tenovos.Asset, error) {
	if !o.over.Load() {
		o.asked.Add(1)
		return tenovos.Asset{}, tenovos.ErrUnavailable
	}
	return o.API.Asset(ctx, id)
}

func (o *outOfReach) CurrentUser(ctx context.Context) (tenovos.User, error) {
	if !o.over.Load() {
		return tenovos.User{}, tenovos.ErrUnavailable
	}
	return o.API.CurrentUser(ctx)
}
