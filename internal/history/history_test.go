package history

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

// rig is a journal whose clock goes on by a second with each move.
type rig struct {
	t *testing.T
	*journal.Journal
	path string
	time time.Time
}

var begun = time.Date(2026, 1, 31, 8, 0, 0, 0, time.UTC)

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, path: filepath.Join(t.TempDir(), "journal.db"), time: begun}
	j, err := journal.Open(t.Context(), r.path, journal.Options{Clock: func() time.Time { return r.time }})
	if err != nil {
		t.Fatal(err)
	}
	r.Journal = j
	t.Cleanup(func() { r.ok(j.Close()) })
	return r
}

func (r *rig) ok(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) admit(paths ...string) {
	r.t.Helper()
	var found []file.File
	for i, p := range paths {
		folder, rel, _ := strings.Cut(p, ":")
		found = append(found, file.File{Folder: folder, Path: rel, Stat: file.Stat{Size: 100, Ino: uint64(i + 1), ModTime: r.time.UnixNano()}})
	}
	_, err := r.Admit(r.t.Context(), found)
	r.ok(err)
}

// move advances an entry, a second later than what was before.
func (r *rig) move(m journal.Move) {
	r.t.Helper()
	r.time = r.time.Add(time.Second)
	if m.ID == 0 {
		m.ID = 1
	}
	if m.To == journal.Mapped && m.From == journal.Settled {
		m.Asset, m.Filename, m.FactsAt = []byte("{}"), fmt.Sprintf("name-%d", m.ID), r.time
	}
	_, err := r.Advance(r.t.Context(), m)
	r.ok(err)
}

// upload is the creation of an asset with parts of 10 bytes.
func upload(object string, parts int) *journal.Creation {
	c := &journal.Creation{ObjectID: object, FileID: "file-" + object, OriginalFileID: "file-" + object, UploadID: "u", PartSize: 10}
	for i := range parts {
		c.Parts = append(c.Parts, journal.Part{Number: i + 1, Offset: int64(10 * i), Size: 10, URL: "https://store.example/x"})
	}
	return c
}

func (r *rig) store(number int) {
	r.t.Helper()
	r.time = r.time.Add(time.Second)
	r.ok(r.Learn(r.t.Context(), 1, journal.Learned{Parts: []journal.Part{{Number: number, ETag: "e", MD5: []byte{1}, Proven: true}}}))
}

// told is the history of an entry: seconds since the beginning, what, and the words.
func (r *rig) told(id int64) (lines []string) {
	r.t.Helper()
	events, err := Of(r.t.Context(), r.Reader(), id)
	r.ok(err)
	for _, e := range events {
		line := fmt.Sprintf("%d %s: %s", int(e.Time.Sub(begun).Seconds()), e.Event, e.Text)
		for _, more := range []string{e.Reason, e.Hint} {
			if more != "" {
				line += " | " + more
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// TestHistory takes a file through everything that can happen to it: put off, held, asked
// for, an attempt that is given up, one of many parts, and filed with its file moved.
func TestHistory(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	r.admit("in:d/a.jpg")
	why := journal.Reason{Class: "waiting", Message: "it waits for its XMP", Hint: "bring it"}
	r.move(journal.Move{From: journal.Settled, To: journal.Settled, NotBefore: begun, Reason: why})
	r.move(journal.Move{From: journal.Settled, To: journal.Settled, NotBefore: begun, Reason: why}) // the same again
	r.move(journal.Move{From: journal.Settled, To: journal.Held, Reason: journal.Reason{Class: "metadata", Message: "no Brand", Hint: "correct it"}})
	id, err := journal.Ask(ctx, r.path, "retry", []byte(`{"ids":[1]}`))
	r.ok(err)
	r.move(journal.Move{From: journal.Held, To: journal.Settled, ResetCounts: true})
	r.ok(journal.RequestsOf(r.Journal).Answer(ctx, id, []byte(`[{"id":1,"result":"requeued"},{"id":2,"result":"skipped"}]`), ""))
	r.move(journal.Move{From: journal.Settled, To: journal.Mapped})
	r.move(journal.Move{From: journal.Mapped, To: journal.Creating})
	r.move(journal.Move{From: journal.Creating, To: journal.Uploading, Created: upload("one", 2)})
	r.store(2)
	r.move(journal.Move{From: journal.Uploading, To: journal.Cancelling, Outcome: journal.Mapped, Reason: journal.Reason{Class: "expired", Message: "the URLs died"}})
	r.move(journal.Move{From: journal.Cancelling, To: journal.Mapped})
	r.move(journal.Move{From: journal.Mapped, To: journal.Creating})
	r.move(journal.Move{From: journal.Creating, To: journal.Uploading, Created: upload("two", 30)})
	for i := range 30 {
		r.store(i + 1)
	}
	r.move(journal.Move{From: journal.Uploading, To: journal.Completing})
	r.move(journal.Move{From: journal.Completing, To: journal.Verifying})
	r.move(journal.Move{From: journal.Verifying, To: journal.Verified})
	r.ok(journal.FilingOf(r.Journal).Set(ctx, 1, journal.Verified, ".aside", "_ingested/d/a.jpg"))
	r.move(journal.Move{From: journal.Verified, To: journal.Filed})
	_, err = journal.EditsOf(r.Journal).Open(ctx, []int64{1})
	r.ok(err)

	got := r.told(1)
	i := slices.IndexFunc(got, func(line string) bool { return strings.Contains(line, " asked: ") })
	if i < 0 { // its time is that of the clock of whoever asked
		t.Fatalf("nobody asked: %q", got)
	}
	if !strings.HasSuffix(got[i], " asked: an operator asked to retry: requeued") {
		t.Errorf("asked: %s", got[i])
	}
	got = slices.Delete(got, i, i+1)
	want := []string{
		"0 found: the file was found finished, 100 B",
		"1 deferred: it is put off | it waits for its XMP | bring it",
		"3 held: it is held | no Brand | correct it",
		"4 released: it goes round again; it was held",
		"5 mapped: its metadata was gathered by the rules",
		"6 creating: attempt 1: an asset is to be created",
		"7 created: asset one is there, without content yet",
		"8 part: part 2 of 2 is stored, 10 B",
		"9 cancelling: its upload is being cancelled | the URLs died",
		"10 given up: attempt 1 ended without content",
		"11 creating: attempt 2: an asset is to be created",
		"12 created: asset two is there, without content yet",
		"42 parts: 30 of 30 parts are stored, 300 B: the last of them now",
		"43 completing: the upload is to be completed",
		"45 sent: the content is in Tenovos, as asset two",
		"46 filed: it is in; its file was moved to _ingested/d/a.jpg",
		"46 correcting: a correction of its metadata is to be sent",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for moved, want := range map[bool]int{true: 1, false: 0} {
		ids, err := Find(ctx, r.Reader(), Query{Text: "_ingested/d/a.jpg", Known: []string{"in"}, Moved: func(journal.PathIn) bool { return moved }, Limit: 10})
		if r.ok(err); len(ids) != want {
			t.Errorf("by its new path, which files are moved to (%t), are found: %v", moved, ids)
		}
	}
	ids, err := Find(ctx, r.Reader(), Query{Text: "in/_ingested/d/a.jpg", Paths: []journal.PathIn{{Folder: "in", Path: "_ingested/d/a.jpg"}},
		Known: []string{"in"}, Moved: func(journal.PathIn) bool { return true }, Limit: 10})
	if r.ok(err); len(ids) != 1 {
		t.Errorf("by a new path that is one on the disk as well as one below the folder, are found: %v", ids)
	}
	if _, err := Of(ctx, r.Reader(), 4711); err == nil {
		t.Error("of an entry that there is not something is told")
	}
}

// What is on its way tells since when it is there.
func TestHistoryOfWhatIsOnItsWay(t *testing.T) {
	r := newRig(t)
	r.admit("in:a.jpg")
	r.move(journal.Move{From: journal.Settled, To: journal.Mapped})
	r.move(journal.Move{From: journal.Mapped, To: journal.Creating})
	want := []string{
		"0 found: the file was found finished, 100 B", "1 mapped: its metadata was gathered by the rules",
		"2 creating: attempt 1: an asset is to be created",
	}
	if diff := cmp.Diff(want, r.told(1)); diff != "" {
		t.Error(diff)
	}
	r.move(journal.Move{From: journal.Creating, To: journal.Uploading, Created: upload("one", 2)})
	if got := r.told(1); got[len(got)-1] != "3 uploading: its content is being sent" {
		t.Errorf("of one that is sent it is told: %q", got)
	}
}

// TestFind looks for entries as people name them.
func TestFind(t *testing.T) {
	r := newRig(t)
	r.admit("in:d/a.jpg", "in:a.jpg", "out:d/a.jpg", "in:7", "in:d/e/b.jpg")
	known := []string{"in", "out", "none"}
	for _, tc := range []struct {
		what string
		q    Query
		want []int64
	}{
		{"an id", Query{Text: "3"}, []int64{3}},
		{"a number that is a name", Query{Text: "7"}, []int64{4}},
		{"an unknown id", Query{Text: "99"}, nil},
		{"a path below a folder", Query{Text: "d/a.jpg"}, []int64{1, 3}},
		{"with the folder's name", Query{Text: "out/d/a.jpg"}, []int64{3}},
		{"with a dot", Query{Text: "./d/a.jpg"}, []int64{1, 3}},
		{"a name", Query{Text: "a.jpg"}, []int64{2, 1, 3}},
		{"of a folder", Query{Text: "a.jpg", Folders: []string{"out"}}, []int64{3}},
		{"one on the disk", Query{Text: "a.jpg", Paths: []journal.PathIn{{Folder: "out", Path: "d/a.jpg"}}}, []int64{3}},
		{"a part of a name", Query{Text: "jpg"}, nil},
		{"a directory", Query{Text: "d"}, nil},
	} {
		tc.q.Known, tc.q.Limit = known, 10
		got, err := Find(t.Context(), r.Reader(), tc.q)
		r.ok(err)
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: got %v, want %v", tc.what, got, tc.want)
		}
	}
	for text, want := range map[string][]journal.PathIn{
		"d": {{Folder: "in", Path: "d"}, {Folder: "out", Path: "d"}}, "in/d/e": {{Folder: "in", Path: "d/e"}}, "out": {{Folder: "out"}}, "f": nil,
	} {
		got, err := Below(t.Context(), r.Reader(), Query{Text: text, Known: known})
		r.ok(err)
		if !slices.Equal(got, want) {
			t.Errorf("below %s: got %v, want %v", text, got, want)
		}
	}
}
