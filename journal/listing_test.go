package journal

import (
	"context"
	"fmt"
	"maps"
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
		err := LookupOf(j.Reader()).Paths(context.Background(), ListedPath{}, func(p ListedPath) bool { seen++; return true })
		if err != nil || seen < n {
			b.Fatal(seen, err)
		}
		b.ReportMetric(float64(seen)/time.Since(begun).Seconds(), "paths/s")
	}
}

// TestEventHours counts what became of files by the hour, over any range of events.
func TestEventHours(t *testing.T) {
	r := newRig(t)
	begin := time.Date(2026, 11, 30, 10, 59, 59, 0, time.UTC)
	now := begin
	r.Journal.clock = func() time.Time { return now }
	for i := range 6 {
		id := r.admit(fileAt(fmt.Sprintf("%d.jpg", i), 1))[0]
		r.ok(r.Advance(t.Context(), Move{ID: id, From: Settled, To: Held, Reason: Reason{Message: "x"}}))
		r.ok(r.Advance(t.Context(), Move{ID: id, From: Held, To: Settled}))
		r.ok(r.Advance(t.Context(), Move{ID: id, From: Settled, To: Failed, Reason: Reason{Message: "x"}}))
		now = now.Add(time.Second)
	}
	id := r.admit(fileAt("in.jpg", 1))[0]
	r.bring(id, Filed)
	r.ok(r.Advance(t.Context(), Move{ID: id, From: Filed, To: Withdrawn}))
	r.ok(r.Advance(t.Context(), Move{ID: id, From: Withdrawn, To: Filed})) // which is no file more
	events := EventsOf(r.Reader())
	last, err := events.Last(t.Context())
	r.ok(err)
	counts := map[string]int{}
	for after := int64(0); after < last; after += 4 { // in pieces
		hours, err := events.Hours(t.Context(), after, min(after+4, last))
		r.ok(err)
		for _, h := range hours {
			counts[fmt.Sprint(h.Begin.UTC().Hour(), " ", h.Status)] += h.Count
		}
	}
	want := map[string]int{"10 held": 1, "10 failed": 1, "11 held": 5, "11 failed": 5, "11 filed": 1}
	if !maps.Equal(counts, want) {
		t.Errorf("the hours are %v, want %v", counts, want)
	}
	for after, want := range map[time.Duration]int64{-time.Hour: 0, 0: 0, time.Second: 3, time.Hour: last} {
		if got, err := events.Before(t.Context(), begin.Add(after)); err != nil || got != want {
			t.Errorf("%v later the last event before is %d, want %d (%v)", after, got, want, err)
		}
	}
	looks := 0
	r.Reader().onRead = func() { // events are forgotten while somebody looks for one
		if looks++; looks == 2 {
			r.byHand(`DELETE FROM events`)
		}
	}
	if got, err := events.Before(t.Context(), begin.Add(time.Hour)); err != nil || got != last {
		t.Errorf("the last event is %d, want %d (%v)", got, last, err)
	}
}
