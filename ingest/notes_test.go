package ingest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/notes"
	"github.com/tenovos-ingest/ingestd/journal"
)

// newTellingRig is a folder that tells people of files that are held.
func newTellingRig(t *testing.T, after dropfolder.After) *restingRig {
	t.Helper()
	r := newRestingRig(t)
	f := &r.config.Folders[0]
	f.After, f.Done, f.Failed, f.Prune = after, "_ingested", "_failed", true
	f.VersionByPath, f.Duplicates = after.Keeps(), dropfolder.DuplicatesSkip
	f.Tell, f.Contact = true, "Anna, dam@acme.com, ext. 12"
	r.watched.Texts = noteTexts
	r.process = r.start()
	t.Cleanup(func() { r.close(r.process) })
	return r
}

// again is another start of the daemon, with the configuration as it is by now.
func (r *restingRig) again(stop func() error) (next func() error) {
	r.t.Helper()
	if err := stop(); err != nil {
		r.t.Error(err)
	}
	r.close(r.process)
	*r.process = *r.start()
	return runUntil(r.process)
}

// wantOnly waits until exactly these files lie in the folder.
func (r *restingRig) wantOnly(what string, want ...string) {
	r.t.Helper()
	slices.Sort(want)
	deadline := time.After(time.Minute)
	for !slices.Equal(r.files(), want) {
		select {
		case <-deadline:
			r.t.Fatalf("%s: in the folder lie %q, want %q; journal:\n%s\n%s", what, r.files(), want, r.dump(r.process), r.log)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// mend has the rules map what they did not, and what they held go round again.
func (r *restingRig) mend() {
	r.t.Helper()
	r.mapsAll = true
	if n, err := r.process.Release(r.t.Context(), "drop", fmt.Sprint("rules ", time.Now().UnixNano())); err != nil || n == 0 {
		r.t.Fatalf("%d files go round again, %v", n, err)
	}
}

func (r *restingRig) rules() {
	r.t.Helper()
	if _, err := r.process.Release(r.t.Context(), "drop", "rules"); err != nil {
		r.t.Fatal(err)
	}
}

// A file that is held gets a note beside it, which is no file to anybody, and goes when
// that is solved.
func TestHeldFileIsTold(t *testing.T) {
	t.Parallel()
	r := newTellingRig(t, dropfolder.AfterMove)
	r.rules()
	r.begin()
	r.write("acme/unmappable.jpg", 1000, 1)
	r.wantOnly("it is told", "acme/unmappable.jpg", "acme/unmappable.jpg.held.txt")
	text := r.read("acme/unmappable.jpg.held.txt")
	for _, part := range []string{"File: unmappable.jpg\r\n", `"Brand" is not known of this file`, "Anna, dam@acme.com, ext. 12", "metadata, entry 1."} {
		if !strings.Contains(text, part) {
			t.Errorf("the note does not say %q:\n%s", part, text)
		}
	}
	for range 3 {
		r.rescan()
	}
	if all := r.entries(); len(all) != 1 || all[0].Status != journal.Held {
		t.Fatalf("the note is a file to the journal: %+v", all)
	}
	r.mend()
	r.wantOnly("it is in, with nothing left", "_ingested/acme/unmappable.jpg")
	r.until(r.process, "its directory is gone", func() bool { return !r.exists("acme") })
	r.wantExactly("_ingested/acme/unmappable.jpg")
}

// The notes of a hundred files of one reason all come, and all go.
func TestAWholeDropIsTold(t *testing.T) {
	t.Parallel()
	r := newTellingRig(t, dropfolder.AfterMove)
	r.rules()
	var held, in []string
	for i := range 100 {
		name := fmt.Sprintf("d/unmappable-%d.jpg", i)
		r.write(name, 10+i, 1)
		held, in = append(held, name, name+".held.txt"), append(in, "_ingested/"+name)
	}
	r.begin()
	r.wantOnly("all are told", held...)
	r.mend()
	r.wantOnly("all are in", in...)
}

// What people put in the place of a note stays theirs.
func TestNoteOverwritesNothing(t *testing.T) {
	t.Parallel()
	r := newTellingRig(t, dropfolder.AfterMove)
	r.rules()
	r.write("unmappable.jpg.held.txt", 300, 7) // an ordinary file
	r.begin()
	r.wantOnly("it is in", "_ingested/unmappable.jpg.held.txt")

	if err := os.MkdirAll(filepath.Join(r.drop, "unmappable.jpg.held.txt"), 0o755); err != nil {
		t.Fatal(err)
	}
	r.write("unmappable.jpg", 1000, 1)
	r.wantOnly("the note has the next name", "_ingested/unmappable.jpg.held.txt", "unmappable.jpg", "unmappable.jpg (2).held.txt")
	r.write("ignored.held.txt", 300, 8) // of no note's text: it is a file as any other
	r.rescan()
	r.until(r.process, "it is ignored, as any file of no rule", func() bool {
		return len(r.entries()) == 3 && r.entry("ignored.held.txt").Status == journal.Ignored
	})
	r.mend()
	r.wantOnly("ours is gone, theirs stay", "_ingested/unmappable.jpg.held.txt", "_ingested/unmappable.jpg", "ignored.held.txt")
}

// A person may remove a note, and has said by that to have read it; or write into it.
func TestNoteOfAPerson(t *testing.T) {
	t.Parallel()
	r := newTellingRig(t, dropfolder.AfterMove)
	r.rules()
	r.begin()
	r.write("unmappable-1.jpg", 1000, 1)
	r.write("unmappable-2.jpg", 1001, 1)
	both := []string{"unmappable-1.jpg", "unmappable-2.jpg"}
	r.wantOnly("both are told", append(both, "unmappable-1.jpg.held.txt", "unmappable-2.jpg.held.txt")...)
	r.remove("unmappable-1.jpg.held.txt")
	r.appendTo("unmappable-2.jpg.held.txt", []byte("Anna, please help!\r\n"))
	edited := r.read("unmappable-2.jpg.held.txt")
	if _, err := r.process.Release(t.Context(), "drop", "other rules"); err != nil { // they are held again, for the same reason
		t.Fatal(err)
	}
	r.until(r.process, "the journal has come to rest", func() bool {
		due, some, err := journal.NotesOf(r.process.journal).Next(t.Context(), "drop")
		return err == nil && !some && due.Unix() == 0 && r.entry(both[0]).Status == journal.Held && r.entry(both[1]).Status == journal.Held
	})
	r.rescan()
	if got := r.read("unmappable-2.jpg.held.txt"); got != edited {
		t.Errorf("somebody's words became %q", got)
	}
	if r.exists("unmappable-1.jpg.held.txt") {
		t.Error("a note that was removed is back for the same reason")
	}
	r.mend()
	r.until(r.process, "both are in", func() bool {
		return r.entry(both[0]).Status == journal.Filed && r.entry(both[1]).Status == journal.Filed
	})
	r.rescan()
	if got := r.read("unmappable-2.jpg.held.txt"); got != edited || len(r.sandbox.State().Assets) != 2 {
		t.Errorf("somebody's words became %q, with %d assets", got, len(r.sandbox.State().Assets))
	}
}

// The note follows the file, wherever people take that.
func TestNoteFollowsItsFile(t *testing.T) {
	t.Parallel()
	r := newTellingRig(t, dropfolder.AfterMove)
	r.rules()
	r.begin()
	r.write("a/unmappable-1.jpg", 1000, 1)
	r.wantOnly("it is told", "a/unmappable-1.jpg", "a/unmappable-1.jpg.held.txt")
	step := func(what string, do func(), want ...string) {
		t.Helper()
		do()
		r.rescan()
		r.wantOnly(what, want...)
	}
	step("renamed", func() { r.rename("a/unmappable-1.jpg", "a/unmappable-2.jpg") }, "a/unmappable-2.jpg", "a/unmappable-2.jpg.held.txt")
	step("its directory renamed", func() { r.rename("a", "b") }, "b/unmappable-2.jpg", "b/unmappable-2.jpg.held.txt")
	step("moved with its note", func() {
		r.rename("b/unmappable-2.jpg", "c/unmappable-2.jpg")
		r.rename("b/unmappable-2.jpg.held.txt", "c/unmappable-2.jpg.held.txt")
	}, "c/unmappable-2.jpg", "c/unmappable-2.jpg.held.txt")
	r.until(r.process, "the note is about the new entry", func() bool {
		text, err := os.ReadFile(filepath.Join(r.drop, "c/unmappable-2.jpg.held.txt"))
		return err == nil && strings.Contains(string(text), fmt.Sprintf("entry %d.", r.entry("c/unmappable-2.jpg").ID))
	})
	step("a copy of the note somewhere", func() { r.writeAlike("c/x.held.txt", "c/unmappable-2.jpg.held.txt") }, "c/unmappable-2.jpg", "c/unmappable-2.jpg.held.txt")
	step("new content", func() { r.write("c/unmappable-2.jpg", 1200, 3) }, "c/unmappable-2.jpg", "c/unmappable-2.jpg.held.txt")
	step("moved into the right folder", func() { r.rename("c/unmappable-2.jpg", "c/right.jpg") }, "_ingested/c/right.jpg")
	r.write("unmappable-3.jpg", 1000, 3)
	r.wantOnly("another is told", "_ingested/c/right.jpg", "unmappable-3.jpg", "unmappable-3.jpg.held.txt")
	step("deleted", func() { r.remove("unmappable-3.jpg") }, "_ingested/c/right.jpg")
}

// With keep, a file that failed stays, and is told of as well; and what a file that failed
// and was moved is told of goes when a person put it back.
func TestFailedFileIsTold(t *testing.T) {
	t.Parallel()
	for _, after := range []dropfolder.After{dropfolder.AfterKeep, dropfolder.AfterMove} {
		t.Run(string(after), func(t *testing.T) {
			t.Parallel()
			r := newTellingRig(t, after)
			r.config.MaxFileSize = 500
			r.close(r.process)
			*r.process = *r.start()
			r.begin()
			r.write("large.jpg", 600, 1)
			at, done := "", "large.jpg"
			if after == dropfolder.AfterMove {
				at, done = "_failed/", "_ingested/large.jpg"
			}
			r.wantOnly("it is told", at+"large.jpg", at+"large.jpg.error.txt")
			for _, part := range []string{"The file is too large: it has 600 B, and no more than 500 B are taken.", "Anna, dam@acme.com"} {
				if text := r.read(at + "large.jpg.error.txt"); !strings.Contains(text, part) {
					t.Errorf("the note does not say %q:\n%s", part, text)
				}
			}
			r.rescan()
			if at != "" {
				r.rename(at+"large.jpg", "large.jpg")
			}
			r.write("large.jpg", 400, 2)
			r.wantOnly("it is in", done)
		})
	}
}

// What the configuration says of notes counts for those that lie about.
func TestTellIsSwitched(t *testing.T) {
	t.Parallel()
	r := newTellingRig(t, dropfolder.AfterMove)
	r.config.Folders[0].Tell = false
	r.write("unmappable.jpg", 1000, 1)
	r.close(r.process)
	*r.process = *r.start()
	if err := r.scan(t.Context(), r.process); err != nil {
		t.Fatal(err)
	}
	stop := runUntil(r.process)
	r.until(r.process, "it is held", func() bool { return r.entry("unmappable.jpg").Status == journal.Held })
	r.wantOnly("nothing is told", "unmappable.jpg")
	f := &r.config.Folders[0]
	f.Tell, f.Contact = true, "Anna"
	stop = r.again(stop)
	r.wantOnly("it is told of what was held before", "unmappable.jpg", "unmappable.jpg.held.txt")
	says := func(who string) bool {
		return strings.Contains(r.read("unmappable.jpg.held.txt"), "Who to ask: "+who+"\r\n")
	}
	if !says("Anna") {
		t.Error("the note does not say who to ask")
	}
	f.Contact = "Berta"
	stop = r.again(stop)
	r.until(r.process, "somebody else is to be asked", func() bool { return r.exists("unmappable.jpg.held.txt") && says("Berta") })
	f.Tell = false
	stop = r.again(stop)
	r.wantOnly("nothing is told", "unmappable.jpg")
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// A folder that cannot be written to has its notes wait: that is no failure of a file.
func TestNoteWaitsForAFolderThatCanBeWritten(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Log("root may write everywhere: a file lies in the way instead of a right missing")
	}
	r := newTellingRig(t, dropfolder.AfterKeep)
	r.write("d/unmappable.jpg", 1000, 1)
	r.write("d/.ingestd-1.held.txt/in the way", 1, 1) // as good as a directory that cannot be written to
	r.backfillTold()
	if e := r.entry("d/unmappable.jpg"); e.Status != journal.Held {
		t.Errorf("it is %s", e.Status)
	}
	reader, err := journal.OpenReader(t.Context(), r.journal)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if why, err := reader.Obstacles(t.Context()); err != nil || !strings.Contains(why[1].Telling, "d/.ingestd-1.held.txt") {
		t.Errorf("of what keeps people from being told, the journal says %v, %v", why, err)
	}
	if n := strings.Count(r.log.String(), "people cannot be told"); n != 1 {
		t.Errorf("the log says it %d times:\n%s", n, r.log)
	}
	r.remove("d/.ingestd-1.held.txt")
	r.late()
	r.backfillTold()
	r.wantFiles("d/unmappable.jpg", "d/unmappable.jpg.held.txt")
}

// backfillTold is backfill in place of the process that newTellingRig began.
func (r *restingRig) backfillTold() {
	r.t.Helper()
	r.close(r.process)
	r.backfill()
	*r.process = *r.start()
}

// wantNotes fails unless exactly the entries that are held have a note.
func (r *rig) wantNotes() {
	r.t.Helper()
	var want, got []string
	for _, e := range r.entries() {
		if e.Status == journal.Held && e.Kind == journal.File {
			want = append(want, e.Path+".held.txt")
		}
	}
	for _, name := range r.files() {
		if notes.Named(name) || strings.HasPrefix(filepath.Base(name), ".") {
			got = append(got, name)
		}
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		r.t.Errorf("there are the notes %q, want %q", got, want)
	}
}

// The program dies at each of its steps while a file is held, and while that is solved. In
// the end there is a note where one belongs, and no other.
func TestCrashSweepOfNotes(t *testing.T) {
	t.Parallel()
	for at := 1; ; at++ {
		r := newFilingRig(t, dropfolder.AfterMove)
		r.config.Folders[0].Tell = true
		r.write("d/unmappable.jpg", 1000, 1)
		held := r.crash(at)
		r.crash(0)
		r.wantFiles("d/unmappable.jpg", "d/unmappable.jpg.held.txt")
		r.wantNotes()

		r.wantResults(r.ask(desk.RequestRetry, desk.Selection{IDs: []int64{1}}), "requeued")
		r.mapsAll = true
		solved := r.crash(at)
		r.crash(0)
		r.wantFiles("_ingested/d/unmappable.jpg")
		r.wantExactly("_ingested/d/unmappable.jpg")
		if held >= 0 && solved >= 0 {
			t.Logf("%d points", at-1)
			return
		}
	}
}

// What was done in the folder may be ahead of what the journal recorded of it: with the
// journal of each earlier moment the folder of the last comes to the same end.
func TestNotesAheadOfTheJournal(t *testing.T) {
	t.Parallel()
	for _, mended := range []bool{false, true} {
		for k := 1; ; k++ {
			r := newFilingRig(t, dropfolder.AfterKeep)
			r.config.Folders[0].Tell = true
			r.write("d/unmappable.jpg", 1000, 1)
			if mended {
				r.backfill()
				r.wantResults(r.ask(desk.RequestRetry, desk.Selection{IDs: []int64{1}}), "requeued")
				r.mapsAll = true
			}
			died, commits := filepath.Join(t.TempDir(), "journal.db"), 0
			r.commit = func() {
				if commits++; commits == k {
					must(t, copyJournal(r.journal, died))
				}
			}
			r.backfill()
			r.commit = nil
			if commits < k {
				break
			}
			r.journal = died
			r.late()
			r.backfill()
			want := []string{"d/unmappable.jpg", "d/unmappable.jpg.held.txt"}
			if mended {
				want = want[:1]
			}
			r.wantFiles(want...)
			r.wantNotes()
		}
	}
}
