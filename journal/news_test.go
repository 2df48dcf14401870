package journal

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// told takes what a channel was told.
func told(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestNotify(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	entries, work := make(chan struct{}, 1), make(chan struct{}, 1)
	r.Notify(entries)
	r.Notify(work, AboutChores, AboutEdits)
	want := func(what string, e, w bool) {
		t.Helper()
		if gotE, gotW := told(entries), told(work); gotE != e || gotW != w {
			t.Errorf("%s: those who wait for entries were told %v, for chores and edits %v", what, gotE, gotW)
		}
	}
	ids := r.admit(fileAt("a", 1), fileAt("b", 1))
	want("two files", true, false)
	r.ok(r.Advance(ctx, Move{ID: ids[0], From: Settled, To: Held, Reason: Reason{Message: "x"}}))
	want("a move", true, false)
	r.ok(r.Advance(ctx, Move{ID: ids[1], From: Settled, To: Failed, Reason: Reason{Message: "x"}, Chores: []NewChore{{Kind: ChoreFile, NotBefore: r.time.Add(time.Hour)}}}))
	want("a move with a chore", true, true)
	due, some, err := ChoresOf(r.Journal).Next(ctx, "in")
	if r.ok(err); !some || !due.Equal(r.time.Add(time.Hour)) {
		t.Errorf("the next chore is due %v, %v", due, some)
	}
	if _, some, err := ChoresOf(r.Journal).Next(ctx, ""); err != nil || some {
		t.Errorf("a file's chore is everybody's: %v, %v", some, err)
	}
	r.fails(r.Advance(ctx, Move{ID: ids[0], From: Settled, To: Held, Reason: Reason{Message: "x"}}), ErrMoved)
	want("a move that failed", false, false)
	r.ok(FoldersOf(r.Journal).Set(ctx, FolderState{Name: "in"}))
	want("gauges", false, false)
	r.Notify(work, AboutNothing)
	r.Notify(entries, AboutCompanions)
	_, err = CompanionsOf(r.Journal).Admit(ctx, []file.File{fileAt("c.xmp", 1)})
	r.ok(err)
	want("a companion", true, false)
	due2, err := CompanionsOf(r.Journal).Due(ctx, []string{"in"}, 1)
	r.ok(err)
	_, _, err = CompanionsOf(r.Journal).ActOn(ctx, due2[0], Concern{Path: "c"})
	r.ok(err)
	want("what it tells", false, false)
}

func TestNextEdit(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	if _, some, waiting, err := EditsOf(r.Journal).Next(ctx, "in"); some || waiting || err != nil {
		t.Fatal(some, waiting, err)
	}
	id := r.admit(fileAt("a", 1))[0]
	r.bring(id, Filed)
	_, err := EditsOf(r.Journal).Open(ctx, []int64{id})
	r.ok(err)
	due, some, waiting, err := EditsOf(r.Journal).Next(ctx, "in")
	if r.ok(err); !some || waiting || due.After(r.time) {
		t.Errorf("an open edit: due %v, %v, waits %v", due, some, waiting)
	}
	e, _, err := OpenEditsOf(r.Reader()).Of(ctx, id)
	r.ok(err)
	r.ok(EditsOf(r.Journal).PutOff(ctx, e, r.time.Add(time.Hour), "later"))
	if due, _, _, err := EditsOf(r.Journal).Next(ctx, "in"); err != nil || !due.Equal(r.time.Add(time.Hour)) {
		t.Errorf("it is due %v, %v", due, err)
	}
	if _, some, waiting, err := EditsOf(r.Journal).Next(ctx, "other"); some || waiting || err != nil {
		t.Error("it is another folder's", some, waiting, err)
	}
}

// A request is noticed though the owner does not ask for one, and so is that it was taken
// back; the files keep their owner and their mode.
func TestListen(t *testing.T) {
	t.Parallel()
	for name, watch := range map[string]bool{"told by the kernel": true, "looked at": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "journal.db")
			commits := 0
			j, err := Open(t.Context(), path, Options{WatchLock: watch, OnCommit: func() { commits++ }})
			if err != nil {
				t.Fatal(err)
			}
			defer j.Close()
			if os.Geteuid() == 0 { // root asks a daemon of another user
				for _, end := range []string{"", "-wal", "-shm", ".lock"} {
					if err := os.Chown(path+end, 65534, 65534); err != nil {
						t.Fatal(err)
					}
				}
			}
			before, err := os.Lstat(path + ".lock")
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			rung, ended := make(chan struct{}, 1), make(chan struct{})
			go func() { defer close(ended); RequestsOf(j).Listen(ctx, rung) }()
			defer func() { cancel(); <-ended }()
			wait := func(what string) {
				t.Helper()
				select {
				case <-rung:
				case <-time.After(10 * time.Second):
					t.Fatalf("nobody was told of %s", what)
				}
			}
			for told := true; told; { // of the beginning
				select {
				case <-rung:
				case <-time.After(3 * bellTick):
					told = false
				}
			}
			if open, err := RequestsOf(j).Attend(ctx); err != nil || len(open) > 0 || commits > 0 {
				t.Errorf("without a request there are %v, %v, and %d commits", open, err, commits)
			}
			id, err := Ask(ctx, path, "ping", []byte("{}"))
			if err != nil {
				t.Fatal(err)
			}
			wait("a request")
			if open, err := RequestsOf(j).Attend(ctx); err != nil || len(open) != 1 || open[0].ID != id {
				t.Errorf("the requests are %v, %v", open, err)
			}
			if begun, err := Withdraw(ctx, path, id); err != nil || !begun {
				t.Fatal(begun, err)
			}
			wait("its end")
			after, err := os.Lstat(path + ".lock")
			if err != nil {
				t.Fatal(err)
			}
			was, is := before.Sys().(*syscall.Stat_t), after.Sys().(*syscall.Stat_t)
			if was.Uid != is.Uid || was.Gid != is.Gid || was.Mode != is.Mode || was.Size != is.Size || was.Ino != is.Ino {
				t.Errorf("the lock file was %+v and is %+v", was, is)
			}
		})
	}
}
