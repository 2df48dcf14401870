package journal

import (
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/secret"
)

// placeholder admits a row without a file and files it; its asset keeps a URL that
// dies in a quarter of an hour.
func (r *rig) placeholder(path string) int64 {
	r.t.Helper()
	_, err := r.AdmitFileless(r.t.Context(), Companion{Found: file("manifest.csv", 1)}, []Fileless{{Path: path, Kind: Placeholder, Sign: 1}})
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

func fills(id, from int64, part Part) Move {
	part.Size = 101
	return Move{ID: id, From: Mapped, To: Created, Fills: from, Asset: []byte(`{"templateId":"p"}`), Filename: "p.jpg", Created: &Creation{
		ObjectID: "object-p", FileID: "file-p", OriginalFileID: "file-p", PartSize: 101, Parts: []Part{part},
	}}
}

// TestPlaceholderIsFilledOnce follows the URL of a placeholder to the file that
// takes it: nobody else gets it, and in the end the asset is the file's alone.
func TestPlaceholderIsFilledOnce(t *testing.T) {
	r := newRig(t)
	first := r.placeholder("p.jpg")
	r.bring(first, Filed)
	id := r.admit(file("p.jpg", 1))[0]
	r.bring(id, Mapped)
	url, ok := r.before(id).Attempt.Vacancy()
	if !ok || url.URL.Reveal() != "https://store.example/p?"+signature {
		t.Fatalf("the placeholder kept %+v", url)
	}
	r.fails(r.Advance(t.Context(), Move{ID: id, From: Mapped, To: Created, Created: &Creation{ObjectID: "x"}}), ErrIllegal)
	r.fails(r.Advance(t.Context(), fills(id, id, url)), ErrMoved)
	r.ok(r.Advance(t.Context(), fills(id, first, url)))

	e := r.entry(id)
	if e.ObjectID != "object-p" || !e.Attempt.Fills || len(e.Attempt.Parts) != 1 || e.Attempt.Parts[0].URL != url.URL || string(e.Asset) != `{"templateId":"p"}` {
		t.Errorf("it fills %+v, %+v", e, e.Attempt)
	}
	if _, open, err := r.Reader().Edit(t.Context(), id); err != nil || !open {
		t.Errorf("an edit of what the file's own metadata changes is open: %v, %v", open, err)
	}
	if _, ok := r.before(id).Attempt.Vacancy(); ok {
		t.Error("the placeholder still offers its URL")
	}
	other := r.admit(file("q.jpg", 1))[0]
	r.bring(other, Mapped)
	r.fails(r.Advance(t.Context(), fills(other, first, url)), ErrMoved)

	r.bring(id, Verifying)
	if e := r.entry(first); e.Status != Filed {
		t.Errorf("before the content is seen right, the placeholder is %s", e.Status)
	}
	r.ok(r.Advance(t.Context(), move(id, Verifying, Verified)))
	if e := r.entry(first); e.Status != Superseded {
		t.Errorf("the placeholder is %s", e.Status)
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
		if _, ok := last.Attempt.Vacancy(); ok {
			t.Error("it offers a URL that it does not have")
		}
	})
}

func (r *rig) number(query string) (n int) {
	r.t.Helper()
	r.ok(r.Reader().db.QueryRow(query).Scan(&n))
	return n
}
