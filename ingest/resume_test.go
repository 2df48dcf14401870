package ingest_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/journal"
)

// appendTo goes on with a file, as SFTP's put -a, APPE and a client that reconnects do.
func (r *rig) appendTo(path string, more []byte) {
	r.t.Helper()
	f, err := os.OpenFile(filepath.Join(r.drop, path), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := f.Write(more); err != nil {
		r.t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		r.t.Fatal(err)
	}
}

// wantOneAsset fails unless all that is available are n versions of one asset, of which
// the current one is the file at path, whole.
func (r *rig) wantOneAsset(n int, path string) {
	r.t.Helper()
	s := r.sandbox.State()
	originals, whole := map[string]bool{}, 0
	for _, a := range available(s) {
		original := a.OriginalFileID
		if original == "" {
			original = a.FileID
		}
		originals[original] = true
		if a.ContentMD5 == r.md5(path) {
			whole++
		}
	}
	if len(available(s)) != n || len(originals) != 1 || whole != 1 {
		r.t.Errorf("%d assets of %d originals, %d of them whole; want %d versions of one", len(available(s)), len(originals), whole, n)
	}
	r.wantNothingLeft(s)
}

// An upload that is cut off and resumed looks finished twice. With resume its halves
// become one asset, and the file is moved or deleted as a whole, by the next process if
// need be.
func TestResumedUpload(t *testing.T) {
	t.Parallel()
	for _, after := range []dropfolder.After{dropfolder.AfterMove, dropfolder.AfterDelete} {
		t.Run(string(after), func(t *testing.T) {
			r := newRig(t, nil)
			now := time.Now()
			r.clock = func() time.Time { return now }
			f := &r.config.Folders[0]
			f.After, f.Done, f.Failed, f.Resume, f.VersionByPath, f.Duplicates = after, "_ingested", "_failed", 10*time.Minute, false, dropfolder.DuplicatesSkip
			r.write("a.mov", 300_000, 1)
			r.backfill()
			r.wantFiles("a.mov")
			now = now.Add(9 * time.Minute)
			r.backfill()
			r.wantFiles("a.mov")
			r.appendTo("a.mov", content("a.mov", 200_000, 2))
			r.backfill()
			r.wantOneAsset(2, "a.mov")
			whole := r.md5("a.mov")
			now = now.Add(9 * time.Minute) // the time of the half is over, not that of the whole
			r.backfill()
			r.wantFiles("a.mov")
			now = now.Add(2 * time.Minute)
			r.backfill()
			if after == dropfolder.AfterDelete {
				r.wantFiles()
			} else {
				r.wantFiles("_ingested/a.mov")
				if r.md5("_ingested/a.mov") != whole {
					t.Error("what was moved is not whole")
				}
			}
			if e := r.entry("a.mov"); e.Status != journal.Filed || e.Generation != 2 {
				t.Errorf("the whole is generation %d, %s", e.Generation, e.Status)
			}

			// Tomorrow's file of the name is another one.
			now = now.Add(24 * time.Hour)
			r.write("a.mov", 1000, 3)
			r.backfill()
			if n := len(available(r.sandbox.State())); n != 3 {
				t.Errorf("%d assets, want a new one beside the two versions", n)
			}
		})
	}
}

// Nor is a half that failed, or whose content Tenovos has already, taken from under a
// client that comes back; a touch begins the time anew.
func TestResumeOfWhatWasNotIngested(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	now := time.Now()
	r.clock = func() time.Time { return now }
	r.config.MaxFileSize = 250_000
	f := &r.config.Folders[0]
	f.After, f.Done, f.Failed, f.Resume, f.VersionByPath, f.Duplicates = dropfolder.AfterMove, "_ingested", "_failed", 10*time.Minute, false, dropfolder.DuplicatesSkip
	r.write("a.mov", 1000, 1)
	r.backfill()
	half := filepath.Join(r.drop, "b.mov")
	if err := os.WriteFile(half, content("a.mov", 1000, 1), 0o644); err != nil {
		t.Fatal(err)
	}
	r.write("large.mov", 300_000, 1)
	r.backfill()
	if a, b := r.entry("b.mov"), r.entry("large.mov"); a.Status != journal.Duplicate || b.Status != journal.Failed {
		t.Fatalf("the duplicate is %s, what is too large %s", a.Status, b.Status)
	}
	r.wantFiles("a.mov", "b.mov", "large.mov")
	r.appendTo("b.mov", content("b.mov", 500, 1))
	r.backfill()
	r.wantExactly("a.mov", "b.mov")
	now = now.Add(11 * time.Minute)
	if err := os.Chtimes(filepath.Join(r.drop, "a.mov"), now, now); err != nil {
		t.Fatal(err)
	}
	r.backfill()
	r.wantFiles("_failed/large.mov", "_failed/large.mov.error.txt", "_ingested/b.mov", "a.mov")
	now = now.Add(11 * time.Minute)
	r.backfill()
	r.wantFiles("_failed/large.mov", "_failed/large.mov.error.txt", "_ingested/a.mov", "_ingested/b.mov")
}

// While the daemon runs the move comes by itself, and a half that is gone on with
// while it is on its way is not waited for.
func TestResumeWhileItRuns(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	f := &r.config.Folders[0]
	f.After, f.Done, f.Resume, f.VersionByPath = dropfolder.AfterMove, "_ingested", 3*time.Second, false
	r.write("a.mov", 300_000, 1)
	p := r.start()
	defer r.close(p)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	done := make(chan error, 1)
	stop := make(chan struct{})
	go func() { done <- p.Run(ctx, stop, nil) }()
	scan := func() {
		t.Helper()
		if err := r.scan(ctx, p); err != nil {
			t.Fatal(err)
		}
	}
	scan()
	for len(available(r.sandbox.State())) < 1 && ctx.Err() == nil {
		time.Sleep(10 * time.Millisecond)
	}
	r.appendTo("a.mov", content("a.mov", 200_000, 2))
	scan()
	for ctx.Err() == nil {
		if _, err := os.Stat(filepath.Join(r.drop, "_ingested/a.mov")); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	close(stop)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	r.wantFiles("_ingested/a.mov")
}

// A process that ends when it has noted where a file goes, and before it moves it, is
// gone on with by the next one.
func TestCrashBeforeTheMoveOfWhatIsIn(t *testing.T) {
	t.Parallel()
	for _, after := range []dropfolder.After{dropfolder.AfterMove, dropfolder.AfterDelete} {
		t.Run(string(after), func(t *testing.T) {
			r := newFilingRig(t, after)
			now := time.Now()
			r.clock = func() time.Time { return now }
			r.config.Folders[0].Resume = 10 * time.Minute
			r.write("sub/a.mov", 1000, 1)
			r.backfill()
			p := r.start()
			to := "_ingested/sub/a.mov"
			if after == dropfolder.AfterDelete {
				to = ""
			}
			e := r.entry("sub/a.mov")
			must(t, journal.FilingOf(p.journal).Set(t.Context(), e.ID, journal.Filed, fmt.Sprintf("sub/.ingestd-%d", e.ID), to))
			r.close(p)
			now = now.Add(11 * time.Minute)
			r.backfill()
			if after == dropfolder.AfterDelete {
				r.wantFiles()
			} else {
				r.wantFiles(to)
			}
		})
	}
}

// A file that is touched again and again while it is left alone is moved when its time
// has come, not up to an hour after.
func TestResumeOfWhatIsTouchedAgainAndAgain(t *testing.T) {
	t.Parallel()
	r := newFilingRig(t, dropfolder.AfterMove)
	now := time.Now()
	r.clock = func() time.Time { return now }
	r.config.Folders[0].Resume = 10 * time.Minute
	r.write("a.mov", 1000, 1)
	r.backfill()
	again := func(touched bool) {
		t.Helper()
		p := r.start()
		defer r.close(p)
		if touched {
			must(t, p.journal.Learn(t.Context(), r.entry("a.mov").ID, journal.Learned{Compared: now.UnixNano()}))
		}
		source := make(chan struct{})
		close(source)
		must(t, p.Run(t.Context(), nil, source))
	}
	for range 8 {
		now = now.Add(9 * time.Minute)
		again(true)
		now = now.Add(time.Minute + time.Second) // it would be moved but for the touch
		again(false)
		r.wantFiles("a.mov")
	}
	now = now.Add(9 * time.Minute)
	again(false)
	r.wantFiles("_ingested/a.mov")
}
