package metrics

import (
	"fmt"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// BenchmarkScrape measures a scrape over a journal of many files, all of them queued: what
// rests is in a tally, and who has waited longest at one end of an index.
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
			b.ResetTimer()
			for b.Loop() {
				_, got := r.scrape()
				if got[`ingestd_files{folder="folder-3",state="queued"}`] != fmt.Sprint(n/10) && n < 1_000_000 {
					b.Fatal(got)
				}
			}
		})
	}
}
