package journal

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

func TestAdmitKnowsWhatItKnows(t *testing.T) {
	r := newRig(t)
	f := fileAt("a/b.jpg", 1)
	if n := len(r.admit(f, f, fileAt("a/c.jpg", 1))); n != 2 {
		t.Fatalf("%d entries of two files", n)
	}
	if n := len(r.admit(f, fileAt("a/c.jpg", 1))); n != 0 {
		t.Fatalf("%d entries of known files", n)
	}
	if n, err := r.Admit(t.Context(), nil); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	for name, change := range map[string]func(*file.File){
		"size": func(f *file.File) { f.Size++ }, "mtime": func(f *file.File) { f.ModTime-- },
		"dev": func(f *file.File) { f.Dev = 1<<64 - 1 }, "ino": func(f *file.File) { f.Ino = 1 << 63 }, "folder": func(f *file.File) { f.Folder = "other" },
	} {
		change(&f)
		if len(r.admit(f)) != 1 {
			t.Errorf("a change of %s was not noticed", name)
		}
		if len(r.admit(f)) != 0 {
			t.Errorf("after a change of %s the file stays unknown", name)
		}
	}
	r.balanced()
}

func TestNamesAreBytes(t *testing.T) {
	r := newRig(t)
	names := []string{"caf\xe9.jpg", "caf\xe8.jpg", "a\x00b", "ü ö/#%&?+.png", "😀.mov", "x'y\"z", "line\nbreak"}
	var files []file.File
	for _, name := range names {
		files = append(files, fileAt(name, 1))
	}
	ids := r.admit(files...)
	for i, id := range ids {
		if got := r.entry(id).Path; got != names[i] {
			t.Errorf("%q came back as %q", names[i], got)
		}
	}
	if len(r.admit(files...)) != 0 {
		t.Error("names that are not UTF-8 are not recognised")
	}
}

// What becomes of the latest generation when its path holds something else.
func TestGenerations(t *testing.T) {
	yield := []Status{Settled, Mapped, Held, Failed, Cancelled, Ignored, Duplicate}
	r := newRig(t)
	for _, s := range statuses() {
		id := r.admit(fileAt(string(s), 1))[0]
		r.bring(id, s)
		next := r.admit(fileAt(string(s), 2))
		if len(next) != 1 {
			t.Fatalf("%s: %d new entries", s, len(next))
		}
		want := s
		if slices.Contains(yield, s) {
			want = Superseded
		}
		e, n := r.entry(id), r.entry(next[0])
		if e.Status != want {
			t.Errorf("%s became %s, want %s", s, e.Status, want)
		}
		if n.Generation != 2 || n.Status != Settled || n.Size != 102 || !n.SeenAt.Equal(r.time) {
			t.Errorf("after %s comes %+v", s, n)
		}
		newer, err := r.Reader().HasNewer(t.Context(), e)
		if err != nil || !newer {
			t.Errorf("%s: HasNewer: %v, %v", s, newer, err)
		}
		if newer, err = r.Reader().HasNewer(t.Context(), n); err != nil || newer {
			t.Errorf("%s: HasNewer of the newest: %v, %v", s, newer, err)
		}
		if s == Creating {
			r.bring(id, Failed)
		}
	}
	r.balanced()
}

func TestUnverifiedIsNotSuperseded(t *testing.T) {
	r := newRig(t)
	id := r.admit(fileAt("a", 1))[0]
	r.bring(id, Verifying)
	r.ok(r.Advance(t.Context(), Move{ID: id, From: Verifying, To: Held, Reason: Reason{Class: ClassUnverified, Message: "m", Hint: "h"}}))
	next := r.entry(r.admit(fileAt("a", 2))[0])
	if e := r.entry(id); e.Status != Held || e.Reason.Hint != "h" {
		t.Errorf("the unverified entry is %+v", e)
	}
	if p, ok, err := r.Reader().Previous(t.Context(), next); err != nil || !ok || p.ID != id {
		t.Errorf("Previous: %v %v %v", p.ID, ok, err)
	}
	// It is looked at again with what is known of its parts.
	r.ok(r.Advance(t.Context(), move(id, Held, Verifying)))
	if e := r.entry(id); e.Attempt == nil || len(e.Attempt.Parts) != 2 || e.Attempt.Parts[0].URL != "" || e.AttemptCount != 1 {
		t.Errorf("after held -> verifying: %+v", e.Attempt)
	}
}

// A file that vanished and is back, with the very same hint, must not be lost.
func TestReturnOfAVanishedFile(t *testing.T) {
	r := newRig(t)
	id := r.admit(fileAt("a", 1))[0]
	r.bring(id, Superseded)
	next := r.admit(fileAt("a", 1))
	if len(next) != 1 || r.entry(next[0]).Generation != 2 {
		t.Fatalf("new entries: %v", next)
	}
	r.bring(next[0], Uploading)
	if len(r.admit(fileAt("a", 1))) != 0 {
		t.Fatal("an upload under way describes its file")
	}
	m := move(next[0], Uploading, Cancelling)
	m.Outcome = Superseded
	r.ok(r.Advance(t.Context(), m))
	if len(r.admit(fileAt("a", 1))) != 1 {
		t.Fatal("an entry about to be superseded describes nothing")
	}
	r.balanced()
}

func TestUnchanged(t *testing.T) {
	r := newRig(t)
	first := r.admit(fileAt("a", 1))[0]
	r.bring(first, Uploading)
	sum := bytes.Repeat([]byte{7}, 32)
	r.ok(r.SetSHA256(t.Context(), first, sum))
	r.bring(first, Filed)
	touched := r.admit(fileAt("a", 2))[0]
	r.fails(r.Unchanged(t.Context(), first), ErrMoved) // filed: nothing to merge
	p, ok, err := r.Reader().Previous(t.Context(), r.entry(touched))
	if err != nil || !ok || p.ID != first || !bytes.Equal(p.SHA256, sum) || p.Sent != 101 {
		t.Fatalf("Previous: %+v %v %v", p, ok, err)
	}
	if p.Attempt == nil || len(p.Attempt.Parts) != 2 || !bytes.Equal(p.Attempt.Parts[1].MD5, []byte{2}) || p.Attempt.Parts[0].URL != "" {
		t.Fatalf("its attempt: %+v", p.Attempt)
	}
	r.ok(r.Unchanged(t.Context(), touched))
	_, err = r.Entry(t.Context(), touched)
	r.fails(err, ErrUnknown)
	if e := r.entry(first); e.Size != 102 || e.ChangeTime != 2 || e.Generation != 1 || e.Status != Filed {
		t.Errorf("the previous one is %+v", e)
	}
	if len(r.admit(fileAt("a", 2))) != 0 {
		t.Error("the hint was not taken over")
	}
	r.balanced()

	// A failed change in between: the path's latest word must be the filed entry.
	failed := r.admit(fileAt("a", 3))[0]
	r.bring(failed, Failed)
	back := r.admit(fileAt("a", 4))[0]
	if back == touched {
		t.Error("the id of a forgotten entry was used again")
	}
	r.ok(r.Unchanged(t.Context(), back))
	if e := r.entry(first); e.Generation != 3 || e.ChangeTime != 4 {
		t.Errorf("the previous one is %+v", e)
	}
	if len(r.admit(fileAt("a", 4))) != 0 {
		t.Error("the file would be compared at each scan")
	}
	r.fails(r.Unchanged(t.Context(), r.admit(fileAt("new", 1))[0]), ErrUnknown)
	r.balanced()
}

func TestRehint(t *testing.T) {
	r := newRig(t)
	id := r.admit(fileAt("a", 1))[0]
	r.ok(r.SetSHA256(t.Context(), id, []byte{1}))
	until := r.time.Add(time.Minute)
	r.ok(r.Rehint(t.Context(), id, fileAt("a", 2), until))
	if e := r.entry(id); e.Size != 102 || e.SHA256 != nil || !e.NotBefore.Equal(until) {
		t.Errorf("after Rehint: %+v", e)
	}
	if len(r.admit(fileAt("a", 2))) != 0 {
		t.Error("the new hint is not known")
	}
	r.bring(id, Mapped)
	r.fails(r.Rehint(t.Context(), id, fileAt("a", 3), until), ErrMoved)
	r.bring(id, Uploading)
	r.admit(fileAt("a", 4))
	m := move(id, Uploading, Cancelling)
	m.Outcome = Settled
	r.ok(r.Advance(t.Context(), m))
	r.ok(r.Advance(t.Context(), move(id, Cancelling, Settled)))
	r.fails(r.Rehint(t.Context(), id, fileAt("a", 4), until), ErrMoved) // the newer generation is about it
}
