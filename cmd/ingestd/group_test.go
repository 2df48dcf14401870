package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/sandbox"
)

// The accounts of a drop folder that a group shares. None of them need exist.
var (
	theService  = syscall.Credential{Uid: 61001, Gid: 61001, Groups: []uint32{61001, dropGroup}}
	theCreative = syscall.Credential{Uid: 61003, Gid: dropGroup}
)

const dropGroup = 61002

// shared is a room whose daemon has an account of its own.
type shared struct {
	*room
	program string
}

// newShared makes a drop folder of an owner, the group and a mode. It needs root.
func newShared(t *testing.T, s *stand, owner uint32, mode fs.FileMode) *shared {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can run processes as other accounts")
	}
	r := &shared{room: newRoom(t, s)}
	r.env["AFTER"] = "move"
	for dir := r.dir; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) { // go test made them for itself alone
		r.must(os.Chmod(dir, 0o755))
	}
	r.must(os.Mkdir(filepath.Dir(r.journal), 0o700))
	r.must(os.Chown(filepath.Dir(r.journal), int(theService.Uid), int(theService.Gid)))
	r.must(os.Chown(r.drop, int(owner), dropGroup))
	r.must(os.Chmod(r.drop, mode))
	r.with("    after:", "    patience: 1s\n    after:") // the kernel tells nothing of files of others
	self, err := os.Executable()
	r.must(err)
	r.program = filepath.Join(r.dir, "ingestd") // by its name the test binary knows what it is to be
	// A link where that can be: while a copy is written, a process that another test
	// starts may inherit the open file, and then the copy cannot be started.
	if os.Link(self, r.program) != nil {
		copyFile(t, self, r.program, 0o755)
	}
	return r
}

// with changes the configuration.
func (r *room) with(old, text string) {
	r.t.Helper()
	config, err := os.ReadFile(r.config)
	if err == nil {
		r.config = filepath.Join(r.dir, "config.yaml")
		err = os.WriteFile(r.config, bytes.ReplaceAll(config, []byte(old), []byte(text)), 0o644)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *shared) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func copyFile(t *testing.T, from, to string, mode fs.FileMode) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err == nil {
		_, err = io.Copy(out, in)
	}
	if err := errors.Join(err, out.Chmod(mode), out.Close()); err != nil {
		t.Fatal(err)
	}
}

// as runs a command of a shell under umask 077.
func (r *shared) as(who syscall.Credential, args ...string) *exec.Cmd {
	cmd := exec.Command("sh", append([]string{"-c", `umask 077; exec "$0" "$@"`}, args...)...)
	cmd.Dir = r.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &who}
	return cmd
}

// ingestd starts the program as somebody.
func (r *shared) ingestd(who syscall.Credential, args ...string) *process {
	return r.launch(r.as(who, append([]string{r.program}, append(args, "-c", r.config)...)...), args...)
}

// does has somebody do something in the drop folder.
func (r *shared) does(who syscall.Credential, args ...string) string {
	r.t.Helper()
	cmd := r.as(who, args...)
	cmd.Dir = r.drop
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Errorf("uid %d cannot %q: %v: %s", who.Uid, args, err, out)
	}
	return string(out)
}

// drops has the creative put a file into the folder, with the directories it needs.
func (r *shared) drops(rel, content string) {
	r.t.Helper()
	r.does(theCreative, "sh", "-c", `umask 007; mkdir -p "$(dirname "$0")" && printf %s "$1" >"$0"`, rel, content)
}

func (r *shared) there(rel string) bool {
	_, err := os.Lstat(filepath.Join(r.drop, rel))
	return err == nil
}

// wantLook fails unless what lies at a path has a mode and an owner.
func (r *shared) wantLook(rel string, want string) {
	r.t.Helper()
	info, err := os.Lstat(filepath.Join(r.drop, rel))
	if err != nil {
		r.t.Error(err)
		return
	}
	st := info.Sys().(*syscall.Stat_t)
	if got := fmt.Sprintf("%04o %d:%d", st.Mode&0o7777, st.Uid, st.Gid); got != want {
		r.t.Errorf("%s is %s, want %s", rel, got, want)
	}
}

func (r *shared) refuseOne() {
	r.t.Helper()
	r.must(r.stand.Queue(sandbox.Fault{Operation: "CreateAsset", Kind: sandbox.FaultStatus, Status: 403, Body: `{"message":"Invalid Asset: Missing Metadata Template ID"}`}))
}

// TestLeftForTheGroup has a member of a folder's group read what the daemon leaves
// there, and put a file that failed back, whatever the umask is under which the
// daemon was started.
func TestLeftForTheGroup(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can run processes as other accounts")
	}
	s := newStand(t, "1.5", nil)
	service := theService.Uid
	for _, c := range []struct {
		name      string
		owner     uint32
		mode      fs.FileMode
		old       string // mode of _failed and _ingested that are there already
		dir, text string
	}{
		{name: "the group's", owner: 0, mode: fs.ModeSetgid | 0o770, dir: "2770", text: "0660"},
		{name: "sticky", owner: service, mode: fs.ModeSetgid | fs.ModeSticky | 0o770, dir: "3770", text: "0660"},
		{name: "everyone's", owner: service, mode: fs.ModeSetgid | fs.ModeSticky | 0o777, dir: "3777", text: "0666"},
		{name: "read by others", owner: 0, mode: fs.ModeSetgid | 0o775, dir: "2775", text: "0664"},
		{name: "without setgid", owner: 0, mode: 0o770, dir: "0770", text: "0660"},
		{name: "existing directories without setgid", owner: 0, mode: fs.ModeSetgid | 0o770, old: "0770", dir: "2770", text: "0660"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newShared(t, s, c.owner, c.mode)
			top := c.dir
			if c.old != "" {
				top = c.old
				for _, dir := range []string{"_failed", "_ingested"} {
					r.does(theService, "mkdir", dir)
					r.does(theService, "chgrp", fmt.Sprint(dropGroup), dir)
					r.does(theService, "chmod", "g-s", dir)
					r.does(theService, "chmod", c.old, dir)
				}
			}
			r.refuseOne()
			r.drops("acme/deep/a.jpg", c.name)
			daemon := r.ingestd(theService, "run")
			text := "_failed/acme/deep/a.jpg.error.txt"
			eventually(t, "the file that failed is put aside, with a text", func() bool { return r.there(text) })
			r.wantLook("_failed", fmt.Sprintf("%s %d:%d", top, service, dropGroup))
			r.wantLook("_failed/acme", fmt.Sprintf("%s %d:%d", c.dir, service, dropGroup))
			r.wantLook("_failed/acme/deep", fmt.Sprintf("%s %d:%d", c.dir, service, dropGroup))
			r.wantLook(text, fmt.Sprintf("%s %d:%d", c.text, service, dropGroup))
			if got := r.does(theCreative, "cat", text); !strings.Contains(got, "File: a.jpg\r\n") {
				t.Errorf("the text is %q", got)
			}
			r.does(theCreative, "mv", "_failed/acme/deep/a.jpg", "acme/deep/a.jpg")
			moved := "_ingested/acme/deep/a.jpg"
			eventually(t, "the file that was put back is in", func() bool { return r.there(moved) })
			r.wantLook("_ingested", fmt.Sprintf("%s %d:%d", top, service, dropGroup))
			r.wantLook("_ingested/acme/deep", fmt.Sprintf("%s %d:%d", c.dir, service, dropGroup))
			r.does(theCreative, "cat", moved)
			hidden, err := filepath.Glob(filepath.Join(r.drop, ".ingestd*"))
			if err != nil || len(hidden) > 0 {
				t.Errorf("hidden names stay: %q, %v", hidden, err)
			}
			r.wantPrivate()
			daemon.terminate()
		})
	}
	s.complain(t)
}

// wantPrivate fails unless the files of the journal are the service's alone.
func (r *shared) wantPrivate() {
	r.t.Helper()
	for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
		info, err := os.Stat(r.journal + suffix)
		if err != nil {
			r.t.Error(err)
		} else if st := info.Sys().(*syscall.Stat_t); st.Mode&0o7777 != 0o600 || st.Uid != theService.Uid {
			r.t.Errorf("journal.db%s has mode %o and uid %d", suffix, st.Mode&0o7777, st.Uid)
		}
	}
}

// TestBackfillByRootLeavesTheFolderToItsOwner: what root makes in a folder is its
// owner's, and the daemon goes on in it.
func TestBackfillByRootLeavesTheFolderToItsOwner(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	r := newShared(t, s, theService.Uid, fs.ModeSetgid|0o770)
	root := syscall.Credential{}
	r.drops("acme/a.jpg", "a")
	r.drops("acme/b.jpg", "b")
	r.refuseOne() // one of the two
	if code := r.ingestd(root, "backfill", "--after", "move").wait(patience); code != exitNotIngested {
		t.Errorf("exit code %d", code)
	}
	owner := fmt.Sprintf("%d:%d", theService.Uid, dropGroup)
	for _, dir := range []string{"_ingested", "_ingested/acme", "_failed", "_failed/acme"} {
		r.wantLook(dir, "2770 "+owner)
	}
	texts, err := filepath.Glob(filepath.Join(r.drop, "_failed/acme/*.error.txt"))
	if err != nil || len(texts) != 1 {
		t.Fatalf("the texts are %q, %v", texts, err)
	}
	text, err := filepath.Rel(r.drop, texts[0])
	r.must(err)
	r.wantLook(text, "0660 "+owner)
	r.does(theCreative, "cat", text)

	daemon := r.ingestd(theService, "run")
	r.does(theCreative, "sh", "-c", `mv "${0%.error.txt}" acme/`, text)
	r.drops("acme/c.jpg", "c")
	eventually(t, "the daemon goes on in these directories", func() bool {
		return r.there("_ingested/acme/a.jpg") && r.there("_ingested/acme/b.jpg") && r.there("_ingested/acme/c.jpg")
	})
	r.wantPrivate()
	daemon.terminate()
	s.complain(t)
}
