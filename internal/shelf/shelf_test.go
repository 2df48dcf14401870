package shelf

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMoveByLink is the move of a file system that cannot rename without
// overwriting: the file of the name stays, and a move that was cut off goes on.
func TestMoveByLink(t *testing.T) {
	s, dir := newShelf(t)
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

// TestRoom names what keeps files from being moved into a directory.
func TestRoom(t *testing.T) {
	s, dir := newShelf(t)
	for _, d := range []string{"other", "read-only"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{"file", "other/file"} {
		if err := os.WriteFile(filepath.Join(dir, f), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ to, want string }{
		{"new/sub/a.jpg", ""},
		{"a.jpg", ""},
		{"file/a.jpg", `"file" lies in the place of a directory`},
		{"other/file/deep/er/a.jpg", `"other/file" lies in the place of a directory`},
	} {
		wantError(t, s.MakeRoom("a.jpg", c.to), c.want)
	}
	for d, flags := range map[string]uintptr{"other": 0, "read-only": unix.MS_RDONLY} {
		at := filepath.Join(dir, d)
		if err := unix.Mount("none", at, "tmpfs", flags, ""); err != nil {
			t.Skipf("mount: %v", err)
		}
		t.Cleanup(func() { _ = unix.Unmount(at, unix.MNT_DETACH) })
	}
	wantError(t, s.MakeRoom("a.jpg", "other/sub/a.jpg"), "on another file system")
	wantError(t, s.MakeRoom("a.jpg", "read-only/a.jpg"), "read-only file system")
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("it says %v, want %q", err, want)
	}
}
