package outage

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

// shutGate is a gate that closed at a time.
func shutGate(why string, since time.Time) *Gate {
	g := NewGate(zerolog.Nop(), time.Now, func(string, string) {}, nil)
	g.Shut(why)
	g.since = since
	return g
}

// TestGateOutlasts has an operator wait for the gate: not long, from when it closed.
func TestGateOutlasts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := shutGate("no network", time.Now())
		begun := time.Now()
		if why, err := g.Outlasts(t.Context(), nil); why != "no network" || err != nil || time.Since(begun) != 10*time.Second {
			t.Errorf("%q, %v after %v", why, err, time.Since(begun))
		}
		begun = time.Now()
		if why, _ := g.Outlasts(t.Context(), nil); why != "no network" || time.Since(begun) != 0 {
			t.Errorf("the next one waits %v", time.Since(begun))
		}

		g = shutGate("no network", time.Now())
		time.AfterFunc(3*time.Second, g.open)
		begun = time.Now()
		if why, err := g.Outlasts(t.Context(), nil); why != "" || err != nil || time.Since(begun) != 3*time.Second {
			t.Errorf("it opens, and %q, %v after %v", why, err, time.Since(begun))
		}
		g = shutGate("no network", time.Now())
		drain := make(chan struct{})
		close(drain)
		if why, err := g.Outlasts(t.Context(), drain); why != "" || err != nil {
			t.Errorf("the process ends, and %q, %v", why, err)
		}
	})
}
