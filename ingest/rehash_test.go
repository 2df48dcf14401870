package ingest_test

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/journal"
)

// TestTouchBetweenHashAndDuplicate touches a copy after it was hashed and before it is
// called a duplicate: the next look hashes it again, and it leaves the folder.
func TestTouchBetweenHashAndDuplicate(t *testing.T) {
	t.Parallel()
	r := newFilingRig(t, dropfolder.AfterMove)
	r.write("a.jpg", 1000, 1)
	r.backfill()
	must(t, os.WriteFile(filepath.Join(r.drop, "copy.jpg"), []byte(r.read("_ingested/a.jpg")), 0o644))
	var p *process
	var touched atomic.Bool
	r.look = func() { // the next look after the hash was recorded, not the commit: whoever writes waits for that
		if touched.Load() {
			return
		}
		for _, e := range r.entries() {
			if e.Path != "copy.jpg" || e.Status != journal.Settled || e.SHA256 == nil || !touched.CompareAndSwap(false, true) {
				continue
			}
			path := filepath.Join(r.drop, e.Path)
			must(t, os.Chmod(path, 0o600))
			var st unix.Stat_t
			must(t, unix.Stat(path, &st))
			e.ChangeTime = st.Ctim.Nano()
			rest, err := p.journal.Touch(t.Context(), []file.File{e.File})
			if err != nil || len(rest) > 0 {
				t.Errorf("it is no touch: %v, %v", rest, err)
			}
		}
	}
	p = r.start()
	must(t, r.run(t.Context(), p))
	r.close(p)
	r.look = nil
	if !touched.Load() {
		t.Fatal("it was never touched")
	}
	e := r.entry("copy.jpg")
	if sum := sha256.Sum256(content("a.jpg", 1000, 1)); e.Status != journal.Duplicate || !bytes.Equal(e.SHA256, sum[:]) {
		t.Errorf("it is %s with hash %x: %+v", e.Status, e.SHA256, e.Reason)
	}
	r.rescan("it is moved", func(p *process) bool { return len(r.chores(p)) == 0 })
	r.wantFiles("_ingested/a.jpg", "_ingested/copy.jpg")
}

// TestDuplicateWithoutHashIsHashed has a journal whose duplicate lost its hash: it is hashed
// again, and moved.
func TestDuplicateWithoutHashIsHashed(t *testing.T) {
	t.Parallel()
	r := newFilingRig(t, dropfolder.AfterKeep)
	r.write("a.jpg", 1000, 1)
	r.backfill()
	r.writeAlike("copy.jpg", "a.jpg")
	r.backfill()
	db, err := sql.Open("sqlite", r.journal)
	must(t, err)
	_, err = db.Exec(`UPDATE entries SET sha256 = NULL WHERE status = 'duplicate'`)
	must(t, err)
	must(t, db.Close())
	r.config.Folders[0].After = dropfolder.AfterMove
	r.rescan("they are moved", func(p *process) bool { return !r.exists("copy.jpg") && len(r.chores(p)) == 0 })
	r.wantFiles("_ingested/a.jpg", "_ingested/copy.jpg")
	if e := r.entry("copy.jpg"); len(e.SHA256) == 0 {
		t.Error("the hash is still missing")
	}
}
