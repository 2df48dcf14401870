package journal

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// sized are files whose order tells every Order from every other.
func sized() []file.File {
	f := func(path string, size, modTime int64) file.File {
		return file.File{Folder: "in", Path: path, Stat: file.Stat{Size: size, ModTime: modTime, ChangeTime: 1}}
	}
	return []file.File{
		f("b/z", 300, 5), f("a/2", 1<<40, -7), f("b.txt", 0, 1<<60), f("a/10", 255, 0), f("a/\xff", 256, math.MinInt64), f("b/a", 300, -1),
	}
}

// inOrder are the paths of all that may run, first to last.
func (r *rig) inOrder() []string {
	r.t.Helper()
	list, err := r.Runnable(r.t.Context(), r.time, shares(100, "in"), nil, 100)
	r.ok(err)
	var paths []string
	for _, c := range list {
		paths = append(paths, c.Path)
	}
	return paths
}

var ordered = map[Order][]string{
	OrderArrival: {"b/z", "a/2", "b.txt", "a/10", "a/\xff", "b/a"},
	OrderSize:    {"b.txt", "a/10", "a/\xff", "b/z", "b/a", "a/2"},
	OrderMixed:   {"b.txt", "a/10", "a/\xff", "b/z", "b/a", "a/2"},
	OrderOldest:  {"a/\xff", "a/2", "b/a", "a/10", "b/z", "b.txt"},
	OrderNewest:  {"b.txt", "b/z", "a/10", "b/a", "a/2", "a/\xff"},
	OrderPath:    {"a/10", "a/2", "a/\xff", "b.txt", "b/a", "b/z"},
}

func TestOrders(t *testing.T) {
	for _, o := range Orders() {
		r := newRig(t)
		r.ok(FoldersOf(r.Journal).SetOrder(t.Context(), "in", o))
		r.admit(sized()...)
		if got := r.inOrder(); !slices.Equal(got, ordered[o]) {
			t.Errorf("%s: got %q, want %q", o, got, ordered[o])
		}
		r.ok(r.Close())
	}
	r := newRig(t)
	r.fails(FoldersOf(r.Journal).SetOrder(t.Context(), "in", "bigest"), ErrIllegal)
}

// Another order holds for what is queued already, too, and for what comes back.
func TestOrderChanges(t *testing.T) {
	r := newRig(t)
	ids := r.admit(sized()...)
	r.admit(file.File{Folder: "other", Path: "x"})
	for _, o := range Orders() {
		r.bring(ids[1], Uploading)
		r.bring(ids[4], Failed)
		r.ok(FoldersOf(r.Journal).SetOrder(t.Context(), "in", o))
		m := move(ids[1], Uploading, Cancelling)
		m.Outcome = Mapped
		r.ok(r.Advance(t.Context(), m))
		r.ok(r.Advance(t.Context(), move(ids[1], Cancelling, Mapped)))
		r.ok(r.Advance(t.Context(), move(ids[4], Failed, Settled)))
		if got := r.inOrder(); !slices.Equal(got, ordered[o]) {
			t.Errorf("%s: got %q, want %q", o, got, ordered[o])
		}
	}
	if got := r.claim(shares(9, "other"), nil, 9); len(got) != 1 {
		t.Errorf("the other folder has lost its entry: %v", got)
	}
}

func TestRehintMovesInTheOrder(t *testing.T) {
	r := newRig(t)
	r.ok(FoldersOf(r.Journal).SetOrder(t.Context(), "in", OrderSize))
	ids := r.admit(sized()...)
	f := sized()[1]
	f.Size = 1
	r.ok(r.Rehint(t.Context(), ids[1], f, time.Time{}))
	if got := r.inOrder(); got[1] != f.Path {
		t.Errorf("the second smallest file is not second: %q", got)
	}
}

func TestBothEnds(t *testing.T) {
	r := newRig(t)
	r.ok(FoldersOf(r.Journal).SetOrder(t.Context(), "in", OrderMixed))
	r.admit(sized()...)
	for _, c := range []struct {
		limit, last int
		want        []string
	}{
		{1, 0, []string{"b.txt"}},
		{1, 1, []string{"a/2"}},
		{3, 1, []string{"a/2", "b.txt", "a/10"}},
		{3, 2, []string{"a/2", "b/a", "b.txt"}},
		{9, 4, []string{"a/2", "b/a", "b/z", "a/\xff", "b.txt", "a/10"}}, // the ends meet
		{9, 9, []string{"a/2", "b/a", "b/z", "a/\xff", "a/10", "b.txt"}},
	} {
		list, err := r.Runnable(t.Context(), r.time, []Share{{Folder: "in", Limit: c.limit, Last: c.last}}, nil, 100)
		r.ok(err)
		var got []string
		for i, e := range list {
			got = append(got, e.Path)
			if e.Last != (i < c.last) {
				t.Errorf("%d, %d: %s is from the end: %v", c.limit, c.last, e.Path, e.Last)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%d, %d: got %q, want %q", c.limit, c.last, got, c.want)
		}
	}
}

func TestFoldersTakeTurns(t *testing.T) {
	r := newRig(t)
	in := func(folder string, n int) []int64 {
		var files []file.File
		for i := range n {
			files = append(files, file.File{Folder: folder, Path: fmt.Sprint(i)})
		}
		return r.admit(files...)
	}
	a, b, c := in("a", 9), in("b", 2), in("c", 3)
	all := shares(9, "a", "b", "c")
	for _, x := range []struct {
		shares []Share
		limit  int
		want   []int64
	}{
		{all, 1, []int64{a[0]}},
		{all, 2, []int64{a[0], b[0]}},
		{all, 9, []int64{a[0], b[0], c[0], a[1], b[1], c[1], a[2], c[2], a[3]}},
		{shares(9, "c", "a", "b"), 4, []int64{c[0], a[0], b[0], c[1]}},
		{shares(1, "a", "b", "c"), 9, []int64{a[0], b[0], c[0]}},
		{[]Share{{Folder: "a"}, {Folder: "b", Limit: 9}}, 9, []int64{b[0], b[1]}},
		{[]Share{{Folder: "a"}}, 9, nil},
		{nil, 9, nil},
	} {
		if got := r.claim(x.shares, nil, x.limit); !slices.Equal(got, x.want) {
			t.Errorf("%+v, %d: got %v, want %v", x.shares, x.limit, got, x.want)
		}
	}
	// What was begun goes first, and counts.
	r.bring(a[7], Uploading)
	r.bring(a[8], Uploading)
	if got, want := r.claim(shares(2, "c", "a"), nil, 9), []int64{a[7], a[8], c[0], c[1]}; !slices.Equal(got, want) {
		t.Errorf("begun: got %v, want %v", got, want)
	}
	if got, want := r.claim(shares(1, "a", "b"), nil, 9), []int64{a[7], b[0]}; !slices.Equal(got, want) {
		t.Errorf("more begun than allowed: got %v, want %v", got, want)
	}
}

// Neither fresh nor deferred entries wait for the end of the others.
func TestDeferredTakeTurns(t *testing.T) {
	r := newRig(t)
	ids := r.admit(fileAt("a", 1), fileAt("b", 1), fileAt("c", 1), fileAt("d", 1), fileAt("e", 1))
	for i, id := range ids[:3] {
		r.ok(r.Defer(t.Context(), id, Settled, r.time.Add(time.Duration(i-1)*time.Second), Reason{}, false))
	}
	fresh := []int64{ids[3], ids[0], ids[4], ids[1]} // ids[2] is not due
	if got := r.claim(shares(9, "in"), nil, 9); !slices.Equal(got, fresh) {
		t.Errorf("got %v, want %v", got, fresh)
	}
	deferred := []int64{ids[0], ids[3], ids[1], ids[4]}
	if got := r.claim([]Share{{Folder: "in", Limit: 9, DeferredFirst: true}}, nil, 9); !slices.Equal(got, deferred) {
		t.Errorf("got %v, want %v", got, deferred)
	}
}

// Outside of its hours a folder has what was begun, and what has to begin again after an
// attempt that did not get through. Other folders are not concerned.
func TestOnlyBegun(t *testing.T) {
	r := newRig(t)
	ids := r.admit(fileAt("settled", 1), fileAt("deferred", 1), fileAt("mapped", 1), fileAt("uploading", 1), fileAt("again", 1), fileAt("later", 1))
	other := r.admit(file.File{Folder: "other", Path: "a"})
	r.ok(r.Defer(t.Context(), ids[1], Settled, r.time.Add(-time.Second), Reason{}, false))
	r.bring(ids[2], Mapped)
	r.ok(r.Defer(t.Context(), ids[2], Mapped, r.time.Add(-time.Second), Reason{}, false))
	r.bring(ids[3], Uploading)
	for i, due := range []time.Duration{-time.Second, time.Second} {
		id := ids[4+i]
		r.bring(id, Uploading)
		r.ok(r.Advance(t.Context(), Move{ID: id, From: Uploading, To: Cancelling, Outcome: Mapped}))
		r.ok(r.Advance(t.Context(), Move{ID: id, From: Cancelling, To: Mapped, NotBefore: r.time.Add(due)}))
	}
	closed := []Share{{Folder: "in", Limit: 9, Last: 3, OnlyBegun: true}, {Folder: "other", Limit: 9}}
	if got, want := r.claim(closed, nil, 9), []int64{ids[3], ids[4], other[0]}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	closed[0].OnlyBegun = false
	if got := r.claim(closed, nil, 9); len(got) != 6 {
		t.Errorf("within the hours: got %v, want 6 of 7", got)
	}
}

// What is due at one time, because it was woken together, goes in the order of its folder,
// however many are asked for.
func TestOrderOfWhatIsWokenTogether(t *testing.T) {
	r := newRig(t)
	r.ok(FoldersOf(r.Journal).SetOrder(t.Context(), "in", OrderSize))
	ids := r.admit(fileAt("large", 3), fileAt("small", 1), fileAt("middle", 2))
	for _, id := range ids {
		r.ok(r.Defer(t.Context(), id, Settled, r.time, Reason{}, false))
	}
	want := []int64{ids[1], ids[2], ids[0]}
	for n := range want {
		if got := r.claim(shares(9, "in"), nil, n+1); !slices.Equal(got, want[:n+1]) {
			t.Errorf("the first %d are %v, want %v", n+1, got, want[:n+1])
		}
	}
}

// What begins while the backlog is added up is counted once.
func TestBacklogOfOneState(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	id := r.admit(fileAt("a", 1))[0]
	r.bring(id, Mapped)
	moved := make(chan struct{})
	var err error
	go func() {
		defer close(moved)
		for i := 0; err == nil && i < 1000; i++ {
			m := move(id, Mapped, Creating)
			if i%2 == 1 {
				m = move(id, Creating, Mapped)
			}
			_, err = r.Journal.Advance(ctx, m)
		}
	}()
	for over := false; !over && !t.Failed(); {
		select {
		case <-moved:
			over = true
		default:
		}
		if b, err := r.Reader().Backlog(ctx, []string{"in"}); err != nil || b.Files != 1 {
			t.Errorf("%+v of one file, %v", b, err)
		}
	}
	<-moved
	r.ok(err)
}

func TestBacklog(t *testing.T) {
	r := newRig(t)
	ids := r.admit(fileAt("a", 1), fileAt("b", 1), fileAt("c", 1), fileAt("d", 1), fileAt("e", 1)) // of 101 bytes each
	r.admit(file.File{Folder: "other", Path: "x", Stat: file.Stat{Size: 7}})
	want := func(folder string, files, bytes int64) {
		t.Helper()
		if got, err := r.Reader().Backlog(t.Context(), []string{folder}); err != nil || got != (Backlog{files, bytes}) {
			t.Errorf("%s: got %+v, %v, want %d files of %d bytes", folder, got, err, files, bytes)
		}
	}
	want("in", 5, 505)
	want("other", 1, 7)
	want("elsewhere", 0, 0)
	r.bring(ids[0], Filed)
	r.bring(ids[1], Verifying)
	r.bring(ids[2], Uploading)
	r.ok(r.PartDone(t.Context(), r.entry(ids[2]).Attempt.ID, Part{Number: 1, ETag: "e"}))
	r.ok(r.Defer(t.Context(), ids[3], Settled, r.time.Add(time.Hour), Reason{}, false))
	want("in", 4, 0+41+101+101)
}
