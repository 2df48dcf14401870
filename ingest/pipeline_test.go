package ingest_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/journal"
)

func TestBackfillIngestsEachFileOnce(t *testing.T) {
	r := newRig(t, nil)
	paths := []string{"empty.txt", "a.jpg", "deep/er/b.jpg", "ümläut & 100%? #1+.png", "🎬.mov"}
	for i, p := range paths {
		r.write(p, i*70_000, 1)
	}
	r.backfill()
	r.wantExactly(paths...)
	before := r.sandbox.State().Counts.Requests["CreateAsset"]
	r.backfill()
	if n := r.sandbox.State().Counts.Requests["CreateAsset"]; n != before {
		t.Errorf("a second run created %d assets", n-before)
	}
	r.wantExactly(paths...)
}

func TestMultipartIsCompleted(t *testing.T) {
	if testing.Short() {
		t.Skip("moves 101 MiB")
	}
	r := newRig(t, func(o *sandbox.Options) { o.ShuffleURLs = true })
	r.write("long.mov", 101*mib, 1)
	r.backfill()
	r.wantExactly("long.mov")
	uploads := r.sandbox.State().Uploads
	if len(uploads) != 1 || uploads[0].Status != "completed" || len(uploads[0].Parts) != 2 {
		t.Errorf("want one completed upload of two parts, got %+v", uploads)
	}
}

func TestNewContentUnderAKnownPathIsAVersion(t *testing.T) {
	r := newRig(t, nil)
	r.write("a.jpg", 1000, 1)
	r.backfill()
	r.write("a.jpg", 1000, 2)
	r.backfill()
	r.write("a.jpg", 1000, 1) // the first content again: a third version, no duplicate
	r.backfill()
	s := r.sandbox.State()
	if len(s.Assets) != 3 || len(s.Assets[0].Versions) != 3 {
		t.Fatalf("want one asset of three versions, got %d assets", len(s.Assets))
	}
	if !s.Assets[2].Current || s.Assets[0].ContentMD5 != s.Assets[2].ContentMD5 {
		t.Error("the third version should be current and hold the first content")
	}
	r.wantNothingLeft(s)
}

func TestSameContentIsNotSentAgain(t *testing.T) {
	r := newRig(t, nil)
	r.write("a.jpg", 1000, 1)
	r.backfill()
	later := time.Now().Add(time.Second)
	if err := os.Chtimes(filepath.Join(r.drop, "a.jpg"), later, later); err != nil {
		t.Fatal(err)
	}
	r.backfill()
	r.wantExactly("a.jpg")
	if all := r.entries(); len(all) != 1 || all[0].Status != journal.Filed || all[0].ModTime != later.UnixNano() {
		t.Errorf("the entry should have taken the new hint: %+v", all)
	}
}

func TestRestsThatAreNoAssets(t *testing.T) {
	r := newRig(t, nil)
	r.config.MaxFileSize = 5000
	for path, size := range map[string]int{"ignored.txt": 1, "unmappable.jpg": 1, "huge.mov": 6000, "fine.jpg": 10} {
		r.write(path, size, 1)
	}
	r.backfill()
	r.wantExactly("fine.jpg")
	for path, want := range map[string]journal.Status{
		"ignored.txt": journal.Ignored, "unmappable.jpg": journal.Held, "huge.mov": journal.Failed, "fine.jpg": journal.Filed,
	} {
		e := r.entry(path)
		if e.Status != want {
			t.Errorf("%s is %s, want %s", path, e.Status, want)
		}
		if want != journal.Filed && (e.Reason.Message == "" || e.Reason.Hint == "") {
			t.Errorf("%s rests without a reason or a hint: %+v", path, e.Reason)
		}
	}
}

func TestVerifyAssetWaitsForTheChecksum(t *testing.T) {
	r := newRig(t, func(o *sandbox.Options) { o.ChecksumLag = 300 * time.Millisecond })
	r.config.VerifyAsset = true
	r.write("a.jpg", 1000, 1)
	begun := time.Now()
	r.backfill()
	r.wantExactly("a.jpg")
	if took := time.Since(begun); took < 300*time.Millisecond {
		t.Errorf("filed after %s, before the checksum was there", took)
	}
}

func TestUnverifiedIsHeldAndLookedAtAgain(t *testing.T) {
	r := newRig(t, func(o *sandbox.Options) { o.ChecksumLag = time.Hour })
	r.config.VerifyAsset = true
	r.config.VerifyTimeout = time.Millisecond
	r.write("a.jpg", 1000, 1)
	r.backfill()
	if e := r.entry("a.jpg"); e.Status != journal.Held || e.Reason.Class != journal.ClassUnverified {
		t.Fatalf("want held as unverified, got %s %+v", e.Status, e.Reason)
	}
	r.wantExactly("a.jpg")
}
