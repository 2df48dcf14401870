package history

import (
	"path/filepath"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/journal"
)

// TestRenamed tells of a file's former path in one sentence.
func TestRenamed(t *testing.T) {
	ctx := t.Context()
	j, err := journal.Open(ctx, filepath.Join(t.TempDir(), "journal.db"), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	admit := func(path string) {
		_, err := j.Admit(ctx, []file.File{{Folder: "in", Path: path, Stat: file.Stat{Size: 1, Ino: 7}}})
		ok(err)
	}
	move := func(m journal.Move) {
		_, err := j.Advance(ctx, m)
		ok(err)
	}
	admit("old.jpg")
	move(journal.Move{ID: 1, From: journal.Settled, To: journal.Creating, Asset: []byte("{}"), Filename: "old.jpg"})
	move(journal.Move{ID: 1, From: journal.Creating, To: journal.Uploading, Created: &journal.Creation{
		ObjectID: "o", FileID: "f", OriginalFileID: "f", Parts: []journal.Part{{Number: 1, Size: 1}},
	}})
	move(journal.Move{ID: 1, From: journal.Uploading, To: journal.Filed, Learned: journal.Learned{Parts: []journal.Part{{Number: 1, ETag: "e", MD5: []byte{1}, Proven: true}}}})
	earlier, err := j.Entry(ctx, 1)
	ok(err)
	admit("new.jpg")
	move(journal.Move{ID: 2, From: journal.Settled, To: journal.Settled, Stay: journal.Stay{Renamed: &earlier}})
	events, err := Of(ctx, j.Reader(), 1)
	ok(err)
	last := events[len(events)-1]
	if last.Event != Renamed || last.Text+": "+last.Reason != "the file has another path now: its file was old.jpg before" || last.ObjectID != "" {
		t.Errorf("the last event is %+v", last)
	}
}

// TestEachStatusHasWords fails when the journal gets a status that is told of without words.
func TestEachStatusHasWords(t *testing.T) {
	for s := range journal.Moves() {
		if inWords[s] == "" {
			t.Errorf("%s has none", s)
		}
	}
}
