package report

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestGroups puts a thousand files together that are held for one reason, whatever numbers,
// names and ids of their own it tells, and keeps other reasons apart.
func TestGroups(t *testing.T) {
	var g Groups
	begun := time.Date(2026, 1, 31, 8, 0, 0, 0, time.UTC)
	for i := range 1000 {
		at := begun.Add(time.Duration(i) * time.Second)
		name := fmt.Sprintf("d%d/IMG_%d.jpg", i%7, i)
		g.Add(Entry{ID: int64(3*i + 1), Folder: "in", Path: name, Status: "held", Reason: "Brand: no source gives a required value", Hint: "do", Size: 2, Since: at})
		g.Add(Entry{ID: int64(3*i + 2), Folder: []string{"in", "out"}[i%2], Path: name, Status: "failed", Since: at,
			Reason: fmt.Sprintf("the file has %d,%03d bytes, where 1,000 are allowed", i+1, i), Hint: fmt.Sprintf("Look at asset %08x-0000-4000-8000-%012x.", i, i)})
		g.Add(Entry{ID: int64(3*i + 3), Folder: "in", Path: name, Status: "duplicate", Since: at, Reason: fmt.Sprintf("an asset is named %q already", fmt.Sprintf("IMG_%d.jpg", i))})
	}
	g.Add(Entry{ID: 4000, Folder: "in", Path: "x", Status: "held", Reason: "Title: no source gives a required value", Since: begun})
	last := begun.Add(999 * time.Second)
	example := func(id int64, folder, path, reason string) Example { return Example{id, folder, path, reason} }
	want := []Group{
		{"duplicate", `an asset is named "…" already`, "", 1000, 0, begun, last, []string{"in"}, []Example{
			example(3, "in", "d0/IMG_0.jpg", `an asset is named "IMG_0.jpg" already`), example(6, "in", "d1/IMG_1.jpg", `an asset is named "IMG_1.jpg" already`), example(9, "in", "d2/IMG_2.jpg", `an asset is named "IMG_2.jpg" already`)}},
		{"failed", "the file has … bytes, where … are allowed", "Look at asset ….", 1000, 0, begun, last, []string{"in", "out"}, []Example{
			example(2, "in", "d0/IMG_0.jpg", "the file has 1,000 bytes, where 1,000 are allowed"), example(5, "out", "d1/IMG_1.jpg", "the file has 2,001 bytes, where 1,000 are allowed"), example(8, "in", "d2/IMG_2.jpg", "the file has 3,002 bytes, where 1,000 are allowed")}},
		{"held", "Brand: no source gives a required value", "do", 1000, 2000, begun, last, []string{"in"}, []Example{
			example(1, "in", "d0/IMG_0.jpg", "Brand: no source gives a required value"), example(4, "in", "d1/IMG_1.jpg", "Brand: no source gives a required value"), example(7, "in", "d2/IMG_2.jpg", "Brand: no source gives a required value")}},
		{"held", "Title: no source gives a required value", "", 1, 0, begun, begun, []string{"in"}, []Example{example(4000, "in", "x", "Title: no source gives a required value")}},
	}
	if diff := cmp.Diff(want, g.All()); diff != "" {
		t.Error(diff)
	}
}

// However many reasons there are, a summary is bounded.
func TestGroupsAreBounded(t *testing.T) {
	var g Groups
	for i := range 5000 {
		g.Add(Entry{ID: int64(i), Status: "held", Reason: fmt.Sprintf("%c%c%c: no such value", 'a'+i%26, 'a'+i/26%26, 'a'+i/676)})
	}
	all := g.All()
	if len(all) != maxGroups+1 || all[0].Reason != otherReasons || all[0].Count != 5000-maxGroups {
		t.Errorf("%d groups, the first of %d for %q", len(all), all[0].Count, all[0].Reason)
	}
}
