package watcher

import (
	"path"
	"strings"
	"testing"
)

// Names are bytes: what is no UTF-8, or no sight, comes through as it is on disk.
func TestOddNames(t *testing.T) {
	t.Parallel()
	names := []string{
		"\xff\xfe.jpg", "latin\xe9.tif", "new\nline", "tab\there", "bell\a", "esc\x1b[31m.png", "\x7f",
		"e\u0301.jpg", "\u00e9.jpg", " leading", "trailing ", "quote'\"", "back\\slash", "*?[a]{b}", "-rf", "100%25",
		"\u202egpj.exe", "\u200b", "🎬.mov", strings.Repeat("n", 255),
	}
	r := newRig(t, Folder{Path: "in"})
	for _, name := range names {
		r.write("in/d/"+name, "x")
		r.write("in/before/"+name+"/"+name, "x")
	}
	r.started()
	for i, name := range names {
		r.await("d/"+name, "before/"+name+"/"+name)
		r.write("in/live"+string(rune('a'+i))+"/"+name+"/"+name, "x")
		r.write("in/late-"+name[:min(len(name), 200)], "x")
	}
	for i, name := range names {
		r.await("live"+string(rune('a'+i))+"/"+name+"/"+name, "late-"+name[:min(len(name), 200)])
	}
	if got := len(r.emitted()); got != 4*len(names) {
		t.Errorf("%d files emitted, want %d", got, 4*len(names))
	}
}

// FuzzSentinel: what is a file's sentinel is named like one, leads back to it, and
// is never a file that is wanted.
func FuzzSentinel(f *testing.F) {
	f.Add("{name}.done", "a/b.jpg")
	f.Add(".{stem}.ok", "\xff/.x.y")
	f.Add("{stem}~", "")
	f.Fuzz(func(t *testing.T, pattern, rel string) {
		s, err := parseSentinel(pattern)
		if err != nil || !s.used() || path.Base(rel) != rel[strings.LastIndex(rel, "/")+1:] {
			return
		}
		of := s.of(rel)
		if !s.is(of) || path.Dir(of) != path.Dir(rel) {
			t.Fatalf("%q: %q has the sentinel %q", pattern, rel, of)
		}
		if back, one := s.file(of); one && back != rel {
			t.Errorf("%q: %q leads back to %q, not %q", pattern, of, back, rel)
		}
		if c := (filter{ready: s}); c.file(of) {
			t.Errorf("%q: the sentinel %q is wanted", pattern, of)
		}
	})
}
