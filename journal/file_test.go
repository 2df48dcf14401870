package journal

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// The test binary is also the other process: with JOURNAL_CHILD=verb it does
// that to the journal named by its argument, prints the outcome, and waits for
// its input to end.
func TestMain(m *testing.M) {
	verb := os.Getenv("JOURNAL_CHILD")
	if verb == "" {
		os.Exit(m.Run())
	}
	ctx, path := context.Background(), os.Args[len(os.Args)-1]
	var err error
	var said any = "ok"
	switch verb {
	case "open":
		_, err = Open(ctx, path, Options{})
	case "ask":
		said, err = Ask(ctx, path, "retry", []byte(`{"ids":[7]}`))
	case "migrate":
		migrations = laterSteps()
		fmt.Println("begins")
		_, err = Open(ctx, path, Options{})
	case "owned":
		said, err = Owned(path)
	}
	if err != nil {
		said = err
	}
	fmt.Println(said)
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// child starts the other process and returns the line it prints, and an end.
func (r *rig) child(verb string) (string, func()) {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), os.Args[0], r.path)
	cmd.Env = append(os.Environ(), "JOURNAL_CHILD="+verb)
	in, err := cmd.StdinPipe()
	r.ok(err)
	out, err := cmd.StdoutPipe()
	r.ok(err)
	r.ok(cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	r.ok(err)
	return strings.TrimSpace(line), func() {
		_ = in.Close()
		r.ok(cmd.Wait())
	}
}

func TestOneOwner(t *testing.T) {
	r := newRig(t)
	_, err := Open(t.Context(), r.path, Options{})
	r.fails(err, ErrLocked)
	said, end := r.child("open")
	end()
	if !strings.Contains(said, ErrLocked.Error()) {
		t.Errorf("another process was told: %s", said)
	}
	said, end = r.child("owned")
	end()
	if said != "true" {
		t.Errorf("owned, seen by another process: %s", said)
	}
	r.ok(r.Close())
	if owned, err := Owned(r.path); err != nil || owned {
		t.Errorf("owned after Close: %v, %v", owned, err)
	}
	said, end = r.child("open")
	if said != "ok" {
		t.Fatalf("another process cannot open it: %s", said)
	}
	if owned, err := Owned(r.path); err != nil || !owned {
		t.Errorf("owned by another process: %v, %v", owned, err)
	}
	_, err = Open(t.Context(), r.path, Options{})
	r.fails(err, ErrLocked)
	end()
	r.reopen()
	if owned, err := Owned(filepath.Join(t.TempDir(), "none")); err != nil || owned {
		t.Errorf("no journal is owned: %v, %v", owned, err)
	}
}

func TestRequestsAcrossProcesses(t *testing.T) {
	r := newRig(t)
	stop := make(chan struct{})
	done := make(chan error)
	go func() { // the owner writes all the time
		for i := 0; ; i++ {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			if _, err := r.Admit(t.Context(), []file.File{fileAt(fmt.Sprint("f", i), 1)}); err != nil {
				done <- err
				return
			}
		}
	}()
	said, end := r.child("ask")
	end()
	second, err := Ask(t.Context(), r.path, "cancel", nil)
	r.ok(err)
	close(stop)
	r.ok(<-done)

	reqs, err := RequestsOf(r.Journal).Open(t.Context())
	r.ok(err)
	if len(reqs) != 2 || fmt.Sprint(reqs[0].ID) != said || reqs[0].Kind != "retry" || string(reqs[0].Args) != `{"ids":[7]}` ||
		reqs[0].AskedAt.IsZero() || reqs[1].ID != second {
		t.Fatalf("requests %+v, the other process said %s", reqs, said)
	}
	reader, err := OpenReader(t.Context(), r.path)
	r.ok(err)
	defer func() { _ = reader.Close() }()
	if _, _, answered, err := AnswersOf(reader).To(t.Context(), second); err != nil || answered {
		t.Errorf("answered already: %v, %v", answered, err)
	}
	r.ok(RequestsOf(r.Journal).Answer(t.Context(), reqs[0].ID, []byte(`{"n":1}`), ""))
	r.ok(RequestsOf(r.Journal).Answer(t.Context(), second, nil, "no such entry"))
	r.fails(RequestsOf(r.Journal).Answer(t.Context(), second, nil, ""), ErrUnknown)
	if a, e, answered, err := AnswersOf(reader).To(t.Context(), reqs[0].ID); err != nil || !answered || string(a) != `{"n":1}` || e != "" {
		t.Errorf("answer %s %q %v %v", a, e, answered, err)
	}
	if a, e, answered, err := AnswersOf(reader).To(t.Context(), second); err != nil || !answered || len(a) != 0 || e != "no such entry" {
		t.Errorf("answer %s %q %v %v", a, e, answered, err)
	}
	if reqs, err = RequestsOf(r.Journal).Open(t.Context()); err != nil || len(reqs) != 0 {
		t.Errorf("still open: %v, %v", reqs, err)
	}
	third, err := Ask(t.Context(), r.path, "verify", nil)
	r.ok(err)
	r.time = r.time.Add(answersKept + time.Hour)
	r.ok(RequestsOf(r.Journal).Answer(t.Context(), third, nil, ""))
	_, _, _, err = AnswersOf(reader).To(t.Context(), second)
	r.fails(err, ErrUnknown) // forgotten after a week
}

func TestNoJournal(t *testing.T) {
	r := newRig(t)
	none := filepath.Join(t.TempDir(), "none.db")
	_, err := OpenReader(t.Context(), none)
	r.fails(err, ErrMissing)
	_, err = Ask(t.Context(), none, "x", nil)
	r.fails(err, ErrMissing)
	r.ok(os.WriteFile(none, nil, 0o600))
	_, err = OpenReader(t.Context(), none)
	r.fails(err, ErrMissing)
	entries, err := os.ReadDir(filepath.Dir(none))
	if err != nil || len(entries) != 1 {
		t.Errorf("a look left %v, %v", entries, err)
	}
}

func TestSchemaVersions(t *testing.T) {
	r := newRig(t)
	set := func(pragma string) {
		t.Helper()
		db, err := sql.Open("sqlite", "file:"+r.path)
		r.ok(err)
		_, err = db.Exec("PRAGMA " + pragma)
		r.ok(err)
		r.ok(db.Close())
	}
	everybody := func(want error) {
		t.Helper()
		_, err := OpenReader(t.Context(), r.path)
		r.fails(err, want)
		_, err = Ask(t.Context(), r.path, "x", nil)
		r.fails(err, want)
	}
	r.ok(r.Close())
	set("user_version = 99")
	everybody(ErrNewer)
	_, err := Open(t.Context(), r.path, Options{})
	r.fails(err, ErrNewer)
	if owned, err := Owned(r.path); err != nil || owned {
		t.Errorf("a refused Open keeps the lock: %v, %v", owned, err)
	}
	set("user_version = 1")
	set(fmt.Sprintf("application_id = %d", firstID))
	everybody(ErrUnreleased)
	_, err = Open(t.Context(), r.path, Options{})
	r.fails(err, ErrUnreleased)
	set("application_id = 5")
	everybody(ErrForeign)
	_, err = Open(t.Context(), r.path, Options{})
	r.fails(err, ErrForeign)
}

func TestDamage(t *testing.T) {
	for name, damage := range map[string]func([]byte){
		"header": func(b []byte) { copy(b, "this was a database") },
		"middle": func(b []byte) {
			for i := len(b) / 2; i < len(b)/2+8192; i++ {
				b[i] = 0xA5
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			history(t, r.Journal, 300)
			r.ok(r.Close())
			raw, err := os.ReadFile(r.path)
			r.ok(err)
			damage(raw)
			r.ok(os.WriteFile(r.path, raw, 0o600))
			_, err = Open(t.Context(), r.path, Options{})
			r.fails(err, ErrCorrupt)
			if !strings.Contains(err.Error(), "restore a back-up") || !strings.Contains(err.Error(), r.path) {
				t.Errorf("the error gives no hint: %v", err)
			}
		})
	}
}

// Damage that a long check finds after Open has returned stops the writing.
func TestDamageFoundLate(t *testing.T) {
	r := newRig(t)
	found := fmt.Errorf("check the journal: %w", ErrCorrupt)
	r.damage.Store(&found)
	_, err := r.Admit(t.Context(), []file.File{fileAt("a", 1)})
	r.fails(err, ErrCorrupt)
	r.fails(err, ErrJournal)
}

func TestDiskFull(t *testing.T) {
	r := newRig(t)
	r.admit(fileAt("before", 1))
	var pages int
	r.ok(r.Reader().db.QueryRow(`SELECT page_count FROM pragma_page_count`).Scan(&pages))
	limit := func(n int) {
		r.byHand(fmt.Sprintf(`PRAGMA max_page_count = %d`, n))
	}
	limit(pages + 4)
	var files []file.File
	for i := range 400 {
		files = append(files, fileAt(fmt.Sprintf("a-rather-long-directory-name/%d", i), 1))
	}
	_, err := r.Admit(t.Context(), files)
	r.fails(err, ErrFull)
	r.fails(err, ErrJournal)
	if n := len(r.ids(Filter{All: true})); n != 1 {
		t.Errorf("%d entries after a failed transaction", n)
	}
	r.balanced()
	limit(1 << 20)
	if n := len(r.admit(files...)); n != 400 {
		t.Errorf("%d entries once there is room", n)
	}
	r.balanced()
}

func TestFilesArePrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "state")
	r := &rig{t: t, path: filepath.Join(dir, "journal.db"), time: time.Now()}
	r.reopen()
	r.admit(fileAt("a", 1))
	check := func() {
		t.Helper()
		for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
			info, err := os.Stat(r.path + suffix)
			r.ok(err)
			if info.Mode().Perm() != 0o600 {
				t.Errorf("%s has mode %v", suffix, info.Mode())
			}
		}
	}
	check()
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("directory: %v, %v", info.Mode(), err)
	}
	r.ok(r.Close())
	r.ok(os.Chmod(r.path, 0o644))
	r.reopen()
	r.admit(fileAt("b", 1))
	check()
	r.ok(r.Close())
}

func TestOddPaths(t *testing.T) {
	for _, name := range []string{"what?mode=memory", "100% #1", "ü b&c=d;e+f", "%41", "caf\xe9"} {
		r := &rig{t: t, path: filepath.Join(t.TempDir(), name, name+".db"), time: time.Now()}
		r.reopen()
		r.admit(fileAt("a", 1))
		reader, err := OpenReader(t.Context(), r.path)
		r.ok(err)
		if n, err := reader.Unfinished(t.Context(), nil); err != nil || n != 1 {
			t.Errorf("%q: %d, %v", name, n, err)
		}
		_, err = Ask(t.Context(), r.path, "x", nil)
		r.ok(err)
		if _, err := os.Stat(r.path); err != nil {
			t.Errorf("the file is elsewhere: %v", err)
		}
		r.ok(reader.Close())
		r.ok(r.Close())
	}
}

// A reader works without an owner, and can change nothing.
func TestReaderOnly(t *testing.T) {
	r := newRig(t)
	r.admit(fileAt("a", 1))
	r.ok(r.Close())
	reader, err := OpenReader(t.Context(), r.path)
	r.ok(err)
	defer func() { _ = reader.Close() }()
	if c, err := reader.Counts(t.Context()); err != nil || len(c) != 1 || c[0].Seen != 1 {
		t.Errorf("counts %+v, %v", c, err)
	}
	if _, err := reader.db.Exec(`UPDATE entries SET status = 'filed'`); err == nil {
		t.Error("a reader could write")
	}
	r.reopen() // and keeps no owner out
}

func TestContextEnds(t *testing.T) {
	r := newRig(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := r.Admit(ctx, []file.File{fileAt("a", 1)})
	r.fails(err, context.Canceled)
	r.fails(FoldersOf(r.Journal).Set(ctx, FolderState{Name: "in"}), context.Canceled)
	_, err = Open(ctx, r.path, Options{})
	r.fails(err, context.Canceled)
}
