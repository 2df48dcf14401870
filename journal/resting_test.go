package journal

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

func gone(RestingFile) Reason { return Reason{Message: "it is gone"} }

// restingFiles returns what RestingIn says of all statuses, two at a time.
func (r *rig) restingFiles() []RestingFile {
	r.t.Helper()
	var all []RestingFile
	for _, s := range RestsWithoutAsset() {
		for after := int64(0); ; {
			some, err := RestingOf(r.Journal).In(r.t.Context(), "in", s, after, 2)
			r.ok(err)
			if len(some) == 0 {
				break
			}
			all, after = append(all, some...), some[len(some)-1].ID
		}
	}
	return all
}

// TestVanished has what rests without an asset superseded, all in one transaction, and
// nothing else.
func TestVanished(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	var want, paths []string
	for _, s := range statuses() {
		for i := range 3 {
			f := fileAt(fmt.Sprintf("%s\xff%d", s, i), 1)
			id := r.admit(f)[0]
			r.bring(id, s)
			paths = append(paths, f.Path)
			if slices.Contains(RestsWithoutAsset(), s) {
				want = append(want, f.Path)
			}
		}
	}
	r.admit(file.File{Folder: "other", Path: want[0]}) // of another folder
	got := func(files []RestingFile) (paths []string) {
		for _, f := range files {
			paths = append(paths, f.Path)
		}
		slices.Sort(paths)
		return paths
	}
	slices.Sort(want)
	if all := got(r.restingFiles()); !slices.Equal(all, want) {
		t.Errorf("what rests: %q, want %q", all, want)
	}
	at, err := RestingOf(r.Journal).At(ctx, "in", paths)
	r.ok(err)
	if all := got(at); !slices.Equal(all, want) {
		t.Errorf("what rests at the paths: %q, want %q", all, want)
	}
	commits := 0
	r.onCommit = func() { commits++ }
	done, err := RestingOf(r.Journal).Vanished(ctx, at, gone)
	r.ok(err)
	if all := got(done); !slices.Equal(all, want) || commits != 1 {
		t.Errorf("superseded in %d commits: %q", commits, all)
	}
	for _, f := range done {
		if e := r.entry(f.ID); e.Status != Superseded || e.Reason.Message != "it is gone" {
			t.Errorf("%q is %s: %+v", f.Path, e.Status, e.Reason)
		}
	}
	r.balanced()
	r.consistent()
	if left := r.restingFiles(); left != nil {
		t.Errorf("left: %+v", left)
	}

	// It comes back as it was: a generation of its own.
	back := slices.IndexFunc(done, func(f RestingFile) bool { return f.Status == Cancelled })
	if ids := r.admit(fileAt(done[back].Path, 1)); len(ids) != 1 || r.entry(ids[0]).Generation != 2 {
		t.Errorf("admitted again: %v", ids)
	}
	r.balanced()
}

// TestVanishedLeavesWhatMoved has entries change between the look and the record.
func TestVanishedLeavesWhatMoved(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	changes := map[string]func(id int64){
		"retried":    func(id int64) { r.ok(r.Advance(ctx, move(id, Failed, Settled))) },
		"moved away": func(id int64) { r.ok(FilingOf(r.Journal).Set(ctx, id, Failed, ".ingestd-1", "_failed/x")) },
		"superseded": func(id int64) { r.admit(fileAt(r.entry(id).Path, 2)) },
	}
	for name, change := range changes {
		id := r.admit(fileAt(name, 1))[0]
		r.bring(id, Failed)
		files := r.restingFiles()
		if len(files) == 0 {
			t.Fatal(name)
		}
		change(id)
		before := r.entry(id)
		done, err := RestingOf(r.Journal).Vanished(ctx, files, gone)
		r.ok(err)
		if after := r.entry(id); len(done) > 0 && done[0].ID == id || after.Status != before.Status || after.Reason != before.Reason {
			t.Errorf("%s: it was %s, and is %s", name, before.Status, after.Status)
		}
		r.balanced()
	}
}

// TestVanishedLeavesNoOrphan has the asset removed that holds other bytes than a file
// which is gone, and keeps the clean-up that is open.
func TestVanishedLeavesNoOrphan(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	id := r.admit(fileAt("a", 1))[0]
	r.bring(id, Verifying)
	object := r.entry(id).ObjectID
	m := move(id, Verifying, Failed)
	m.Reason = Reason{Class: ClassMismatch, Message: "other bytes"}
	m.Chores = []NewChore{{Kind: ChoreTwin, Filename: "open before"}}
	r.ok(r.Advance(ctx, m))
	files := r.restingFiles()
	done, err := RestingOf(r.Journal).Vanished(ctx, files, func(f RestingFile) Reason { return Reason{Message: strings.ToUpper(f.Message)} })
	r.ok(err)
	if len(done) != 1 || r.entry(id).Reason.Message != "OTHER BYTES" {
		t.Fatalf("superseded: %+v", done)
	}
	chores, err := ChoresOf(r.Journal).Due(ctx, r.time, "", 10)
	r.ok(err)
	if len(chores) != 2 || chores[0].Kind != ChoreTwin || chores[1].Kind != ChoreDelete || chores[1].ObjectID != object || object == "" {
		t.Errorf("chores: %+v", chores)
	}
}

// TestWhatIsNotOfAFileAlone is in no list.
func TestWhatIsNotOfAFileAlone(t *testing.T) {
	r := newRig(t)
	ids := r.admit(fileAt("unverified", 1), fileAt("moved", 1))
	r.bring(ids[0], Verifying)
	m := move(ids[0], Verifying, Held)
	m.Reason.Class = ClassUnverified
	r.ok(r.Advance(t.Context(), m))
	r.bring(ids[1], Duplicate)
	before := r.restingFiles()
	r.ok(FilingOf(r.Journal).Set(t.Context(), ids[1], Duplicate, ".ingestd-2", "_ingested/moved"))
	row := r.placeholder("row")
	if after := r.restingFiles(); len(before) != 1 || before[0].ID != ids[1] || len(after) != 0 {
		t.Errorf("%+v, then %+v; the row is %d", before, after, row)
	}

	// A newer file at the path of a duplicate supersedes it, unless it was moved away.
	stays := r.admit(fileAt("stays", 1))[0]
	r.bring(stays, Duplicate)
	r.admit(fileAt("stays", 2), fileAt("moved", 2))
	if r.entry(stays).Status != Superseded || r.entry(ids[1]).Status != Duplicate {
		t.Errorf("overwritten: %s and %s", r.entry(stays).Status, r.entry(ids[1]).Status)
	}
	r.balanced()
}
