package shelf

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// newShelfOf is newShelf on a directory of a mode.
func newShelfOf(t *testing.T, mode uint32) (*Shelf, string) {
	t.Helper()
	s, dir := newShelf(t)
	if err := unix.Chmod(dir, mode); err != nil {
		t.Fatal(err)
	}
	info, err := s.root.Stat()
	if err != nil {
		t.Fatal(err)
	}
	s.like, s.id = likenessOf(info), 7
	return s, dir
}

// TestLikeness: what is made in a folder of a mode has that mode at every depth, and a
// text can be read by whoever may enter.
func TestLikeness(t *testing.T) {
	defer unix.Umask(unix.Umask(0)) // as the program has it
	for _, c := range []struct{ folder, dir, text string }{
		{"0700", "0700", "0600"},
		{"0750", "0750", "0640"},
		{"0755", "0755", "0644"},
		{"2770", "2770", "0660"},
		{"2775", "2775", "0664"},
		{"1777", "1777", "0666"},
		{"3770", "3770", "0660"},
		{"2730", "2730", "0660"}, // its members may enter, if not list it
		{"2570", "2770", "0660"}, // what we need ourselves
	} {
		t.Run(c.folder, func(t *testing.T) {
			var mode uint32
			if _, err := fmt.Sscanf(c.folder, "%o", &mode); err != nil {
				t.Fatal(err)
			}
			s, dir := newShelfOf(t, mode)
			root := s.root
			for _, old := range []string{"", "old/"} { // below a directory of another mode, too
				if old != "" {
					if err := unix.Mkdir(filepath.Join(dir, old), 0o700); err != nil {
						t.Fatal(err)
					}
					if err := unix.Chmod(filepath.Join(dir, old), 0o700); err != nil { // without setgid
						t.Fatal(err)
					}
				}
				if err := s.makeDir(old + "a/b"); err != nil {
					t.Fatal(err)
				}
				if err := s.create(old+"a/b/text", "text"); err != nil {
					t.Fatal(err)
				}
				for rel, want := range map[string]string{old + "a": c.dir, old + "a/b": c.dir, old + "a/b/text": c.text} {
					info, err := root.Lstat(rel)
					if err != nil {
						t.Fatal(err)
					}
					if got := fmt.Sprintf("%04o", info.Sys().(*syscall.Stat_t).Mode&0o7777); got != want {
						t.Errorf("%s has mode %s, want %s", rel, got, want)
					}
				}
			}
			if err := s.makeDir("old"); err != nil {
				t.Error(err)
			}
			if info, err := root.Lstat("old"); err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("a directory that was there was changed: %v, %v", info.Mode(), err)
			}
		})
	}
}

// TestMakeDirAfterACrash finds the directory that a crash left before it got its place.
func TestMakeDirAfterACrash(t *testing.T) {
	defer unix.Umask(unix.Umask(0))
	s, dir := newShelfOf(t, 0o2770)
	for _, name := range []string{"old", ".ingestd-7.new"} {
		if err := unix.Mkdir(filepath.Join(dir, name), 0o770); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Chmod(filepath.Join(dir, "old"), 0o770); err != nil {
		t.Fatal(err)
	}
	if err := s.makeDir("old/new"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.root.Lstat(".ingestd-7.new"); !os.IsNotExist(err) {
		t.Errorf("the directory is still under its first name: %v", err)
	}
	if info, err := s.root.Lstat("old/new"); err != nil || info.Mode()&os.ModeSetgid == 0 {
		t.Errorf("the new directory is %v, %v", info, err)
	}
}
