package journal

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// TestLookup finds generations by path, and files by name, in directories and folders, with
// bytes that are no text.
func TestLookup(t *testing.T) {
	r := newRig(t)
	var found []file.File
	for i, at := range []PathIn{{"in", "a.jpg"}, {"in", "d/a.jpg"}, {"in", "d/ba.jpg"}, {"out", "d/a.jpg"}, {"in", "d.jpg"}, {"in", "d/e/\xff"}, {"in", "d0"}, {"in", "d!"}} {
		found = append(found, file.File{Folder: at.Folder, Path: at.Path, Stat: file.Stat{Size: int64(i), Ino: uint64(i + 1)}})
	}
	_, err := r.Admit(t.Context(), found)
	r.ok(err)
	ids := func(f Filter) (out []int64) {
		f.All = true
		r.ok(r.Reader().Entries(t.Context(), f, func(e Entry) error { out = append(out, e.ID); return nil }))
		return out
	}
	l := LookupOf(r.Reader())
	at := func(paths ...PathIn) []int64 { got, err := l.At(t.Context(), paths); r.ok(err); return got }
	named := func(name string, limit int, folders ...string) []int64 {
		got, err := l.Named(t.Context(), name, folders, limit)
		r.ok(err)
		return got
	}
	for what, tc := range map[string]struct{ got, want []int64 }{
		"paths":            {at(PathIn{"in", "d/a.jpg"}, PathIn{"out", "d/a.jpg"}, PathIn{"out", "a.jpg"}), []int64{2, 4}},
		"a name":           {named("a.jpg", 10), []int64{1, 2, 4}},
		"of a folder":      {named("a.jpg", 10, "out"), []int64{4}},
		"the first":        {named("a.jpg", 2), []int64{1, 2}},
		"no text":          {named("\xff", 10), []int64{6}},
		"none":             {named("jpg", 10), nil},
		"a directory":      {ids(Filter{Below: []PathIn{{"in", "d"}}}), []int64{2, 3, 6}},
		"a file":           {ids(Filter{Below: []PathIn{{"in", "d.jpg"}}}), []int64{5}},
		"a folder":         {ids(Filter{Below: []PathIn{{"out", ""}}}), []int64{4}},
		"an id or below":   {ids(Filter{IDs: []int64{1}, Below: []PathIn{{"in", "d/e"}, {"out", "d"}}}), []int64{1, 4, 6}},
		"and in a folder":  {ids(Filter{IDs: []int64{1}, Below: []PathIn{{"out", "d"}}, Folders: []string{"out"}}), []int64{4}},
		"and in a status":  {ids(Filter{Below: []PathIn{{"in", "d"}}, Statuses: []Status{Held}}), nil},
		"and since a time": {ids(Filter{Below: []PathIn{{"in", "d"}}, Since: r.clock().Add(time.Second)}), nil},
		"since a time":     {ids(Filter{Since: r.clock().Add(time.Second)}), nil},
	} {
		if !slices.Equal(tc.got, tc.want) {
			t.Errorf("%s: got %v, want %v", what, tc.got, tc.want)
		}
	}
}

// A path and what is below a directory are found by an index, not by reading a folder.
func TestPlansOfLookups(t *testing.T) {
	r := newRig(t)
	where, args := Filter{Below: []PathIn{{"in", "d"}, {"out", "e"}}, Statuses: []Status{Held}, Since: r.clock()}.where()
	plan := r.plan(`SELECT `+entryColumns+` FROM entries e`+where+` ORDER BY e.id`, args...)
	for _, bad := range []string{"SCAN e", "SCAN entries", "(folder=?)\n"} {
		if strings.Contains(plan, bad) {
			t.Errorf("%q is in\n%s", bad, plan)
		}
	}
}
