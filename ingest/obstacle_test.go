package ingest_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/journal"
)

func (r *rig) refuse() {
	r.t.Helper()
	r.queue(sandbox.Fault{Operation: "CreateAsset", Kind: sandbox.FaultStatus, Status: 403, Body: `{"message":"Invalid Asset: Missing Metadata Template ID"}`})
}

func (r *rig) clear(path string) {
	r.t.Helper()
	if err := os.RemoveAll(filepath.Join(r.drop, path)); err != nil {
		r.t.Fatal(err)
	}
}

// late has the pipelines from now on begin an hour later, when what was put off is
// due.
func (r *rig) late() {
	before := r.clock
	if before == nil {
		before = time.Now
	}
	r.clock = func() time.Time { return before().Add(time.Hour) }
}

// TestFileInThePlaceOfADirectory: the file stays where people find it, and is moved
// once the place is free.
func TestFileInThePlaceOfADirectory(t *testing.T) {
	t.Parallel()
	for _, obstacle := range []string{"_failed/sub", "_failed/sub/deep"} {
		r := newFilingRig(t, dropfolder.AfterMove)
		r.write(obstacle, 10, 1)
		r.refuse()
		r.write("sub/deep/a.jpg", 1000, 1)
		r.backfill()
		r.wantFiles(obstacle, "sub/deep/a.jpg")
		if want := `\"` + obstacle + `\" lies in the place of a directory`; !strings.Contains(r.log.String(), want) {
			t.Errorf("the log does not say %s:\n%s", want, r.log)
		}
		if r.entry("sub/deep/a.jpg").Taken() {
			t.Error("the file is still to go where it cannot")
		}
		r.clear(obstacle)
		r.late()
		r.backfill()
		r.wantFiles("_failed/sub/deep/a.jpg", "_failed/sub/deep/a.jpg.error.txt")
	}
}

// TestObstacleInTheLastMoment comes when the file has its hidden name: why it is
// kept is said, and it gets to its place, or its name back, by itself.
func TestObstacleInTheLastMoment(t *testing.T) {
	t.Parallel()
	for _, after := range []dropfolder.After{dropfolder.AfterMove, dropfolder.AfterKeep} {
		r := newFilingRig(t, dropfolder.AfterMove)
		r.write("sub/a.jpg", 1000, 1)
		blocked := false
		r.commit = func() { // between the intent and the deed
			if !blocked && r.intended(t, "sub/a.jpg") {
				blocked = true
				r.clear("_ingested")
				r.write("_ingested", 10, 1)
			}
		}
		p := r.start()
		if err := r.scan(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- p.Run(ctx, nil, nil) }()
		for r.entry("sub/a.jpg").Reason.Class != journal.ClassFiling {
			time.Sleep(5 * time.Millisecond)
		}
		stop()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		r.close(p)
		r.commit = nil
		r.wantFiles("_ingested", "sub/.ingestd-1")
		e := r.entry("sub/a.jpg")
		if want := `"_ingested" lies in the place of a directory`; e.Status != journal.Verified || !strings.Contains(e.Reason.Message, want) {
			t.Errorf("the entry is %s: %s, want %s", e.Status, e.Reason.Message, want)
		}
		r.late()
		r.config.Folders[0].After = after
		if after == dropfolder.AfterKeep {
			r.backfill()
			r.wantFiles("_ingested", "sub/a.jpg")
			continue
		}
		r.clear("_ingested")
		r.backfill()
		r.wantFiles("_ingested/sub/a.jpg")
	}
}

// TestErrorTextOfALongName has names that leave no room for what follows them.
func TestErrorTextOfALongName(t *testing.T) {
	t.Parallel()
	r := newFilingRig(t, dropfolder.AfterMove)
	name := strings.Repeat("é", 125) + "a.jpg"
	cut := strings.Repeat("é", 122)
	r.write("_failed/"+name, 10, 9) // somebody's
	r.write(name, 1000, 1)
	r.refuse()
	r.backfill()
	moved := strings.Repeat("é", 123) + " (2).jpg"
	r.wantFiles("_failed/"+name, "_failed/"+moved, "_failed/"+cut+".error.txt")
	r.wantResults(r.ask(desk.RequestRetry, desk.Selection{IDs: []int64{r.entry(name).ID}}), "requeued")
	r.wantFiles(name, "_failed/"+name)
}

// TestErrorTextOverwritesNothing has files of others under its names.
func TestErrorTextOverwritesNothing(t *testing.T) {
	t.Parallel()
	r := newFilingRig(t, dropfolder.AfterMove)
	theirs := []string{"_failed/a.jpg.error.txt", "_failed/a.jpg (2).error.txt/x"}
	for _, name := range theirs {
		r.write(name, 10, 1)
	}
	text := r.read(theirs[0])
	r.write("a.jpg", 1000, 1)
	r.refuse()
	r.backfill()
	ours := "_failed/a.jpg (3).error.txt"
	r.wantFiles(append(theirs, "_failed/a.jpg", ours)...)
	if r.read(theirs[0]) != text || !strings.Contains(r.read(ours), "File: a.jpg\r\n") {
		t.Error("somebody's file was overwritten")
	}

	// A crash before the chore was done has it repeated: there is still one text.
	db, err := sql.Open("sqlite", "file:"+r.journal)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), `INSERT INTO chores (entry_id, kind, object_id, file_id, filename, spec, until, not_before, since)
		VALUES (1, 'file', '', '', 'a.jpg', '', 0, 0, 0)`)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	r.write("_failed/.ingestd-1.error.txt", 10, 1) // cut off
	r.late()
	r.backfill()
	r.wantFiles(append(theirs, "_failed/a.jpg", ours)...)

	r.wantResults(r.ask(desk.RequestRetry, desk.Selection{IDs: []int64{1}}), "requeued")
	r.wantFiles(append(theirs, "a.jpg")...)
}

// TestDestinationOnAnotherMount: a file is not moved from one mount of a file system
// to another, which only the attempt shows. It does not stay hidden.
func TestDestinationOnAnotherMount(t *testing.T) {
	t.Parallel()
	r := newFilingRig(t, dropfolder.AfterMove)
	done, elsewhere := filepath.Join(r.drop, "_ingested"), filepath.Join(filepath.Dir(r.drop), "elsewhere")
	for _, dir := range []string{done, elsewhere} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mount(elsewhere, done, "", unix.MS_BIND, ""); err != nil {
		t.Skipf("no mount here: %v", err)
	}
	unmount := func() { _ = unix.Unmount(done, unix.MNT_DETACH) }
	t.Cleanup(unmount)
	r.write("a.jpg", 100, 1)
	p := r.start()
	r.admitAll(p)
	stop := runUntil(p)
	r.until(p, "the file cannot be moved", func() bool { return r.entry("a.jpg").Reason.Class == journal.ClassFiling })
	if err := stop(); err != nil {
		t.Error(err)
	}
	r.close(p)
	r.wantFiles("a.jpg")
	unmount()
	r.late()
	r.backfill()
	r.wantFiles("_ingested/a.jpg")
	r.wantExactly("_ingested/a.jpg")
}
