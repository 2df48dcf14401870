package ingest_test

import (
	"fmt"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/watcher"
)

// TestNewFileUnderTheNameOfARenamedOne holds that a file takes its asset along, and
// the new one under its old name gets its own, whoever is looked at first.
func TestNewFileUnderTheNameOfARenamedOne(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{1, 4} {
		for old, now := range map[string]string{"a.jpg": "b.jpg", "b.jpg": "a.jpg"} {
			t.Run(fmt.Sprint(workers, old), func(t *testing.T) {
				r := newRig(t, nil)
				r.config.Workers = workers
				r.config.Folders[0].Order = journal.OrderPath
				r.config.Folders[0].Duplicates = dropfolder.DuplicatesSkip
				r.write(old, 1000, 1)
				r.backfill()
				first := r.entry(old)
				r.rename(old, now)
				r.write(old, 1200, 2)
				r.backfill()
				if e := r.entry(now); e.ID != first.ID || e.OriginalFileID != first.OriginalFileID {
					t.Errorf("the renamed file is entry %d, was %d", e.ID, first.ID)
				}
				if e := r.entry(old); e.Status != journal.Filed || e.OriginalFileID == first.OriginalFileID {
					t.Errorf("the new file is %s, a version of the other's asset", e.Status)
				}
			})
		}
	}
}

// TestExchangeFoundInTwoParts has two files exchange their names of which one is found
// long after the other, as in a large tree or on a share.
func TestExchangeFoundInTwoParts(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.config.Folders[0].Duplicates = dropfolder.DuplicatesSkip
	r.write("2023/a.jpg", 1000, 1)
	r.write("2024/a.jpg", 1000, 2)
	r.backfill()
	first, second := r.entry("2023/a.jpg"), r.entry("2024/a.jpg")
	r.rename("2023", "t")
	r.rename("2024", "2023")
	r.rename("t", "2024")
	for _, part := range []string{"2023", "2024"} {
		p := r.start()
		w, err := watcher.New([]watcher.Folder{{Name: "drop", Path: r.drop, Include: []string{part + "/**"}}}, watcher.Options{Emit: p.Admit})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Walk(t.Context()); err != nil {
			t.Fatal(err)
		}
		source := make(chan struct{})
		close(source)
		if err := p.Run(t.Context(), nil, source); err != nil {
			t.Fatal(err)
		}
		r.close(p)
	}
	if e, f := r.entry("2024/a.jpg"), r.entry("2023/a.jpg"); e.ID != first.ID || f.ID != second.ID {
		t.Errorf("the exchanged entries are %d and %d, want %d and %d", e.ID, f.ID, first.ID, second.ID)
	}
	if n := len(available(r.sandbox.State())); n != 2 {
		t.Errorf("%d assets, want 2", n)
	}
}
