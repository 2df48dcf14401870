package ingest_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/journal"
)

// newFilingRig is a rig whose folder does not keep its files.
func newFilingRig(t *testing.T, after dropfolder.After) *rig {
	t.Helper()
	r := newRig(t, nil)
	f := &r.config.Folders[0]
	f.After, f.Done, f.Failed, f.Prune = after, "_ingested", "_failed", true
	f.VersionByPath, f.Duplicates = false, dropfolder.DuplicatesSkip
	return r
}

// files lists the files below the drop, hidden ones included.
func (r *rig) files() []string {
	r.t.Helper()
	var all []string
	err := filepath.WalkDir(r.drop, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(r.drop, path)
			all = append(all, rel)
		}
		if os.IsNotExist(err) && path != r.drop { // pruned meanwhile
			err = nil
		}
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

func (r *rig) wantFiles(want ...string) {
	r.t.Helper()
	slices.Sort(want)
	if got := r.files(); !slices.Equal(got, want) {
		r.t.Errorf("in the folder lie %q, want %q\n%s", got, want, r.log)
	}
}

func (r *rig) read(path string) string {
	r.t.Helper()
	data, err := os.ReadFile(filepath.Join(r.drop, path))
	if err != nil {
		r.t.Fatal(err)
	}
	return string(data)
}

func (r *rig) rename(from, to string) {
	r.t.Helper()
	if err := os.MkdirAll(filepath.Dir(filepath.Join(r.drop, to)), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(r.drop, from), filepath.Join(r.drop, to)); err != nil {
		r.t.Fatal(err)
	}
}

func TestMoveWhenIn(t *testing.T) {
	t.Parallel()
	r := newFilingRig(t, dropfolder.AfterMove)
	r.write("acme/spring/a.jpg", 1000, 1)
	r.write("b.jpg", 2000, 1)
	r.write("_ingested/b.jpg", 10, 9) // somebody's, of the same name
	sum := r.md5("acme/spring/a.jpg")
	r.backfill()
	r.wantFiles("_ingested/acme/spring/a.jpg", "_ingested/b.jpg", "_ingested/b (2).jpg")
	if r.md5("_ingested/acme/spring/a.jpg") != sum {
		t.Error("another file was moved")
	}
	if _, err := os.Stat(filepath.Join(r.drop, "acme")); !os.IsNotExist(err) {
		t.Errorf("the empty directories stay: %v", err)
	}
	if e := r.entry("b.jpg"); e.Status != journal.Filed || e.MovedTo != "_ingested/b (2).jpg" {
		t.Errorf("the entry is %s, moved to %q", e.Status, e.MovedTo)
	}
	r.wantResults(r.ask(desk.RequestVerify, desk.Selection{}), "ok", "ok")
	r.wantNothingLeft(r.sandbox.State())

	// Another picture of the same name is another asset, the same one is not.
	r.write("b.jpg", 2000, 2)
	r.write("acme/spring/again.jpg", 0, 0)
	r.write("acme/spring/a.jpg", 1000, 1)
	r.backfill()
	r.wantFiles("_ingested/acme/spring/a.jpg", "_ingested/acme/spring/a (2).jpg", "_ingested/acme/spring/again.jpg",
		"_ingested/b.jpg", "_ingested/b (2).jpg", "_ingested/b (3).jpg")
	if e := r.entry("acme/spring/a.jpg"); e.Status != journal.Duplicate {
		t.Errorf("the same file again is %s", e.Status)
	}
	if n := len(available(r.sandbox.State())); n != 4 {
		t.Errorf("%d assets, want 4", n)
	}
}

func TestDeleteWhenIn(t *testing.T) {
	t.Parallel()
	r := newFilingRig(t, dropfolder.AfterDelete)
	r.write("acme/a.jpg", 1000, 1)
	r.write("acme/ignored.txt", 1000, 1)
	sum := r.md5("acme/a.jpg")
	r.backfill()
	r.wantFiles("acme/ignored.txt")
	if e := r.entry("acme/a.jpg"); e.Status != journal.Filed || !e.Taken() {
		t.Errorf("the entry is %+v", e)
	}
	if got := available(r.sandbox.State()); len(got) != 1 || got[0].ContentMD5 != sum {
		t.Errorf("assets are %+v", got)
	}
	// What is there twice is not deleted: it was not itself seen right.
	r.write("acme/copy.jpg", 0, 0)
	if err := os.WriteFile(filepath.Join(r.drop, "acme/copy.jpg"), content("acme/a.jpg", 1000, 1), 0o600); err != nil {
		t.Fatal(err)
	}
	r.backfill()
	r.wantFiles("acme/copy.jpg", "acme/ignored.txt")
}

func TestFailedFileIsPutAsideAndTriedAgain(t *testing.T) {
	t.Parallel()
	r := newFilingRig(t, dropfolder.AfterMove)
	r.write("acme/a.jpg", 1000, 1)
	r.refuse()
	r.backfill()
	r.wantFiles("_failed/acme/a.jpg", "_failed/acme/a.jpg.error.txt")
	text := r.read("_failed/acme/a.jpg.error.txt")
	for _, part := range []string{"File: a.jpg\r\n", "Tenovos refused the file.", `put the file back into "acme" of the folder "drop"`, "rejected, entry 1."} {
		if !strings.Contains(text, part) {
			t.Errorf("the text does not say %q:\n%s", part, text)
		}
	}

	// By hand. The text is that of the second time.
	r.rename("_failed/acme/a.jpg", "acme/a.jpg")
	r.refuse()
	r.backfill()
	r.wantFiles("_failed/acme/a.jpg", "_failed/acme/a.jpg.error.txt")
	if again := r.read("_failed/acme/a.jpg.error.txt"); again == text || !strings.Contains(again, ", entry 2.") {
		t.Errorf("after the second failure the text is\n%s", again)
	}

	// By the operator.
	id := r.entry("acme/a.jpg").ID
	r.wantResults(r.ask(desk.RequestRetry, desk.Selection{IDs: []int64{id}}), "requeued")
	r.wantFiles("acme/a.jpg")
	r.backfill()
	r.wantFiles("_ingested/acme/a.jpg")
	r.wantExactly("_ingested/acme/a.jpg")
	if e := r.entry("acme/a.jpg"); e.ID != id || e.Status != journal.Filed {
		t.Errorf("the entry is %d, %s", e.ID, e.Status)
	}

	// Something else took its place meanwhile.
	r.write("acme/b.jpg", 1000, 1)
	r.refuse()
	r.backfill()
	r.write("acme/b.jpg", 1000, 2)
	got := r.ask(desk.RequestRetry, desk.Selection{IDs: []int64{r.entry("acme/b.jpg").ID}})
	r.wantResults(got, "failed")
	if !strings.Contains(got[0].Detail, "another file lies at its place") {
		t.Errorf("it says %q", got[0].Detail)
	}
	r.wantFiles("_failed/acme/b.jpg", "_failed/acme/b.jpg.error.txt", "_ingested/acme/a.jpg", "acme/b.jpg")
}

// TestChangeInTheLastMomentStays changes a file after it was verified, when it is
// about to be moved or deleted.
func TestChangeInTheLastMomentStays(t *testing.T) {
	t.Parallel()
	for _, after := range []dropfolder.After{dropfolder.AfterMove, dropfolder.AfterDelete} {
		for name, change := range map[string]func(t *testing.T, path string){
			"rewritten": func(t *testing.T, path string) {
				if err := os.WriteFile(path, content("new", 1500, 2), 0o600); err != nil {
					t.Fatal(err)
				}
			},
			"replaced": func(t *testing.T, path string) {
				if err := os.WriteFile(path+".tmp", content("new", 1000, 2), 0o600); err != nil {
					t.Fatal(err)
				}
				info, err := os.Stat(path)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.Chtimes(path+".tmp", info.ModTime(), info.ModTime()); err != nil {
					t.Fatal(err)
				}
				if err := os.Rename(path+".tmp", path); err != nil {
					t.Fatal(err)
				}
			},
		} {
			t.Run(string(after)+" "+name, func(t *testing.T) {
				r := newFilingRig(t, after)
				r.write("a.jpg", 1000, 1)
				changed := false
				r.commit = func() { // between the intent and the deed
					if r.intended(t, "a.jpg") && !changed {
						changed = true
						change(t, filepath.Join(r.drop, "a.jpg"))
					}
				}
				r.backfill()
				r.commit = nil
				if !changed {
					t.Fatal("there was no intent to move the file")
				}
				r.wantFiles("a.jpg")
				if e := r.entry("a.jpg"); e.Status != journal.Filed || e.Taken() {
					t.Errorf("the entry is %s, taken: %t", e.Status, e.Taken())
				}
				sum := r.md5("a.jpg")
				r.backfill()
				if after == dropfolder.AfterMove {
					r.wantFiles("_ingested/a.jpg")
				} else {
					r.wantFiles()
				}
				got := available(r.sandbox.State())
				if len(got) != 2 || !slices.ContainsFunc(got, func(a sandbox.Asset) bool { return a.ContentMD5 == sum }) {
					t.Errorf("assets are %+v", got)
				}
			})
		}
	}
}

// intended reports whether the journal holds the intent to take a verified file
// away.
func (r *rig) intended(t *testing.T, path string) bool {
	t.Helper()
	e := r.latest(t, path)
	return e.Status == journal.Verified && e.Taken()
}

// latest is entry while a process owns the journal; zero where there is none yet.
func (r *rig) latest(t *testing.T, path string) journal.Entry {
	t.Helper()
	reader, err := journal.OpenReader(t.Context(), r.journal)
	if err != nil {
		return journal.Entry{}
	}
	defer reader.Close()
	e, _, err := reader.Latest(t.Context(), "drop", path)
	if err != nil {
		t.Error(err)
	}
	return e
}

func TestFileHeldOpenIsNotTaken(t *testing.T) {
	t.Parallel()
	r := newFilingRig(t, dropfolder.AfterDelete)
	r.write("a.jpg", 1000, 1)
	p := r.start()
	defer r.close(p)
	if err := r.scan(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	writer, err := os.OpenFile(filepath.Join(r.drop, "a.jpg"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- p.Run(ctx, nil, nil) }()
	for r.entry("a.jpg").Reason.Class != journal.ClassFiling {
		time.Sleep(5 * time.Millisecond)
	}
	r.wantFiles("a.jpg")
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	for r.entry("a.jpg").Status != journal.Filed {
		time.Sleep(5 * time.Millisecond)
	}
	r.wantFiles()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestFilingAfterACrash finds each state that a crash can leave a file in, and
// ends as if there had been none.
func TestFilingAfterACrash(t *testing.T) {
	t.Parallel()
	const aside, place = "acme/.ingestd-1", "_ingested/acme/a.jpg"
	for _, c := range []struct {
		name  string
		after dropfolder.After
		state func(r *rig)
		want  []string
	}{
		{"move: only the intent", dropfolder.AfterMove, func(*rig) {}, []string{place}},
		{"move: aside", dropfolder.AfterMove, func(r *rig) { r.rename("acme/a.jpg", aside) }, []string{place}},
		{"move: aside, and the place was taken", dropfolder.AfterMove, func(r *rig) {
			r.rename("acme/a.jpg", aside)
			r.write(place, 10, 1)
		}, []string{place, "_ingested/acme/a (2).jpg"}},
		{"move: aside, by a second name so far", dropfolder.AfterMove, func(r *rig) {
			if err := os.Link(filepath.Join(r.drop, "acme/a.jpg"), filepath.Join(r.drop, aside)); err != nil {
				r.t.Fatal(err)
			}
		}, []string{place}},
		{"move: done", dropfolder.AfterMove, func(r *rig) { r.rename("acme/a.jpg", place) }, []string{place}},
		{"move: aside, and a new file has its name", dropfolder.AfterMove, func(r *rig) {
			r.rename("acme/a.jpg", aside)
			r.write("acme/a.jpg", 50, 2)
		}, []string{place, "acme/a.jpg"}},
		{"move: aside, then changed", dropfolder.AfterMove, func(r *rig) {
			r.rename("acme/a.jpg", aside)
			r.write(aside, 50, 2)
		}, []string{"acme/a.jpg"}},
		{"move: aside, then changed, and a new file has its name", dropfolder.AfterMove, func(r *rig) {
			r.rename("acme/a.jpg", aside)
			r.write(aside, 50, 2)
			r.write("acme/a.jpg", 60, 3)
		}, []string{"acme/a.jpg", "acme/a (2).jpg"}},
		{"delete: only the intent", dropfolder.AfterDelete, func(*rig) {}, nil},
		{"delete: aside", dropfolder.AfterDelete, func(r *rig) { r.rename("acme/a.jpg", aside) }, nil},
		{"delete: done", dropfolder.AfterDelete, func(r *rig) { _ = os.Remove(filepath.Join(r.drop, "acme/a.jpg")) }, nil},
		{"delete: aside, then keep", dropfolder.AfterKeep, func(r *rig) { r.rename("acme/a.jpg", aside) }, []string{"acme/a.jpg"}},
		{"move: done, then keep", dropfolder.AfterKeep, func(r *rig) { r.rename("acme/a.jpg", place) }, []string{place}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := t.Context()
			r := newFilingRig(t, c.after)
			r.write("acme/a.jpg", 1000, 1)
			p := r.start()
			if err := r.scan(ctx, p); err != nil {
				t.Fatal(err)
			}
			for _, m := range []journal.Move{
				{ID: 1, From: journal.Settled, To: journal.Mapped, Asset: []byte("{}"), Filename: "a.jpg"},
				{ID: 1, From: journal.Mapped, To: journal.Verified, Created: &journal.Creation{ObjectID: "o", FileID: "f", OriginalFileID: "f"}},
			} {
				if _, err := p.journal.Advance(ctx, m); err != nil {
					t.Fatal(err)
				}
			}
			to := place
			if strings.HasPrefix(c.name, "delete") {
				to = ""
			}
			if err := journal.FilingOf(p.journal).Set(ctx, 1, journal.Verified, aside, to); err != nil {
				t.Fatal(err)
			}
			c.state(r)
			done := make(chan struct{})
			close(done)
			if err := p.Run(ctx, nil, done); err != nil {
				t.Fatal(err)
			}
			r.close(p)
			r.wantFiles(c.want...)
			if e := r.entry("acme/a.jpg"); e.Status != journal.Filed {
				t.Errorf("the entry is %s: %+v", e.Status, e.Reason)
			}
		})
	}
}

// TestFileAsideWhenItsEntryMovedOn has a newer file dropped, and the process killed,
// while one that failed was on its way to Failed: neither is lost.
func TestFileAsideWhenItsEntryMovedOn(t *testing.T) {
	t.Parallel()
	r := newFilingRig(t, dropfolder.AfterMove)
	r.refuse()
	r.write("a.jpg", 1000, 1)
	r.config.Folders[0].After = dropfolder.AfterKeep
	r.backfill()
	r.config.Folders[0].After = dropfolder.AfterMove
	p := r.start()
	if err := journal.FilingOf(p.journal).Set(t.Context(), 1, journal.Failed, ".ingestd-1", "_failed/a.jpg"); err != nil {
		t.Fatal(err)
	}
	_, err := p.journal.Advance(t.Context(), journal.Move{ID: 1, From: journal.Failed, To: journal.Superseded, Chores: []journal.NewChore{{Kind: journal.ChoreFile}}})
	if err != nil {
		t.Fatal(err)
	}
	r.rename("a.jpg", ".ingestd-1")
	r.write("a.jpg", 500, 2)
	r.close(p)
	r.backfill()
	r.backfill() // finds what was given a name again
	r.wantFiles("_ingested/a.jpg", "_ingested/a (2).jpg")
	if n := len(available(r.sandbox.State())); n != 2 {
		t.Errorf("%d assets, want 2", n)
	}
}

func TestRenamedFileIsNotIngestedAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.config.Folders[0].Duplicates = dropfolder.DuplicatesUpload
	r.write("inbox/a.jpg", 1000, 1)
	r.write("inbox/b.jpg", 1000, 2)
	r.backfill()
	first := r.entry("inbox/a.jpg")
	r.rename("inbox", "archive/2026")
	if err := os.Link(filepath.Join(r.drop, "archive/2026/b.jpg"), filepath.Join(r.drop, "second-name.jpg")); err != nil {
		t.Fatal(err)
	}
	r.backfill()
	// A second name of one file is a copy, for which the folder's policy holds.
	if n := len(available(r.sandbox.State())); n != 3 {
		t.Errorf("%d assets, want 3\n%s", n, r.log)
	}
	now := r.entry("archive/2026/a.jpg")
	if now.ID != first.ID || now.ObjectID != first.ObjectID || now.Status != journal.Filed {
		t.Errorf("the entry was %+v and is %+v", first, now)
	}
	// Names that are exchanged, or moved up, are no new content.
	r.rename("archive/2026/a.jpg", "t")
	r.rename("archive/2026/b.jpg", "archive/2026/a.jpg")
	r.rename("t", "archive/2026/b.jpg")
	r.backfill()
	if e := r.entry("archive/2026/b.jpg"); e.ID != first.ID {
		t.Errorf("the exchanged entry is %+v", e)
	}
	r.rename("archive/2026/b.jpg", "archive/2026/c.jpg")
	r.rename("archive/2026/a.jpg", "archive/2026/b.jpg")
	r.rename("archive/2026/c.jpg", "archive/2026/a.jpg")
	r.backfill()
	if n := len(available(r.sandbox.State())); n != 3 {
		t.Errorf("after names were exchanged: %d assets, want 3\n%s", n, r.log)
	}
	// New content under the new path is the next version.
	r.write("archive/2026/a.jpg", 1500, 3)
	r.backfill()
	if v := r.entry("archive/2026/a.jpg"); v.OriginalFileID != first.OriginalFileID || v.FileID == first.FileID {
		t.Errorf("the new content is %+v", v)
	}
	// And so is a known file that overwrites another: that one is nowhere any more.
	second := r.entry("archive/2026/b.jpg")
	r.rename("archive/2026/a.jpg", "archive/2026/b.jpg")
	r.backfill()
	if v := r.entry("archive/2026/b.jpg"); v.OriginalFileID != second.OriginalFileID || v.FileID == second.FileID {
		t.Errorf("the content of a file that was overwritten is %+v", v)
	}
}
