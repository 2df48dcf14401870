package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/sharefs"
)

// What `run` refuses `check` says, before there is a journal.
func TestJournalOnAShare(t *testing.T) {
	t.Parallel()
	r := newRoom(t, newStand(t, "1.5", nil))
	share := filepath.Join(r.dir, "state")
	if err := os.Mkdir(share, 0o700); err != nil {
		t.Fatal(err)
	}
	s := sharefs.MountAs(t, share, "sshfs")
	for _, args := range [][]string{{"check", "--offline"}, {"check"}, {"run"}} {
		code, _, stderr := r.run(args...)
		if code != exitUsage || !strings.Contains(stderr, "network file system") || !strings.Contains(stderr, share) {
			t.Errorf("%v: exit code %d, %s", args, code, stderr)
		}
	}
	if files := s.Files(); len(files) != 0 {
		t.Errorf("left there: %v", files)
	}
}

// shareRoom is a room whose drop folder is a share.
type shareRoom struct {
	*room
	share  *sharefs.Share
	daemon *process
}

func newShareRoom(t *testing.T, after string) *shareRoom {
	t.Helper()
	r := &shareRoom{room: newRoom(t, newStand(t, "1.5", nil))}
	r.config, r.env["AFTER"] = "testdata/share.yaml", after
	r.share = sharefs.Mount(t, r.drop)
	return r
}

func (r *shareRoom) begin() {
	r.t.Helper()
	r.daemon = r.start("run")
	r.daemon.says("running")
}

// entry returns the latest entry of a path as `status` shows it.
func (r *shareRoom) entry(path string) (found fileEntry, ok bool) {
	r.t.Helper()
	s, err := r.status()
	if err != nil {
		return found, false // there is no journal yet
	}
	for _, e := range s.Entries {
		if e.Path == path && e.ID > found.ID {
			found = e
		}
	}
	return found, found.ID != 0
}

func (r *shareRoom) filed(path string) {
	r.t.Helper()
	eventually(r.t, path+" is filed", func() bool { e, _ := r.entry(path); return e.Status == "filed" })
}

// ends ends the daemon, and fails unless each of these contents is in one asset of its
// name, and nothing else is; nothing failed, and nobody warned of what is none.
func (r *shareRoom) ends(want map[string][]string) {
	r.t.Helper()
	got := make(map[string][]string)
	for _, a := range r.stand.assets() {
		got[a.Filename] = append(got[a.Filename], content(r.t, a))
	}
	for name, contents := range want {
		if !slices.Equal(got[name], contents) {
			r.t.Errorf("%s is in Tenovos as %q, want %q", name, got[name], contents)
		}
		delete(got, name)
	}
	if len(got) != 0 {
		r.t.Errorf("also in Tenovos: %q", got)
	}
	if b := r.books(); b.Failed != 0 || b.Held != 0 || b.Duplicate != 0 {
		r.t.Errorf("the books: %+v", b)
	}
	r.daemon.terminate()
	log := r.daemon.stderr.String()
	for _, no := range []string{`"level":"error"`, "folder is there (again)", "cannot be moved away"} {
		if strings.Contains(log, no) {
			r.t.Errorf("the log has %s", no)
		}
	}
	r.stand.complain(r.t)
}

// A file that grows is deleted under no writer, whatever the server's clock shows.
func TestGrowingFileOnAServerBehind(t *testing.T) {
	for name, clock := range map[string]time.Duration{"two hours behind": -2 * time.Hour, "a year behind": -365 * 24 * time.Hour, "ahead": 2 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newShareRoom(t, "delete")
			r.share.SetClock(clock)
			r.share.Append("early.bin", "0")
			r.begin()
			want := "0"
			for range 6 {
				want += "1"
				r.share.Append("early.bin", "1")
				r.share.Append("late.bin", "1")
				time.Sleep(700 * time.Millisecond)
			}
			r.filed("early.bin")
			r.filed("late.bin")
			r.ends(map[string][]string{"early.bin": {want}, "late.bin": {want[1:]}})
			if files := r.share.Files(); len(files) != 0 {
				t.Errorf("left: %q", files)
			}
		})
	}
}

// A file that another client has locked is waited for, in the way in which the lock is
// met: while it arrives, and where it was there before.
func TestLockedOnAShare(t *testing.T) {
	for name, lock := range map[string]func(s *sharefs.Share, name string, on bool){
		"a range": func(s *sharefs.Share, name string, on bool) { s.RefuseRead(name, errnoIf(on, syscall.EACCES)) },
		"whole":   func(s *sharefs.Share, name string, on bool) { s.RefuseOpen(name, errnoIf(on, syscall.EBUSY)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newShareRoom(t, "delete")
			r.share.Write("old.bin", "old")
			r.share.Age("old.bin", 48*time.Hour)
			lock(r.share, "old.bin", true)
			r.share.Write("new.bin", "new")
			lock(r.share, "new.bin", true)
			r.begin()
			const says = "another program has the file locked"
			eventually(t, "the entry says it", func() bool { e, _ := r.entry("old.bin"); return strings.Contains(e.Reason, says) })
			eventually(t, "the folder says it", func() bool {
				_, stdout, _ := r.run("status")
				return strings.Contains(stdout, "new.bin ("+says+")")
			})
			time.Sleep(3 * time.Second) // more tries than a file has attempts
			if e, _ := r.entry("old.bin"); e.Status != "settled" || len(r.stand.assets()) != 0 {
				t.Errorf("it is %s: %s", e.Status, e.Reason)
			}
			lock(r.share, "old.bin", false)
			lock(r.share, "new.bin", false)
			r.filed("old.bin")
			r.filed("new.bin")
			r.ends(map[string][]string{"old.bin": {"old"}, "new.bin": {"new"}})
			if files := r.share.Files(); len(files) != 0 {
				t.Errorf("left: %q", files)
			}
		})
	}
}

func errnoIf(on bool, no syscall.Errno) syscall.Errno {
	if on {
		return no
	}
	return 0
}

// A rename on the server is one, even if the client sees the file by its old name, too.
func TestRenameOnTheServer(t *testing.T) {
	for name, refusal := range map[string]syscall.Errno{"none": 0, "EINVAL": syscall.EINVAL, "ESTALE": syscall.ESTALE, "ENOENT": syscall.ENOENT} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newShareRoom(t, "keep")
			r.share.StaleNames(refusal)
			r.share.Write("a/one.bin", "one")
			r.share.Write("b/two.bin", "two")
			r.begin()
			r.filed("a/one.bin")
			r.filed("b/two.bin")
			r.share.Rename("a/one.bin", "a/moved.bin")
			r.share.Rename("b", "c")
			r.filed("a/moved.bin")
			r.filed("c/two.bin")
			r.ends(map[string][]string{"one.bin": {"one"}, "two.bin": {"two"}})
		})
	}
}

// Where the case of a name does not count, another case is no other file: what it holds
// later is its next version.
func TestRenameOfCaseAlone(t *testing.T) {
	t.Parallel()
	r := newShareRoom(t, "keep")
	r.share.FoldCase()
	r.share.Write("Case.bin", "one")
	r.share.Write("Dir/a.bin", "two")
	r.begin()
	r.filed("Case.bin")
	r.filed("Dir/a.bin")
	r.share.Rename("Case.bin", "case.BIN")
	r.share.Rename("Dir", "DIR")
	r.filed("case.BIN")
	r.filed("DIR/a.bin")
	r.share.Write("case.BIN", "one again")
	eventually(t, "the version is there", func() bool { return len(r.stand.assets()) == 3 })
	eventually(t, "it is filed", func() bool { return r.books().Filed == 3 })
	for _, a := range r.stand.named("case.BIN") {
		if len(a.Versions) != 2 {
			t.Errorf("%+v is no version", a)
		}
	}
	r.ends(map[string][]string{"Case.bin": {"one"}, "case.BIN": {"one again"}, "a.bin": {"two"}})
}

// Inode numbers that change make nothing new, and keep nothing from its end.
func TestInodeNumbersThatChange(t *testing.T) {
	for _, after := range []string{"keep", "move", "delete"} {
		t.Run(after, func(t *testing.T) {
			t.Parallel()
			r := newShareRoom(t, after)
			r.share.Renumber()
			r.share.RefuseChmod()
			r.share.Write("sub/a.bin", "one")
			r.begin()
			r.filed("sub/a.bin")
			opens := r.share.Opens()
			time.Sleep(4 * time.Second) // a dozen polls
			if n := r.share.Opens(); after == "keep" && n != opens {
				t.Errorf("it was opened %d times since it is known", n-opens)
			}
			r.share.Write("sub/b.bin", "two")
			r.filed("sub/b.bin")
			r.ends(map[string][]string{"a.bin": {"one"}, "b.bin": {"two"}})
			left := slices.Sorted(maps.Keys(r.share.Files()))
			want := map[string][]string{
				"keep": {"sub/a.bin", "sub/b.bin"}, "move": {"_ingested/sub/a.bin", "_ingested/sub/b.bin"}, "delete": nil,
			}[after]
			if !slices.Equal(left, want) {
				t.Errorf("left are %q, want %q", left, want)
			}
		})
	}
}
