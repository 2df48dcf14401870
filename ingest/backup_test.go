package ingest_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/watcher"
)

// backups are what programs call the backup copies of files.
var backups = map[string]string{
	"x.blend": "x.blend1", "plan.dwg": "plan.bak", "PLAN.DWG": "PLAN.BAK", "x.kra": "x.kra~", "x.psd": "x.psd.bak",
	"logo.cdr": "Backup of logo.cdr", "logo2.cdr": "Backup_of_logo2.cdr", "ring.3dm": "ring.3dmbak", "house.skp": "house.skb",
	"part.FCStd": "part.FCStd1", "tower.rvt": "tower.0001.rvt", "a.jpg": "a.jpg_original", "b.txt": "b.txt.~1~",
	"c.txt": "c.txt.orig", "d.txt": "d.old", "e.dwg": "e.sv$", "f.brd": "f.b#1",
	"g.pdf": "g_backup.pdf", "h.pdf": "h-bak.pdf", "i.pdf": "i.pdf_backup",
}

// saveByBackup saves a file as many programs do.
func (r *rig) saveByBackup(path, backup string, size int, n uint64) {
	r.t.Helper()
	r.rename(path, backup)
	r.write(path, size, n)
}

// admitOnly has a pipeline told of some of the files only, and lets it work on them.
func (r *rig) admitOnly(include ...string) {
	r.t.Helper()
	p := r.start()
	defer r.close(p)
	w, err := watcher.New([]watcher.Folder{{Name: "drop", Path: r.drop, Include: include}}, watcher.Options{Emit: p.Admit})
	must(r.t, err)
	must(r.t, w.Walk(r.t.Context()))
	source := make(chan struct{})
	close(source)
	must(r.t, p.Run(r.t.Context(), nil, source))
}

// wantSaved fails unless path is the n-th version of the first entry's asset, or an
// asset of its own, and the backup copy none at all.
func (r *rig) wantSaved(path, backup string, first journal.Entry, version bool) {
	r.t.Helper()
	e := r.entry(path)
	if e.Status != journal.Filed || (e.OriginalFileID == first.OriginalFileID) != version {
		r.t.Errorf("the new %s is %s, a version: %v, want %v", path, e.Status, e.OriginalFileID == first.OriginalFileID, version)
	}
	for _, a := range available(r.sandbox.State()) {
		if a.Filename == filepath.Base(backup) {
			r.t.Errorf("%s became an asset", backup)
		}
	}
	if watcher.Junk(backup) {
		return
	}
	if b := r.entry(backup); b.Status != journal.Ignored || !strings.Contains(b.Reason.Message, "backup copy of "+path) {
		r.t.Errorf("%s is %s: %s", backup, b.Status, b.Reason.Message)
	}
}

// TestSaveByBackup makes what is written under the old name the next version, and no
// asset of the backup copy, whichever is found first.
func TestSaveByBackup(t *testing.T) {
	t.Parallel()
	for _, found := range []string{"together", "backup first", "new file first"} {
		t.Run(found, func(t *testing.T) {
			r := newRig(t, nil)
			r.config.Folders[0].Duplicates = dropfolder.DuplicatesSkip
			first := make(map[string]journal.Entry)
			seed := uint64(0)
			save := func(size int) {
				for path, backup := range backups {
					seed++
					r.saveByBackup(path, backup, size, seed)
				}
			}
			for path := range backups {
				seed++
				r.write(path, 1000, seed)
			}
			r.backfill()
			for path := range backups {
				first[path] = r.entry(path)
			}
			save(1200)
			var some []string
			for path, backup := range backups {
				switch found {
				case "backup first":
					some = append(some, escape(backup))
				case "new file first":
					some = append(some, escape(path))
				}
			}
			if len(some) > 0 {
				r.admitOnly(some...)
			}
			r.backfill()
			wantAll := func() {
				for path, backup := range backups {
					r.wantSaved(path, backup, first[path], true)
				}
			}
			wantAll()
			save(1300) // once more, over the backup copies that are there
			r.backfill()
			wantAll()
			if n := len(available(r.sandbox.State())); n != 3*len(backups) {
				t.Errorf("%d versions, want 3 of each of %d files", n, len(backups))
			}
		})
	}
}

func escape(path string) string {
	return strings.NewReplacer("~", "?", "#", "?", "$", "?").Replace(path)
}

// TestSaveByBackupWithMoreLevels moves the backup copies up.
func TestSaveByBackupWithMoreLevels(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.config.Folders[0].Duplicates = dropfolder.DuplicatesSkip
	r.write("x.blend", 1000, 1)
	r.backfill()
	first := r.entry("x.blend")
	for n := range 3 {
		for level := 3; level > 1; level-- {
			if err := os.Rename(filepath.Join(r.drop, fmt.Sprint("x.blend", level-1)), filepath.Join(r.drop, fmt.Sprint("x.blend", level))); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
		}
		r.saveByBackup("x.blend", "x.blend1", 1100+n, uint64(2+n))
		r.backfill()
		for level := range n + 1 {
			r.wantSaved("x.blend", fmt.Sprint("x.blend", level+1), first, true)
		}
	}
	if n := len(available(r.sandbox.State())); n != 4 {
		t.Errorf("%d versions, want 4", n)
	}
}

// TestSaveByBackupByPolicy has each policy for versions make sense of it.
func TestSaveByBackupByPolicy(t *testing.T) {
	t.Parallel()
	for policy, version := range map[string]bool{"path": true, "filename": true, "off": false} {
		t.Run(policy, func(t *testing.T) {
			r := newRig(t, nil)
			f := &r.config.Folders[0]
			f.VersionByPath, f.VersionByFilename, f.Duplicates = policy == "path", policy == "filename", dropfolder.DuplicatesSkip
			r.write("x.dwg", 1000, 1)
			r.backfill()
			first := r.entry("x.dwg")
			r.saveByBackup("x.dwg", "x.bak", 1200, 2)
			r.backfill()
			r.wantSaved("x.dwg", "x.bak", first, version)
			if n := len(available(r.sandbox.State())); n != 2 {
				t.Errorf("%d assets and versions, want 2", n)
			}
		})
	}
}

// TestSaveByBackupInMidUpload keeps the upload that is under way: it is the version
// before. A backup copy that nobody looks at takes it away, as a rewrite does.
func TestSaveByBackupInMidUpload(t *testing.T) {
	t.Parallel()
	for _, backup := range []string{"x.psd.bak", "x.psd~"} {
		t.Run(backup, func(t *testing.T) {
			r := newRig(t, nil)
			f := &r.config.Folders[0]
			f.Duplicates, f.Wanted = dropfolder.DuplicatesSkip, func(rel string) bool { return !watcher.Junk(rel) }
			r.write("x.psd", mib, 1)
			r.meddle(&meddling{midway: func() { r.saveByBackup("x.psd", backup, mib+1, 2) }})
			r.backfill()
			first := journal.Entry{}
			for _, e := range r.entries() {
				if e.Path == "x.psd" && first.OriginalFileID == "" {
					first = e
				}
			}
			r.backfill()
			r.wantSaved("x.psd", backup, first, true)
			want := 2
			if watcher.Junk(backup) {
				want = 1
			}
			if n := len(available(r.sandbox.State())); n != want {
				t.Errorf("%d versions, want %d", n, want)
			}
			r.wantNothingLeft(r.sandbox.State())
		})
	}
}

// TestRenameToABackupName stays a rename where no new file comes under the old name,
// and where the two are not what a program makes of each other.
func TestRenameToABackupName(t *testing.T) {
	t.Parallel()
	for now, comes := range map[string]bool{"x.bak": false, "x.blend1": false, "x (backup).blend": true, "y.blend": true} {
		t.Run(now, func(t *testing.T) {
			r := newRig(t, nil)
			r.config.Folders[0].Duplicates = dropfolder.DuplicatesSkip
			r.write("x.blend", 1000, 1)
			r.backfill()
			first := r.entry("x.blend")
			r.rename("x.blend", now)
			if comes {
				r.write("x.blend", 1200, 2)
			}
			r.backfill()
			if e := r.entry(now); e.ID != first.ID || e.Status != journal.Filed {
				t.Errorf("the renamed file is entry %d, %s, was %d", e.ID, e.Status, first.ID)
			}
		})
	}
}

// TestBackupCopyAsNew makes an asset of a backup copy on request.
func TestBackupCopyAsNew(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.write("x.blend", 1000, 1)
	r.write("x.blend1", 1000, 2) // both were there before the daemon was
	r.backfill()
	e := r.entry("x.blend1")
	if e.Status != journal.Ignored || !strings.Contains(e.Reason.Message, "backup copy of x.blend ") {
		t.Fatalf("it is %s: %s", e.Status, e.Reason.Message)
	}
	r.wantResults(r.ask(desk.RequestRetry, desk.Selection{IDs: []int64{e.ID}, AsNew: true}), "requeued")
	r.backfill()
	if e := r.entry("x.blend1"); e.Status != journal.Filed {
		t.Errorf("asked for, it is %s: %s", e.Status, e.Reason.Message)
	}
}

// TestFilesWithNamesLikeBackups has files be files that are nobody's backup copies.
func TestFilesWithNamesLikeBackups(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	names := []string{"a.jpg", "a.jpg.1", "b.old", "b.psd", "take.1", "db.bak", "c.txt.orig", "v1.2.jpg", "scene1", "scene"}
	for i, name := range names {
		r.write(name, 1000+i, 1)
	}
	r.backfill()
	r.wantExactly(names...)
}

// TestRenameOverAnEarlierBackup gives a file the name that a backup copy of it would
// have, over a file of that name which was ingested: both of what is asked of such a
// file are waited for, and neither begins the other's wait anew.
func TestRenameOverAnEarlierBackup(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.config.Folders[0].Duplicates = dropfolder.DuplicatesSkip
	r.write("x.tif.old", 1000, 1)
	r.backfill()
	r.write("x.tif", 1200, 2)
	r.backfill()
	r.rename("x.tif", "x.tif.old")
	r.backfill()
	if e := r.entry("x.tif.old"); e.Status != journal.Filed {
		t.Errorf("it is %s: %s", e.Status, e.Reason.Message)
	}
}
