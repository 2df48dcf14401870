package ingest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestMoveByLink is the move of a file system that cannot rename without
// overwriting: the file of the name stays, and a move that was cut off goes on.
func TestMoveByLink(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	s := &shelf{root: root, mode: 0o755}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := func(name, text string) {
		t.Helper()
		got, err := os.ReadFile(filepath.Join(dir, name))
		if text == "" && errors.Is(err, fs.ErrNotExist) {
			return
		}
		if string(got) != text {
			t.Errorf("%s holds %q (%v), want %q", name, got, err, text)
		}
	}
	write("aside", "old")
	write("drop", "new")
	if err := s.moveByLink("aside", "drop"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a newer drop: %v", err)
	}
	want("aside", "old")
	want("drop", "new")
	if err := s.moveByLink("aside", "free"); err != nil {
		t.Error(err)
	}
	want("aside", "")
	want("free", "old")
	if err := os.Link(filepath.Join(dir, "free"), filepath.Join(dir, "half")); err != nil {
		t.Fatal(err)
	}
	if err := s.moveByLink("free", "half"); err != nil {
		t.Error(err)
	}
	want("free", "")
	want("half", "old")
	if err := s.moveByLink("none", "somewhere"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}
