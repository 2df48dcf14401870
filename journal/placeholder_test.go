package journal

import (
	"reflect"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/secret"
)

// placeholder admits a row without a file and files it; its asset keeps a URL that
// dies in a quarter of an hour.
func (r *rig) placeholder(path string) int64 {
	r.t.Helper()
	_, err := CompanionsOf(r.Journal).AdmitRows(r.t.Context(), Companion{Found: file("manifest.csv", 1)}, []Fileless{{Path: path, Kind: Placeholder, Sign: 1}})
	r.ok(err)
	e, ok, err := r.Reader().Latest(r.t.Context(), "in", path)
	r.ok(err)
	if !ok || e.Kind != Placeholder {
		r.t.Fatalf("not admitted: %+v", e)
	}
	r.bring(e.ID, Creating)
	r.ok(r.Advance(r.t.Context(), Move{ID: e.ID, From: Creating, To: Created, Created: &Creation{
		ObjectID: "object-p", FileID: "file-p", OriginalFileID: "file-p", Expires: r.time.Add(15 * time.Minute),
		Parts: []Part{{Number: 1, URL: secret.URL("https://store.example/p?" + signature)}},
	}}))
	r.ok(r.Advance(r.t.Context(), move(e.ID, Created, Uploading)))
	r.ok(r.Advance(r.t.Context(), move(e.ID, Uploading, Verifying)))
	return e.ID
}

// before is what was ingested before an entry.
func (r *rig) before(id int64) Entry {
	r.t.Helper()
	prev, ok, err := r.Previous(r.t.Context(), r.entry(id))
	r.ok(err)
	if !ok {
		r.t.Fatalf("nothing was ingested before entry %d", id)
	}
	return prev
}

func fills(id, from int64) Move { return Move{ID: id, From: Mapped, To: Created, Fills: from} }

// TestPlaceholderIsFilledOnce follows the URL of a placeholder to the file that
// takes it: nobody else gets it, and in the end the asset is the file's alone.
func TestPlaceholderIsFilledOnce(t *testing.T) {
	r := newRig(t)
	first := r.placeholder("p.jpg")
	r.bring(first, Filed)
	id := r.admit(file("p.jpg", 1))[0]
	r.bring(id, Mapped)
	kept := r.before(id).Attempt
	if !kept.Vacant || len(kept.Parts) != 1 || kept.Parts[0].URL.Reveal() != "https://store.example/p?"+signature {
		t.Fatalf("the placeholder kept %+v", kept)
	}
	r.fails(r.Advance(t.Context(), Move{ID: id, From: Mapped, To: Created, Created: &Creation{ObjectID: "x"}}), ErrIllegal)
	r.fails(r.Advance(t.Context(), fills(id, id)), ErrMoved)
	r.ok(r.Advance(t.Context(), fills(id, first)))

	e := r.entry(id)
	want := Attempt{ID: e.Attempt.ID, Number: 1, IntentAt: r.time, ObjectID: "object-p", FileID: "file-p", OriginalFileID: "file-p",
		Expires: kept.Expires, PartSize: 101, Fills: first, Parts: []Part{{Number: 1, Size: 101, URL: kept.Parts[0].URL}}}
	if !reflect.DeepEqual(*e.Attempt, want) || e.ObjectID != "object-p" || e.FileID != "file-p" || e.OriginalFileID != "file-p" {
		t.Errorf("it fills %+v, want %+v; entry %+v", *e.Attempt, want, e)
	}
	if by, err := r.Reader().Filling(t.Context(), first); err != nil || by != id {
		t.Errorf("the placeholder is being filled by %d, %v", by, err)
	}
	if r.before(id).Attempt.Vacant {
		t.Error("the placeholder still offers its URL")
	}
	other := r.admit(file("q.jpg", 1))[0]
	r.bring(other, Mapped)
	r.fails(r.Advance(t.Context(), fills(other, first)), ErrMoved)

	r.bring(id, Verifying)
	if e := r.entry(first); e.Status != Filed {
		t.Errorf("before the content is seen right, the placeholder is %s", e.Status)
	}
	r.ok(r.Advance(t.Context(), move(id, Verifying, Verified)))
	if e := r.entry(first); e.Status != Superseded {
		t.Errorf("the placeholder is %s", e.Status)
	}
	if by, err := r.Reader().Filling(t.Context(), first); err != nil || by != 0 {
		t.Errorf("the placeholder is being filled by %d, %v", by, err)
	}
	r.balanced()
	if n := r.number(`SELECT count(*) FROM parts WHERE url IS NOT NULL`); n != 0 {
		t.Errorf("%d URLs are left", n)
	}
}

// TestPlaceholderForgetsItsURL holds a placeholder's URL against the ways in which
// it ends: death, and an attempt that did not end well.
func TestPlaceholderForgetsItsURL(t *testing.T) {
	urls := `SELECT count(*) FROM parts WHERE url IS NOT NULL`
	t.Run("it dies", func(t *testing.T) {
		r := newRig(t)
		r.bring(r.placeholder("p.jpg"), Filed)
		r.time = r.time.Add(16 * time.Minute)
		r.bring(r.placeholder("q.jpg"), Filed)
		if n := r.number(urls); n != 1 {
			t.Errorf("%d URLs are kept, want the living one", n)
		}
	})
	t.Run("held", func(t *testing.T) {
		r := newRig(t)
		id := r.placeholder("p.jpg")
		r.ok(r.Advance(t.Context(), move(id, Verifying, Held)))
		if n := r.number(urls); n != 0 {
			t.Errorf("%d URLs are kept", n)
		}
		r.ok(r.Advance(t.Context(), move(id, Held, Verifying))) // retry
		r.ok(r.Advance(t.Context(), move(id, Verifying, Verified)))
		last, _, err := r.LastAttempt(t.Context(), r.entry(id))
		r.ok(err)
		if last.Attempt.Vacant {
			t.Error("it offers a URL that it does not have")
		}
	})
}

func (r *rig) number(query string) (n int) {
	r.t.Helper()
	r.ok(r.Reader().db.QueryRow(query).Scan(&n))
	return n
}
