package ingest_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/journal"
)

// prune has the journal forget all that it may.
func (r *rig) prune(f journal.Forget) (n int) {
	r.t.Helper()
	p := r.start()
	defer r.close(p)
	f.Before = time.Now().Add(time.Hour)
	for after := int64(0); ; {
		out, next, err := journal.Prune(r.t.Context(), p.journal, f, after, 100)
		if err != nil {
			r.t.Fatal(err)
		}
		for _, o := range out {
			n += o.Entries
		}
		if after = next; after == 0 {
			return n
		}
	}
}

// TestCopyOfWhatWasPruned drops a copy of a file that was moved away and forgotten: it is
// a duplicate, is proved to be in Tenovos, and leaves the folder as any other.
func TestCopyOfWhatWasPruned(t *testing.T) {
	r := newFilingRig(t, dropfolder.AfterMove)
	r.write("a.jpg", 1000, 1)
	r.write("other.jpg", 1000, 2) // so that the first has a hash
	content := r.read("a.jpg")
	r.backfill()
	if n := r.prune(journal.Forget{Folders: []string{"drop"}, Contents: true}); n != 2 {
		t.Fatalf("%d entries were pruned", n)
	}
	if err := os.WriteFile(filepath.Join(r.drop, "copy.jpg"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	r.backfill()
	if e := r.entry("copy.jpg"); e.Status != journal.Duplicate {
		t.Errorf("it is %s: %+v\n%s", e.Status, e.Reason, r.log)
	}
	if r.exists("copy.jpg") {
		t.Errorf("the copy stays in the folder: %v\n%s", r.files(), r.log)
	}
}
