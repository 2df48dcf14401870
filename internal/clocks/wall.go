package clocks

import "time"

// clockStep is more than clocks drift between two looks at them.
const clockStep = 500 * time.Millisecond

// Wall tells when the clock on the wall was set, by which work is due: timers run on.
// It is for one goroutine.
type Wall struct {
	now           func() time.Time
	steady, shown time.Time // as looked at last
}

// NewWall returns the clock that now shows.
func NewWall(now func() time.Time) *Wall {
	c := &Wall{now: now}
	c.WasSet() // which is no news: it is looked at for the first time
	return c
}

// WasSet reports whether the clock was set since the last look at it.
func (c *Wall) WasSet() bool {
	steady, shown := time.Now(), c.now().Round(0) // without its monotonic reading
	step := shown.Sub(c.shown) - steady.Sub(c.steady)
	c.steady, c.shown = steady, shown
	return step.Abs() > clockStep
}
