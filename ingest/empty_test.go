package ingest_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/journal"
)

// TestEmptyFiles has files without a byte be what their folder says.
func TestEmptyFiles(t *testing.T) {
	t.Parallel()
	for policy, want := range map[dropfolder.Empty]journal.Status{
		dropfolder.EmptyHold: journal.Held, dropfolder.EmptyIgnore: journal.Ignored, dropfolder.EmptyIngest: journal.Filed,
	} {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			f := &r.config.Folders[0]
			f.Empty, f.Duplicates = policy, dropfolder.DuplicatesSkip
			r.write("whole.jpg", 100, 1)
			r.write("truncated.jpg", 100, 1)
			r.backfill()
			r.write("truncated.jpg", 0, 1) // no version of its asset
			r.write("a.jpg", 0, 1)
			r.write("b.jpg", 0, 1) // the same content, and no duplicate
			r.write("ignored.jpg", 0, 1)
			r.write("unmappable.jpg", 0, 1)
			r.backfill()
			for _, path := range []string{"truncated.jpg", "a.jpg", "b.jpg"} {
				e := r.entry(path)
				if e.Status != want || want != journal.Filed && (e.Reason.Class != "empty" || e.Reason.Message == "" || e.Reason.Hint == "") {
					t.Errorf("%s is %s: %+v", path, e.Status, e.Reason)
				}
			}
			if e := r.entry("ignored.jpg"); e.Status != journal.Ignored || e.Reason.Class != journal.ClassNoRule {
				t.Errorf("without a rule it is %s: %+v", e.Status, e.Reason)
			}
			if want == journal.Filed {
				if n := len(available(r.sandbox.State())); n != 5 {
					t.Errorf("%d assets and versions, want 5", n)
				}
				return
			}
			if s := available(r.sandbox.State()); len(s) != 2 || s[0].ContentSize != 100 || s[1].ContentSize != 100 {
				t.Errorf("the account holds %d assets", len(s))
			}

			// Their content comes, and goes in.
			r.write("a.jpg", 200, 2)
			r.write("truncated.jpg", 300, 2)
			r.backfill()
			r.backfill()
			for _, path := range []string{"a.jpg", "truncated.jpg"} {
				if e := r.entry(path); e.Status != journal.Filed {
					t.Errorf("with content %s is %s: %+v", path, e.Status, e.Reason)
				}
			}
			s := available(r.sandbox.State())
			if len(s) != 4 {
				t.Errorf("%d assets and versions, want 4", len(s))
			}
			r.wantNothingLeft(r.sandbox.State())
		})
	}
}

// TestTruncatedAndRestored has a file that is in lose its content and get it back: its
// asset stays as it is.
func TestTruncatedAndRestored(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.config.Folders[0].Empty = dropfolder.EmptyHold
	r.write("a.jpg", 100, 1)
	r.backfill()
	if err := os.Truncate(filepath.Join(r.drop, "a.jpg"), 0); err != nil {
		t.Fatal(err)
	}
	r.backfill()
	if e := r.entry("a.jpg"); e.Status != journal.Held {
		t.Errorf("truncated it is %s", e.Status)
	}
	r.write("a.jpg", 100, 1)
	r.backfill()
	if e := r.entry("a.jpg"); e.Status != journal.Filed || e.Size != 100 {
		t.Errorf("restored it is %s, of %d bytes: %+v", e.Status, e.Size, e.Reason)
	}
	r.wantExactly("a.jpg")
	for _, e := range r.entries() {
		if e.Status == journal.Held {
			t.Errorf("entry %d is still held", e.ID)
		}
	}
}

// TestRowsWithoutFilesAreNotEmpty has the policy concern files alone.
func TestRowsWithoutFilesAreNotEmpty(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	f := &r.config.Folders[0]
	f.Empty, f.Companions = dropfolder.EmptyHold, rowsOf{{Path: "coming.jpg"}}
	r.write("manifest.csv", 10, 1)
	r.backfill()
	if e := r.entry("coming.jpg"); e.Status != journal.Filed || e.Kind != journal.Placeholder {
		t.Errorf("the placeholder is %s: %+v", e.Status, e.Reason)
	}
	r.write("coming.jpg", 0, 1) // its file, and no content of it
	r.backfill()
	if e := r.entry("coming.jpg"); e.Status != journal.Held || e.Kind != journal.File {
		t.Errorf("the file of a placeholder is %s: %+v", e.Status, e.Reason)
	}
}
