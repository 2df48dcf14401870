package journal

import "testing"

// A part that is contradicted has its attempt be seen, whatever answers for the
// completion; what is proved afterwards is kept of an attempt that has ended, too.
func TestProofIsKept(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	id := r.admit(fileAt("a.jpg", 1))[0]
	r.bring(id, Uploading)
	a := r.entry(id).Attempt
	for _, p := range a.Parts {
		r.ok(r.PartDone(ctx, a.ID, Part{Number: p.Number, ETag: `"00000000000000000000000000000000"`, MD5: []byte{1}, Contradicted: p.Number == 1}))
	}
	r.ok(r.Advance(ctx, Move{ID: id, From: Uploading, To: Verifying}))
	e := r.entry(id)
	if !e.Attempt.Unconfirmed || e.Attempt.Parts[0].Proven {
		t.Errorf("a contradicted part: %+v", e.Attempt)
	}
	r.ok(r.Advance(ctx, Move{ID: id, From: Verifying, To: Verified}))
	r.ok(r.Proven(ctx, a.ID))
	last, ok, err := r.Reader().LastAttempt(ctx, r.entry(id))
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	for _, p := range last.Attempt.Parts {
		if !p.Proven {
			t.Errorf("part %d is not proved", p.Number)
		}
	}
}
