package ingest

import (
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/journal"
)

// What consists of calls to a file system and of other things shows that a folder
// hangs only together with what is nothing but such a call.
func TestMixedCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		woken := 0
		m := newMount(func() { woken++ })
		ask := func(hangs bool, ids ...int64) {
			t.Helper()
			stuck, h := m.stuck(time.Now())
			slices.Sort(stuck)
			if h != hangs || !slices.Equal(stuck, ids) {
				t.Errorf("hangs %v, stuck %v; want %v, %v", h, stuck, hangs, ids)
			}
		}
		ended := m.beginMixed(1)
		time.Sleep(hangAfter)
		ask(false, 1)
		probed := m.begin(0)
		time.Sleep(hangAfter - 1)
		ask(false, 1)
		time.Sleep(time.Nanosecond)
		ask(true, 0, 1)
		if m.usable(time.Now()) {
			t.Error("a folder that hangs is usable")
		}
		probed()
		ask(false, 1)
		ended()
		ask(false)
		if woken != 2 {
			t.Errorf("told of %d late returns", woken)
		}
	})
}

// A backfill waits for a folder that is not there, but not for ever.
func TestBackfillEndsWithoutAFolder(t *testing.T) {
	j, err := journal.Open(t.Context(), filepath.Join(t.TempDir(), "journal.db"), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	p := New(Config{Folders: []dropfolder.Folder{{Name: "in", Path: filepath.Join(t.TempDir(), "none")}}}, Deps{Journal: j})
	if err := p.Admit(t.Context(), []file.File{{Folder: "in", Path: "a", Stat: file.Stat{Size: 1}}}); err != nil {
		t.Fatal(err)
	}
	if err := p.thereNow("in", 0); !isFolderGone(err) {
		t.Fatalf("the folder that is not there: %v", err)
	}
	if done, err := p.finished(t.Context()); done || err != nil {
		t.Errorf("at once: finished %v, %v", done, err)
	}
	p.mounts["in"].lost = time.Now().Add(-goneAfter)
	if done, err := p.finished(t.Context()); !done || err != nil {
		t.Errorf("after %v: finished %v, %v", goneAfter, done, err)
	}
}
