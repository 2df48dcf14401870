package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/sandbox"
)

// TestDaemonMovesFilesAway has a daemon move what is in and put aside what
// failed. What it moves it must not take for drops.
func TestDaemonMovesFilesAway(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	r := newRoom(t, s)
	r.env["AFTER"] = "move"
	at := func(rel string) string { return filepath.Join(r.drop, rel) }
	there := func(rel string) bool { _, err := os.Lstat(at(rel)); return err == nil }
	if err := s.Queue(sandbox.Fault{Operation: "CreateAsset", Kind: sandbox.FaultStatus, Status: 403, Body: `{"message":"Invalid Asset: Missing Metadata Template ID"}`}); err != nil {
		t.Fatal(err)
	}
	r.write("acme/refused.jpg", "refused")
	daemon := r.start("run")
	defer watchBooks(t, r, daemon)()
	eventually(t, "the refused file is put aside, with a text", func() bool { return there("_failed/acme/refused.jpg.error.txt") })
	if text, err := os.ReadFile(at("_failed/acme/refused.jpg.error.txt")); err != nil || !strings.Contains(string(text), "File: refused.jpg\r\n") {
		t.Errorf("the text is %q, %v", text, err)
	}

	r.write("acme/spring/a.jpg", "first")
	eventually(t, "the file is moved", func() bool { return there("_ingested/acme/spring/a.jpg") && !there("acme/spring/a.jpg") })
	r.write("acme/spring/a.jpg", "tomorrow's")
	eventually(t, "the next of its name is moved, too", func() bool { return there("_ingested/acme/spring/a (2).jpg") })

	// Putting a file back tries again; its text may come along.
	for _, name := range []string{"acme/refused.jpg.error.txt", "acme/refused.jpg"} {
		if err := os.Rename(at("_failed/"+name), at(name)); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the file that was put back is in", func() bool { return there("_ingested/acme/refused.jpg") })
	eventually(t, "the books tell", func() bool {
		b := r.books()
		return b.Seen == 4 && b.Filed == 3 && b.Superseded == 1
	})
	for name, n := range map[string]int{"a.jpg": 2, "refused.jpg": 1} {
		if got := s.named(name); len(got) != n || got[0].OriginalFileID == got[len(got)-1].OriginalFileID && n > 1 {
			t.Errorf("%s is %d assets, want %d of their own", name, len(got), n)
		}
	}
	daemon.terminate()
	s.complain(t)
}

// TestDaemonMovesWhatABackfillLeft: a backfill leaves files where they are, and the
// daemon of the same folder moves them.
func TestDaemonMovesWhatABackfillLeft(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	r := newRoom(t, s)
	r.env["AFTER"] = "move"
	r.write("acme/a.jpg", "the same")
	r.write("acme/b.jpg", "the same")
	r.with("Title: {from: file.stem}", "Title: {from: [sidecar.title, file.stem]}")
	r.write("acme/c.jpg", "another")
	r.write("acme/c.jpg.json", `{"title": "C"}`)
	if code, _, stderr := r.run("backfill"); code != exitDone {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	there := func(rel string) bool { _, err := os.Lstat(filepath.Join(r.drop, rel)); return err == nil }
	if !there("acme/a.jpg") || !there("acme/b.jpg") {
		t.Error("the backfill moved a file")
	}
	daemon := r.start("run")
	eventually(t, "the files are moved", func() bool { return there("_ingested/acme/a.jpg") && there("_ingested/acme/b.jpg") })
	eventually(t, "a file takes its sidecar along", func() bool { return there("_ingested/acme/c.jpg") && there("_ingested/acme/c.jpg.json") })
	daemon.says("a duplicate was moved out of the drop folder")
	if log := daemon.stderr.String(); !strings.Contains(log, "duplicate of drop/acme/") {
		t.Errorf("the log does not name the original:\n%s", log)
	}
	if b := r.books(); b.Seen != 3 || b.Filed != 2 || b.Duplicate != 1 {
		t.Errorf("the books are %+v", b)
	}
	daemon.terminate()
	s.complain(t)
}
