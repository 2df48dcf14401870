package journal

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What Advance returns is the entry as Entry tells it, whatever the move brings along,
// and of everything that an entry can have besides: stored parts, a hash, counts, a drop.
func TestAdvanceReturnsTheEntry(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	r.ok(r.SetBatch(ctx, "in", true))
	r.ok(r.SetOrder(ctx, "in", OrderPath))
	n := 0
	for from, next := range Moves() {
		for _, to := range next {
			for _, rich := range []bool{false, true} {
				n++
				name := fmt.Sprintf("drop/%d", n)
				t.Run(fmt.Sprintf("%s to %s, %v", from, to, rich), func(t *testing.T) {
					defer func(outer *testing.T) { r.t = outer }(r.t)
					r.t = t
					id := r.admit(file(name, 1))[0]
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
					if m.adopts() {
						m.Created.ObjectID = "held already as " + name
					}
					if m.fills() {
						m.Fills = r.placeholder(name + ".json")
						r.bring(m.Fills, Filed)
					}
					if rich {
						r.enrich(id, &m)
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

// enrich gives an entry what it may have in its status, and a move what it may bring.
func (r *rig) enrich(id int64, m *Move) {
	r.t.Helper()
	ctx := r.t.Context()
	r.ok(r.SetSHA256(ctx, id, []byte{1, 2, 3}))
	if m.From.Runnable() {
		r.ok(r.Defer(ctx, id, m.From, r.time.Add(time.Hour), Reason{"c", "deferred", "h"}, true))
	}
	if e := r.entry(id); m.From == Uploading && e.Attempt != nil {
		r.ok(r.PartDone(ctx, e.Attempt.ID, Part{Number: 2, ETag: `"e"`, MD5: []byte{2}, Contradicted: true}))
	}
	if m.From == Verified {
		r.ok(r.SetFiling(ctx, id, Verified, ".aside", "done/there"))
	}
	m.Reason, m.NotBefore = Reason{"class", "message", "hint"}, r.time.Add(time.Minute)
	m.CountFailure, m.CountExpiry = true, true
	if m.To == Settled {
		m.CountFailure, m.CountExpiry, m.ResetCounts, m.AsNew = false, false, true, true
	}
	m.Unconfirmed = m.To == Verifying
	m.Chores = []NewChore{{Kind: ChoreDelete, ObjectID: "o", NotBefore: r.time, Until: r.time.Add(time.Hour)}}
	if m.To == Mapped {
		m.FactsAt, m.MappedAt = r.time, r.entry(id).MappedAt
	}
}
