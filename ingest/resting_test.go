package ingest_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/watcher"
)

// restingRig is a folder in which a file rests in each status, with another that does
// not change beside it.
type restingRig struct {
	*rig
	process *process
	watched watcher.Folder
	watcher *watcher.Watcher
}

func newRestingRig(t *testing.T) *restingRig {
	t.Helper()
	r := &restingRig{rig: newRig(t, nil)}
	r.watched = watcher.Folder{Name: "drop", Path: r.drop, Settle: 20 * time.Millisecond, Rescan: time.Hour, Skip: []string{"_ingested", "_failed"}}
	return r
}

// rest admits files and has each rest in a status, as m says.
func (r *restingRig) rest(m journal.Move, paths ...string) {
	r.t.Helper()
	if r.process == nil {
		r.process = r.start()
		r.t.Cleanup(func() { r.close(r.process) })
	}
	for _, path := range paths {
		r.write(path, 100, 1)
	}
	if err := r.scan(r.t.Context(), r.process); err != nil {
		r.t.Fatal(err)
	}
	for _, path := range paths {
		m.ID, m.From = r.entry(path).ID, journal.Settled
		if _, err := r.process.journal.Advance(r.t.Context(), m); err != nil {
			r.t.Fatal(err)
		}
	}
}

// begin runs the daemon until the test ends.
func (r *restingRig) begin() {
	r.t.Helper()
	files := r.process.Resting()
	w, err := watcher.New([]watcher.Folder{r.watched}, watcher.Options{
		Emit: r.process.Admit, Known: r.process.Unknown, Scanned: files.Scanned, Removed: files.Removed, Hidden: r.process.Strays().Hidden,
		Met: r.process.Teller().Seen,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.watcher = w
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- w.Run(ctx) }()
	go func() { ended <- r.process.Run(ctx, nil, nil) }()
	r.t.Cleanup(func() { // before the journal is closed
		cancel()
		for range 2 {
			if err := <-ended; err != nil {
				r.t.Error(err)
			}
		}
	})
	r.rescan()
}

// rescan returns when the folder was scanned, and all was looked at that this leads to.
func (r *restingRig) rescan() {
	r.t.Helper()
	if err := r.watcher.WaitScan(r.t.Context(), "drop"); err != nil {
		r.t.Fatal(err)
	}
	if err := r.process.Resting().Wait(r.t.Context(), "drop"); err != nil {
		r.t.Fatal(err)
	}
}

// retry asks the daemon to try an entry again.
func (r *restingRig) retry(id int64) []desk.Outcome {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return r.askOf(ctx, desk.RequestRetry, desk.Selection{IDs: []int64{id}}, func(int64) error { return nil })
}

func (r *restingRig) remove(path string) {
	r.t.Helper()
	if err := os.RemoveAll(filepath.Join(r.drop, path)); err != nil {
		r.t.Fatal(err)
	}
}

// want fails unless the latest generation of each path has a status, and the books
// balance.
func (r *restingRig) want(s journal.Status, paths ...string) {
	r.t.Helper()
	for _, path := range paths {
		if e := r.entry(path); e.Status != s {
			r.t.Errorf("%s is %s (%s), want %s", path, e.Status, e.Reason.Message, s)
		}
	}
	counts, err := r.process.journal.Reader().Counts(r.t.Context())
	if err != nil || len(counts) != 1 {
		r.t.Fatalf("%v, %v", counts, err)
	}
	sum := 0
	for _, n := range counts[0].By {
		sum += n
	}
	if sum != counts[0].Seen {
		r.t.Errorf("the folder has seen %d, its entries are %v", counts[0].Seen, counts[0].By)
	}
}

// The ways in which a file ceases to be there.
var vanishings = map[string]func(r *restingRig, path string){
	"deleted":                     func(r *restingRig, path string) { r.remove(path) },
	"its directory deleted":       func(r *restingRig, path string) { r.remove(filepath.Dir(path)) },
	"renamed":                     func(r *restingRig, path string) { r.rename(path, "elsewhere/"+filepath.Base(path)) },
	"its directory renamed":       func(r *restingRig, path string) { r.rename(filepath.Dir(path), filepath.Dir(path)+" (old)") },
	"moved to where no one looks": func(r *restingRig, path string) { r.rename(path, "_ingested/"+path) },
	"replaced by a directory": func(r *restingRig, path string) {
		r.remove(path)
		if err := os.Mkdir(filepath.Join(r.drop, path), 0o755); err != nil {
			r.t.Fatal(err)
		}
	},
	"replaced by a link": func(r *restingRig, path string) {
		r.rename(path, "_ingested/x")
		if err := os.Symlink(filepath.Join(r.drop, "_ingested/x"), filepath.Join(r.drop, path)); err != nil {
			r.t.Fatal(err)
		}
	},
	"its directory replaced by a link": func(r *restingRig, path string) {
		dir := filepath.Join(r.drop, filepath.Dir(path))
		if err := os.Rename(dir, dir+".outside"); err != nil {
			r.t.Fatal(err)
		}
		if err := os.Symlink(dir+".outside", dir); err != nil {
			r.t.Fatal(err)
		}
	},
}

// TestRestingFileThatIsGone has the file of an entry of each status vanish in each way:
// the next scan leaves it in no sum but that of the superseded, nor does a restart
// bring it back.
func TestRestingFileThatIsGone(t *testing.T) {
	t.Parallel()
	for name, vanish := range vanishings {
		for _, status := range []journal.Status{journal.Held, journal.Failed, journal.Ignored, journal.Cancelled, journal.Duplicate} {
			t.Run(name+"/"+string(status), func(t *testing.T) {
				t.Parallel()
				r := newRestingRig(t)
				gone, stays := "acme/ignored-1.jpg", "ignored-2.jpg"
				r.rest(journal.Move{To: status, Reason: journal.Reason{Message: "for a reason"}}, gone, stays)
				id := r.entry(gone).ID
				r.begin()
				r.want(status, gone, stays)
				vanish(r, gone)
				r.rescan()
				r.want(journal.Superseded, gone)
				r.want(status, stays)
				if e := r.entry(gone); e.ID != id || e.Reason.Message != "the file is not there any more; it was "+string(status)+": for a reason" {
					t.Errorf("entry %d is superseded because %q", e.ID, e.Reason.Message)
				}
				if got := r.retry(id); len(got) != 1 || got[0].Result != "skipped" || !strings.Contains(got[0].Detail, "the file is not there any more") {
					t.Errorf("a retry: %+v", got)
				}
				r.rescan()
				r.want(journal.Superseded, gone)
			})
		}
	}
}

// TestAnEventLeadsToWhatIsGone has no scan look.
func TestAnEventLeadsToWhatIsGone(t *testing.T) {
	t.Parallel()
	r := newRestingRig(t)
	r.watched.Mode = watcher.ModeNotify
	gone := []string{"a.jpg", "b.jpg", "dir/c.jpg", "dir/deep/d.jpg", "away/e.jpg"}
	stays := []string{"stays.jpg", "dir.jpg", "dir0/stays.jpg"}
	r.rest(journal.Move{To: journal.Held}, slices.Concat(gone, stays)...)
	r.begin()
	r.remove("a.jpg")
	r.rename("b.jpg", "_ingested/b.jpg")
	r.rename("dir", "_ingested/dir")
	r.rename("away", "here")
	r.until(r.process, "all are superseded", func() bool {
		return !slices.ContainsFunc(gone, func(path string) bool { return r.entry(path).Status != journal.Superseded })
	})
	r.want(journal.Held, stays...)
}

// TestWhatComesBackIsLookedAtAgain has a file go that rested, and return as it was.
func TestWhatComesBackIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	r := newRestingRig(t)
	r.rest(journal.Move{To: journal.Held}, "a.jpg")
	r.begin()
	r.rename("a.jpg", "_ingested/a.jpg")
	r.rescan()
	r.want(journal.Superseded, "a.jpg")
	r.rename("_ingested/a.jpg", "a.jpg")
	r.until(r.process, "it is in", func() bool { return r.entry("a.jpg").Status == journal.Filed })
	r.wantExactly("a.jpg")
}

// TestNothingIsConcludedFromAFolderThatIsNotThere takes the folder away in each manner:
// what rests in it stays as it is.
func TestNothingIsConcludedFromAFolderThatIsNotThere(t *testing.T) {
	t.Parallel()
	none := func(string) bool { return false }
	for name, c := range map[string]struct {
		take   func(r *restingRig)
		unread func(string) bool
		back   func(r *restingRig)
	}{
		"removed":     {take: func(r *restingRig) { r.away(false) }, unread: none, back: func(r *restingRig) { r.back() }},
		"not mounted": {take: func(r *restingRig) { r.away(true) }, unread: none, back: func(r *restingRig) { r.back() }},
		"hangs": {take: func(r *restingRig) {
			r.process.Hang("drop")
			time.Sleep(6 * time.Second) // that is when it counts as such
			r.remove("acme")
		}, unread: none},
		"unreadable": {take: func(r *restingRig) { r.remove("acme") }, unread: func(p string) bool { return strings.HasPrefix(p, "acme/") }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRestingRig(t)
			r.config.Folders[0].Marker, r.watched.Marker = ".mounted", ".mounted"
			r.write(".mounted", 1, 0)
			statuses := journal.RestsWithoutAsset()
			for _, s := range statuses {
				r.rest(journal.Move{To: s}, "acme/"+string(s)+".jpg")
			}
			files := r.process.Resting()
			stop := runUntil(r.process)
			c.take(r)
			var removed []string
			for _, s := range statuses {
				removed = append(removed, "acme/"+string(s)+".jpg")
			}
			for range 3 {
				files.Removed("drop", removed)
				files.Scanned("drop", c.unread)
				if err := files.Wait(t.Context(), "drop"); err != nil {
					t.Fatal(err)
				}
			}
			check := func() {
				t.Helper()
				for _, s := range statuses {
					r.want(s, "acme/"+string(s)+".jpg")
				}
			}
			check()
			if c.back != nil {
				c.back(r)
				files.Scanned("drop", none)
				if err := files.Wait(t.Context(), "drop"); err != nil {
					t.Fatal(err)
				}
				check()
				r.remove("acme") // there it is, and they are not
				files.Scanned("drop", none)
				if err := files.Wait(t.Context(), "drop"); err != nil {
					t.Fatal(err)
				}
				for _, s := range statuses {
					r.want(journal.Superseded, "acme/"+string(s)+".jpg")
				}
			}
			if err := stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

// away takes the folder away, and leaves an empty directory if asked to.
func (r *restingRig) away(empty bool) {
	r.t.Helper()
	if err := os.Rename(r.drop, r.drop+".away"); err != nil {
		r.t.Fatal(err)
	}
	if empty {
		if err := os.Mkdir(r.drop, 0o755); err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *restingRig) back() {
	r.t.Helper()
	_ = os.Remove(r.drop)
	if err := os.Rename(r.drop+".away", r.drop); err != nil {
		r.t.Fatal(err)
	}
}

// TestWhatIsAboutAnAssetStays has the files of entries vanish that are about more than
// their file.
func TestWhatIsAboutAnAssetStays(t *testing.T) {
	t.Parallel()
	r := newRestingRig(t)
	r.write("filed.jpg", 100, 1)
	r.write("withdrawn.jpg", 100, 2)
	r.backfill()
	r.wantResults(r.ask(desk.RequestWithdraw, desk.Selection{IDs: []int64{r.entry("withdrawn.jpg").ID}}), "withdrawn")
	r.rest(journal.Move{To: journal.Held, Reason: journal.Reason{Class: journal.ClassUnverified}}, "unverified.jpg")
	r.begin()
	for _, path := range []string{"filed.jpg", "withdrawn.jpg", "unverified.jpg"} {
		r.remove(path)
	}
	r.rescan()
	r.want(journal.Filed, "filed.jpg")
	r.want(journal.Withdrawn, "withdrawn.jpg")
	r.want(journal.Held, "unverified.jpg")
}

// TestFilesThatWeMovedAreThere looks for them where they are, and what a person takes
// out of there is gone.
func TestFilesThatWeMovedAreThere(t *testing.T) {
	t.Parallel()
	r := newRestingRig(t)
	f := &r.config.Folders[0]
	f.After, f.Done, f.Failed, f.Duplicates = dropfolder.AfterMove, "_ingested", "_failed", dropfolder.DuplicatesSkip
	r.config.MaxFileSize = 500
	r.write("original.jpg", 100, 1)
	r.backfill()
	if err := os.WriteFile(filepath.Join(r.drop, "copy.jpg"), content("original.jpg", 100, 1), 0o600); err != nil {
		t.Fatal(err)
	}
	r.write("acme/large.jpg", 600, 1)
	r.write("other/large.jpg", 600, 2)
	r.backfill()
	r.wantFiles("_ingested/original.jpg", "_ingested/copy.jpg", "_failed/acme/large.jpg", "_failed/acme/large.jpg.error.txt",
		"_failed/other/large.jpg", "_failed/other/large.jpg.error.txt")
	r.rest(journal.Move{To: journal.Held}, "held.jpg")
	r.begin()
	r.want(journal.Failed, "acme/large.jpg", "other/large.jpg")
	r.remove("_failed/acme/large.jpg")
	r.remove("_ingested")
	r.rescan()
	r.want(journal.Superseded, "acme/large.jpg")
	r.want(journal.Failed, "other/large.jpg")
	r.want(journal.Duplicate, "copy.jpg")
	r.want(journal.Filed, "original.jpg")
	r.want(journal.Held, "held.jpg")
	r.wantFiles("held.jpg", "_failed/acme/large.jpg.error.txt", "_failed/other/large.jpg", "_failed/other/large.jpg.error.txt")
	if got := r.retry(r.entry("other/large.jpg").ID); len(got) != 1 || !got[0].Good() {
		t.Errorf("a retry of one that is there: %+v", got)
	}
}

// TestPlaceOfFailedFilesThatIsAway takes away the directory in which files lie that failed,
// or puts a link in its place: their entries stay, and a file that was removed is found to
// be gone once the directory is back.
func TestPlaceOfFailedFilesThatIsAway(t *testing.T) {
	t.Parallel()
	r := newRestingRig(t)
	f := &r.config.Folders[0]
	f.After, f.Failed = dropfolder.AfterMove, "_failed"
	r.config.MaxFileSize = 500
	r.write("large.jpg", 600, 1)
	r.write("acme/large.jpg", 600, 2)
	r.write("acme/gone.jpg", 600, 3)
	r.backfill()
	r.rest(journal.Move{To: journal.Held}, "held.jpg")
	r.begin()
	failed := []string{"large.jpg", "acme/large.jpg", "acme/gone.jpg"}
	r.want(journal.Failed, failed...)
	for _, place := range []string{"_failed", "_failed/acme"} {
		at, elsewhere := filepath.Join(r.drop, place), filepath.Join(t.TempDir(), "elsewhere")
		must(t, os.Rename(at, elsewhere))
		r.rescan()
		r.want(journal.Failed, failed...)
		must(t, os.Symlink(elsewhere, at))
		r.rescan()
		r.want(journal.Failed, failed...)
		must(t, errors.Join(os.Remove(at), os.Rename(elsewhere, at)))
	}
	r.remove("_failed/acme/gone.jpg")
	r.rescan()
	r.want(journal.Failed, "large.jpg", "acme/large.jpg")
	r.want(journal.Superseded, "acme/gone.jpg")
}

// TestBackfillDoesNotCountWhatIsGone ends without an entry that rests of a file that is
// not there.
func TestBackfillDoesNotCountWhatIsGone(t *testing.T) {
	t.Parallel()
	r := newRestingRig(t)
	r.rest(journal.Move{To: journal.Held}, "a.jpg", "ignored.jpg")
	r.remove("a.jpg")
	files := r.process.Resting()
	w, err := watcher.New([]watcher.Folder{r.watched}, watcher.Options{Emit: r.process.Admit, Known: r.process.Unknown, Scanned: files.Scanned})
	if err != nil {
		t.Fatal(err)
	}
	walked, failed := make(chan struct{}), make(chan error, 1)
	go func() { failed <- w.Walk(t.Context()); close(walked) }()
	if err := r.process.Run(t.Context(), nil, walked); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	r.want(journal.Superseded, "a.jpg")
	r.want(journal.Held, "ignored.jpg")
}
