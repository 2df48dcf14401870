package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/secret"
)

// rig is a journal in a temporary directory with a clock that tests set.
type rig struct {
	*Journal
	t     *testing.T
	path  string
	time  time.Time
	moves atomic.Int32 // every other one is told what its entry was
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, path: filepath.Join(t.TempDir(), "journal.db"), time: time.UnixMilli(1_700_000_000_000)}
	r.reopen()
	t.Cleanup(func() {
		select {
		case <-r.Reader().closed:
		default:
			if !t.Failed() && r.removed() == nil {
				r.consistent()
			}
		}
		_ = r.Close()
	})
	return r
}

// reopen opens the journal, after a Close.
func (r *rig) reopen() {
	r.t.Helper()
	j, err := Open(r.t.Context(), r.path, Options{Clock: func() time.Time { return r.time }})
	r.ok(err)
	r.Journal = j
}

func (r *rig) ok(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// fails asserts that err is want.
func (r *rig) fails(err, want error) {
	r.t.Helper()
	if !errors.Is(err, want) {
		r.t.Fatalf("got error %v, want %v", err, want)
	}
}

// byHand changes the journal as no method does.
func (r *rig) byHand(text string, args ...any) {
	r.t.Helper()
	byHand(r.t, r.Journal, text, args...)
}

func byHand(tb testing.TB, j *Journal, text string, args ...any) {
	tb.Helper()
	err := j.write(tb.Context(), "change it by hand", func(tx *session) error {
		_, err := tx.exec(tb.Context(), text, args...)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
}

// file is a file whose hint is told by its version.
func fileAt(path string, version int) file.File {
	return file.File{Folder: "in", Path: path, Stat: file.Stat{Size: int64(100 + version), ModTime: 1, ChangeTime: int64(version), Dev: 1, Ino: 7}}
}

// admit admits files and returns the ids of the new entries, in order.
func (r *rig) admit(files ...file.File) []int64 {
	r.t.Helper()
	var last sql.NullInt64
	r.ok(r.Reader().db.QueryRow(`SELECT max(id) FROM entries`).Scan(&last))
	n, err := r.Admit(r.t.Context(), files)
	r.ok(err)
	rows, err := r.Reader().db.Query(`SELECT id FROM entries WHERE id > ? ORDER BY id`, last.Int64)
	r.ok(err)
	defer rows.Close()
	var added []int64
	for rows.Next() {
		var id int64
		r.ok(rows.Scan(&id))
		added = append(added, id)
	}
	r.ok(rows.Err())
	if len(added) != n {
		r.t.Fatalf("Admit says %d new entries, there are %d", n, len(added))
	}
	return added
}

func (r *rig) ids(f Filter) []int64 {
	r.t.Helper()
	var out []int64
	r.ok(r.Reader().Entries(r.t.Context(), f, func(e Entry) error {
		out = append(out, e.ID)
		return nil
	}))
	return out
}

func (r *rig) entry(id int64) Entry {
	r.t.Helper()
	e, err := r.Entry(r.t.Context(), id)
	r.ok(err)
	return e
}

// Advance is Journal.Advance, which must return what Entry does, whether it is told what
// the entry was or not.
func (r *rig) Advance(ctx context.Context, m Move) error {
	r.t.Helper()
	if was, err := r.Entry(ctx, m.ID); err == nil && r.moves.Add(1)%2 == 0 {
		m.Was = &was
	}
	e, err := r.Journal.Advance(ctx, m)
	want := Entry{}
	if err == nil {
		want = r.entry(m.ID)
	}
	if diff := cmp.Diff(want, e); diff != "" {
		r.t.Errorf("%s -> %s (%v) does not return the entry as it is now:\n%s", m.From, m.To, err, diff)
	}
	return err
}

const signature = "X-Amz-Signature=5f7e0c"

// move is a legal move with all the facts that it needs.
func move(id int64, from, to Status) Move {
	m := Move{ID: id, From: from, To: to}
	switch to {
	case Mapped:
		m.Asset, m.Filename = []byte(`{"templateId":"t"}`), fmt.Sprintf("name-%d.jpg", id)
	case Creating:
		if from == Settled {
			m.Asset, m.Filename = []byte(`{"templateId":"t"}`), fmt.Sprintf("name-%d.jpg", id)
		}
	case Uploading:
		m.Created = &Creation{
			ObjectID: fmt.Sprintf("object-%d", id), FileID: fmt.Sprintf("file-%d", id), OriginalFileID: fmt.Sprintf("file-%d", id),
			UploadID: "upload", Expires: time.UnixMilli(1_700_000_900_000), PartSize: 60,
			Parts: []Part{
				{Number: 1, Offset: 0, Size: 60, URL: secret.URL("https://store.example/1?" + signature)},
				{Number: 2, Offset: 60, Size: 41, URL: secret.URL("https://store.example/2?" + signature)},
			},
		}
	case Verified:
		if from == Mapped {
			m.Created = &Creation{ObjectID: "held already"}
		}
	case Cancelling:
		m.Outcome = Cancelled
	}
	return m
}

// bring moves a settled entry to a status, by the shortest way.
func (r *rig) bring(id int64, to Status) {
	r.t.Helper()
	way := shortest(r.entry(id).Status, to)
	for i := 1; i < len(way); i++ {
		if way[i-1] == Uploading && way[i] != Cancelling && way[i] != Completing {
			r.sendAll(id)
		}
		r.ok(r.Advance(r.t.Context(), move(id, way[i-1], way[i])))
	}
}

// sendAll records every part of an upload as stored.
func (r *rig) sendAll(id int64) {
	r.t.Helper()
	a := r.entry(id).Attempt
	for _, p := range a.Parts {
		r.ok(r.PartDone(r.t.Context(), a.ID, Part{Number: p.Number, ETag: "e", MD5: []byte{byte(p.Number)}, Proven: true}))
	}
}

// shortest is the shortest way from one status to another, both included; nil
// if there is none.
func shortest(from, to Status) []Status {
	ways := [][]Status{{from}}
	seen := map[Status]bool{from: true}
	for len(ways) > 0 {
		way := ways[0]
		ways = ways[1:]
		last := way[len(way)-1]
		if last == to {
			return way
		}
		for _, next := range moves[last] {
			if last == Mapped && next == Verified || last == Settled && next == Creating || last == Uploading && (next == Verified || next == Filed) || last == Cancelling && next == Verifying {
				continue // the entry would have no upload to test with
			}
			if !seen[next] && !(last == Held && next == Verifying) { // no way for what was never uploaded
				seen[next] = true
				ways = append(ways, append(slices.Clone(way), next))
			}
		}
	}
	return nil
}

// statuses is every status, sorted.
func statuses() []Status {
	var all []Status
	for s := range Moves() {
		all = append(all, s)
	}
	slices.Sort(all)
	return all
}

// balanced asserts that in every folder the entries seen are the sum of all
// statuses.
func (r *rig) balanced() {
	r.t.Helper()
	counts, err := r.Reader().Counts(context.Background())
	r.ok(err)
	for _, c := range counts {
		sum := 0
		for _, n := range c.By {
			sum += n
		}
		if sum != c.Seen {
			r.t.Fatalf("folder %s has seen %d, but %v are %d", c.Name, c.Seen, c.By, sum)
		}
	}
}

// placeholder admits a row without a file and files it.
func (r *rig) placeholder(path string) int64 {
	r.t.Helper()
	_, err := CompanionsOf(r.Journal).AdmitRows(r.t.Context(), Companion{File: fileAt("manifest.csv", 1)}, []Fileless{{Path: path, Kind: Placeholder, Sign: 1}})
	r.ok(err)
	e, ok, err := r.Reader().Latest(r.t.Context(), "in", path)
	r.ok(err)
	if !ok || e.Kind != Placeholder {
		r.t.Fatalf("not admitted: %+v", e)
	}
	r.bring(e.ID, Creating)
	r.ok(r.Advance(r.t.Context(), Move{ID: e.ID, From: Creating, To: Uploading, Created: &Creation{ObjectID: "object-p", FileID: "file-p", OriginalFileID: "file-p"}}))
	r.ok(r.Advance(r.t.Context(), move(e.ID, Uploading, Verifying)))
	return e.ID
}

// What a worker records of an entry that it leaves in its status, and what it learned.

func (r *rig) Defer(ctx context.Context, id int64, in Status, until time.Time, why Reason, count bool) error {
	_, err := r.Journal.Advance(ctx, Move{ID: id, From: in, To: in, NotBefore: until, Reason: why, CountFailure: count})
	return err
}

func (r *rig) Rehint(ctx context.Context, id int64, f file.File, notBefore time.Time) error {
	_, err := r.Journal.Advance(ctx, Move{ID: id, From: Settled, To: Settled, NotBefore: notBefore, Stay: Stay{Rehint: &f}})
	return err
}

func (r *rig) WaitForDrop(ctx context.Context, id int64, until time.Time, why Reason) error {
	_, err := r.Journal.Advance(ctx, Move{ID: id, From: Mapped, To: Mapped, NotBefore: until, Reason: why, Stay: Stay{ForDrop: true}})
	return err
}

func (r *rig) Unchanged(ctx context.Context, id int64, chores ...NewChore) error {
	in := Settled
	if e, err := r.Entry(ctx, id); err == nil && e.Status == Mapped {
		in = Mapped
	}
	_, err := r.Journal.Advance(ctx, Move{ID: id, From: in, To: in, Chores: chores, Stay: Stay{Unchanged: true}})
	return err
}

func (r *rig) Renamed(ctx context.Context, id int64, earlier Entry, chores ...NewChore) error {
	_, err := r.Journal.Advance(ctx, Move{ID: id, From: Settled, To: Settled, Chores: chores, Stay: Stay{Renamed: &earlier}})
	return err
}

func (r *rig) SetSHA256(ctx context.Context, id int64, sum []byte) error {
	return r.Learn(ctx, id, Learned{SHA256: sum})
}

func (r *rig) SetFilename(ctx context.Context, id int64, name string) error {
	return r.Learn(ctx, id, Learned{Filename: name})
}

func (r *rig) Compared(ctx context.Context, id, changeTime int64) error {
	return r.Learn(ctx, id, Learned{Compared: changeTime})
}

func (r *rig) Proven(ctx context.Context, attempt int64) error {
	return r.Learn(ctx, 0, Learned{Attempt: attempt, Proven: true})
}

func (r *rig) PartDone(ctx context.Context, attempt int64, p Part) error {
	return r.Learn(ctx, 0, Learned{Attempt: attempt, Parts: []Part{p}})
}
