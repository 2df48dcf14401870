package timetable

import (
	"context"
	"time"
)

// longestWait bounds how long Follow waits at a time: a clock that is set, or a machine that
// slept, is noticed by then. Timers run on by themselves.
const longestWait = 30 * time.Second

// Follow calls act at once, when its timetable changes next, which it returns, and now and
// then, for the clock may have been set, until ctx ends.
func Follow(ctx context.Context, now func() time.Time, act func(now time.Time) (next time.Time)) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		at := now()
		wait := longestWait
		if next := act(at); next.After(at) {
			wait = min(next.Sub(at), longestWait)
		}
		timer.Reset(wait)
	}
}
