package mounts

import (
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
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
		time.Sleep(HangAfter)
		ask(false, 1)
		probed := m.begin(0)
		time.Sleep(HangAfter - 1)
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

// A folder is lost, and a backfill does not wait for it, when it has not been there for
// long; one that is there again is not.
func TestLost(t *testing.T) {
	dir := t.TempDir()
	m := New([]dropfolder.Folder{{Name: "in", Path: filepath.Join(dir, "none")}}, func() {}, zerolog.Nop())
	if err := m.Check("in", 0); !IsGone(err) {
		t.Fatalf("the folder that is not there: %v", err)
	}
	if m.Lost("in") || m.Usable("in") {
		t.Errorf("at once: lost %v, usable %v", m.Lost("in"), m.Usable("in"))
	}
	m.mounts["in"].lost = time.Now().Add(-goneAfter)
	if !m.Lost("in") {
		t.Errorf("it is not lost after %v", goneAfter)
	}
	m.folders["in"] = dropfolder.Folder{Name: "in", Path: dir}
	if err := m.Check("in", 0); err != nil || m.Lost("in") {
		t.Errorf("the folder that is there again: %v, lost %v", err, m.Lost("in"))
	}
	if err := m.Check("other", 0); err == nil || IsGone(err) {
		t.Errorf("a folder that is not configured: %v", err)
	}
}
