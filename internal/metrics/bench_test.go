package metrics

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// cpu is the processor time of this process: on a busy machine it says more than the clock.
func cpu() time.Duration {
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		panic(err) // it cannot fail
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkScrape measures a scrape over a journal of many files, all of them queued: they are
// counted in an index, and who has waited longest stands at one end of another.
func BenchmarkScrape(b *testing.B) {
	for _, n := range []int{1_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r := newRig(b)
			const chunk = 10_000
			for at := 0; at < n; at += chunk {
				var found []file.File
				for i := at; i < min(at+chunk, n); i++ {
					found = append(found, file.File{Folder: fmt.Sprint("folder-", i%10), Path: fmt.Sprintf("d%04d/f%07d.jpg", i/1000, i),
						Stat: file.Stat{Size: int64(i), ModTime: int64(i)}})
				}
				_, err := r.journal.Admit(b.Context(), found)
				r.ok(err)
			}
			begun := cpu()
			for b.Loop() {
				_, got := r.scrape()
				if got[`ingestd_files{folder="folder-3",state="queued"}`] != fmt.Sprintf("%g", float64(n)/10) {
					b.Fatal(got)
				}
			}
			b.ReportMetric(float64((cpu()-begun).Milliseconds())/float64(b.N), "cpu-ms/op")
		})
	}
}
