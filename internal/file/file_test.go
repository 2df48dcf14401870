package file

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const nfc, nfd = "\u00fc", "u\u0308"

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// old makes a file whose access time any read would move.
func old(t *testing.T) (dir, name string, read time.Time) {
	t.Helper()
	dir = t.TempDir()
	name = filepath.Join(dir, "x")
	must(t, os.WriteFile(name, []byte("content"), 0o600))
	read = time.Now().Add(-72 * time.Hour).Truncate(time.Second)
	must(t, os.Chtimes(name, read, time.Now()))
	return dir, name, read
}

func accessed(t *testing.T, name string) time.Time {
	t.Helper()
	var st unix.Stat_t
	must(t, unix.Stat(name, &st))
	return time.Unix(st.Atim.Unix())
}

// A read leaves no trace by which Samba would refuse the reconnect of a client.
func TestOpenLeavesNoTrace(t *testing.T) {
	dir, name, before := old(t)
	root, err := OpenRoot(dir)
	must(t, err)
	defer root.Close()
	fd, err := root.Descriptor("x")
	must(t, err)
	f := os.NewFile(uintptr(fd), name)
	if data, err := io.ReadAll(f); err != nil || string(data) != "content" {
		t.Errorf("read %q, %v", data, err)
	}
	must(t, f.Close())
	f, err = root.Open("x")
	must(t, err)
	if _, err := io.ReadAll(f); err != nil {
		t.Error(err)
	}
	must(t, f.Close())
	if after := accessed(t, name); !after.Equal(before) {
		t.Errorf("the access time moved from %v to %v", before, after)
	}
	if _, err := root.Descriptor("none"); !errors.Is(err, unix.ENOENT) {
		t.Errorf("a file that is not there: %v", err)
	}
	must(t, unix.Mkfifo(filepath.Join(dir, "pipe"), 0o600))
	if fd, err := root.Descriptor("pipe"); err == nil { // it does not wait for a writer
		must(t, unix.Close(fd))
	}
	must(t, os.Symlink("x", filepath.Join(dir, "link")))
	if _, err := root.Descriptor("link"); !errors.Is(err, unix.ELOOP) {
		t.Errorf("a link: %v", err)
	}
}

// Where the kernel refuses to leave no trace, the file is opened all the same.
func TestOpenOfAnotherUsersFile(t *testing.T) {
	var asked []int
	_, err := traceless(func(flags int) (int, error) {
		asked = append(asked, flags)
		if flags&unix.O_NOATIME != 0 {
			return -1, unix.EPERM
		}
		return 7, nil
	})
	if err != nil || len(asked) != 2 || asked[1]&unix.O_NOATIME != 0 {
		t.Errorf("asked with %x, %v", asked, err)
	}
	if _, err := traceless(func(int) (int, error) { return -1, unix.EACCES }); !errors.Is(err, unix.EACCES) {
		t.Errorf("a file that may not be read: %v", err)
	}
}

func TestOnDisk(t *testing.T) {
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "a", nfd), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "a", nfd, nfc), nil, 0o600))
	must(t, os.MkdirAll(filepath.Join(dir, "both", nfd), 0o700))
	must(t, os.MkdirAll(filepath.Join(dir, "both", nfc), 0o700))
	for rel, want := range map[string]string{
		"a/" + nfc:             "a/" + nfd,
		"a/" + nfd:             "a/" + nfd,
		"a/" + nfc + "/" + nfd: "a/" + nfd + "/" + nfc,
		"a/" + nfc + "/none":   "a/" + nfd + "/none",
		"none/" + nfc:          "none/" + nfc,
		"both/" + nfc:          "both/" + nfc,
		"both/" + nfd:          "both/" + nfd,
		"plain/x":              "plain/x",
	} {
		if got := OnDisk(dir, rel); got != want {
			t.Errorf("%+q is %+q, want %+q", rel, got, want)
		}
	}
}

func FuzzFold(f *testing.F) {
	f.Add("\u0130\u0307.jpg")
	f.Add("\u03a3\u03c2\u03c3\u1e9e\u212a\u017f")
	f.Add("\xff\u0308")
	f.Fuzz(func(t *testing.T, name string) {
		if once := Fold(name); Fold(once) != once {
			t.Errorf("%+q is folded to %+q, and that to %+q", name, once, Fold(once))
		}
		for _, form := range Forms(name) {
			if !Same(form, name) || Fold(form) != Fold(name) {
				t.Errorf("%+q and %+q are not taken for the same", form, name)
			}
		}
	})
}

// TestOpenDir lists a directory as the listing of the kernel tells it, without a
// look at each file: also of one that is gone by then.
func TestOpenDir(t *testing.T) {
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "a/dir"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "a/file"), nil, 0o600))
	must(t, os.Symlink("/", filepath.Join(dir, "a/link")))
	must(t, os.Symlink("/", filepath.Join(dir, "out")))
	root, err := OpenRoot(dir)
	must(t, err)
	defer root.Close()
	opened, err := root.OpenDir("a")
	must(t, err)
	defer opened.Close()
	entries, err := opened.ReadDir(-1)
	must(t, err)
	kinds := map[string]os.FileMode{}
	for _, e := range entries {
		kinds[e.Name()] = e.Type()
	}
	if len(kinds) != 3 || kinds["dir"] != os.ModeDir || kinds["file"] != 0 || kinds["link"] != os.ModeSymlink {
		t.Errorf("in a lie %v", kinds)
	}
	must(t, os.Remove(filepath.Join(dir, "a/file")))
	for _, e := range entries {
		if e.Name() != "file" {
			continue
		}
		if _, err := e.Info(); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the file was looked at when it was listed: %v", err)
		}
	}
	for _, wrong := range []string{"out", "../..", "none"} {
		if opened, err := root.OpenDir(wrong); err == nil {
			_ = opened.Close()
			t.Errorf("%s was opened", wrong)
		}
	}
}
