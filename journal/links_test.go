package journal

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// What lies in the place of a file of the journal is neither followed nor waited for:
// not by who opens the journal, nor by who only looks. What a link leads to stays as it
// is, and so does a file that has another name elsewhere, which root must not touch.
func TestNothingIsFollowedBesideTheJournal(t *testing.T) {
	link := func(target, name string) error { return os.Symlink(target, name) }
	for kind, put := range map[string]func(target, name string) error{
		"a link": link,
		"a link to nothing": func(target, name string) error {
			return link(target+".none", name)
		},
		"a pipe":      func(_, name string) error { return unix.Mkfifo(name, 0o666) },
		"a directory": func(_, name string) error { return os.Mkdir(name, 0o755) },
		"a second name": func(target, name string) error {
			if os.Geteuid() != 0 {
				t.Skip("only root must not")
			}
			return os.Link(target, name)
		},
	} {
		for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
			t.Run(kind+suffix, func(t *testing.T) {
				dir := t.TempDir()
				path, victim := filepath.Join(dir, "journal.db"), filepath.Join(dir, "victim")
				j, err := Open(t.Context(), path, Options{})
				if err != nil {
					t.Fatal(err)
				}
				if err := j.Close(); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(victim, nil, 0o644); err != nil {
					t.Fatal(err)
				}
				_ = os.Rename(path+suffix, path+suffix+".away")
				if err := put(victim, path+suffix); err != nil {
					t.Fatal(err)
				}
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					_, errOpen := Open(t.Context(), path, Options{})
					_, errRead := OpenReader(t.Context(), path)
					_, errAsk := Ask(t.Context(), path, "retry", []byte("{}"))
					_, errOwned := Owned(path)
					errRestore := Restore(t.Context(), path, path+".away")
					for name, err := range map[string]error{"open": errOpen, "place": Place(path), "read": errRead, "ask": errAsk, "owner": errOwned, "restore": errRestore} {
						if err == nil || (name == "open" || name == "place") && !errors.Is(err, ErrLinked) {
							t.Errorf("%s: %v", name, err)
						}
					}
				}()
				select {
				case <-ended:
				case <-time.After(30 * time.Second):
					t.Fatal("it waits for what lies there")
				}
				info, err := os.Stat(victim)
				if err != nil || info.Size() != 0 || info.Mode() != 0o644 {
					t.Errorf("the victim is %v, %v", info, err)
				}
				if _, err := os.Lstat(victim + ".none"); err == nil {
					t.Error("something was made by way of the link")
				}
			})
		}
	}
}

// The directory itself may be a link: an operator made it.
func TestJournalInALinkedDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "real"), 0o700), os.Symlink("real", filepath.Join(dir, "link"))); err != nil {
		t.Fatal(err)
	}
	j, err := Open(t.Context(), filepath.Join(dir, "link", "journal.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "real", "journal.db")); err != nil {
		t.Error(err)
	}
}
