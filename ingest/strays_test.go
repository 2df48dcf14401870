package ingest_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/journal"
)

// hide leaves d/a.jpg, entry 1, as a crash leaves a file on its way out of the folder, or
// as an earlier process left its entry.
func (r *restingRig) hide(failed bool, statements ...string) {
	r.t.Helper()
	after := r.config.Folders[0].After
	r.config.Folders[0].After = dropfolder.AfterKeep
	r.write("d/a.jpg", 1000, 1)
	if failed {
		r.refuse()
	}
	r.backfill()
	r.config.Folders[0].After = after
	r.rename("d/a.jpg", "d/.ingestd-1")
	db, err := sql.Open("sqlite", "file:"+r.journal)
	if err != nil {
		r.t.Fatal(err)
	}
	defer db.Close()
	for _, s := range append(statements, itRests, itWaits) {
		if _, err := db.ExecContext(r.t.Context(), s); err != nil {
			r.t.Fatal(err)
		}
	}
}

// link exchanges d for a link.
func (r *restingRig) link() {
	r.t.Helper()
	outside := filepath.Join(filepath.Dir(r.drop), "outside")
	if err := os.Rename(filepath.Join(r.drop, "d"), outside); err != nil {
		r.t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(r.drop, "d")); err != nil {
		r.t.Fatal(err)
	}
}

// unlink ends that, and gives the directory a name.
func (r *restingRig) unlink(name string) {
	r.t.Helper()
	outside := filepath.Join(filepath.Dir(r.drop), "outside")
	// At once: a directory that is not there at all, for however short, has its files gone.
	if err := unix.Renameat2(unix.AT_FDCWD, outside, unix.AT_FDCWD, filepath.Join(r.drop, "d"), unix.RENAME_EXCHANGE); err != nil {
		r.t.Fatal(err)
	}
	if err := os.Remove(outside); err != nil {
		r.t.Fatal(err)
	}
	if name != "d" {
		r.rename("d", name)
	}
}

const (
	asideToMove   = `UPDATE entries SET status = 'verified', aside = CAST('d/.ingestd-1' AS BLOB), moved_to = CAST('_ingested/d/a.jpg' AS BLOB)`
	asideToDelete = `UPDATE entries SET status = 'verified', aside = CAST('d/.ingestd-1' AS BLOB), moved_to = x''`
	asideFailed   = `UPDATE entries SET aside = CAST('d/.ingestd-1' AS BLOB), moved_to = CAST('_failed/d/a.jpg' AS BLOB)`
	itRests       = `UPDATE entries SET rests = status <> 'verified'`
	itWaits       = `INSERT INTO work (entry_id, lane, folder, status, sort_key, size, sha256, filename)
		SELECT id, 2, folder, status, x'', size, sha256, filename FROM entries WHERE status = 'verified'`
	choreOfFile = `INSERT INTO chores (entry_id, kind, object_id, file_id, filename, spec, until, not_before, since) VALUES (1, 'file', '', '', 'a.jpg', '', 0, 0, 0)`
)

// TestDirectoryOfAFileAsideChanges has the directory of a file that waits under its
// hidden name get another name, or be a link for a moment: the file gets to its end.
func TestDirectoryOfAFileAsideChanges(t *testing.T) {
	t.Parallel()
	text := "_failed/d/a.jpg.error.txt"
	for _, c := range []struct {
		name      string
		after     dropfolder.After
		was       []string
		there     []string // in the end, when the directory is back
		renamedTo []string // and when it is d2
	}{
		{"failed", dropfolder.AfterMove, []string{asideFailed, choreOfFile}, []string{"_failed/d/a.jpg", text}, []string{"_ingested/d2/a.jpg"}},
		{"move", dropfolder.AfterMove, []string{asideToMove}, []string{"_ingested/d/a.jpg"}, []string{"_ingested/d2/a.jpg"}},
		{"delete", dropfolder.AfterDelete, []string{asideToDelete}, nil, nil},
	} {
		for _, how := range []string{"renamed before the start", "renamed while it runs", "a link for a moment", "a link, then renamed"} {
			t.Run(c.name+"/"+how, func(t *testing.T) {
				t.Parallel()
				r := newRestingRig(t)
				r.rig = newFilingRig(t, c.after)
				r.watched.Path = r.drop
				var late atomic.Int64
				r.clock = func() time.Time { return time.Now().Add(time.Duration(late.Load())) }
				r.hide(c.name == "failed", c.was...)
				was := r.entry("d/a.jpg").Status
				var writer *os.File
				switch how {
				case "renamed before the start":
					r.rename("d", "d2")
				case "renamed while it runs": // it gets its name back first, because a program writes it
					var err error
					if writer, err = os.OpenFile(filepath.Join(r.drop, "d/.ingestd-1"), os.O_WRONLY, 0); err != nil {
						t.Fatal(err)
					}
				default:
					r.link()
				}
				r.process = r.start()
				t.Cleanup(func() { r.close(r.process) })
				r.begin()
				want := c.renamedTo
				switch how {
				case "renamed while it runs":
					r.rename("d", "d2")
					_ = writer.Close() // nothing was written
				case "a link for a moment", "a link, then renamed":
					r.until(r.process, "it is said why it waits", func() bool {
						return strings.Contains(r.waits(), "d/.ingestd-1")
					})
					r.rescan()
					if e := r.entry("d/a.jpg"); e.Status != was || !e.Taken() {
						t.Errorf("while its directory is a link the entry is %s, taken: %t", e.Status, e.Taken())
					}
					if want = c.there; how == "a link for a moment" {
						r.unlink("d")
					} else {
						r.unlink("d2")
						want = c.renamedTo
					}
				}
				late.Add(int64(time.Hour))
				r.untilFiles(want)
				wantAssets := 1
				if slices.Contains(want, text) {
					wantAssets = 0
				}
				if n := len(available(r.sandbox.State())); n != wantAssets {
					t.Errorf("%d assets, want %d", n, wantAssets)
				}
			})
		}
	}
}

// waits is why entry 1, or the moving of its file, waits.
func (r *restingRig) waits() string {
	r.t.Helper()
	e := r.entry("d/a.jpg")
	if e.Status == journal.Verified {
		return e.Reason.Message
	}
	chores, err := journal.ChoresOf(r.process.journal).Due(r.t.Context(), time.Now().Add(24*time.Hour), "drop", 10)
	if err != nil || len(chores) == 0 {
		return ""
	}
	return chores[0].Message
}

// untilFiles waits until these files are all that lies in the drop.
func (r *restingRig) untilFiles(want []string) {
	r.t.Helper()
	slices.Sort(want)
	deadline := time.Now().Add(20 * time.Second)
	for !slices.Equal(r.files(), want) {
		if time.Now().After(deadline) {
			r.t.Fatalf("in the folder lie %q, want %q; journal:\n%s", r.files(), want, r.dump(r.process))
		}
		r.rescan()
		time.Sleep(20 * time.Millisecond)
	}
}

// TestFilesThatWereLeftHidden has journals of which an earlier process concluded that
// the file is gone, or has taken another way.
func TestFilesThatWereLeftHidden(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		after  dropfolder.After
		failed bool
		was    []string
		want   []string
	}{
		{"filed, not taken", dropfolder.AfterMove, false, nil, []string{"_ingested/d/a.jpg"}},
		{"filed, deleted as it seemed", dropfolder.AfterDelete, false, []string{asideToDelete, `UPDATE entries SET status = 'filed'`}, nil},
		{"superseded", dropfolder.AfterMove, true, []string{`UPDATE entries SET status = 'superseded'`}, []string{"_ingested/d/a.jpg"}},
		{"unknown", dropfolder.AfterMove, false, []string{`UPDATE entries SET size = 7, ino = 7`}, []string{"d/.ingestd-1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRestingRig(t)
			r.rig = newFilingRig(t, c.after)
			r.watched.Path = r.drop
			r.hide(c.failed, c.was...)
			if c.name == "unknown" {
				r.backfill()
				r.wantFiles(c.want...)
				if !strings.Contains(r.log.String(), "a file lies under a hidden name") {
					t.Errorf("the log does not tell of it:\n%s", r.log)
				}
				return
			}
			r.process = r.start()
			t.Cleanup(func() { r.close(r.process) })
			r.begin()
			r.untilFiles(c.want)
			if n := len(available(r.sandbox.State())); n != 1 {
				t.Errorf("%d assets", n)
			}
		})
	}
}
