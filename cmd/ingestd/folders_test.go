package main

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/report"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/watcher"
)

// However often the folders change, what is known of them is recorded once a second, the
// first change at once, and the last in any case.
func TestFolderStatesAreRecordedTogether(t *testing.T) {
	t.Parallel()
	var commits atomic.Int64
	j, err := journal.Open(t.Context(), filepath.Join(t.TempDir(), "journal.db"), journal.Options{OnCommit: func() { commits.Add(1) }})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	counts := func() map[string]journal.FolderState {
		t.Helper()
		all, err := j.Reader().Counts(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]journal.FolderState{}
		for _, c := range all {
			out[c.Name] = c.FolderState
		}
		return out
	}
	var folders []config.Folder
	for i := range 10 {
		folders = append(folders, config.Folder{Name: fmt.Sprint("f", i), Path: "/srv"})
	}
	f := newFolderStates(folders, j, zerolog.Nop())
	f.begin()
	if n := len(counts()); n != 10 || commits.Load() != 1 {
		t.Errorf("%d folders are known after %d commits", n, commits.Load())
	}
	commits.Store(0)
	begun := time.Now()
	err = f.during(func() error {
		f.report(watcher.State{Folder: "f0", Settling: 1})
		eventually(t, "the first change to be recorded", func() bool { return counts()["f0"].Settling == 1 })
		for n := range 500 {
			for i := range 10 {
				f.report(watcher.State{Folder: fmt.Sprint("f", i), Settling: n})
			}
		}
		eventually(t, "the latest states to be recorded", func() bool { return counts()["f9"].Settling == 499 })
		f.pause(journal.PausedByTenovos, "it is down")
		eventually(t, "the pause to be recorded", func() bool { return counts()["f3"].Paused == report.EveryoneWaits+"it is down" })
		f.pause("", "")
		f.report(watcher.State{Folder: "f0", Paused: "its own"})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if most := int64(time.Since(begun)/recordEvery) + 2; commits.Load() > most { // one at once, one at the end
		t.Errorf("%d commits in %v", commits.Load(), time.Since(begun))
	}
	if got := counts(); got["f0"].Paused != "its own" || got["f3"].Paused != "" || got["f3"].Settling != 499 {
		t.Errorf("in the end the journal has %+v", got)
	}
	commits.Store(0)
	if err := f.during(func() error { return nil }); err != nil || commits.Load() != 0 {
		t.Errorf("without a change there were %d commits, %v", commits.Load(), err)
	}
}
