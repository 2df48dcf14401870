package journal

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// Whatever happens to files, in whatever order, each folder has seen the sum of
// what its entries are, one attempt at most is open, and ended ones have no URL.
func TestBooksBalance(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	r := newRig(t)
	ctx := t.Context()
	all := statuses()
	for step := range 120 {
		ids := r.ids(Filter{All: true})
		switch what := rng.IntN(10); {
		case len(ids) == 0 || what < 3:
			f := fileAt(fmt.Sprint(rng.IntN(6)), rng.IntN(4))
			f.Folder = []string{"in", "other"}[rng.IntN(2)]
			r.admit(f, f)
		case what == 3:
			id := ids[rng.IntN(len(ids))]
			if err := r.Unchanged(ctx, id); err != nil && !errors.Is(err, ErrMoved) && !errors.Is(err, ErrUnknown) {
				t.Fatal(err)
			}
		case what == 4:
			f := Forget{Before: r.time.Add(time.Minute), Folders: []string{"in"}, Contents: rng.IntN(2) == 0}
			if _, _, err := Prune(ctx, r.Journal, f, 0, 1+rng.IntN(3)); err != nil {
				t.Fatal(err)
			}
		default:
			id := ids[rng.IntN(len(ids))]
			from := r.entry(id).Status
			if rng.IntN(10) == 0 {
				from = all[rng.IntN(len(all))] // a worker with an old idea
			}
			next := moves[from]
			if len(next) == 0 {
				continue
			}
			m := move(id, from, next[rng.IntN(len(next))])
			if rng.IntN(4) == 0 {
				m.Chores = []NewChore{{Kind: ChoreDelete, ObjectID: "o"}}
			}
			a := r.entry(id).Attempt
			never := from == Cancelling && m.To == Verifying && (a == nil || !a.Completing) // which is refused
			if err := r.Advance(ctx, m); err != nil && !errors.Is(err, ErrMoved) && !errors.Is(err, ErrNameBusy) &&
				!(errors.Is(err, ErrIllegal) && (from == Held || from == Uploading || never)) {
				t.Fatal(err)
			}
		}
		r.balanced()
		if step%20 == 0 {
			r.consistent()
		}
	}
	r.consistent()
}

// consistent asserts what must hold between the tables.
func (r *rig) consistent() {
	r.t.Helper()
	for name, query := range map[string]string{
		"open attempts of an entry that attempts nothing": `SELECT count(*) FROM attempts a JOIN entries e ON e.id = a.entry_id
			WHERE a.ended_at IS NULL AND (e.status NOT IN {begun} OR e.status = {verified})`,
		"entries without the attempt they are in": `SELECT count(*) FROM entries e WHERE e.status IN {begun} AND e.status <> {verified}
			AND (SELECT count(*) FROM attempts WHERE entry_id = e.id AND ended_at IS NULL) <> 1`,
		"URLs of ended attempts": `SELECT count(*) FROM parts p JOIN attempts a ON a.id = p.attempt_id
			WHERE a.ended_at IS NOT NULL AND p.url IS NOT NULL`,
		"replaced entries that are not, or others": `SELECT count(*) FROM entries e WHERE replaced <> (status = 'filed' AND EXISTS (
			SELECT 1 FROM entries n WHERE n.folder = e.folder AND n.path = e.path AND n.generation > e.generation AND n.status = 'filed'))`,
		"entries that rest, and whose last event is another": `SELECT count(*) FROM entries e WHERE rests = 1
			AND (SELECT kind FROM events WHERE entry_id = e.id ORDER BY id DESC LIMIT 1) IS NOT e.status`,
		"entries that left a rest, of which no event tells": `SELECT count(*) FROM entries e WHERE rests = 0
			AND (SELECT kind FROM events WHERE entry_id = e.id ORDER BY id DESC LIMIT 1) IN ('filed', 'held', 'failed', 'ignored', 'duplicate', 'cancelled', 'superseded', 'withdrawn')`,
		"events of entries that are gone": `SELECT count(*) FROM events WHERE entry_id IS NOT NULL AND entry_id NOT IN (SELECT id FROM entries)`,
		"foreign keys":                    `SELECT count(*) FROM pragma_foreign_key_check`,
	} {
		var n int
		r.ok(r.Reader().db.QueryRow(inDialect(query)).Scan(&n))
		if n != 0 {
			r.t.Fatalf("%s: %d", name, n)
		}
	}
	r.queued()
}

// queued asserts that the queue holds what does not rest, and all that is copied there as
// the entries have it.
func (r *rig) queued() {
	r.t.Helper()
	for name, query := range map[string]string{
		"work of entries that rest":               `SELECT count(*) FROM work w JOIN entries e ON e.id = w.entry_id WHERE e.status NOT IN {unfinished}`,
		"entries without work":                    `SELECT count(*) FROM entries e WHERE e.status IN {unfinished} AND NOT EXISTS (SELECT 1 FROM work w WHERE w.entry_id = e.id)`,
		"entries that do not know that they rest": `SELECT count(*) FROM entries WHERE rests <> (status NOT IN {unfinished})`,
		"work that is another than its entry's": `SELECT count(*) FROM work w JOIN entries e ON e.id = w.entry_id
			WHERE w.folder <> e.folder OR w.status <> e.status OR w.size <> e.size OR w.sha256 IS NOT e.sha256 OR w.filename <> e.filename`,
		"work in the wrong lane": `SELECT count(*) FROM work w JOIN entries e ON e.id = w.entry_id
			WHERE w.lane <> CASE WHEN e.status IN {begun} THEN 2 WHEN w.not_before > 0 THEN 1 ELSE 0 END`,
	} {
		var n int
		r.ok(r.Reader().db.QueryRow(inDialect(query)).Scan(&n))
		if n != 0 {
			r.t.Fatalf("%s: %d", name, n)
		}
	}
	rows, err := r.Reader().db.Query(`SELECT e.path, e.size, e.mod_time, f.sort, w.sort_key FROM work w JOIN entries e ON e.id = w.entry_id JOIN folders f ON f.name = e.folder`)
	r.ok(err)
	defer rows.Close()
	for rows.Next() {
		var path, key []byte
		var size, modTime int64
		var by Order
		r.ok(rows.Scan(&path, &size, &modTime, &by, &key))
		if want := sortKey(by, path, size, modTime); !bytes.Equal(key, want) {
			r.t.Fatalf("the sort key of %q in order %q is %x, should be %x", path, by, key, want)
		}
	}
	r.ok(rows.Err())
}

func TestFolders(t *testing.T) {
	r := newRig(t)
	r.admit(file.File{Folder: "b", Path: "x"})
	s := FolderState{Name: "b", Path: "/srv/b", Watch: "poll", Paused: "gone", Settling: 3, Unreadable: 1, Unread: "locked (permission denied)",
		Arriving: 2, Beside: "x.part", Empty: 1, EmptyFile: "y"}
	r.ok(FoldersOf(r.Journal).Set(t.Context(), s, FolderState{Name: "a"}))
	c, err := r.Reader().Counts(t.Context())
	r.ok(err)
	if len(c) != 2 || c[0].Name != "a" || c[0].Seen != 0 || c[1].FolderState != s || c[1].Seen != 1 || c[1].By[Settled] != 1 || len(c[1].By) != 1 {
		t.Errorf("counts %+v", c)
	}
}

func TestChores(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	id := r.admit(fileAt("a", 1))[0]
	r.bring(id, Uploading)
	due := r.time.Add(time.Minute)
	c := NewChore{Kind: ChoreDelete, ObjectID: "o", FileID: "f", Filename: "n", Spec: "{}", Until: due.Add(time.Hour), NotBefore: due}
	m := move(id, Uploading, Cancelling)
	m.Chores = []NewChore{c, {Kind: ChoreTwin}}
	r.ok(r.Advance(ctx, m))
	got, err := ChoresOf(r.Journal).Due(ctx, r.time, "", 10)
	r.ok(err)
	if len(got) != 1 || got[0].Kind != ChoreTwin || got[0].EntryID != id || !got[0].Since.Equal(r.time) {
		t.Fatalf("due: %+v", got)
	}
	r.ok(ChoresOf(r.Journal).Done(ctx, got[0].ID))
	r.fails(ChoresOf(r.Journal).Done(ctx, got[0].ID), ErrUnknown)
	if next, ok, err := r.NextWake(ctx, r.time); err != nil || !ok || !next.Equal(due) {
		t.Errorf("next: %v %v %v", next, ok, err)
	}
	got, err = ChoresOf(r.Journal).Due(ctx, due, "", 10)
	r.ok(err)
	if len(got) != 1 || got[0].NewChore != c {
		t.Fatalf("due: %+v", got)
	}
	later := due.Add(time.Minute)
	r.ok(ChoresOf(r.Journal).Defer(ctx, got[0].ID, later, "busy"))
	r.fails(ChoresOf(r.Journal).Defer(ctx, 999, later, ""), ErrUnknown)
	got, err = ChoresOf(r.Journal).Due(ctx, later, "", 10)
	r.ok(err)
	if len(got) != 1 || got[0].Tries != 1 || got[0].Message != "busy" {
		t.Fatalf("deferred: %+v", got)
	}
	if known, err := r.Reader().KnownIDs(ctx, []string{"o", "f", "z"}); err != nil || len(known) != 2 {
		t.Errorf("known: %v, %v", known, err)
	}

	// Clean-up outlives an entry that turns out to be nothing new.
	filed := r.admit(fileAt("b", 1))[0]
	r.bring(filed, Filed)
	again := r.admit(fileAt("b", 2))[0]
	m = move(again, Settled, Mapped)
	m.Chores = []NewChore{{Kind: ChoreTwin}}
	r.ok(r.Advance(ctx, m))
	r.ok(r.Unchanged(ctx, again))
	got, err = ChoresOf(r.Journal).Due(ctx, r.time, "", 10)
	r.ok(err)
	if len(got) != 1 || got[0].EntryID != filed {
		t.Errorf("after the merge: %+v", got)
	}
}
