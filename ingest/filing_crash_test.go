package ingest_test

import (
	"path/filepath"
	"sync"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/journal"
)

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
	died := filepath.Join(t.TempDir(), "journal.db")
	var once sync.Once
	r.commit = func() {
		for _, e := range r.entries() {
			if e.Status == journal.Verified && e.Aside != "" {
				once.Do(func() { must(t, copyJournal(r.journal, died)) })
			}
		}
	}
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
