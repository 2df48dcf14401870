package ingest_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/journal"
)

// wantAdopted fails unless the account holds n versions in all, of which the one with
// the given MD5 is current, and each path is filed as one that holds its content.
func (r *rig) wantAdopted(n int, current string, paths ...string) {
	r.t.Helper()
	s := r.sandbox.State()
	if len(s.Assets) != n {
		r.t.Errorf("the account holds %d versions, want %d\n%s", len(s.Assets), n, r.log)
	}
	taken := map[string]bool{}
	for _, path := range paths {
		e := r.entry(path)
		is := false
		for _, a := range s.Assets {
			is = is || a.ObjectID == e.ObjectID && a.OriginalFileID == e.OriginalFileID && a.ContentMD5 == r.md5(path)
		}
		if e.Status != journal.Filed || !is || taken[e.ObjectID] {
			r.t.Errorf("%s is %s as %s of %s, which is not its version alone: %s", path, e.Status, e.ObjectID, e.OriginalFileID, e.Reason.Message)
		}
		taken[e.ObjectID] = true
	}
	for _, a := range available(s) {
		if a.Current && a.ContentMD5 != current {
			r.t.Errorf("%s %s is current now, with MD5 %s", a.Filename, a.ObjectID, a.ContentMD5)
		}
	}
}

// After the journal was lost a folder may hold the content of any version: what was
// put back is recognised, and neither uploaded again nor made current.
func TestAdoptAnyVersion(t *testing.T) {
	for name, change := range map[string]func(*sandbox.Options){
		"as documented":                    func(*sandbox.Options) {},
		"versions listed newest first":     func(o *sandbox.Options) { o.VersionsOrder = "newest" },
		"a search of current versions":     func(o *sandbox.Options) { o.SearchIgnoresVersions = true },
		"no count of results, small pages": func(o *sandbox.Options) { o.SearchHits, o.SearchPage = "omit", 1 },
		"current once it has content":      func(o *sandbox.Options) { o.VersionFlipsLate = true },
	} {
		for _, by := range []string{"path", "filename", "nothing"} {
			t.Run(name+"/by "+by, func(t *testing.T) {
				t.Parallel()
				r := newRig(t, change)
				r.write("sub/a.jpg", 3000, 1)
				r.backfill()
				r.write("sub/a.jpg", 3000, 2)
				r.backfill()
				second := r.md5("sub/a.jpg")
				r.config.Folders[0].VersionByPath, r.config.Folders[0].VersionByFilename = by == "path", by == "filename"
				for _, n := range []uint64{1, 2} {
					r.write("sub/a.jpg", 3000, n)
					r.loseJournal()
					r.backfill()
					r.wantAdopted(2, second, "sub/a.jpg")
				}
			})
		}
	}
}

// Nor does it matter that the journal knows the path: content that goes back and forth
// between versions makes none while --adopt is asked for.
func TestAdoptBackAndForth(t *testing.T) {
	r := newRig(t, nil)
	for _, n := range []uint64{1, 2} {
		r.write("a.jpg", 3000, n)
		r.backfill()
	}
	second := r.md5("a.jpg")
	r.loseJournal()
	for _, n := range []uint64{2, 1, 2, 1} {
		r.write("a.jpg", 3000, n)
		r.backfill()
		r.wantAdopted(2, second, "a.jpg")
	}
	r.config.Adopt = false
	r.write("a.jpg", 3000, 3)
	r.backfill()
	if e := r.entry("a.jpg"); e.Status != journal.Filed || e.OriginalFileID != r.entries()[0].OriginalFileID {
		t.Errorf("what is new afterwards should be the next version, got %s of %s", e.Status, e.OriginalFileID)
	}
}

// A copy of the journal that was made before the second version knows the path, and not
// that version.
func TestAdoptAfterACopyWasRestored(t *testing.T) {
	for _, by := range []string{"path", "filename"} {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			r.config.Folders[0].VersionByFilename = by == "filename"
			r.write("a.jpg", 3000, 1)
			r.backfill()
			copied := filepath.Join(filepath.Dir(r.journal), "copy.db")
			duplicate(t, r.journal, copied)
			r.write("a.jpg", 3000, 2)
			r.backfill()
			second := r.md5("a.jpg")
			r.journal, r.config.Adopt = copied, true
			r.backfill()
			r.wantAdopted(2, second, "a.jpg")
		})
	}
}

func duplicate(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	must(t, out.Close())
}

// Two files of one name are two versions of one asset, and stay that: each is its own.
func TestAdoptVersionsOfOneName(t *testing.T) {
	for name, second := range map[string]uint64{"of their own content": 2, "of the same content": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newNameRig(t, nil)
			r.write("a/hero.jpg", 3000, 1)
			r.backfill()
			must(t, os.MkdirAll(filepath.Join(r.drop, "b"), 0o755))
			must(t, os.WriteFile(filepath.Join(r.drop, "b/hero.jpg"), content("a/hero.jpg", 3000, second), 0o644))
			r.backfill()
			current := r.md5("b/hero.jpg")
			r.loseJournal()
			r.backfill()
			r.wantAdopted(2, current, "a/hero.jpg", "b/hero.jpg")
			r.write("c/hero.jpg", 3000, 9) // and the next is the third
			r.backfill()
			r.wantAdopted(3, r.md5("c/hero.jpg"), "a/hero.jpg", "b/hero.jpg", "c/hero.jpg")
			r.wantOriginal("c/hero.jpg", r.entry("a/hero.jpg").OriginalFileID)
		})
	}
}

// The name may have been given, or taken away, with a version.
func TestAdoptOfAnAssetThatWasRenamed(t *testing.T) {
	r := newNameRig(t, nil)
	old := string(content("hero.jpg", 3000, 1))
	first := r.there("draft.jpg", old, "")
	r.there("hero.jpg", "new", first.OriginalFileID)
	r.write("hero.jpg", 3000, 1)
	r.write("sub/draft.jpg", 3000, 7)
	must(t, os.WriteFile(filepath.Join(r.drop, "sub/draft.jpg"), []byte(old), 0o644))
	r.loseJournal()
	r.backfill()
	s := r.sandbox.State()
	if n := len(s.Assets); n != 3 { // one of the two files is the first version, the other is new
		t.Errorf("the account holds %d versions, want 3", n)
	}
}

// What cannot be told is not guessed.
func TestAdoptWhatIsNotTold(t *testing.T) {
	for name, c := range map[string]struct {
		options func(*sandbox.Options)
		file    uint64 // whose content the folder has
		size    int
		lately  bool
		prepare func(*rig)
		want    journal.Status
		all     int // versions in the end
	}{
		"no checksum of earlier versions, the current": {options: func(o *sandbox.Options) { o.Checksums = "current" }, file: 2, want: journal.Filed, all: 2},
		"no checksum of earlier versions, the earlier": {options: func(o *sandbox.Options) { o.Checksums = "current" }, file: 1, want: journal.Held, all: 2},
		"no checksum at all":                           {options: func(o *sandbox.Options) { o.Checksums = "none" }, file: 2, want: journal.Held, all: 2},
		"no checksum, but the sizes":                   {options: func(o *sandbox.Options) { o.Checksums, o.FileSizeInBytes = "none", true }, file: 3, size: 100, want: journal.Filed, all: 3},
		"the checksum comes later":                     {options: func(o *sandbox.Options) { o.ChecksumLag = 1500 * time.Millisecond }, file: 2, lately: true, want: journal.Filed, all: 2},
		"in the recycle bin":                           {file: 1, prepare: func(r *rig) { r.remove(r.entries()[0].ObjectID) }, want: journal.Filed, all: 3},
		"in the recycle bin, which the index hides":    {options: func(o *sandbox.Options) { o.IndexLag = 50 * time.Millisecond }, file: 1, prepare: func(r *rig) { time.Sleep(60 * time.Millisecond); r.remove(r.entries()[0].ObjectID) }, want: journal.Filed, all: 3},
		"the whole asset is in the recycle bin":        {options: func(o *sandbox.Options) { o.DeleteScope = "all" }, file: 2, prepare: func(r *rig) { r.remove(r.entries()[0].ObjectID) }, want: journal.Filed, all: 3},
		"the list of versions is refused, the search not": {prepare: func(r *rig) {
			r.queue(sandbox.Fault{Operation: "GetVersions", Kind: sandbox.FaultStatus, Status: 403, Body: `{"message":"Asset not found"}`, Times: 4})
		}, file: 1, want: journal.Filed, all: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newNameRig(t, c.options)
			r.config.Folders[0].VersionByPath = true
			for _, n := range []uint64{1, 2} {
				r.write("a.jpg", 3000, n)
				r.backfill()
			}
			if c.prepare != nil {
				c.prepare(r)
			}
			if c.size == 0 {
				c.size = 3000
			}
			r.write("a.jpg", c.size, c.file)
			if !c.lately {
				r.config.VerifyTimeout = time.Nanosecond // as if it were long ago
			}
			r.loseJournal()
			r.backfill()
			e := r.entry("a.jpg")
			if n := len(r.sandbox.State().Assets); e.Status != c.want || n != c.all {
				t.Errorf("it is %s and the account holds %d versions, want %s and %d: %s", e.Status, n, c.want, c.all, e.Reason.Message)
			}
			if c.want == journal.Held && (e.Reason.Hint == "" || !strings.Contains(e.Reason.Message, "checksum")) {
				t.Errorf("it is held with %+v", e.Reason)
			}
		})
	}
}
