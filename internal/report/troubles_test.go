package report

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/journal"
)

// held has files of a folder held, each with the reason that a format makes of its number.
func held(t *testing.T, j *journal.Journal, folder string, n int, class, message string) {
	t.Helper()
	var found []file.File
	for i := range n {
		found = append(found, file.File{Folder: folder, Path: fmt.Sprintf("%s/%04d.jpg", class, i)})
	}
	if _, err := j.Admit(t.Context(), found); err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		e, _, err := j.Reader().Latest(t.Context(), folder, f.Path)
		if err == nil {
			_, err = j.Advance(t.Context(), journal.Move{ID: e.ID, From: journal.Settled, To: journal.Held, Reason: journal.Reason{Class: class, Message: fmt.Sprintf(message, e.ID), Hint: "do"}})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestTroubles counts files by reason: those that differ in numbers and names have one, and
// those of another class, folder or status have another.
func TestTroubles(t *testing.T) {
	j := booksAt(t, filepath.Join(t.TempDir(), "journal.db"))
	held(t, j, "in", 5, "metadata", `Date: "the %d." is no date`)
	held(t, j, "in", 7, "large", "it has %d bytes")
	held(t, j, "in", 2, "larger", "it has %d bytes")
	held(t, j, "out", 1, "large", "it has %d bytes")
	folders, err := Folders(t.Context(), j.Reader())
	if err != nil {
		t.Fatal(err)
	}
	all, err := TroublesOf(t.Context(), j.Reader(), folders)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for name, troubles := range all {
		for _, x := range troubles.List {
			got[name] = append(got[name], fmt.Sprintf("%s %d %s %s (%d)", x.Status, x.Count, x.Class, x.Form, len(x.First)))
		}
	}
	want := map[string][]string{
		"in":  {"failed 1  because (1)", "held 7 large it has … bytes (3)", `held 5 metadata Date: "…" is no date (3)`, "held 2 larger it has … bytes (2)", "held 1  because (1)"},
		"out": {"held 1 large it has … bytes (1)"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// All of one, in pages.
	large := all["in"].List[1]
	var ids []int64
	for after := int64(0); ; {
		files, next, err := large.In(t.Context(), j.Reader(), after, 3)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			ids = append(ids, f.ID)
		}
		if after = next; next == 0 {
			break
		}
	}
	if len(ids) != 7 || !slices.IsSorted(ids) {
		t.Errorf("the pages have %v", ids)
	}
}

// TestTroublesAreBounded has more files held, and for more reasons, than are looked at.
func TestTroublesAreBounded(t *testing.T) {
	j := booksAt(t, filepath.Join(t.TempDir(), "journal.db"))
	for i := range maxTroubles + 5 {
		held(t, j, "in", 1, fmt.Sprint("class", i), "%d")
	}
	var all Troubles
	if err := all.add(t.Context(), j.Reader(), "in", journal.Held, maxTroubles+6, 10); err != nil {
		t.Fatal(err)
	}
	if len(all.List) != 10 || all.More != 0 || all.Unread != maxTroubles+6-10 {
		t.Errorf("%d are listed, %d more, %d unread", len(all.List), all.More, all.Unread)
	}
	all = Troubles{}
	if err := all.add(t.Context(), j.Reader(), "in", journal.Held, maxTroubles+6, 1000); err != nil {
		t.Fatal(err)
	}
	if len(all.List) != maxTroubles || all.More != 6 || all.Unread != 0 {
		t.Errorf("%d are listed, %d more, %d unread", len(all.List), all.More, all.Unread)
	}
}

// TestSearch finds files by a part of their paths, by the names of their assets, and by
// their numbers, whatever is between them, in pieces.
func TestSearch(t *testing.T) {
	j := booksAt(t, filepath.Join(t.TempDir(), "journal.db"))
	var found []file.File
	for _, path := range []string{"Ünder/Straße.jpg", "u\u0308nder/x.JPG", "a%_/b.jpg", "bytes\xff.jpg", "name.jpg"} {
		found = append(found, file.File{Folder: "other", Path: path})
	}
	if _, err := j.Admit(t.Context(), found); err != nil {
		t.Fatal(err)
	}
	held(t, j, "many", 120, "x", "%d")
	for text, want := range map[string][]string{
		"under":     nil,
		"ünder":     {"Ünder/Straße.jpg", "u\u0308nder/x.JPG"},
		"ÜNDER/":    {"Ünder/Straße.jpg", "u\u0308nder/x.JPG"},
		"%_":        {"a%_/b.jpg"},
		"\xff":      {"bytes\xff.jpg"},
		"her/name":  {"name.jpg"},
		" name.jp ": {"name.jpg"},
		"":          nil,
		"  ":        nil,
		"no such":   nil,
	} {
		got, err := Search(t.Context(), j.Reader(), text, 0)
		var paths []string
		for _, e := range got.Files {
			paths = append(paths, e.Path)
		}
		slices.Sort(paths)
		slices.Sort(want)
		if err != nil || !slices.Equal(paths, want) || got.Next != 0 {
			t.Errorf("%q finds %q, want %q (%v)", text, paths, want, err)
		}
	}
	got, err := Search(t.Context(), j.Reader(), "2", 0)
	if err != nil || len(got.Named) != 1 || got.Named[0].ID != 2 {
		t.Errorf("the number 2 finds %+v, %v", got.Named, err)
	}
	got, err = Search(t.Context(), j.Reader(), "3.j", 0) // the name of an asset that is not in yet
	if err != nil || len(got.Named) != 0 {
		t.Errorf("the name 3.j finds %+v, %v", got.Named, err)
	}
	seen, after := map[int64]bool{}, int64(0)
	for pieces := 1; ; pieces++ {
		got, err := Search(t.Context(), j.Reader(), "MANY/X/", after)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range got.Files {
			seen[e.ID] = true
		}
		if after = got.Next; after == 0 {
			if len(seen) != 120 || pieces < 3 {
				t.Errorf("%d pieces have %d files", pieces, len(seen))
			}
			break
		}
	}
}

// TestTroublesAgain has a file of a trouble meet something in its way, and another move on:
// neither is counted anew, and both are as they are now.
func TestTroublesAgain(t *testing.T) {
	ctx := t.Context()
	j := booksAt(t, filepath.Join(t.TempDir(), "journal.db"))
	held(t, j, "more", 2, "large", "it has %d bytes")
	ids := []int64{6, 7}
	folders, err := Folders(ctx, j.Reader())
	if err != nil {
		t.Fatal(err)
	}
	all, err := TroublesOf(ctx, j.Reader(), folders)
	if err != nil {
		t.Fatal(err)
	}
	duty, err := journal.DutiesOf(j).Open(ctx, ids[0], journal.NewChore{Kind: journal.ChoreFile})
	if err == nil {
		err = journal.ChoresOf(j).Defer(ctx, duty, time.Now(), "no room")
	}
	if err == nil {
		_, err = j.Advance(ctx, journal.Move{ID: ids[1], From: journal.Held, To: journal.Settled})
	}
	if err != nil {
		t.Fatal(err)
	}
	before := all["more"]
	now, err := before.Again(ctx, j.Reader())
	if err != nil || len(now.List) != 1 || now.List[0].Count != 2 || len(now.List[0].First) != 1 || len(before.List[0].First) != 2 {
		t.Fatalf("got %+v, %v; before it was %+v", now, err, before)
	}
	if first := now.List[0].First[0]; !strings.HasSuffix(first.Reason, "no room") {
		t.Errorf("the reason is %q", first.Reason)
	}
}
