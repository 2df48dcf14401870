package journal

import (
	"bytes"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestOneWorkerWins(t *testing.T) {
	r := newRig(t)
	id := r.admit(fileAt("a", 1))[0]
	var won atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			err := r.Advance(t.Context(), move(id, Settled, Mapped))
			if err == nil {
				won.Add(1)
			} else if !errors.Is(err, ErrMoved) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d workers moved it", won.Load())
	}
	r.fails(r.Advance(t.Context(), move(999, Settled, Mapped)), ErrMoved)
}

func TestNameBusy(t *testing.T) {
	r := newRig(t)
	ids := r.admit(fileAt("x/a", 1), fileAt("y/a", 1))
	for _, id := range ids {
		r.ok(r.Advance(t.Context(), Move{ID: id, From: Settled, To: Mapped, Asset: []byte("{}"), Filename: "a"}))
	}
	r.ok(r.Advance(t.Context(), move(ids[0], Mapped, Creating)))
	r.fails(r.Advance(t.Context(), move(ids[1], Mapped, Creating)), ErrNameBusy)
	if e := r.entry(ids[1]); e.Status != Mapped || e.AttemptCount != 0 {
		t.Errorf("a refused move changed %+v", e)
	}
	r.ok(r.Advance(t.Context(), move(ids[0], Creating, Uploading)))
	r.ok(r.Advance(t.Context(), move(ids[1], Mapped, Creating)))
}

func TestAttemptLife(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	id := r.admit(fileAt("a", 1))[0]
	r.bring(id, Creating)
	e := r.entry(id)
	if e.Attempt == nil || e.Attempt.Number != 1 || !e.Attempt.IntentAt.Equal(r.time) || e.Attempt.ObjectID != "" {
		t.Fatalf("creating: %+v", e.Attempt)
	}
	r.bring(id, Uploading)
	e = r.entry(id)
	a := e.Attempt
	if e.ObjectID != a.ObjectID || a.ObjectID == "" || a.UploadID != "upload" || a.PartSize != 60 || a.Expires.UnixMilli() != 1_700_000_900_000 ||
		len(a.Parts) != 2 || a.Parts[1].Offset != 60 || a.Parts[1].URL.Reveal() != "https://store.example/2?"+signature {
		t.Fatalf("uploading: %+v", a)
	}
	r.ok(r.PartDone(ctx, a.ID, Part{Number: 1, ETag: `"e1"`, MD5: []byte{1}, Proven: true}))
	r.fails(r.PartDone(ctx, a.ID, Part{Number: 3}), ErrMoved)
	e = r.entry(id)
	if p := e.Attempt.Parts[0]; p.ETag != `"e1"` || !p.Proven || !bytes.Equal(p.MD5, []byte{1}) || !p.DoneAt.Equal(r.time) || p.URL == "" {
		t.Errorf("part 1: %+v", p)
	}
	if p := e.Attempt.Parts[1]; p.ETag != "" || p.MD5 != nil || !p.DoneAt.IsZero() {
		t.Errorf("a part that was not sent: %+v", p)
	}
	if e.Sent != 60 {
		t.Errorf("sent %d", e.Sent)
	}

	m := move(id, Uploading, Cancelling)
	m.Outcome, m.CountExpiry = Mapped, true
	r.ok(r.Advance(ctx, m))
	if e = r.entry(id); e.Attempt == nil || e.ObjectID == "" || e.Outcome != Mapped || e.Expiries != 1 {
		t.Errorf("cancelling: %+v", e)
	}
	r.ok(r.Advance(ctx, Move{ID: id, From: Cancelling, To: Mapped, CountFailure: true}))
	e = r.entry(id)
	if e.Attempt != nil || e.ObjectID != "" || e.Outcome != "" || e.Filename == "" || e.Asset == nil || e.Failures != 1 {
		t.Errorf("after the cancel: %+v", e)
	}
	r.fails(r.PartDone(ctx, a.ID, Part{Number: 2, ETag: "late"}), ErrMoved)

	r.ok(r.Advance(ctx, move(id, Mapped, Creating)))
	if e = r.entry(id); e.Attempt.Number != 2 || e.AttemptCount != 2 || e.Sent != 0 {
		t.Errorf("second attempt: %+v", e.Attempt)
	}
	// A crash in creating left an empty asset of ours, which is found again.
	m = move(id, Creating, Cancelling)
	m.Outcome, m.Created = Mapped, &Creation{ObjectID: "twin", FileID: "twin-file"}
	r.ok(r.Advance(ctx, m))
	if e = r.entry(id); e.ObjectID != "twin" || e.Attempt.FileID != "twin-file" {
		t.Errorf("found empty asset: %+v", e)
	}
	known, err := r.Reader().KnownIDs(ctx, []string{"twin", "twin-file", "object-1", "file-1", "stranger", ""})
	r.ok(err)
	if len(known) != 4 || known["stranger"] {
		t.Errorf("known: %v", known)
	}
}

func TestCountsAndReasons(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	id := r.admit(fileAt("a", 1))[0]
	until := r.time.Add(time.Hour)
	why := Reason{Class: "c", Message: "m", Hint: "h"}
	r.ok(r.Defer(ctx, id, Settled, until, why, true))
	r.ok(r.Defer(ctx, id, Settled, until, why, false))
	if e := r.entry(id); e.Failures != 1 || e.Tries != 2 || e.Reason != why || !e.NotBefore.Equal(until) || !e.Since.Equal(r.time) {
		t.Errorf("deferred: %+v", e)
	}
	r.fails(r.Defer(ctx, id, Mapped, until, why, true), ErrMoved)
	r.fails(r.Defer(ctx, id, Held, until, why, true), ErrIllegal)
	r.time = r.time.Add(time.Minute)
	r.ok(r.Advance(ctx, Move{ID: id, From: Settled, To: Held, CountFailure: true}))
	if e := r.entry(id); e.Failures != 2 || e.Tries != 0 || e.Reason != (Reason{}) || !e.NotBefore.IsZero() || !e.Since.Equal(r.time) {
		t.Errorf("held: %+v", e)
	}
	r.ok(r.Advance(ctx, Move{ID: id, From: Held, To: Settled, ResetCounts: true}))
	if e := r.entry(id); e.Failures != 0 {
		t.Errorf("requeued: %+v", e)
	}
	r.fails(r.SetSHA256(ctx, 999, []byte{1}), ErrUnknown)
}

func TestSignedURLsLeaveNoTrace(t *testing.T) {
	r := newRig(t)
	id := r.admit(fileAt("a", 1))[0]
	r.bring(id, Uploading)
	texts := func() (texts, blobs int) {
		for _, table := range []string{"entries", "attempts", "parts", "chores", "requests", "folders"} {
			rows, err := r.Reader().db.Query(`SELECT * FROM ` + table)
			r.ok(err)
			defer rows.Close()
			types, err := rows.ColumnTypes()
			r.ok(err)
			for rows.Next() {
				row := make([][]byte, len(types))
				dest := make([]any, len(types))
				for i := range row {
					dest[i] = &row[i]
				}
				r.ok(rows.Scan(dest...))
				for i, v := range row {
					if !bytes.Contains(v, []byte("X-Amz-")) {
						continue
					}
					if types[i].DatabaseTypeName() == "BLOB" {
						blobs++
					} else {
						texts++
					}
				}
			}
			r.ok(rows.Err())
		}
		return texts, blobs
	}
	if text, blob := texts(); text != 0 || blob != 2 {
		t.Errorf("while uploading, %d texts and %d blobs hold a URL", text, blob)
	}
	r.bring(id, Verified)
	if text, blob := texts(); text != 0 || blob != 0 {
		t.Errorf("afterwards, %d texts and %d blobs hold a URL", text, blob)
	}
	r.ok(r.Close())
	raw, err := os.ReadFile(r.path)
	r.ok(err)
	if bytes.Contains(raw, []byte(signature)) {
		t.Error("the file still holds the bytes of a URL")
	}
	if _, err := os.Stat(r.path + "-wal"); !os.IsNotExist(err) {
		t.Error("the WAL is left behind")
	}
}

func TestOnlyAnUploadIsLookedAtAgain(t *testing.T) {
	r := newRig(t)
	again := func(id int64, want error) {
		t.Helper()
		r.bring(id, Held)
		r.fails(r.Advance(t.Context(), move(id, Held, Verifying)), want)
	}
	ids := r.admit(fileAt("a", 1), fileAt("b", 1), fileAt("c", 1), fileAt("d", 1))
	again(ids[0], ErrIllegal) // never created

	r.bring(ids[1], Cancelling)
	again(ids[1], ErrIllegal) // cancelled

	r.bring(ids[2], Uploading) // a part is missing
	r.ok(r.Advance(t.Context(), move(ids[2], Uploading, Verifying)))
	again(ids[2], ErrIllegal)

	r.bring(ids[3], Filed)
	r.bring(ids[3], Settled) // withdrawn, and from the start
	if e := r.entry(ids[3]); e.ObjectID != "" {
		t.Errorf("a new start keeps the id %s", e.ObjectID)
	}
	again(ids[3], ErrIllegal)
}

func TestOnCommit(t *testing.T) {
	r := newRig(t)
	n := 0
	r.onCommit = func() { n++ }
	id := r.admit(fileAt("a", 1))[0]
	r.admit(fileAt("a", 1)) // nothing to commit
	r.ok(r.Advance(t.Context(), move(id, Settled, Mapped)))
	r.fails(r.Advance(t.Context(), move(id, Settled, Mapped)), ErrMoved)
	if n != 2 {
		t.Errorf("%d commits", n)
	}
}
