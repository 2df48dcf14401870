package journal

import (
	"testing"
)

// What is recorded of a file on its way is shown while its attempt sends and its owner
// lives, never below what is stored nor beyond the size of the file, and never after.
func TestSending(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	id := r.admit(fileAt("a", 1))[0] // 101 bytes, in parts of 60 and 41
	r.bring(id, Uploading)
	attempt := r.entry(id).Attempt.ID
	wants := func(when string, want ...int64) {
		t.Helper()
		got, err := OnTheirWay(ctx, r.Reader())
		r.ok(err)
		if len(got) != len(want) || len(got) > 0 && (got[0].Sent != want[0] || got[0].ID != id || got[0].Folder != "in" || got[0].Path != "a" || got[0].Size != 101) {
			t.Errorf("%s: %+v, want %v bytes", when, got, want)
		}
	}
	record := func(sent map[int64]int64) { t.Helper(); r.ok(SendingOf(r.Journal).Record(ctx, sent)) }

	wants("nothing was recorded")
	record(map[int64]int64{attempt: 30, attempt + 99: 7})
	wants("a part is half sent", 30)
	record(map[int64]int64{attempt: 10})
	wants("it was taken back", 10)
	r.ok(r.PartDone(ctx, attempt, Part{Number: 1, ETag: `"e1"`, MD5: []byte{1}, Proven: true}))
	wants("a part is stored", 60)
	record(map[int64]int64{attempt: 300})
	wants("more was counted than there is", 101)

	copied, err := OpenReader(ctx, r.path)
	r.ok(err)
	defer copied.Close()
	r.ok(r.Close()) // as it leaves things behind that is killed
	if got, err := OnTheirWay(ctx, copied); err != nil || len(got) > 0 {
		t.Errorf("nobody owns the journal: %+v, %v", got, err)
	}
	r.reopen()
	wants("another owner began")

	record(map[int64]int64{attempt: 90})
	m := move(id, Uploading, Cancelling)
	m.Outcome = Mapped
	r.ok(r.Advance(ctx, m))
	wants("it is cancelled")
	r.ok(r.Advance(ctx, Move{ID: id, From: Cancelling, To: Mapped}))
	r.ok(r.Advance(ctx, move(id, Mapped, Creating)))
	r.bring(id, Uploading)
	wants("another attempt has begun")
	record(nil)
	wants("nothing is on its way")
}
