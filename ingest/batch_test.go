package ingest_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/watcher"
)

// batchRig is a rig whose files wait for their drops, and that tells a rule which
// could not map some that it can now.
type batchRig struct {
	*rig
	process   *process
	watched   watcher.Folder
	watcher   atomic.Pointer[watcher.Watcher]
	corrected atomic.Bool
	commits   atomic.Int64
}

func newBatchRig(t *testing.T) *batchRig {
	t.Helper()
	r := &batchRig{rig: newRig(t, nil)}
	r.commit = func() { r.commits.Add(1) }
	r.watched = watcher.Folder{Name: "drop", Path: r.drop, Settle: 20 * time.Millisecond, Rescan: time.Hour, Drops: true}
	f := &r.config.Folders[0]
	f.Drops = r
	f.Map = func(file file.File, at string) (dropfolder.Mapped, error) {
		if r.corrected.Load() {
			file.Path = strings.ReplaceAll(file.Path, "unmappable", "corrected")
		}
		return r.mapFile(file, at)
	}
	return r
}

// Drop implements dropfolder.Drops.
func (r *batchRig) Drop(dir string) watcher.Drop { return r.watcher.Load().Drop("drop", dir) }

// Announced implements dropfolder.Drops.
func (r *batchRig) Announced(dir string) time.Time { return r.watcher.Load().Announced("drop", dir) }

// watch makes a watcher that feeds the process.
func (r *batchRig) watch(p *process) *watcher.Watcher {
	r.t.Helper()
	w, err := watcher.New([]watcher.Folder{r.watched}, watcher.Options{Emit: p.Admit, Known: p.Unknown})
	if err != nil {
		r.t.Fatal(err)
	}
	r.watcher.Store(w)
	return w
}

// begin runs the daemon until the test ends.
func (r *batchRig) begin() {
	r.t.Helper()
	p := r.start()
	r.process = p
	w := r.watch(p)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- w.Run(ctx) }()
	go func() { ended <- p.Run(ctx, nil, nil) }()
	r.t.Cleanup(func() {
		cancel()
		for range 2 {
			if err := <-ended; err != nil {
				r.t.Error(err)
			}
		}
		r.close(p)
	})
}

// once is a backfill.
func (r *batchRig) once() {
	r.t.Helper()
	p := r.start()
	defer r.close(p)
	w := r.watch(p)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	walked, result := make(chan struct{}), make(chan error, 1)
	go func() { result <- w.Walk(ctx); close(walked) }()
	if err := p.Run(ctx, nil, walked); err != nil {
		r.t.Fatal(err)
	}
	if err := <-result; err != nil || ctx.Err() != nil {
		r.t.Fatalf("the backfill did not end: %v\n%s%s", err, r.dump(p), r.log)
	}
}

// wait waits until the latest generations of the paths are all as cond wants them.
func (r *batchRig) wait(what string, cond func(journal.Entry) bool, paths ...string) {
	r.t.Helper()
	pause := 10*time.Millisecond + time.Duration(len(paths))*time.Millisecond/4 // the journal is read whole
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(pause) {
		latest := make(map[string]journal.Entry)
		for _, e := range r.entries() {
			latest[e.Path] = e
		}
		if !slices.ContainsFunc(paths, func(p string) bool { return !cond(latest[p]) }) {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("waited in vain until %v are %s:\n%s%s", paths, what, r.dump(r.process), r.log)
		}
	}
}

func (r *batchRig) waitStatus(s journal.Status, paths ...string) {
	r.t.Helper()
	r.wait(string(s), func(e journal.Entry) bool { return e.Status == s }, paths...)
}

// waitHeldBack waits until the paths wait for their drop, for a reason like this.
func (r *batchRig) waitHeldBack(why string, paths ...string) {
	r.t.Helper()
	r.wait("held back: "+why, func(e journal.Entry) bool {
		return e.Status == journal.Mapped && e.Reason.Class == journal.ClassBatch && strings.Contains(e.Reason.Message, why)
	}, paths...)
}

func (r *batchRig) tell(kind string, path string) {
	r.t.Helper()
	got := r.askOf(r.t.Context(), kind, desk.Selection{IDs: []int64{r.entry(path).ID}}, func(int64) error { return nil })
	if len(got) != 1 || !got[0].Good() {
		r.t.Fatalf("%s: %+v", kind, got)
	}
}

func TestADropIsCreatedTogether(t *testing.T) {
	t.Parallel()
	const bad = "spring/unmappable.jpg"
	rest := []string{"spring/a.jpg", "spring/b.jpg", "spring/raw/c.jpg", "spring/raw/d.jpg"}
	for name, c := range map[string]struct {
		act  func(*batchRig)
		ends journal.Status
	}{
		"corrected": {func(r *batchRig) { r.corrected.Store(true); r.tell(desk.RequestRetry, bad) }, journal.Filed},
		"cancelled": {func(r *batchRig) { r.tell(desk.RequestCancel, bad) }, journal.Cancelled},
		"removed": {func(r *batchRig) {
			if err := os.Remove(filepath.Join(r.drop, bad)); err != nil {
				r.t.Fatal(err)
			}
		}, journal.Superseded},
		"replaced": {func(r *batchRig) { r.corrected.Store(true); r.write(bad, 200, 2) }, journal.Filed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newBatchRig(t)
			for _, path := range append(rest, bad) {
				r.write(path, 100, 1)
			}
			r.write("spring/ignored.txt", 10, 1) // holds nothing back
			r.write("autumn/a2.jpg", 100, 1)
			r.begin()
			r.waitHeldBack("the rest of its drop spring: 1 of 5 files are held or failed (unmappable.jpg: Brand: no source", rest...)
			r.waitStatus(journal.Held, bad)
			r.waitStatus(journal.Filed, "autumn/a2.jpg") // another drop
			r.wantExactly("autumn/a2.jpg")
			c.act(r)
			r.waitStatus(journal.Filed, rest...)
			r.waitStatus(c.ends, bad)
			made := append([]string{"autumn/a2.jpg"}, rest...)
			if c.ends == journal.Filed {
				made = append(made, bad)
			}
			if got := available(r.sandbox.State()); len(got) != len(made) {
				t.Errorf("%d assets, want %d", len(got), len(made))
			}
		})
	}
}

func TestADropWaitsForTheLastOfIt(t *testing.T) {
	t.Parallel()
	r := newBatchRig(t)
	r.write("spring/a.jpg", 100, 1)
	slow, err := os.Create(filepath.Join(r.drop, "spring", "slow.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := slow.WriteString("the first half "); err != nil {
		t.Fatal(err)
	}
	r.begin()
	r.wait("waiting for the open file", func(e journal.Entry) bool {
		return e.Status == journal.Mapped && strings.Contains(e.Reason.Message, "1 still arriving")
	}, "spring/a.jpg")
	r.wantExactly()
	if _, err := slow.WriteString("and the second"); err != nil {
		t.Fatal(err)
	}
	if err := slow.Close(); err != nil {
		t.Fatal(err)
	}
	r.waitStatus(journal.Filed, "spring/a.jpg", "spring/slow.jpg")
	r.wantExactly("spring/a.jpg", "spring/slow.jpg")
}

func TestLateFilesAreADropOfTheirOwn(t *testing.T) {
	t.Parallel()
	r := newBatchRig(t)
	r.write("spring/a.jpg", 100, 1)
	r.begin()
	r.waitStatus(journal.Filed, "spring/a.jpg")
	r.write("spring/late.jpg", 100, 1)
	r.write("spring/unmappable.jpg", 100, 1)
	r.waitHeldBack("1 of 2 files are held", "spring/late.jpg")
	r.tell(desk.RequestCancel, "spring/unmappable.jpg")
	r.waitStatus(journal.Filed, "spring/late.jpg")
	r.write("spring/later.jpg", 100, 1) // what was cancelled holds nothing back
	r.waitStatus(journal.Filed, "spring/later.jpg")
}

func TestADropSurvivesARestart(t *testing.T) {
	t.Parallel()
	r := newBatchRig(t)
	r.write("spring/a.jpg", 100, 1)
	r.write("spring/unmappable.jpg", 100, 1)
	r.once() // ends, because what is left waits for somebody
	r.waitHeldBack("1 of 2 files are held", "spring/a.jpg")
	r.wantExactly()
	r.once()
	r.wantExactly()
	if err := os.Remove(filepath.Join(r.drop, "spring/unmappable.jpg")); err != nil {
		t.Fatal(err)
	}
	r.begin()
	r.waitStatus(journal.Filed, "spring/a.jpg")
	r.wantExactly("spring/a.jpg")
}

func TestADropThatFallsOutOfTheConfiguration(t *testing.T) {
	t.Parallel()
	r := newBatchRig(t)
	r.write("spring/a.jpg", 100, 1)
	r.write("spring/unmappable.jpg", 100, 1)
	r.once()
	r.config.Folders[0].Drops = nil
	r.once()
	r.wantExactly("spring/a.jpg")
}

func TestCopiesWithinADrop(t *testing.T) {
	t.Parallel()
	r := newBatchRig(t)
	r.config.Folders[0].Duplicates = dropfolder.DuplicatesSkip
	for _, path := range []string{"spring/a.jpg", "spring/b.jpg"} {
		r.write(path, 10, 1)
		if err := os.WriteFile(filepath.Join(r.drop, path), []byte("the same"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r.write("spring/unmappable.jpg", 100, 1)
	r.once() // ends, although one waits for the other
	r.corrected.Store(true)
	r.begin()
	r.tell(desk.RequestRetry, "spring/unmappable.jpg")
	r.wait("at rest", func(e journal.Entry) bool { return e.Status == journal.Filed || e.Status == journal.Duplicate },
		"spring/a.jpg", "spring/b.jpg", "spring/unmappable.jpg")
	if got := available(r.sandbox.State()); len(got) != 2 {
		t.Errorf("%d assets, want one of the two copies and the third file", len(got))
	}
}

// A sentinel beside the directory completes the drop, however long settle is.
func TestADropWithASentinel(t *testing.T) {
	t.Parallel()
	r := newBatchRig(t)
	r.watched.Ready, r.watched.Settle = "{name}.done", time.Hour
	r.config.Folders[0].Settle, r.config.Folders[0].Ready = time.Hour, true
	r.write("spring/a.jpg", 100, 1)
	r.write("spring/raw/b.jpg", 100, 1)
	r.write("spring/a.jpg.done", 0, 1)
	r.write("single.jpg", 100, 1)
	r.write("single.jpg.done", 0, 1)
	r.begin()
	r.waitHeldBack("1 without the sentinel", "spring/a.jpg")
	r.waitStatus(journal.Filed, "single.jpg")
	r.wantExactly("single.jpg")
	r.write("spring.done", 0, 1)
	r.waitStatus(journal.Filed, "spring/a.jpg", "spring/raw/b.jpg")
	r.wantExactly("single.jpg", "spring/a.jpg", "spring/raw/b.jpg")
}

// manifests takes files of the name for manifests of their directory.
type manifests struct{}

func (manifests) About(path string) (journal.Concern, bool) {
	return journal.Concern{Dir: filepath.Dir(path)}, filepath.Base(path) == "manifest.csv"
}
func (manifests) Forget(string)                         {}
func (manifests) Stray(string) (dropfolder.Stray, bool) { return dropfolder.Stray{}, false }
func (manifests) Teller(func(string, func(string)) error) dropfolder.Teller {
	return tellsNothing{}
}
func (manifests) Beside(string) []dropfolder.Beside                       { return nil }
func (manifests) Rows(string, func([]dropfolder.FilelessRow) error) error { return nil }

func TestFilesInTheFolderItself(t *testing.T) {
	t.Parallel()
	r := newBatchRig(t)
	r.config.Folders[0].Companions = manifests{}
	r.write("a.jpg", 100, 1)
	r.write("unmappable.jpg", 100, 1)
	r.begin()
	r.waitStatus(journal.Filed, "a.jpg") // each is for itself
	r.waitStatus(journal.Held, "unmappable.jpg")
	r.write("manifest.csv", 10, 1)
	r.write("b.jpg", 100, 1)
	r.waitHeldBack("the files that lie beside it: 1 of 2 files are held", "b.jpg")
	if err := os.Remove(filepath.Join(r.drop, "manifest.csv")); err != nil {
		t.Fatal(err)
	}
	r.waitStatus(journal.Filed, "b.jpg")
}

// Many members cost what one costs while they wait.
func TestALargeDropWaitsQuietly(t *testing.T) {
	t.Parallel()
	members := 2000
	if oneOf > 1 { // the race detector makes SQLite ten times slower
		members /= 5
	}
	r := newBatchRig(t)
	paths := make([]string, members)
	for i := range paths {
		paths[i] = fmt.Sprintf("spring/%04d.jpg", i)
		r.write(paths[i], 10+i, 1)
	}
	r.write("spring/unmappable.jpg", 10, 1)
	r.begin()
	r.waitHeldBack(fmt.Sprintf("1 of %d files are held", members+1), paths...)
	total := r.commits.Load()
	if most := int64(3*members + 100); total > most {
		t.Errorf("%d commits until all waited, want at most %d", total, most)
	}
	time.Sleep(2 * time.Second) // time in which nothing is to happen
	if n := r.commits.Load() - total; n > 5 {
		t.Errorf("%d commits while nothing happened", n)
	}
	if got := available(r.sandbox.State()); len(got) != 0 {
		t.Errorf("%d assets were made", len(got))
	}
}
