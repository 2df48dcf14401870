package watcher

import "time"

// steps is what is known of the steps of our own clock. Ages are measured by the clock
// on the wall, which may be set.
type steps struct{ began time.Time }

// begin notes when the folder began.
func (s *steps) begin(now time.Time) {
	if s.began.IsZero() {
		s.began = now
	}
}

// forward is how far the clock was set forward since, by which a file may seem older
// than it is. A machine that slept is as one whose clock was set.
func (s *steps) forward(now time.Time) time.Duration {
	if s == nil || s.began.IsZero() {
		return 0
	}
	return s.between(now.Sub(s.began), now)
}

// between is forward where so much time has passed by a clock that nobody sets.
func (s *steps) between(steady time.Duration, now time.Time) time.Duration {
	return max(0, now.Round(0).Sub(s.began.Round(0))-steady)
}
