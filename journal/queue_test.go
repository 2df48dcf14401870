package journal

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

func (r *rig) runnable(skip []int64, limit int) []int64 {
	r.t.Helper()
	return r.claim(shares(100, testFolders...), skip, limit)
}

// claim returns the ids of what the shares may have.
func (r *rig) claim(shares []Share, skip []int64, limit int) []int64 {
	r.t.Helper()
	list, err := r.Runnable(r.t.Context(), r.time, shares, skip, limit)
	r.ok(err)
	var ids []int64
	for _, c := range list {
		ids = append(ids, c.ID)
		if e := r.entry(c.ID); c.Folder != e.Folder || c.Path != e.Path || c.Size != e.Size {
			r.t.Errorf("%+v is not about entry %+v", c, e)
		}
	}
	return ids
}

// shares gives each of the folders the same.
func shares(limit int, folders ...string) []Share {
	out := make([]Share, len(folders))
	for i, name := range folders {
		out[i] = Share{Folder: name, Limit: limit}
	}
	return out
}

func TestQueueOrder(t *testing.T) {
	r := newRig(t)
	ids := r.admit(fileAt("a", 1), fileAt("b", 1), fileAt("c", 1), fileAt("d", 1), fileAt("e", 1))
	r.bring(ids[2], Uploading)
	r.bring(ids[3], Filed)
	r.ok(r.Defer(t.Context(), ids[0], Settled, r.time.Add(-time.Second), Reason{}, false))
	r.ok(r.Defer(t.Context(), ids[4], Settled, r.time.Add(time.Hour), Reason{}, false))
	want := []int64{ids[2], ids[1], ids[0]} // begun first, then fresh and deferred in turn
	if got := r.runnable(nil, 10); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := r.runnable(nil, 2); !slices.Equal(got, want[:2]) {
		t.Errorf("got %v, want %v", got, want[:2])
	}
	if got := r.runnable([]int64{ids[2], ids[1]}, 10); !slices.Equal(got, want[2:]) {
		t.Errorf("got %v, want %v", got, want[2:])
	}
	if n, err := r.Reader().Unfinished(t.Context(), []string{"in"}); err != nil || n != 4 {
		t.Errorf("unfinished: %d, %v", n, err)
	}
	if n, err := r.Reader().Unfinished(t.Context(), []string{"elsewhere"}); err != nil || n != 0 {
		t.Errorf("unfinished elsewhere: %d, %v", n, err)
	}
	if next, ok, err := r.NextWake(t.Context(), r.time); err != nil || !ok || !next.Equal(r.time.Add(time.Hour)) {
		t.Errorf("next: %v %v %v", next, ok, err)
	}
	r.time = r.time.Add(time.Hour)
	if got := r.runnable(nil, 10); len(got) != 4 {
		t.Errorf("an hour later: %v", got)
	}
	if _, ok, err := r.NextWake(t.Context(), r.time); err != nil || ok {
		t.Errorf("nothing is left to wake for: %v %v", ok, err)
	}
}

func TestNewerGenerationWaits(t *testing.T) {
	r := newRig(t)
	for _, s := range statuses() {
		id := r.admit(fileAt(string(s), 1))[0]
		r.bring(id, s)
		next := r.admit(fileAt(string(s), 2))[0]
		waits := !slices.Contains(r.runnable(nil, 100), next)
		if waits != s.Active() {
			t.Errorf("%s: the next generation waits: %v", s, waits)
		}
	}
}

// An attempt that starts over puts the earlier generation back to mapped; the
// two must not run at once.
func TestEarlierGenerationThatStartsOver(t *testing.T) {
	r := newRig(t)
	id := r.admit(fileAt("a", 1))[0]
	r.bring(id, Uploading)
	next := r.admit(fileAt("a", 2))[0]
	m := move(id, Uploading, Cancelling)
	m.Outcome = Mapped
	r.ok(r.Advance(t.Context(), m))
	r.ok(r.Advance(t.Context(), Move{ID: id, From: Cancelling, To: Mapped}))
	if got := r.runnable(nil, 10); !slices.Equal(got, []int64{id}) {
		t.Errorf("got %v", got)
	}
	r.ok(r.Advance(t.Context(), Move{ID: id, From: Mapped, To: Superseded}))
	if got := r.runnable(nil, 10); !slices.Equal(got, []int64{next}) {
		t.Errorf("got %v", got)
	}
}

// No question that is asked often may read all entries.
func TestPlansUseIndexes(t *testing.T) {
	r := newRig(t)
	where, args := Filter{}.where()
	for name, p := range map[string]string{
		"begun":           r.plan(begunDue, 0, "[]", `["in"]`),
		"first":           r.plan(readyFirst, "in", "[]", 1),
		"last":            r.plan(readyLast, "in", "[]", 1),
		"deferred":        r.plan(deferredDue, "in", "[]", 1, 0),
		"waiting":         r.plan(waitingDue, "in", "[]", 1, 0),
		"again":           r.plan(againDue, "in", "[]", 1, 0),
		"wake":            r.plan(nextWake, 0),
		"unknown":         r.plan(unknownFiles, "[]"),
		"backlog":         r.plan(backlogWaiting, `["in"]`),
		"backlog begun":   r.plan(backlogBegun, `["in"]`),
		"named originals": r.plan(namedOriginals, "a", 1, "filed", 1),
		"list":            r.plan(`SELECT `+entryColumns+` FROM entries e`+where+` ORDER BY e.id`, args...),
		"held by rules":   r.plan(heldByRules, "in"),
	} {
		for line := range strings.Lines(p) {
			if strings.HasPrefix(line, "SCAN e") || strings.Contains(line, "TEMP B-TREE") && name != "unknown" && name != "held by rules" || byFolder(line) {
				t.Errorf("%s: %s", name, p)
			}
		}
	}
}

// byFolder reports a line of a plan that reads all of a folder: in an index of all
// entries or companions it is narrowed by nothing but the folder.
func byFolder(line string) bool {
	return strings.HasSuffix(strings.TrimSpace(line), "(folder=?)") && !strings.Contains(line, "work_")
}

// What a sidecar tells costs the entries that it speaks of, and what is asked twice a
// second the open edits and the companions that are due: never the filed entries.
func TestPlansOfMetadata(t *testing.T) {
	r := newRig(t)
	plans := map[string]string{
		"due companions":  r.plan(dueCompanions, 1, `["in"]`, 1),
		"open companions": r.plan(countCompanions, `["in"]`),
		"open edits":      r.plan(countEdits, `["in"]`),
		"counts":          r.plan(countFolders),
		"released chunk":  r.plan(releaseByRules, 0, 0, "[]"),
	}
	for s := range stageSQL {
		plans["edits to "+string(s)] = r.plan(dueEdits(s), 0, "in", 1)
	}
	for about, c := range map[string]Concern{"a path": {Path: "a.jpg"}, "a directory": {Dir: "a"}, "the folder": {Dir: "."}} {
		which, args := c.where()
		args = append([]any{"in"}, args...)
		plans["resting of "+about] = r.plan(reopenResting+which+` RETURNING id`, append([]any{0, 0, 0}, args...)...)
		plans["settled of "+about] = r.plan(reopenSettled+which, append([]any{0}, args...)...)
		plans["begun of "+about] = r.plan(reopenBegun+which+latestIngested+openEdit, append([]any{0, 0}, args...)...)
		if about != "the folder" && strings.Count(plans["resting of "+about]+plans["settled of "+about]+plans["begun of "+about], "path>? AND path<?") != 3 {
			t.Errorf("%s is no range of paths", about)
		}
	}
	for name, p := range plans {
		for line := range strings.Lines(p) {
			switch {
			case name == "counts" && strings.HasPrefix(line, "SEARCH c"): // companions are counted one by one; of corrected there is a row a folder
			case strings.HasPrefix(line, "SCAN e"), strings.HasPrefix(line, "SCAN companions") && !strings.Contains(line, "companions_due"),
				strings.Contains(line, "entries_status") && !strings.Contains(line, "rowid=?"), byFolder(line):
				t.Errorf("%s: %s", name, p)
			}
		}
	}
}

func TestEntriesFilter(t *testing.T) {
	r := newRig(t)
	ids := r.admit(fileAt("a", 1), fileAt("b", 1), file.File{Folder: "other", Path: "c"})
	r.bring(ids[0], Filed)
	for _, c := range []struct {
		f    Filter
		want []int64
	}{
		{Filter{}, ids[1:]},
		{Filter{All: true}, ids},
		{Filter{Folders: []string{"other"}}, ids[2:]},
		{Filter{IDs: ids[:2]}, ids[:2]},
		{Filter{Statuses: []Status{Filed}}, ids[:1]},
		{Filter{All: true, Folders: []string{"in"}}, ids[:2]},
		{Filter{IDs: ids, Statuses: []Status{Settled}, Folders: []string{"in"}}, ids[1:2]},
	} {
		if got := r.ids(c.f); !slices.Equal(got, c.want) {
			t.Errorf("%+v: got %v, want %v", c.f, got, c.want)
		}
	}
	stop := fmt.Errorf("stop")
	r.fails(r.Reader().Entries(t.Context(), Filter{All: true}, func(Entry) error { return stop }), stop)
}

// testFolders are the folders that the tests and benchmarks use.
var testFolders = []string{"a", "b", "in", "other", "photos"}

func TestRunnableOnlyOfTheFoldersAskedFor(t *testing.T) {
	r := newRig(t)
	r.admit(file.File{Folder: "in", Path: "x"}, file.File{Folder: "other", Path: "y"})
	got, err := r.Runnable(t.Context(), r.time, shares(10, "other"), nil, 10)
	r.ok(err)
	if len(got) != 1 || got[0].Path != "y" {
		t.Errorf("want the entry of folder other alone, got %+v", got)
	}
}
