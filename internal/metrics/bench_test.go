package metrics

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// cpu is the processor time of this process: on a busy machine it says more than the clock.
func cpu() time.Duration {
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		panic(err) // it cannot fail
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// fill has a journal hold n files in ten folders, of which every tenth is queued and the
// others are filed.
func fill(b *testing.B, path string, n int) {
	b.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	for _, step := range []string{
		`WITH RECURSIVE f (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM f WHERE i < 9) INSERT INTO folders (name, seen) SELECT 'folder-' || i, ?1 / 10 FROM f`,
		`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
			INSERT INTO entries (id, folder, path, generation, status, rests, size, mod_time, change_time, dev, ino, place, filename, object_id, seen_at, since, updated)
			SELECT i, 'folder-' || (i % 10), CAST(printf('d%04d/f%07d.jpg', i / 1000, i) AS BLOB), 1, iif(i / 10 % 10 = 0, 'settled', 'filed'), i / 10 % 10 <> 0,
				i, i, i, 1, i, 0, printf('f%07d.jpg', i), iif(i / 10 % 10 = 0, '', hex(randomblob(16))), i, i, i FROM n`,
		`INSERT INTO work (entry_id, lane, folder, status, sort_key, size, filename, queued_at)
			SELECT id, 0, folder, status, x'', size, '', since FROM entries WHERE rests = 0 AND ?1 > 0`,
	} {
		if _, err := db.Exec(step, n); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkScrape measures a scrape over a journal of many files: they are counted in
// indexes, and who has waited longest stands at one end of another.
func BenchmarkScrape(b *testing.B) {
	for _, n := range []int{1_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r := newRig(b)
			fill(b, r.path, n)
			_, got := r.scrape()
			r.want(got, map[string]string{
				`ingestd_files{folder="folder-3",state="queued"}`: fmt.Sprint(n / 100), `ingestd_files{folder="folder-3",state="filed"}`: fmt.Sprint(n/10 - n/100),
				`ingestd_files_seen{folder="folder-3"}`: fmt.Sprint(n / 10),
			})
			begun := cpu()
			for b.Loop() {
				r.scrape()
			}
			b.ReportMetric(float64((cpu()-begun).Milliseconds())/float64(b.N), "cpu-ms/op")
		})
	}
}
