package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/journal"
)

// books opens a journal with a file in each of a few statuses.
func books(t *testing.T) *journal.Journal {
	t.Helper()
	return booksAt(t, filepath.Join(t.TempDir(), "journal.db"))
}

func booksAt(t *testing.T, path string) *journal.Journal {
	t.Helper()
	ctx := t.Context()
	j, err := journal.Open(ctx, path, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	var found []file.File
	for i := range 5 {
		found = append(found, file.File{Folder: "in", Path: fmt.Sprintf("%d.jpg", i), Stat: file.Stat{Size: int64(i)}})
	}
	if _, err := j.Admit(ctx, found); err != nil {
		t.Fatal(err)
	}
	for id, to := range map[int64]journal.Status{1: journal.Held, 2: journal.Failed, 3: journal.Ignored} {
		_, err := j.Advance(ctx, journal.Move{ID: id, From: journal.Settled, To: to, Reason: journal.Reason{Message: "because", Hint: "do"}})
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err = j.Advance(ctx, journal.Move{ID: 4, From: journal.Settled, To: journal.Mapped, Asset: []byte("{}"), Filename: "3.jpg"})
	if err == nil {
		_, err = j.Advance(ctx, journal.Move{ID: 4, From: journal.Mapped, To: journal.Creating})
	}
	if err == nil {
		err = journal.FoldersOf(j).Set(ctx, journal.FolderState{Name: "in", Path: "/in", Watch: "notify", Settling: 2})
	}
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func TestBooksBalance(t *testing.T) {
	folders, err := Folders(t.Context(), books(t).Reader())
	if err != nil || len(folders) != 1 {
		t.Fatal(folders, err)
	}
	if folders[0].QueuedSince.IsZero() {
		t.Error("a file is queued, and not since when")
	}
	folders[0].QueuedSince = time.Time{}
	want := Folder{Name: "in", Path: "/in", Watch: "notify", Seen: 7, Settling: 2, Queued: 1, Uploading: 1, Held: 1, Failed: 1, Ignored: 1,
		PausedBy: []string{}, UnmatchedFirst: []journal.Unmatched{}}
	if !reflect.DeepEqual(folders[0], want) {
		t.Errorf("got %+v, want %+v", folders[0], want)
	}
	if n := folders[0].Unbalanced(); n != 0 {
		t.Errorf("the books are off by %d", n)
	}
	if n := (Folder{Seen: 3, Filed: 1}).Unbalanced(); n != 2 {
		t.Errorf("two files are missing, the books say %d", n)
	}
}

// TestEveryStatusIsCounted fails when the journal gets a status that the books
// leave out.
func TestEveryStatusIsCounted(t *testing.T) {
	for s := range journal.Moves() {
		f := folderOf(journal.Counts{Seen: 1, By: map[journal.Status]int{s: 1}})
		if n := f.Unbalanced(); n != 0 {
			t.Errorf("%s is not counted", s)
		}
		if sum := Sum([]Folder{f, {Seen: 2, Settling: 2}, f}); sum.Seen != 4 || sum.Unbalanced() != 0 {
			t.Errorf("%s is not added up: %+v", s, sum)
		}
	}
}

func TestWriteJSON(t *testing.T) {
	j := books(t)
	for all, want := range map[bool]int{false: 5, true: 5} { // none is filed
		var out bytes.Buffer
		if err := WriteJSON(t.Context(), &out, j.Reader(), true, all); err != nil {
			t.Fatal(err)
		}
		var doc struct {
			Daemon  bool
			Folders []map[string]any
			Entries []map[string]any
		}
		if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
			t.Fatalf("%v in %s", err, &out)
		}
		if !doc.Daemon || len(doc.Folders) != 1 || len(doc.Entries) != want {
			t.Errorf("got %d folders and %d entries: %s", len(doc.Folders), len(doc.Entries), &out)
		}
		if e := doc.Entries[0]; e["reason"] != "because" || e["hint"] != "do" || e["status"] != "held" {
			t.Errorf("the first entry is %v", e)
		}
	}
}

// TestObstacleIsTold has the file of an entry that failed stay where it is: the entry tells
// what comes in the way, beside why it failed.
func TestObstacleIsTold(t *testing.T) {
	j, ctx := booksAt(t, filepath.Join(t.TempDir(), "journal.db")), t.Context()
	if _, err := j.Admit(ctx, []file.File{{Folder: "in", Path: "large.jpg"}}); err != nil {
		t.Fatal(err)
	}
	_, err := j.Advance(ctx, journal.Move{ID: 6, From: journal.Settled, To: journal.Failed, Reason: journal.Reason{Message: "it is too large", Hint: "do"},
		Chores: []journal.NewChore{{Kind: journal.ChoreFile, Filename: "large.jpg"}}})
	if err == nil {
		err = journal.ChoresOf(j).Defer(ctx, 1, time.Now(), "_failed is no directory")
	}
	if err != nil {
		t.Fatal(err)
	}
	reasons := make(map[int64]string)
	err = Entries(ctx, j.Reader(), false, func(e Entry) error { reasons[e.ID] = e.Reason; return nil })
	want := "it is too large; its file cannot be moved out of the drop folder yet, which is tried again: _failed is no directory"
	if err != nil || reasons[6] != want || reasons[2] != "because" {
		t.Errorf("the reasons are %v, %v", reasons, err)
	}
}

// TestDocumentIsDescribed fails when the document has a field that docs/json.md does not name.
func TestDocumentIsDescribed(t *testing.T) {
	text, err := os.ReadFile("../../docs/json.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ = bytes.Cut(text, []byte("## status\n"))
	text, _, _ = bytes.Cut(text, []byte("## history\n"))
	for _, part := range []any{Folder{}, Entry{}, Group{}, Example{}} {
		of := reflect.TypeOf(part)
		for i := range of.NumField() {
			name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
			if !bytes.Contains(text, []byte(`"`+name+`"`)) {
				t.Errorf("the field %s of %s is not described", name, of)
			}
		}
	}
}

// What is in the way of a file that rests is told with its reason.
func TestReasonWithObstacles(t *testing.T) {
	t.Parallel()
	e := journal.Entry{Status: journal.Held, Reason: journal.Reason{Message: "two assets"}}
	const moving = "its file cannot be moved out of the drop folder yet, which is tried again: no room"
	const telling = "no note can be left beside it yet, which is tried again: read-only"
	for want, o := range map[string]journal.Obstacle{
		"two assets":                             {},
		"two assets; " + moving:                  {Moving: "no room"},
		"two assets; " + telling:                 {Telling: "read-only"},
		"two assets; " + moving + "; " + telling: {Moving: "no room", Telling: "read-only"},
	} {
		if got := reasonWith(e, o, ""); got != want {
			t.Errorf("%+v: %q, want %q", o, got, want)
		}
	}
	if e.Status, e.Reason.Message = journal.Settled, ""; reasonWith(e, journal.Obstacle{Telling: "read-only"}, "") != "" {
		t.Error("what does not rest has nothing in its way")
	}
}
