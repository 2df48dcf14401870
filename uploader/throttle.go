package uploader

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Bandwidth says how many bytes a second may be sent at a time, 0 for no limit, and until
// when that holds; zero is for ever. It is called from one goroutine at a time.
type Bandwidth func(now time.Time) (rate int64, until time.Time)

// Steady is a bandwidth that never changes.
func Steady(rate int64) Bandwidth {
	return func(time.Time) (int64, time.Time) { return rate, time.Time{} }
}

// throttle has the limiter of the time. What is read of a file looks for it each time, so
// that a limit changes in the middle of a part, and nobody has to watch the clock where
// nothing is sent.
type throttle struct {
	bandwidth Bandwidth
	clock     func() time.Time

	mu          sync.Mutex
	rate        int64
	limiter     *rate.Limiter // nil is no limit
	from, until time.Time     // when rate holds; until may be zero
}

// newThrottle returns the throttle of a bandwidth, nil where there is none.
func newThrottle(b Bandwidth, clock func() time.Time) *throttle {
	if b == nil {
		return nil
	}
	t := &throttle{bandwidth: b, clock: clock}
	t.turn(clock().Round(0))
	return t
}

// turn takes up the rate of a time. Whoever waits for the limiter before waits on for it,
// for the time of some reads.
func (t *throttle) turn(now time.Time) {
	bandwidth, until := t.bandwidth(now)
	if t.from.IsZero() || bandwidth != t.rate {
		t.rate, t.limiter = bandwidth, nil
		if bandwidth > 0 {
			// A burst of an eighth of a second at most, so that the parts in flight
			// take turns in slow links too.
			t.limiter = rate.NewLimiter(rate.Limit(bandwidth), int(min(max(bandwidth/8, 1), maxRead)))
		}
	}
	t.from, t.until = now, until
}

// now returns the limiter of this time; nil is no limit.
func (t *throttle) now() *rate.Limiter {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.until.IsZero() {
		return t.limiter
	}
	// A clock that was set back is asked anew, too. It is the clock on the wall that counts.
	if now := t.clock().Round(0); now.Before(t.from) || !now.Before(t.until) {
		t.turn(now)
	}
	return t.limiter
}
