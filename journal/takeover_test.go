package journal

import (
	"slices"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// TestTakeOver carries the history of a folder over to its new name, once.
func TestTakeOver(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	first := r.admit(fileAt("a", 1))[0]
	r.bring(first, Filed)
	second := r.admit(fileAt("a", 2))[0]
	r.bring(second, Uploading)
	r.admit(fileAt("dir/b", 1))
	_, err := CompanionsOf(r.Journal).Admit(ctx, []file.File{fileAt("a.xmp", 1)})
	r.ok(err)
	r.ok(FoldersOf(r.Journal).Set(ctx, FolderState{Name: "in", Path: "/srv/in"}))
	n, err := TakeOver(ctx, r.Journal, "in", "new")
	r.ok(err)
	if n != 3 {
		t.Errorf("%d entries were taken over, want 3", n)
	}
	as := func(f file.File) file.File { f.Folder = "new"; return f }
	known, err := r.Reader().Unknown(ctx, []file.File{as(fileAt("a", 2)), as(fileAt("dir/b", 1))})
	r.ok(err)
	companions, err := CompanionReaderOf(r.Reader()).Unknown(ctx, []file.File{as(fileAt("a.xmp", 1))})
	r.ok(err)
	if len(known)+len(companions) > 0 {
		t.Errorf("unknown under the new name: %v %v", known, companions)
	}
	if e := r.entry(second); e.Folder != "new" || e.Status != Uploading || e.Generation != 2 {
		t.Errorf("the entry is %+v", e)
	}
	if all, err := r.Reader().Histories(ctx); err != nil || len(all) != 1 || all[0] != (History{"new", "/srv/in", 3}) {
		t.Errorf("histories are %v, %v", all, err)
	}
	if n, err := TakeOver(ctx, r.Journal, "in", "new"); n != 0 || err != nil {
		t.Errorf("once more: %d, %v", n, err)
	}
	r.balanced()
}

// TestTakeOverLate does so where the new name has a history of its own already.
func TestTakeOverLate(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	as := func(f file.File) file.File { f.Folder = "new"; return f }
	for version := 1; version <= 2; version++ {
		r.bring(r.admit(fileAt("a", version))[0], Filed)
	}
	waits := r.admit(fileAt("b", 1))[0]
	for version := 2; version <= 3; version++ {
		r.bring(r.admit(as(fileAt("a", version)))[0], Filed)
	}
	r.bring(r.admit(as(fileAt("b", 1)))[0], Filed)
	for _, folder := range []string{"in", "new"} {
		f := fileAt("a.xmp", 1)
		f.Folder = folder
		_, err := CompanionsOf(r.Journal).Admit(ctx, []file.File{f})
		r.ok(err)
	}
	_, err := TakeOver(ctx, r.Journal, "in", "new")
	r.ok(err)
	var sizes []int64
	r.ok(r.Reader().Entries(ctx, Filter{All: true, Folders: []string{"new"}}, func(e Entry) error {
		if e.Path == "a" {
			for len(sizes) < e.Generation {
				sizes = append(sizes, 0)
			}
			sizes[e.Generation-1] = e.Size
		}
		return nil
	}))
	if want := []int64{101, 102, 102, 103}; !slices.Equal(sizes, want) {
		t.Errorf("the generations have sizes %v, want %v", sizes, want)
	}
	if e := r.entry(waits); e.Status != Superseded {
		t.Errorf("what waited is %s", e.Status)
	}
	known, err := r.Reader().Unknown(ctx, []file.File{as(fileAt("a", 3)), as(fileAt("b", 1)), as(fileAt("a", 2))})
	r.ok(err)
	if len(known) != 1 || known[0].Size != 102 {
		t.Errorf("unknown are %v", known)
	}
	r.balanced()
}

// TestTakeOverLeavesNoOrphan has the asset removed of what failed with other bytes and
// is superseded.
func TestTakeOverLeavesNoOrphan(t *testing.T) {
	r, ctx := newRig(t), t.Context()
	id := r.admit(fileAt("a", 1))[0]
	r.bring(id, Verifying)
	object := r.entry(id).ObjectID
	m := move(id, Verifying, Failed)
	m.Reason = Reason{Class: ClassMismatch, Message: "other bytes"}
	r.ok(r.Advance(ctx, m))
	f := fileAt("a", 2)
	f.Folder = "new"
	r.admit(f)
	_, err := TakeOver(ctx, r.Journal, "in", "new")
	r.ok(err)
	chores, err := ChoresOf(r.Journal).Due(ctx, r.time, "", 10)
	r.ok(err)
	if r.entry(id).Status != Superseded || len(chores) != 1 || chores[0].Kind != ChoreDelete || chores[0].ObjectID != object || object == "" {
		t.Errorf("it is %s, and the chores are %+v", r.entry(id).Status, chores)
	}
}
