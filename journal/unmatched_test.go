package journal

import (
	"slices"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// TestUnmatched records what is unmatched of companions: one that changes is looked at again, one
// that changed meanwhile stays to be, and what is over is gone.
func TestUnmatched(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	admit := func(path string, version int) {
		r.time = r.time.Add(time.Second)
		_, err := CompanionsOf(r.Journal).Admit(ctx, []file.File{fileAt(path, version)})
		r.ok(err)
	}
	tellings := func() (paths []string) {
		all, err := CompanionReaderOf(r.Reader()).UnmatchedChecks(ctx, "in", "", 10)
		r.ok(err)
		for _, of := range all {
			paths = append(paths, of.Path)
		}
		return paths
	}
	admit("a/manifest.csv", 1)
	admit("b.xmp", 1)
	all, err := CompanionReaderOf(r.Reader()).UnmatchedChecks(ctx, "in", "", 10)
	if err != nil || len(all) != 2 {
		t.Fatal(all, err)
	}
	if next, err := CompanionReaderOf(r.Reader()).UnmatchedChecks(ctx, "in", all[0].Path, 10); err != nil || !slices.Equal(next, all[1:]) {
		t.Errorf("behind the first come %v, %v", next, err)
	}
	told := Unmatched{Path: "a/manifest.csv", Rows: 2, Unmatched: 1, First: []UnmatchedRow{{Line: 2, Name: "x", Likely: "x.jpg"}}, Message: "1 of 2 rows"}
	r.ok(CompanionsOf(r.Journal).RecordUnmatched(ctx, "in", map[UnmatchedCheck]Unmatched{all[0]: told, all[1]: {}}))
	if got := tellings(); !slices.Equal(got, []string{"a/manifest.csv"}) {
		t.Errorf("to be looked at are %v", got)
	}
	if n, err := CompanionReaderOf(r.Reader()).CountUnchecked(ctx, []string{"in"}); err != nil || n != 0 {
		t.Errorf("%d are unmatchedChecks, %v", n, err)
	}
	first, n, err := CompanionReaderOf(r.Reader()).Unmatched(ctx, "in", 5)
	if err != nil || n != 1 || len(first) != 1 || first[0].Message != told.Message || !slices.Equal(first[0].First, told.First) {
		t.Errorf("told are %+v, %d, %v", first, n, err)
	}
	all, _ = CompanionReaderOf(r.Reader()).UnmatchedChecks(ctx, "in", "", 10)
	admit("a/manifest.csv", 2)
	r.ok(CompanionsOf(r.Journal).RecordUnmatched(ctx, "in", map[UnmatchedCheck]Unmatched{all[0]: {}})) // of the one that was
	if n, err := CompanionReaderOf(r.Reader()).CountUnchecked(ctx, []string{"in"}); err != nil || n != 1 {
		t.Errorf("%d are unmatchedChecks, %v", n, err)
	}
	all, _ = CompanionReaderOf(r.Reader()).UnmatchedChecks(ctx, "in", "", 10)
	r.ok(CompanionsOf(r.Journal).RecordUnmatched(ctx, "in", map[UnmatchedCheck]Unmatched{all[0]: {}}))
	if first, n, err := CompanionReaderOf(r.Reader()).Unmatched(ctx, "in", 5); err != nil || n != 0 || first == nil || tellings() != nil {
		t.Errorf("told are %+v, %d, %v", first, n, err)
	}
}

// TestHeedAlso sends files round again that a companion speaks of in another spelling.
func TestHeedAlso(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	ids := r.admit(fileAt("a/IMG_1.JPG", 1), fileAt("a/img_1.tif", 1), fileAt("a/sub/IMG_1.JPG", 1))
	for _, id := range ids {
		r.ok(r.Advance(ctx, Move{ID: id, From: Settled, To: Held, Reason: Reason{Class: ClassMetadata, Message: "no title"}}))
	}
	if there, err := CompanionReaderOf(r.Reader()).HasEntries(ctx, "in", Concern{Path: "a/Img_1"}); err != nil || there {
		t.Errorf("it speaks of some: %t, %v", there, err)
	}
	if there, err := CompanionReaderOf(r.Reader()).HasEntries(ctx, "in", Concern{Path: "a/IMG_1"}); err != nil || !there {
		t.Errorf("it speaks of some: %t, %v", there, err)
	}
	var paths []string
	r.ok(CompanionReaderOf(r.Reader()).PathsIn(ctx, "in", "a", func(path string) { paths = append(paths, path) }))
	if want := []string{"a/IMG_1.JPG", "a/img_1.tif"}; !slices.Equal(paths, want) {
		t.Errorf("the directory has %v", paths)
	}
	_, err := CompanionsOf(r.Journal).Admit(ctx, []file.File{fileAt("a/Img_1.xmp", 1)})
	r.ok(err)
	due, err := CompanionsOf(r.Journal).Due(ctx, []string{"in"}, 10)
	r.ok(err)
	n, _, err := CompanionsOf(r.Journal).ActOn(ctx, due[0], Concern{Path: "a/Img_1", Also: paths})
	if err != nil || n != 2 || r.entry(ids[0]).Status != Settled || r.entry(ids[2]).Status != Held {
		t.Errorf("%d go round again, %v", n, err)
	}
}
