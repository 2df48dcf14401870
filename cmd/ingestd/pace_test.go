package main

import (
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/journal"
)

// paceOf is a window in which so much was left at each of the seconds.
func paceOf(points ...[3]int64) pace {
	var p pace
	for _, x := range points {
		p = p.add(sample{at: time.Unix(x[0], 0), left: journal.Backlog{Files: x[1], Bytes: x[2]}})
	}
	return p
}

func TestPace(t *testing.T) {
	const gib = 1 << 30
	for name, c := range map[string]struct {
		pace pace
		want string
	}{
		"nothing known":    {nil, "no estimate yet"},
		"one look":         {paceOf([3]int64{0, 100, 100}), "no estimate yet"},
		"nine seconds":     {paceOf([3]int64{0, 100, 100}, [3]int64{9, 50, 50}), "no estimate yet"},
		"files decide":     {paceOf([3]int64{0, 7200, 1000}, [3]int64{10, 7190, 500}), "1 files/s, 50 B/s · about 2 h left"},
		"bytes decide":     {paceOf([3]int64{0, 20, 101 * gib}, [3]int64{10, 10, 100 * gib}), "1 files/s, 102 MiB/s · about 17 min left"},
		"only files left":  {paceOf([3]int64{0, 100, 0}, [3]int64{10, 50, 0}), "5 files/s, 0 B/s · less than a minute left"},
		"nothing left":     {paceOf([3]int64{0, 100, 9}, [3]int64{10, 0, 0}), "10 files/s, 0 B/s · less than a minute left"},
		"no byte moves":    {paceOf([3]int64{0, 100, 9}, [3]int64{10, 90, 9}), "1 files/s, 0 B/s · no estimate yet"},
		"it grows":         {paceOf([3]int64{0, 100, 9}, [3]int64{10, 120, 99}), "0 files/s, 0 B/s · no estimate yet"},
		"beyond all sense": {paceOf([3]int64{0, 1e9, 1}, [3]int64{60, 1e9 - 1, 0}), "0.01 files/s, 0 B/s · no estimate yet"},
		"thousands":        {paceOf([3]int64{0, 100_000, 0}, [3]int64{10, 87_655, 0}), "1234.5 files/s, 0 B/s · about 1 min left"},
		"a minute counts": {
			paceOf([3]int64{0, 9_000, 0}, [3]int64{30, 1_000, 0}, [3]int64{60, 940, 0}, [3]int64{95, 870, 0}),
			"2 files/s, 0 B/s · about 7 min left",
		},
	} {
		if got := c.pace.String(); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

// A window does not grow with the length of a run.
func TestPaceIsBounded(t *testing.T) {
	var p pace
	for i := range 100_000 {
		p = p.add(sample{at: time.Unix(int64(i), 0)})
	}
	if len(p) > 62 {
		t.Errorf("%d samples for a minute", len(p))
	}
}

func TestRoundly(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                               "less than a minute",
		44 * time.Second:                "less than a minute",
		45 * time.Second:                "about 1 min",
		100 * time.Second:               "about 2 min",
		19*time.Minute + 40*time.Second: "about 20 min",
		23 * time.Minute:                "about 25 min",
		57 * time.Minute:                "about 55 min",
		58 * time.Minute:                "about 1 h",
		time.Hour + 4*time.Minute:       "about 1 h",
		2*time.Hour + 12*time.Minute:    "about 2 h 10 min",
		9*time.Hour + 58*time.Minute:    "about 10 h",
		14*time.Hour + 20*time.Minute:   "about 14 h",
		2*24*time.Hour + 13*time.Hour:   "about 3 days",
		99*24*time.Hour + 20*time.Hour:  "about 100 days",
		57*time.Minute + 59*time.Second: "about 1 h",
	} {
		if got := roundly(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}
