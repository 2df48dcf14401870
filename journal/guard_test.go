package journal

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

func TestAdopt(t *testing.T) {
	r := newRig(t)
	id := r.admit(fileAt("a", 1))[0]
	r.bring(id, Mapped)
	r.fails(r.Advance(t.Context(), Move{ID: id, From: Mapped, To: Verified}), ErrIllegal)
	r.ok(r.Advance(t.Context(), Move{ID: id, From: Mapped, To: Verified, Created: &Creation{ObjectID: "o", FileID: "f", OriginalFileID: "g"}}))
	if e := r.entry(id); e.ObjectID != "o" || e.FileID != "f" || e.OriginalFileID != "g" || e.AttemptCount != 0 {
		t.Errorf("the ids of the adopted asset are missing, or an attempt was made: %+v", e)
	}
	r.consistent()
}

func TestSameContent(t *testing.T) {
	r := newRig(t)
	sized := func(path string, gen int) file.File { f := fileAt(path, gen); f.Size = 77; return f }
	ids := r.admit(sized("filed", 1), sized("queued", 1), sized("failed", 1), sized("replaced", 1), sized("other", 1), fileAt("size", 1))
	r.bring(ids[0], Filed)
	r.bring(ids[2], Failed)
	r.bring(ids[3], Filed)
	r.bring(r.admit(fileAt("replaced", 2))[0], Filed)
	r.bring(ids[4], Filed)
	r.ok(r.SetSHA256(t.Context(), ids[0], []byte("sum")))
	r.ok(r.SetSHA256(t.Context(), ids[4], []byte("another")))
	probe := r.entry(r.admit(sized("probe", 1))[0])
	if has, err := r.Reader().HasSameSize(t.Context(), probe); err != nil || !has {
		t.Errorf("others have the size: %v, %v", has, err)
	}
	probe.SHA256 = []byte("sum")
	got, err := r.Reader().SameContent(t.Context(), probe)
	r.ok(err)
	if len(got) != 2 || got[0].ID != ids[0] || got[1].ID != ids[1] {
		t.Fatalf("want the filed file with the hash and the queued one without, got %+v", got)
	}
	if got[0].Attempt == nil || len(got[0].Attempt.Parts) == 0 {
		t.Error("the filed one should come with its parts")
	}
	lone := r.entry(r.admit(file.File{Folder: "in", Path: "lone", Stat: file.Stat{Size: 12345}})[0])
	if has, err := r.Reader().HasSameSize(t.Context(), lone); err != nil || has {
		t.Errorf("nobody has the size: %v, %v", has, err)
	}
}

func TestRemovedJournalIsNoticedBeforeTheNextWrite(t *testing.T) {
	r := newRig(t)
	ids := r.admit(fileAt("a", 1))
	away := r.path + ".away"
	r.ok(os.Rename(r.path, away))
	_, err := r.Journal.Advance(t.Context(), move(ids[0], Settled, Held))
	if !errors.Is(err, ErrRemoved) || !errors.Is(err, ErrJournal) {
		t.Errorf("want ErrRemoved, got %v", err)
	}
	r.ok(os.WriteFile(r.path, nil, 0o600))
	_, err = r.Journal.Advance(t.Context(), move(ids[0], Settled, Held))
	r.fails(err, ErrRemoved)
	r.ok(os.Rename(away, r.path))
	r.ok(r.Advance(t.Context(), move(ids[0], Settled, Held)))
}

func TestNetworkFileSystemsAreRefused(t *testing.T) {
	for _, magic := range []int64{unix.NFS_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC} {
		if err := localType("/j", magic); !errors.Is(err, ErrNetwork) {
			t.Errorf("%#x: want ErrNetwork, got %v", magic, err)
		}
	}
	for _, magic := range []int64{unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.TMPFS_MAGIC, unix.OVERLAYFS_SUPER_MAGIC} {
		if err := localType("/j", magic); err != nil {
			t.Errorf("%#x: %v", magic, err)
		}
	}
}

func TestBackupIsAJournal(t *testing.T) {
	r := newRig(t)
	ids := r.admit(fileAt("a", 1), fileAt("b", 1))
	r.bring(ids[0], Uploading)
	to := filepath.Join(t.TempDir(), "copy.db")
	r.ok(Backup(t.Context(), r.path, to))
	if err := Backup(t.Context(), r.path, to); !errors.Is(err, os.ErrExist) || !strings.Contains(err.Error(), "name another one") {
		t.Errorf("a back-up must not overwrite, and says what to do: %v", err)
	}
	info, err := os.Stat(to)
	r.ok(err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the back-up has mode %v", info.Mode())
	}
	j, err := Open(t.Context(), to, Options{Clock: func() time.Time { return r.time }})
	r.ok(err)
	defer func() { r.ok(j.Close()) }()
	e, err := j.Entry(t.Context(), ids[0])
	r.ok(err)
	if e.Status != Uploading || e.Attempt == nil || e.Attempt.Parts[0].URL == "" {
		t.Errorf("the copy should be able to go on: %+v", e)
	}
	var check string
	r.ok(j.Reader().db.QueryRow(`PRAGMA integrity_check`).Scan(&check))
	if check != "ok" {
		t.Error(check)
	}
}

// openOnce opens and closes a journal, and reports whether it was new.
func openOnce(t *testing.T, path string, o Options) (fresh bool) {
	t.Helper()
	j, err := Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return j.Fresh()
}

func TestOrphanedWALIsNotOverwritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	if err := os.WriteFile(path+"-wal", []byte("what was recorded last"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path, Options{}); !errors.Is(err, ErrOrphaned) {
		t.Fatalf("want ErrOrphaned, got %v", err)
	}
	if !openOnce(t, path, Options{Anew: true}) {
		t.Error("the journal is new")
	}
	kept, err := filepath.Glob(path + "-wal.replaced-*")
	if err != nil || len(kept) != 1 {
		t.Errorf("the old -wal should lie aside: %v, %v", kept, err)
	}
}

// TestRestoreTakesOnlyAWholeJournal offers it what is none: the journal stays.
func TestRestoreTakesOnlyAWholeJournal(t *testing.T) {
	r := newRig(t)
	for i := range 200 {
		r.admit(fileAt(fmt.Sprint(i), 1))
	}
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	r.ok(Backup(t.Context(), r.path, in("copy.db")))
	r.ok(r.Close())
	whole, err := os.ReadFile(in("copy.db"))
	r.ok(err)
	r.ok(os.WriteFile(in("config.yaml"), []byte("journal: /var/lib/ingestd/journal.db"), 0o600))
	r.ok(os.WriteFile(in("empty.db"), nil, 0o600))
	r.ok(os.WriteFile(in("cut.db"), whole[:len(whole)/2], 0o600))
	foreign, err := sql.Open("sqlite", in("foreign.db"))
	r.ok(err)
	_, err = foreign.Exec(`CREATE TABLE t (x)`)
	r.ok(errors.Join(err, foreign.Close()))
	before, err := os.ReadFile(r.path)
	r.ok(err)
	for _, name := range []string{in("config.yaml"), in("empty.db"), in("cut.db"), in("foreign.db"), in("none.db"), r.path} {
		if err := Restore(t.Context(), r.path, name); err == nil {
			t.Errorf("%s was taken for a journal", filepath.Base(name))
		}
		if now, err := os.ReadFile(r.path); err != nil || !bytes.Equal(now, before) {
			t.Fatalf("the journal changed: %v", err)
		}
	}
	r.restored(in("copy.db"), 200)
}

// TestRestoreWaitsForNoPipe offers it what is no file, or has none beside it: it is
// refused, and nothing waited for.
func TestRestoreWaitsForNoPipe(t *testing.T) {
	r := newRig(t)
	r.admit(fileAt("a", 1))
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	pipe := func(name string) { r.t.Helper(); r.ok(unix.Mkfifo(in(name), 0o600)) }
	for _, name := range []string{"copy.db", "wal.db", "shm.db", "rollback.db"} {
		r.ok(Backup(t.Context(), r.path, in(name)))
	}
	r.ok(r.Close())
	pipe("pipe.db")
	pipe("wal.db-wal")
	pipe("shm.db-shm")
	pipe("rollback.db-journal")
	r.ok(os.Mkdir(in("dir.db"), 0o700))
	r.ok(os.Symlink(in("pipe.db"), in("link.db")))
	r.ok(os.Symlink("/dev/zero", in("device.db")))
	before, err := os.ReadFile(r.path)
	r.ok(err)
	for _, name := range []string{"pipe.db", "wal.db", "shm.db", "rollback.db", "dir.db", "link.db", "device.db"} {
		ended := make(chan error, 1)
		go func() { ended <- Restore(t.Context(), r.path, in(name)) }()
		select {
		case err := <-ended:
			r.fails(err, ErrForeign)
		case <-time.After(20 * time.Second):
			t.Fatalf("%s is waited for", name)
		}
		if now, err := os.ReadFile(r.path); err != nil || !bytes.Equal(now, before) {
			t.Fatalf("%s: the journal changed: %v", name, err)
		}
	}
	r.ok(os.Symlink(in("copy.db"), in("named.db")))
	r.restored(in("named.db"), 1)
}

// restored restores a copy, which holds so many entries.
func (r *rig) restored(from string, entries int) {
	r.t.Helper()
	r.ok(Restore(r.t.Context(), r.path, from))
	r.reopen()
	if n := len(r.ids(Filter{All: true})); n != entries {
		r.t.Errorf("%d entries, want %d", n, entries)
	}
}

// TestLostJournalIsNoticed removes a journal that was closed: nothing is left of it
// but the lock file, and to a new one every file would be new.
func TestLostJournalIsNoticed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	openOnce(t, path, Options{})
	openOnce(t, path, Options{})
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path, Options{}); !errors.Is(err, ErrOrphaned) {
		t.Fatalf("want ErrOrphaned, got %v", err)
	}
	openOnce(t, path, Options{Anew: true})
}

// TestFirstStartMayFail finds what a crash leaves between the lock and the first
// schema: it is no lost journal.
func TestFirstStartMayFail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	for _, name := range []string{path + ".lock", path} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if !openOnce(t, path, Options{}) {
		t.Error("the journal is new")
	}
}

// TestRestoreTakesTheWALAlong restores what was copied file by file.
func TestRestoreTakesTheWALAlong(t *testing.T) {
	r := newRig(t)
	r.admit(fileAt("a", 1))
	dir := t.TempDir()
	for _, name := range []string{"", "-wal"} {
		data, err := os.ReadFile(r.path + name)
		r.ok(err)
		r.ok(os.WriteFile(filepath.Join(dir, "copy.db"+name), data, 0o600))
	}
	r.ok(r.Close())
	r.restored(filepath.Join(dir, "copy.db"), 1)
}

// TestRestoreCutOff finds what a crash leaves of a restore: a daemon begins no new
// journal, and the same restore succeeds, but not with the half copy.
func TestRestoreCutOff(t *testing.T) {
	r := newRig(t)
	r.admit(fileAt("a", 1))
	to := filepath.Join(t.TempDir(), "copy.db")
	r.ok(Backup(t.Context(), r.path, to))
	r.path = filepath.Join(t.TempDir(), "j.db")
	r.ok(Restore(t.Context(), r.path, to))
	part := r.path + ".restoring"
	r.ok(os.Rename(r.path, part))
	_, err := Open(t.Context(), r.path, Options{})
	r.fails(err, ErrOrphaned)
	if err := Restore(t.Context(), r.path, part); err == nil {
		t.Error("it was restored onto itself")
	}
	if info, err := os.Stat(part); err != nil || info.Size() == 0 {
		t.Errorf("the half copy is gone: %v", err)
	}
	r.ok(r.Close())
	r.restored(to, 1)
}

func TestRestorePutsABackupInPlaceOfARuin(t *testing.T) {
	r := newRig(t)
	r.admit(fileAt("a", 1))
	to := filepath.Join(t.TempDir(), "copy.db")
	r.ok(Backup(t.Context(), r.path, to))
	r.fails(Restore(t.Context(), r.path, to), ErrLocked)
	ruin := filepath.Join(t.TempDir(), "j.db")
	r.ok(os.WriteFile(ruin, []byte("ruined"), 0o600))
	r.ok(os.WriteFile(ruin+"-wal", []byte("stale"), 0o600))
	r.ok(Restore(t.Context(), ruin, to))
	j, err := Open(t.Context(), ruin, Options{})
	r.ok(err)
	defer func() { r.ok(j.Close()) }()
	if _, err := j.Entry(t.Context(), 1); err != nil {
		t.Error(err)
	}
	if j.Fresh() {
		t.Error("a restored journal is not new")
	}
}
