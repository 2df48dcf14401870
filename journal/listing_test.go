package journal

import (
	"context"
	"strings"
	"testing"
	"time"
)

// Each list is read from an index, in its order.
func TestPlansOfListing(t *testing.T) {
	r := newRig(t)
	for name, p := range map[string]string{
		"reasons":   r.plan(restingReasons, "held", "in", 0, 10),
		"work":      r.plan(listedWork, 2, 10),
		"paths":     r.plan(pathsAfter, "", []byte{}, 0),
		"names":     r.plan(namedLike, "a", "b", 10),
		"obstacles": r.plan(obstaclesOf, "[1]"),
		"drop":      r.plan(batchReason, "in", []byte{}),
	} {
		if strings.Contains(p, "TEMP B-TREE") || !strings.Contains(p, "SEARCH") {
			t.Errorf("%s: %s", name, p)
		}
	}
}

// BenchmarkPaths measures how many paths a search goes by in a second.
func BenchmarkPaths(b *testing.B) {
	const n = 1_000_000
	j := openHistory(b, n)
	<-j.checked
	for b.Loop() {
		seen, begun := 0, time.Now()
		err := ListingOf(j.Reader()).Paths(context.Background(), ListedPath{}, func(p ListedPath) bool { seen++; return true })
		if err != nil || seen < n {
			b.Fatal(seen, err)
		}
		b.ReportMetric(float64(seen)/time.Since(begun).Seconds(), "paths/s")
	}
}
