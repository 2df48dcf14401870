package journal

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// What Advance returns is the entry as Entry tells it, whatever the move brings along,
// and of everything that an entry can have besides: stored parts, a hash, counts, a drop.
func TestAdvanceReturnsTheEntry(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	r.ok(BatchesOf(r.Journal).Set(ctx, "in", true))
	r.ok(FoldersOf(r.Journal).SetOrder(ctx, "in", OrderPath))
	n := 0
	for from, next := range Moves() {
		for _, to := range next {
			for i := range 4 {
				rich, told := i%2 == 1, i > 1
				n++
				name := fmt.Sprintf("drop/%d", n)
				t.Run(fmt.Sprintf("%s to %s, rich %v, told %v", from, to, rich, told), func(t *testing.T) {
					defer func(outer *testing.T) { r.t = outer }(r.t)
					r.t = t
					id := r.admit(fileAt(name, 1))[0]
					switch {
					case from == Held && to == Verifying:
						r.bring(id, Verifying)
					case from == Cancelling && to == Verifying:
						r.bring(id, Completing)
					case from == Cancelling && rich:
						r.bring(id, Uploading)
					}
					r.bring(id, from)
					m := move(id, from, to)
					if from == Settled && to == Creating { // in a drop it would have to wait
						r.byHand(`UPDATE entries SET batch = NULL WHERE id = ?`, id)
					}
					if from == Uploading && (to == Verified || to == Filed) {
						r.sendAll(id)
					}
					if m.adopts() {
						m.Created.ObjectID = "held already as " + name
					}
					if rich {
						r.enrich(id, &m)
					}
					if told {
						was := r.entry(id)
						m.Was = &was
					}
					r.time = r.time.Add(time.Second)
					got, err := r.Journal.Advance(ctx, m)
					r.ok(err)
					if diff := cmp.Diff(r.entry(id), got); diff != "" {
						t.Errorf("not the entry as it is now:\n%s", diff)
					}
					again, err := r.Journal.Advance(ctx, m) // it is not there any more
					r.fails(err, ErrMoved)
					if diff := cmp.Diff(Entry{}, again); diff != "" {
						t.Errorf("a move that failed returns something:\n%s", diff)
					}
				})
			}
		}
	}
}

// A worker has the entry in hand while it stores the parts: the move behind them returns
// what was stored since.
func TestAdvanceReturnsWhatWasSentMeanwhile(t *testing.T) {
	for _, to := range []Status{Completing, Verifying} {
		r := newRig(t)
		id := r.admit(fileAt("a", 1))[0]
		r.bring(id, Uploading)
		was := r.entry(id)
		r.sendAll(id)
		m := move(id, Uploading, to)
		m.Was = &was
		got, err := r.Journal.Advance(t.Context(), m)
		r.ok(err)
		if diff := cmp.Diff(r.entry(id), got); diff != "" {
			t.Errorf("to %s, not the entry as it is now:\n%s", to, diff)
		}
	}
}

// enrich gives an entry what it may have in its status, and a move what it may bring.
func (r *rig) enrich(id int64, m *Move) {
	r.t.Helper()
	ctx := r.t.Context()
	r.ok(r.SetSHA256(ctx, id, []byte{1, 2, 3}))
	if m.From.Runnable() {
		r.ok(r.Defer(ctx, id, m.From, r.time.Add(time.Hour), Reason{"c", "deferred", "h"}, true))
	}
	if e := r.entry(id); m.From == Uploading && e.Attempt != nil && m.To != Filed && m.To != Verified {
		r.ok(r.PartDone(ctx, e.Attempt.ID, Part{Number: 2, ETag: `"e"`, MD5: []byte{2}, Contradicted: true}))
	}
	if m.From == Verified {
		r.ok(FilingOf(r.Journal).Set(ctx, id, Verified, ".aside", "done/there"))
	}
	m.Reason, m.NotBefore = Reason{"class", "message", "hint"}, r.time.Add(time.Minute)
	m.CountFailure, m.CountExpiry = true, true
	if m.To == Settled {
		m.CountFailure, m.CountExpiry, m.ResetCounts, m.AsNew = false, false, true, true
	}
	m.Unconfirmed = m.To == Verifying
	m.Chores = []NewChore{{Kind: ChoreDelete, ObjectID: "o", NotBefore: r.time, Until: r.time.Add(time.Hour)}}
	if m.From == Uploading {
		m.Learned.SHA256 = []byte{4, 5, 6}
	}
	if m.To == Mapped || m.From == Settled && m.To == Creating {
		m.FactsAt, m.MappedAt = r.time, r.entry(id).MappedAt
	}
}

// What others changed of an entry since its worker read it is in what Advance returns.
func TestAdvanceTellsWhatOthersChanged(t *testing.T) {
	for name, c := range map[string]struct {
		in, to Status
		change func(r *rig, e Entry)
	}{
		"renamed": {Uploading, Verifying, func(r *rig, e Entry) {
			f := fileAt("new name", 1)
			r.ok(r.Renamed(r.t.Context(), r.admit(f)[0], r.entry(e.ID)))
		}},
		"hashed": {Verifying, Verified, func(r *rig, e Entry) { r.ok(r.SetSHA256(r.t.Context(), e.ID, []byte{9})) }},
		"part stored": {Uploading, Verifying, func(r *rig, e Entry) {
			r.ok(r.PartDone(r.t.Context(), e.Attempt.ID, Part{Number: 1, ETag: "e", MD5: []byte{1}}))
		}},
		"more sent": {Uploading, Completing, func(r *rig, e Entry) {
			r.ok(r.PartDone(r.t.Context(), e.Attempt.ID, Part{Number: 2, ETag: "e", MD5: []byte{1}}))
		}},
		"compared": {Verifying, Verified, func(r *rig, e Entry) { r.ok(r.Compared(r.t.Context(), e.ID, 77)) }},
		"deferred": {Verifying, Verified, func(r *rig, e Entry) {
			r.ok(r.Defer(r.t.Context(), e.ID, Verifying, r.time.Add(time.Hour), Reason{}, true))
		}},
		"to be moved": {Verified, Filed, func(r *rig, e Entry) {
			r.ok(FilingOf(r.Journal).Set(r.t.Context(), e.ID, Verified, ".aside", "done/a"))
		}},
		"named":     {Settled, Mapped, func(r *rig, e Entry) { r.ok(r.SetFilename(r.t.Context(), e.ID, "another")) }},
		"in a drop": {Mapped, Creating, func(r *rig, e Entry) { r.ok(BatchesOf(r.Journal).Set(r.t.Context(), "in", true)) }},
		"touched":   {Settled, Mapped, func(r *rig, e Entry) { r.admitTouched(fileAt("a", 2)) }},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			id := r.admit(fileAt("a", 1))[0]
			r.bring(id, c.in)
			was := r.entry(id)
			r.time = r.time.Add(time.Second)
			c.change(r, was)
			m := move(id, c.in, c.to)
			m.Was = &was
			got, err := r.Journal.Advance(t.Context(), m)
			r.ok(err)
			if diff := cmp.Diff(r.entry(id), got); diff != "" {
				t.Errorf("not the entry as it is now:\n%s", diff)
			}
		})
	}
}

// admitTouched admits a file of which only the change time is another.
func (r *rig) admitTouched(f file.File) {
	r.t.Helper()
	f.Size = 101
	_, err := r.Touch(r.t.Context(), []file.File{f})
	r.ok(err)
}
