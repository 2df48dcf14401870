package ingest

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/mounts"
	"github.com/tenovos-ingest/ingestd/journal"
)

// A backfill waits for a folder that is not there, but not for ever.
func TestBackfillEndsWithoutAFolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, err := journal.Open(t.Context(), filepath.Join(t.TempDir(), "journal.db"), journal.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		p := New(Config{Folders: []dropfolder.Folder{{Name: "in", Path: filepath.Join(t.TempDir(), "none")}}}, Deps{Journal: j})
		if err := p.Admit(t.Context(), []file.File{{Folder: "in", Path: "a", Stat: file.Stat{Size: 1}}}); err != nil {
			t.Fatal(err)
		}
		if err := p.mounts.Check("in", 0); !mounts.IsGone(err) {
			t.Fatalf("the folder that is not there: %v", err)
		}
		if done, err := p.finished(t.Context()); done || err != nil {
			t.Errorf("at once: finished %v, %v", done, err)
		}
		time.Sleep(time.Minute)
		if done, err := p.finished(t.Context()); !done || err != nil {
			t.Errorf("after a minute: finished %v, %v", done, err)
		}
	})
}
