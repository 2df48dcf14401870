package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tenovos-ingest/ingestd/internal/config"
)

// ward is a configuration whose daemon is somebody else's, for root to ask about.
type ward struct {
	t    *testing.T
	dir  string
	drop string
	who  person
}

func newWard(t *testing.T) *ward {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can ask in the name of others")
	}
	w := &ward{t: t, dir: t.TempDir(), who: person{name: "61001", uid: 61001, gid: 61001, groups: []int{dropGroup}, other: true}}
	for dir := w.dir; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) { // go test made them for itself alone
		w.must(os.Chmod(dir, 0o755))
	}
	w.drop = filepath.Join(w.dir, "drop")
	for _, name := range []string{"drop", "state"} {
		w.must(os.Mkdir(filepath.Join(w.dir, name), 0o700))
		w.give(name, w.who.uid, 0o700)
	}
	return w
}

func (w *ward) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// file writes a file, with its directories, for root alone.
func (w *ward) file(name string) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	w.must(os.MkdirAll(filepath.Dir(path), 0o700))
	w.must(os.WriteFile(path, []byte("text"), 0o600))
	return path
}

// give gives something below the ward's directory an owner and a mode.
func (w *ward) give(name string, owner int, mode fs.FileMode) {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	w.must(os.Chown(path, owner, owner))
	w.must(os.Chmod(path, mode))
}

// config writes the configuration and loads it.
func (w *ward) config(more string) *config.Config {
	w.t.Helper()
	path := filepath.Join(w.dir, "config.yaml")
	text := fmt.Sprintf(`tenovos: {url: "http://127.0.0.1:1/v1", api_key: "${KEY}", username: u, password: "${KEY}"}
journal: %s/state/journal.db
folders:
  - name: drop
    path: %s
    exclude: ["private/**"]
    rules: [{match: "**", template: T, security: S}]
%s`, w.dir, w.drop, more)
	w.must(os.WriteFile(path, []byte(text), 0o644))
	w.must(os.Chmod(path, 0o644))
	cfg, err := config.Load(path, func(string) (string, bool) { return "k", true })
	w.must(err)
	return cfg
}

// TestRights has root ask what the daemon's user may not do: the kernel is asked, not
// the modes.
func TestRights(t *testing.T) {
	for _, c := range []struct {
		name    string
		more    string // of the folder
		does    func(w *ward)
		mistake string // begins the only one; "" is none
		note    string // is part of the only one; "" is none
	}{
		{name: "all is well", more: "    after: move", does: func(w *ward) {
			w.file("drop/a.jpg")
			w.give("drop/a.jpg", w.who.uid, 0o600)
		}},
		{name: "the folder is another's", does: func(w *ward) { w.give("drop", 0, 0o700) },
			mistake: "folder cannot be read by user 61001: "},
		{name: "a directory above it is another's", does: func(w *ward) { w.give(".", 0, 0o700) },
			mistake: "folder cannot be read by user 61001: "},
		{name: "the folder can be listed, not entered", does: func(w *ward) { w.give("drop", 0, 0o744) },
			mistake: "folder cannot be read by user 61001: "},
		{name: "a file is another's", does: func(w *ward) { w.file("drop/a.jpg") }, note: "drop/a.jpg: permission denied"},
		{name: "a file of a group of the user", does: func(w *ward) {
			w.file("drop/a.jpg")
			w.must(os.Chown(filepath.Join(w.drop, "a.jpg"), 0, dropGroup))
			w.must(os.Chmod(filepath.Join(w.drop, "a.jpg"), 0o640))
		}},
		{name: "a file that only an access list opens", does: func(w *ward) { w.allow(w.file("drop/a.jpg")) }},
		{name: "a directory is another's", does: func(w *ward) { w.file("drop/below/a.jpg") }, note: "drop/below: permission denied"},
		{name: "it is excluded", does: func(w *ward) { w.file("drop/private/a.jpg"); w.file("drop/.DS_Store") }},
		{name: "the folder is read-only, and its files stay", does: func(w *ward) { w.give("drop", 0, 0o755) }},
		{name: "the folder is read-only", more: "    after: delete", does: func(w *ward) { w.give("drop", 0, 0o755) },
			mistake: "after: delete cannot be done by user 61001, because what fails is to be moved to _failed: change "},
		{name: "where finished files go is another's", more: "    after: move", does: func(w *ward) { w.file("drop/_ingested/a.jpg") },
			mistake: "after: move cannot be done by user 61001, because files are to be moved to _ingested: change "},
		{name: "a link lies where finished files go", more: "    after: move", does: func(w *ward) { w.must(os.Symlink(w.dir, filepath.Join(w.drop, "_ingested"))) },
			mistake: "after: move cannot be done by user 61001, because files are to be moved to _ingested: DROP/_ingested is a link, and a directory must lie there"},
		{name: "a link to nothing lies there", more: "    after: move", does: func(w *ward) { w.must(os.Symlink("nowhere", filepath.Join(w.drop, "_ingested"))) },
			mistake: "after: move cannot be done by user 61001, because files are to be moved to _ingested: DROP/_ingested is a link, and"},
		{name: "a link to itself lies there", more: "    after: move", does: func(w *ward) { w.must(os.Symlink("_ingested", filepath.Join(w.drop, "_ingested"))) },
			mistake: "after: move cannot be done by user 61001, because files are to be moved to _ingested: DROP/_ingested is a link, and"},
		{name: "a file lies there", more: "    after: move", does: func(w *ward) { w.file("drop/_ingested"); w.give("drop/_ingested", w.who.uid, 0o600) },
			mistake: "after: move cannot be done by user 61001, because files are to be moved to _ingested: DROP/_ingested is a file, and"},
		{name: "a pipe lies where failed files go", more: "    after: delete", does: func(w *ward) { w.must(unix.Mkfifo(filepath.Join(w.drop, "_failed"), 0o666)) },
			mistake: "after: delete cannot be done by user 61001, because what fails is to be moved to _failed: DROP/_failed is a pipe (FIFO), and"},
		{name: "a device lies there", more: "    after: move", does: func(w *ward) {
			w.must(unix.Mknod(filepath.Join(w.drop, "_failed"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5))))
		}, mistake: "after: move cannot be done by user 61001, because what fails is to be moved to _failed: DROP/_failed is a device, and"},
		{name: "a file lies in the path of it", more: "    after: move\n    done: a/b/c/{date}", does: func(w *ward) {
			w.file("drop/a/b")
			w.give("drop/a/b", w.who.uid, 0o600)
			w.give("drop/a", w.who.uid, 0o700)
		}, mistake: "after: move cannot be done by user 61001, because files are to be moved to a/b/c/{date}: DROP/a/b is a file, and"},
		{name: "a link lies in the path of it", more: "    after: move\n    done: a/b", does: func(w *ward) { w.must(os.Symlink(".", filepath.Join(w.drop, "a"))) },
			mistake: "after: move cannot be done by user 61001, because files are to be moved to a/b: DROP/a is a link, and"},
		{name: "a pipe lies where {folder} leads", more: "    after: move\n    done: a/{folder}", does: func(w *ward) {
			w.must(os.Mkdir(filepath.Join(w.drop, "a"), 0o700))
			w.give("drop/a", w.who.uid, 0o700)
			w.must(unix.Mkfifo(filepath.Join(w.drop, "a/drop"), 0o666))
		}, mistake: "after: move cannot be done by user 61001, because files are to be moved to a/{folder}: DROP/a/drop is a pipe (FIFO), and"},
		{name: "files stay, and a link lies there", does: func(w *ward) { w.must(os.Symlink("nowhere", filepath.Join(w.drop, "_ingested"))) }},
		{name: "the folder only takes more", more: "    after: move", does: func(w *ward) { w.attribute("drop", appendOnly) },
			mistake: "after: move cannot be done by user 61001, because files are to be moved to _ingested: DROP: an attribute of the directory forbids"},
		{name: "the folder is fixed", more: "    after: move", does: func(w *ward) { w.attribute("drop", immutable) },
			mistake: "after: move cannot be done by user 61001, because files are to be moved to _ingested: DROP: an attribute of the directory forbids"},
		{name: "a directory below only takes more", more: "    after: delete", does: func(w *ward) {
			w.file("drop/below/a.jpg")
			w.give("drop/below/a.jpg", w.who.uid, 0o644)
			w.give("drop/below", w.who.uid, 0o755)
			w.attribute("drop/below", appendOnly)
		}, note: "cannot delete 1 of its files and directories: DROP/below: an attribute of the directory forbids"},
		{name: "a directory below is read-only", more: "    after: move", does: func(w *ward) {
			w.file("drop/below/a.jpg")
			w.file("drop/below/b.jpg")
			w.give("drop/below", 0, 0o755)
			w.give("drop/below/a.jpg", 0, 0o644)
			w.give("drop/below/b.jpg", 0, 0o644)
		}, note: "user 61001 cannot move away 1 of its files and directories: change "},
		{name: "a directory is sticky", more: "    after: delete", does: func(w *ward) {
			w.file("drop/below/a.jpg")
			w.give("drop/below", 0, 0o777|fs.ModeSticky)
			w.give("drop/below/a.jpg", 0, 0o644)
		}, note: "below/a.jpg: the file belongs to root, and the sticky bit"},
		{name: "a directory is sticky, the file its own", more: "    after: delete", does: func(w *ward) {
			w.file("drop/below/a.jpg")
			w.give("drop/below", 0, 0o777|fs.ModeSticky)
			w.give("drop/below/a.jpg", w.who.uid, 0o644)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWard(t)
			cfg := w.config(c.more)
			c.does(w)
			mistakes, notes := checkRights(cfg, cfg.Folders, w.who)
			c.mistake, c.note = strings.ReplaceAll(c.mistake, "DROP", w.drop), strings.ReplaceAll(c.note, "DROP", w.drop)
			if c.mistake == "" && len(mistakes) > 0 || c.mistake != "" && (len(mistakes) == 0 || !strings.HasPrefix(mistakes[len(mistakes)-1].Message, c.mistake) && !strings.HasPrefix(mistakes[0].Message, c.mistake)) {
				t.Errorf("mistakes: %v", mistakes)
			}
			if c.note == "" && len(notes) > 0 || c.note != "" && (len(notes) != 1 || !strings.Contains(notes[0].Message, c.note)) {
				t.Errorf("notes: %v", notes)
			}
			if os.Geteuid() != 0 || unix.Access(w.file("root"), unix.R_OK) != nil {
				t.Error("the process has lost its own rights")
			}
		})
	}
}

// Attributes of chattr, see linux/fs.h.
const (
	immutable  = 0x10
	appendOnly = 0x20
)

// attribute gives a directory an attribute until the test ends.
func (w *ward) attribute(name string, attribute int) {
	w.t.Helper()
	dir, err := os.Open(filepath.Join(w.dir, name))
	w.must(err)
	flags, err := unix.IoctlGetInt(int(dir.Fd()), unix.FS_IOC_GETFLAGS)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(dir.Fd()), unix.FS_IOC_SETFLAGS, flags|attribute)
	}
	if err != nil {
		_ = dir.Close()
		w.t.Skipf("the file system of the test takes no attributes: %v", err)
	}
	w.t.Cleanup(func() {
		w.must(errors.Join(unix.IoctlSetPointerInt(int(dir.Fd()), unix.FS_IOC_SETFLAGS, flags), dir.Close()))
	})
}

// allow opens a file to the ward's user by an access list alone.
func (w *ward) allow(path string) {
	w.t.Helper()
	acl := binary.LittleEndian.AppendUint32(nil, 2) // see linux/posix_acl_xattr.h
	for _, e := range []struct {
		tag, perm uint16
		id        uint32
	}{{1, 6, ^uint32(0)}, {2, 4, uint32(w.who.uid)}, {4, 0, ^uint32(0)}, {16, 4, ^uint32(0)}, {32, 0, ^uint32(0)}} {
		acl = binary.LittleEndian.AppendUint16(acl, e.tag)
		acl = binary.LittleEndian.AppendUint16(acl, e.perm)
		acl = binary.LittleEndian.AppendUint32(acl, e.id)
	}
	if err := unix.Setxattr(path, "system.posix_acl_access", acl, 0); errors.Is(err, unix.ENOTSUP) {
		w.t.Skip("the file system has no access lists")
	} else {
		w.must(err)
	}
}

// TestDaemonUser shows in whose name root asks: in that of the journal's owner, or that
// of its directory, unless another is given.
func TestDaemonUser(t *testing.T) {
	w := newWard(t)
	cfg := w.config("")
	for _, c := range []struct {
		owner int // of the directory of the journal
		given string
		want  string
	}{
		{61001, "", "61001 true 61001 []"},
		{0, "", "0 false"},
		{61001, "0", "0 false"},
		{0, "61005", "61005 true 61005 []"},
		{0, "61005:61006,61007", "61005 true 61006 [61006 61007]"},
	} {
		w.give("state", c.owner, 0o700)
		p, err := daemonUser(t.Context(), cfg, c.given)
		got := fmt.Sprint(p.uid, " ", p.other)
		if p.other {
			got += fmt.Sprint(" ", p.gid, " ", p.groups)
		}
		if err != nil || got != c.want {
			t.Errorf("%+v: %s, %v", c, got, err)
		}
	}
	if _, err := daemonUser(t.Context(), cfg, "nobody-of-that-name"); exitCode(err) != exitUsage {
		t.Errorf("an unknown user: %v", err)
	}
}

// TestCheckAsksForTheDaemon runs the command as root.
func TestCheckAsksForTheDaemon(t *testing.T) {
	w := newWard(t)
	t.Setenv("KEY", "k")
	secret := w.file("password")
	w.config("    after: move\n")
	cfg := filepath.Join(w.dir, "config.yaml")
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"check", "--offline", "-c", cfg}, &out, &errs); code != exitDone {
		t.Fatalf("exit %d: %s", code, &errs)
	}
	if !strings.Contains(errs.String(), "note: what may be read and written was asked for user 61001") {
		t.Errorf("it does not say for whom: %s", &errs)
	}

	text, err := os.ReadFile(cfg)
	w.must(err)
	w.must(os.WriteFile(cfg, bytes.Replace(text, []byte(`password: "${KEY}"`), []byte("password_file: "+secret), 1), 0o644))
	w.give("drop", 0, 0o755)
	errs.Reset()
	if code := run(t.Context(), []string{"check", "--offline", "-c", cfg}, &out, &errs); code != exitUsage {
		t.Errorf("exit %d", code)
	}
	for _, want := range []string{":1:", "password_file cannot be used by user 61001", ":5:11: after: move cannot be done by user 61001"} {
		if !strings.Contains(errs.String(), want) {
			t.Errorf("nothing says %q: %s", want, &errs)
		}
	}
	errs.Reset()
	if code := run(t.Context(), []string{"check", "--offline", "--user", "root", "-c", cfg}, &out, &errs); code != exitDone {
		t.Errorf("for root: exit %d: %s", code, &errs)
	}
}

// TestMayTake asks about single files, as explain does.
func TestMayTake(t *testing.T) {
	w := newWard(t)
	folder := w.config("    after: move\n").Folders[0]
	path := w.file("drop/a.jpg")
	unread, stuck := mayTake(folder, w.who, path)
	if !errors.Is(unread, fs.ErrPermission) || stuck != nil {
		t.Errorf("a file of root: %v, %v", unread, stuck)
	}
	w.give("drop/a.jpg", 0, 0o644)
	w.give("drop", 0, 0o755)
	unread, stuck = mayTake(folder, w.who, path)
	if unread != nil || !errors.Is(stuck, fs.ErrPermission) {
		t.Errorf("a folder of root: %v, %v", unread, stuck)
	}
	w.give("drop", w.who.uid, 0o755)
	if unread, stuck = mayTake(folder, w.who, path); unread != nil || stuck != nil {
		t.Errorf("all is well: %v, %v", unread, stuck)
	}
}

// TestSecretsOfOthers warns of secrets that others can read.
func TestSecretsOfOthers(t *testing.T) {
	for _, c := range []struct {
		name, text string
		does       func(w *ward) string // and returns the file
		want       string               // is part of the warning; "" is none
	}{
		{name: "its own", does: func(w *ward) string { return w.file("password") }},
		{name: "everyone's", does: func(w *ward) string {
			p := w.file("password")
			w.give("password", 0, 0o644)
			return p
		}, want: "password can be read by every user of this machine (mode 0644)"},
		{name: "a group's", does: func(w *ward) string {
			p := w.file("password")
			w.must(os.Chmod(p, 0o640))
			w.must(os.Chown(p, 0, dropGroup))
			return p
		}, want: "password can be read by the group 61002"},
		{name: "the user's own group's", does: func(w *ward) string {
			p := w.file("password")
			w.must(os.Chmod(p, 0o640))
			w.must(os.Chown(p, 0, w.who.gid))
			return p
		}},
		{name: "in everyone's directory", does: func(w *ward) string {
			p := w.file("open/below/password")
			w.give("open", 0, 0o777)
			return p
		}, want: "password can be replaced by every user of this machine, who may all write in "},
		{name: "in a sticky directory", does: func(w *ward) string {
			p := w.file("sticky/password")
			w.give("sticky", 0, 0o777|fs.ModeSticky)
			return p
		}},
		{name: "in the drop folder", does: func(w *ward) string { return w.file("drop/password") }, want: "lies in the drop folder"},
		{name: "linked from the drop folder", does: func(w *ward) string {
			w.file("drop/below/password")
			w.must(os.Symlink(filepath.Join(w.drop, "below/password"), filepath.Join(w.dir, "link")))
			return filepath.Join(w.dir, "link")
		}, want: "lies in the drop folder"},
		{name: "in a configuration that everyone reads", text: "password: hunter2", want: "password stands in "},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWard(t)
			text := c.text
			if c.does != nil {
				text = "password_file: " + c.does(w)
			}
			w.config("")
			path := filepath.Join(w.dir, "config.yaml")
			data, err := os.ReadFile(path)
			w.must(err)
			w.must(os.WriteFile(path, bytes.Replace(data, []byte(`password: "${KEY}"`), []byte(text), 1), 0o644))
			cfg, err := config.Load(path, func(name string) (string, bool) { return "k", name == "KEY" })
			w.must(err)
			warnings := cautions(cfg, w.who)
			if c.want == "" && len(warnings) > 0 || c.want != "" && (len(warnings) != 1 || !strings.Contains(warnings[0].String(), c.want) || warnings[0].Line != 1) {
				t.Errorf("warnings: %v", warnings)
			}
			for _, p := range warnings {
				if strings.Contains(p.String(), "hunter2") {
					t.Errorf("the secret is shown: %v", p)
				}
			}
		})
	}
}
