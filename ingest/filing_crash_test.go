package ingest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/journal"
)

// keepIntent has the journal copied as it is when it is recorded first where a file goes,
// and returns the name of the copy: what a program leaves that dies then.
func keepIntent(t *testing.T, r *rig) (died string) {
	died = filepath.Join(t.TempDir(), "journal.db")
	var once sync.Once
	r.commit = func() {
		for _, e := range r.entries() {
			if e.Status == journal.Verified && e.Aside != "" {
				once.Do(func() { must(t, copyJournal(r.journal, died)) })
			}
		}
	}
	return died
}

// The program dies when it has recorded where a file goes, and before it takes it. Until
// it is back somebody has renamed the file, and at the recorded place lies what the path
// held before, as it did all the time: that keeps nobody waiting.
func TestRenamedAfterIntentToMoveToTakenName(t *testing.T) {
	t.Parallel()
	r := newFilingRig(t, dropfolder.AfterMove)
	r.write("c.jpg", 3000, 1)
	r.backfill()
	r.wantFiles("_ingested/c.jpg")
	r.write("c.jpg", 4000, 2)
	died := keepIntent(t, r)
	r.backfill()
	r.wantFiles("_ingested/c (2).jpg", "_ingested/c.jpg")

	r.commit, r.journal = nil, died
	r.rename("_ingested/c (2).jpg", "y/c.jpg") // as if it had been c.jpg still
	r.backfill()
	r.wantFiles("_ingested/c.jpg", "_ingested/y/c.jpg")
	for _, e := range r.entries() {
		if e.Status != journal.Filed {
			t.Errorf("%s generation %d is %s: %+v", e.Path, e.Generation, e.Status, e.Reason)
		}
	}
	if n := len(r.sandbox.State().Assets); n != 2 {
		t.Errorf("%d assets were created", n)
	}
}

// The program dies when it has recorded that it deletes a file, and before it does. Until
// it is back somebody has renamed the file: it is no new one, and is deleted where it lies.
func TestRenamedAfterIntentToDelete(t *testing.T) {
	t.Parallel()
	r := newFilingRig(t, dropfolder.AfterDelete)
	r.write("b.jpg", 3000, 1)
	kept := filepath.Join(t.TempDir(), "kept")
	must(t, os.Link(filepath.Join(r.drop, "b.jpg"), kept))
	died := keepIntent(t, r)
	r.backfill()
	r.wantFiles()

	r.commit, r.journal = nil, died
	must(t, os.MkdirAll(filepath.Join(r.drop, "y"), 0o755))
	must(t, os.Rename(kept, filepath.Join(r.drop, "y", "c.jpg"))) // as if it had been b.jpg still
	r.backfill()
	r.backfill()
	r.wantFiles()
	if n := len(r.sandbox.State().Assets); n != 1 {
		t.Errorf("%d assets were created", n)
	}
	if e := r.entry("y/c.jpg"); e.Status != journal.Filed {
		t.Errorf("it is %s: %+v", e.Status, e.Reason)
	}
}

// As TestRenamedAfterIntentToDelete, but of a file that was left alone and is filed.
func TestRenamedAfterIntentToDeleteWhatIsIn(t *testing.T) {
	t.Parallel()
	r := newFilingRig(t, dropfolder.AfterDelete)
	var later time.Duration
	r.clock = func() time.Time { return time.Now().Add(later) }
	r.config.Folders[0].Resume = 10 * time.Minute
	r.write("b.jpg", 3000, 1)
	r.backfill()
	p := r.start()
	e := r.entry("b.jpg")
	must(t, journal.FilingOf(p.journal).Set(t.Context(), e.ID, journal.Filed, fmt.Sprintf(".ingestd-%d", e.ID), ""))
	r.close(p)
	must(t, os.MkdirAll(filepath.Join(r.drop, "y"), 0o755))
	must(t, os.Rename(filepath.Join(r.drop, "b.jpg"), filepath.Join(r.drop, "y", "c.jpg")))
	later += 11 * time.Minute
	r.backfill()
	later += 11 * time.Minute
	r.backfill()
	r.wantFiles()
	if n := len(r.sandbox.State().Assets); n != 1 {
		t.Errorf("%d assets were created", n)
	}
}

// As TestRenamedAfterIntentToDelete, but from the next start on the folder keeps its files.
func TestIntentToDeleteOfAFolderThatKeeps(t *testing.T) {
	t.Parallel()
	for _, after := range []string{"b.jpg", "c.jpg"} { // where it lies at the next start
		t.Run(after, func(t *testing.T) {
			t.Parallel()
			r := newFilingRig(t, dropfolder.AfterDelete)
			r.config.Folders[0].Duplicates = dropfolder.DuplicatesUpload
			r.write("b.jpg", 3000, 1)
			kept := filepath.Join(t.TempDir(), "kept")
			must(t, os.Link(filepath.Join(r.drop, "b.jpg"), kept))
			died := keepIntent(t, r)
			r.backfill()
			r.wantFiles()

			r.commit, r.journal, r.config.Folders[0].After = nil, died, dropfolder.AfterKeep
			must(t, os.Rename(kept, filepath.Join(r.drop, after)))
			r.backfill()
			r.rename(after, "z.jpg")
			r.backfill()
			r.wantFiles("z.jpg")
			if n := len(r.sandbox.State().Assets); n != 1 {
				t.Errorf("%d assets were created", n)
			}
			if e := r.entry("z.jpg"); e.Status != journal.Filed || e.Taken() {
				t.Errorf("it is %s, taken %t: %+v", e.Status, e.Taken(), e.Reason)
			}
		})
	}
}

// As before, but the file was deleted indeed: what comes of it is another drop.
func TestCopyAfterDeletion(t *testing.T) {
	t.Parallel()
	r := newFilingRig(t, dropfolder.AfterDelete)
	r.write("b.jpg", 3000, 1)
	died := keepIntent(t, r)
	r.backfill()
	r.wantFiles()

	r.commit, r.journal = nil, died
	r.write("y/c.jpg", 3000, 1)
	r.backfill()
	r.wantFiles()
	if n := len(r.sandbox.State().Assets); n != 2 {
		t.Errorf("%d assets were created", n)
	}
}
