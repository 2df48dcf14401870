package watcher

import (
	"testing"
	"time"
)

// Our own clock, set forward, makes no file old that was written a moment ago.
func TestOurClockIsSet(t *testing.T) {
	began := time.Now()
	s := steps{began: began}
	for _, tt := range []struct{ steady, set, want time.Duration }{
		{time.Minute, 0, 0},
		{time.Minute, 2 * time.Hour, 2 * time.Hour},
		{time.Minute, -2 * time.Hour, 0},
	} {
		// A time has one reading of each clock, and only the wall's can be set: a step
		// of it is the beginning having been elsewhere.
		s.began = began.Round(0).Add(-tt.set)
		now := began.Round(0).Add(tt.steady)
		if got := s.between(tt.steady, now); got != tt.want {
			t.Errorf("after %v, set by %v: forward by %v, want %v", tt.steady, tt.set, got, tt.want)
		}
	}
}
