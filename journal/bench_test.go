package journal

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// history fills a journal with n filed entries, each with an asset of realistic
// length, one ended attempt and one stored part, in directories of 500 files.
func history(tb testing.TB, j *Journal, n int) {
	tb.Helper()
	ctx := context.Background()
	const series = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) `
	err := j.write(ctx, "fill", func(tx *session) error {
		for _, step := range []string{
			`INSERT INTO folders (name, seen) SELECT 'photos', ?1 WHERE true ON CONFLICT DO UPDATE SET seen = seen + ?1`,
			series + `INSERT INTO entries (id, folder, path, generation, status, rests, size, mod_time, change_time, dev, ino, sha256, place,
					filename, object_id, file_id, original_file_id, seen_at, since, updated, asset)
				SELECT i, 'photos', CAST(printf('brand-%03d/campaign-%05d/IMG_%07d.jpg', i / 50000, i / 500, i) AS BLOB), 1, 'filed', 1,
					1000000 + i, i, i, 64768, i, randomblob(32), 0, printf('IMG_%07d.jpg', i),
					hex(randomblob(16)), hex(randomblob(16)), hex(randomblob(16)), 1, 1, 1,
					'{"templateId":"t","metadata":[' || printf('%.600c', 'm') || ']}' FROM n`,
			series + `INSERT INTO attempts (id, entry_id, number, intent_at, object_id, file_id, ended_at)
				SELECT i, i, 1, 1, hex(randomblob(16)), hex(randomblob(16)), 1 FROM n`,
			series + `INSERT INTO parts (attempt_id, number, "offset", size, etag, md5, comparable, done_at)
				SELECT i, 1, 0, 1000000 + i, hex(randomblob(16)), randomblob(16), 1, 1 FROM n`,
		} {
			if _, err := tx.exec(ctx, step, n); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
}

// historyFile is the hint of the i-th file of history.
func historyFile(i int) file.File {
	return file.File{Folder: "photos", Path: fmt.Sprintf("brand-%03d/campaign-%05d/IMG_%07d.jpg", i/50000, i/500, i),
		Stat: file.Stat{Size: int64(1000000 + i), ModTime: int64(i), ChangeTime: int64(i), Dev: 64768, Ino: uint64(i)}}
}

var benchRows = []int{1_000, 100_000, 1_000_000}

// openHistory opens a journal of n filed entries and 100 that are waiting. It
// is made anew and closed once, so that the benchmark starts as a daemon does.
func openHistory(tb testing.TB, n int) *Journal {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "journal.db")
	j, err := Open(context.Background(), path, Options{})
	if err != nil {
		tb.Fatal(err)
	}
	history(tb, j, n)
	var waiting []file.File
	for i := range 100 {
		waiting = append(waiting, historyFile(n+1+i))
	}
	if _, err := j.Admit(context.Background(), waiting); err != nil {
		tb.Fatal(err)
	}
	if err := j.Close(); err != nil {
		tb.Fatal(err)
	}
	if j, err = Open(context.Background(), path, Options{}); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = j.Close() })
	return j
}

// BenchmarkClaim measures what the dispatcher asks before it sleeps, over
// journals that are mostly filed: the queue, the next wake, what is unfinished.
func BenchmarkClaim(b *testing.B) {
	ctx := context.Background()
	for _, n := range benchRows {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			j := openHistory(b, n)
			<-j.checked // or the check would compete with what is measured
			now := time.Now()
			b.Run("Runnable", func(b *testing.B) {
				for b.Loop() {
					if got, err := j.Runnable(ctx, now, shares(16, testFolders...), []int64{int64(n + 1), int64(n + 2)}, 16); err != nil || len(got) != 16 {
						b.Fatal(len(got), err)
					}
				}
			})
			b.Run("NextWake", func(b *testing.B) {
				for b.Loop() {
					if _, _, err := j.NextWake(ctx, now); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run("Unfinished", func(b *testing.B) {
				for b.Loop() {
					if got, err := j.Reader().Unfinished(ctx, nil); err != nil || got != 100 {
						b.Fatal(got, err)
					}
				}
			})
			b.Run("Counts", func(b *testing.B) {
				for b.Loop() {
					if _, err := j.Reader().Counts(ctx); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run("EntriesNotFiled", func(b *testing.B) {
				for b.Loop() {
					if err := j.Reader().Entries(ctx, Filter{}, func(Entry) error { return nil }); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// BenchmarkOpen measures a start: lock, integrity check (at most checkWait of
// it), schema, first claim.
func BenchmarkOpen(b *testing.B) {
	ctx := context.Background()
	for _, n := range benchRows {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			path := openHistory(b, n).closedPath(b)
			b.Run("first-claim", func(b *testing.B) {
				info, err := os.Stat(path)
				if err != nil {
					b.Fatal(err)
				}
				defer b.ReportMetric(float64(info.Size())/1e6, "MB")
				for b.Loop() {
					j, err := Open(ctx, path, Options{})
					if err != nil {
						b.Fatal(err)
					}
					if got, err := j.Runnable(ctx, time.Now(), shares(1, testFolders...), nil, 1); err != nil || len(got) != 1 {
						b.Fatal(len(got), err)
					}
					b.StopTimer()
					if err := j.Close(); err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
				}
			})
			b.Run("whole-check", func(b *testing.B) {
				for b.Loop() {
					j, err := Open(ctx, path, Options{})
					if err != nil {
						b.Fatal(err)
					}
					<-j.checked
					if err := j.Close(); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// closedPath closes a journal and returns the path of its file.
func (j *Journal) closedPath(tb testing.TB) string {
	tb.Helper()
	path := j.lock.Path()
	if err := j.Close(); err != nil {
		tb.Fatal(err)
	}
	return path[:len(path)-len(".lock")]
}

// BenchmarkAdmitKnown measures a rescan that finds 200,000 known files, in
// batches of a directory.
func BenchmarkAdmitKnown(b *testing.B) {
	const files = 200_000
	ctx := context.Background()
	j := openHistory(b, files)
	<-j.checked
	batches := make([][]file.File, files/500)
	for i := range batches {
		for k := range 500 {
			batches[i] = append(batches[i], historyFile(i*500+k+1))
		}
	}
	for b.Loop() {
		for _, batch := range batches {
			if n, err := j.Admit(ctx, batch); err != nil || n != 0 {
				b.Fatal(n, err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*files), "ns/file")
}

// BenchmarkAdmitNew measures a first scan, in batches of 500 files.
func BenchmarkAdmitNew(b *testing.B) {
	const batch = 500
	ctx := context.Background()
	j := openHistory(b, 1_000)
	next := 1_000_000
	for b.Loop() {
		found := make([]file.File, batch)
		for i := range found {
			found[i] = historyFile(next)
			next++
		}
		if n, err := j.Admit(ctx, found); err != nil || n != batch {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/file")
}

// BenchmarkPartDone measures one durable commit of a part in an upload of 1,000.
func BenchmarkPartDone(b *testing.B) {
	ctx := context.Background()
	j := openHistory(b, 1_000)
	list, err := j.Runnable(ctx, time.Now(), shares(1, testFolders...), nil, 1)
	if err != nil {
		b.Fatal(err)
	}
	id := list[0].ID
	parts := make([]Part, 1_000)
	for i := range parts {
		parts[i] = Part{Number: i + 1, Offset: int64(i) << 20, Size: 1 << 20, URL: "https://store.example/x?X-Amz-Signature=abc"}
	}
	for _, m := range []Move{
		{From: Settled, To: Mapped, Asset: []byte(`{}`), Filename: "x"},
		{From: Mapped, To: Creating},
		{From: Creating, To: Uploading, Created: &Creation{ObjectID: "o", FileID: "f", UploadID: "u", Parts: parts}},
	} {
		m.ID = id
		if _, err := j.Advance(ctx, m); err != nil {
			b.Fatal(err)
		}
	}
	e, err := j.Entry(ctx, id)
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	for b.Loop() {
		n++
		p := Part{Number: n%1000 + 1, ETag: `"d41d8cd98f00b204e9800998ecf8427e"`, MD5: make([]byte, 16), Proven: true}
		if err := j.Learn(ctx, e.ID, Learned{Attempt: e.Attempt.ID, Parts: []Part{p}}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHandOut measures what each free worker costs with 200,000 files in the
// queue of one folder, a few in that of another, and 10,000 begun entries of a
// folder that has its share already.
func BenchmarkHandOut(b *testing.B) {
	const files = 200_000
	ctx := b.Context()
	now := time.UnixMilli(1_700_000_000_000)
	for _, c := range []struct {
		name     string
		deferred int // how many at the head of the order
		begun    int
	}{{"ready", 0, 0}, {"deferred", 50_000, 0}, {"begun", 0, 10_000}} {
		j := openQueue(b, files, c.deferred, c.begun, now)
		mixed := []Share{{Folder: "photos", Limit: 16, Last: 4}, {Folder: "in", Limit: 16}, {Folder: "full"}}
		for _, limit := range []int{1, 16} {
			b.Run(fmt.Sprint(c.name, "/", limit), func(b *testing.B) {
				for b.Loop() {
					if got, err := j.Runnable(ctx, now, mixed, []int64{1, 2, 3}, limit); err != nil || len(got) != limit {
						b.Fatal(len(got), err)
					}
				}
			})
		}
		b.Run(c.name+"/Backlog", func(b *testing.B) {
			for b.Loop() {
				if got, err := j.Reader().Backlog(ctx, []string{"photos", "in"}); err != nil || got.Files != files+100 {
					b.Fatal(got, err)
				}
			}
		})
	}
}

// openQueue opens a journal in which nothing is filed yet.
func openQueue(b *testing.B, files, deferred, begun int, now time.Time) *Journal {
	b.Helper()
	ctx := b.Context()
	j, err := Open(ctx, filepath.Join(b.TempDir(), "journal.db"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = j.Close() })
	var found []file.File
	for i := range files {
		found = append(found, historyFile(i))
	}
	for i := range 100 {
		found = append(found, file.File{Folder: "in", Path: fmt.Sprint(i), Stat: file.Stat{Size: 1}})
	}
	for i := range begun {
		found = append(found, file.File{Folder: "full", Path: fmt.Sprint(i), Stat: file.Stat{Size: 1}})
	}
	if err := FoldersOf(j).SetOrder(ctx, "photos", OrderMixed); err != nil {
		b.Fatal(err)
	}
	if _, err := j.Admit(ctx, found); err != nil {
		b.Fatal(err)
	}
	err = j.write(ctx, "fill", func(tx *session) error {
		_, err := tx.exec(ctx, `UPDATE entries SET not_before = ? WHERE folder = 'photos' AND id <= ?`, ms(now.Add(time.Hour)), deferred)
		if err == nil {
			_, err = tx.exec(ctx, `UPDATE entries SET status = 'verifying' WHERE folder = 'full'`)
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return j
}

// BenchmarkSetOrder measures the change of an order over a queue of 200,000.
func BenchmarkSetOrder(b *testing.B) {
	j := openQueue(b, 200_000, 0, 0, time.Now())
	orders := Orders()
	for i := 0; b.Loop(); i++ {
		if err := FoldersOf(j).SetOrder(b.Context(), "photos", orders[i%len(orders)]); err != nil {
			b.Fatal(err)
		}
	}
}
