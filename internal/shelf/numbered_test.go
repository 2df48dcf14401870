package shelf

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/notes"
)

// newShelf is a shelf on a directory of its own, for tests of what it does alone.
func newShelf(t *testing.T) (*Shelf, string) {
	t.Helper()
	dir := t.TempDir()
	root, err := file.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	info, err := root.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return &Shelf{root: root, like: likenessOf(info)}, dir
}

func TestNumbered(t *testing.T) {
	long := strings.Repeat
	for _, c := range []struct {
		rel, ext string
		n, limit int
		want     string
	}{
		{"d/a.jpg", ".jpg", 1, 255, "d/a.jpg"},
		{"d/a.jpg", ".jpg", 2, 255, "d/a (2).jpg"},
		{"d.e/a", "", 12, 255, "d.e/a (12)"},
		{".bashrc", "", 2, 255, ".bashrc (2)"},
		{long("a", 255) + ".error.txt", string(notes.Failed), 1, 255, long("a", 245) + ".error.txt"},
		{"a.jpg.error.txt", string(notes.Failed), 2, 255, "a.jpg (2).error.txt"},
		{long("a", 251) + ".jpg", ".jpg", 1, 255, long("a", 251) + ".jpg"},
		{long("a", 251) + ".jpg", ".jpg", 2, 255, long("a", 247) + " (2).jpg"},
		{long("a", 251) + ".jpg", ".jpg", 10_000, 255, long("a", 243) + " (10000).jpg"},
		{long("a", 255), "", 2, 255, long("a", 251) + " (2)"},
		{"." + long("b", 254), "", 2, 255, "." + long("b", 250) + " (2)"},
		{long("é", 125) + "a.jpg", ".jpg", 2, 255, long("é", 123) + "a (2).jpg"[1:]},
		{long("\U0001F4F7", 62) + "abc.jpg", ".jpg", 2, 255, long("\U0001F4F7", 61) + " (2).jpg"},
		{long("\x82\xa0", 125) + "a.jpg", ".jpg", 2, 255, long("\x82\xa0", 123) + "\x82 (2).jpg"}, // Shift JIS
		{"ab." + long("c", 249), "." + long("c", 249), 2, 255, "a (2)." + long("c", 249)},
		{"a." + long("c", 250), "." + long("c", 250), 2, 255, "a." + long("c", 249) + " (2)"},
		{"a." + long("c", 253), "." + long("c", 253), 2, 255, "a." + long("c", 249) + " (2)"},
		{long("a", 139) + ".jpg", ".jpg", 2, 127, long("a", 119) + " (2).jpg"},
	} {
		got := numbered(c.rel, c.ext, c.n, c.limit)
		if got != c.want {
			t.Errorf("number %d of %q is\n%q, want\n%q", c.n, c.rel, got, c.want)
		}
	}
}

// FuzzNumbered: a name fits, stays UTF-8 if it was, and no two numbers share one.
func FuzzNumbered(f *testing.F) {
	f.Add("a.jpg", uint(2), uint(255))
	f.Add(strings.Repeat("é", 127), uint(10), uint(255))
	f.Add("a."+strings.Repeat("\xff", 250), uint(9), uint(100))
	f.Fuzz(func(t *testing.T, name string, n, limit uint) {
		if name == "" || len(name) > longestName || strings.ContainsAny(name, "/\x00") || name == "." || name == ".." {
			return
		}
		number, bound := int(n%maxNumber)+1, int(limit%(longestName-shortestName/2))+shortestName/2+1
		for _, ext := range []string{path.Ext(name), "", string(notes.Failed)} {
			rel := name
			if ext == string(notes.Failed) {
				rel += ext
			}
			got, next := numbered(rel, ext, number, bound), numbered(rel, ext, number+1, bound)
			switch {
			case len(got) > bound || strings.ContainsAny(got, "/\x00"):
				t.Errorf("%q of %q is no name of %d bytes", got, rel, bound)
			case utf8.ValidString(name) && !utf8.ValidString(got):
				t.Errorf("%q of %q is no UTF-8", got, rel)
			case number > 1 && got == next:
				t.Errorf("%q is two numbers of %q", got, rel)
			case ext == string(notes.Failed) && !strings.HasSuffix(got, ext):
				t.Errorf("%q of %q is no text's name", got, rel)
			}
		}
	})
}

// TestLongNameIsMoved has names of as many bytes as the file system takes.
func TestLongNameIsMoved(t *testing.T) {
	s, dir := newShelf(t)
	for _, name := range []string{strings.Repeat("é", 125) + "a.jpg", strings.Repeat("a", 255), "." + strings.Repeat("b", 254)} {
		for range 3 {
			if err := os.WriteFile(filepath.Join(dir, "from"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := s.MoveNumbered("from", "to/"+name, func(string) error { return nil }); err != nil {
				t.Error(err)
			}
		}
	}
	if got, err := os.ReadDir(filepath.Join(dir, "to")); err != nil || len(got) != 9 {
		t.Errorf("%d files, %v", len(got), err)
	}
}

// TestShorterNames is a file system that takes fewer bytes.
func TestShorterNames(t *testing.T) {
	name := strings.Repeat("a", 139) + ".jpg"
	taken := map[string]bool{name: true}
	try := func(name string) error {
		switch {
		case len(name) > 143:
			return syscall.ENAMETOOLONG
		case taken[name]:
			return syscall.EEXIST
		}
		taken[name] = true
		return nil
	}
	for _, want := range []string{strings.Repeat("a", 119) + " (2).jpg", strings.Repeat("a", 119) + " (3).jpg"} {
		if got, err := firstName(name, ".jpg", try); got != want || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
}
