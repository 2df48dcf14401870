package tenovos

import (
	"net/http"
	"sync"
	"time"
)

// skew is how far this host's clock is from the service's, as the Date of its latest
// reply tells. Between two replies it follows a step of this host's clock.
type skew struct {
	mu     sync.Mutex
	theirs time.Time // the service's clock when that reply came; zero: nothing is known
	ours   time.Time // ours at the same moment
}

// tolerance is what a Date may differ from our clock and still agree with it: it has
// whole seconds, and is written some time before its reply arrives.
const tolerance = 2 * time.Second

// note takes the Date of a reply to a request that was sent and answered at times of
// this host. One from a cache tells of another time.
func (s *skew) note(h http.Header, sent, received time.Time) {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil || h.Get("Age") != "" {
		return
	}
	if !date.Before(sent.Add(-tolerance)) && !date.After(received.Add(tolerance)) {
		date = received.Round(0) // they agree
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.theirs, s.ours = date, received
}

// ahead is how far the clock that says now is ahead of the service's.
func (s *skew) ahead(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.theirs.IsZero() {
		return 0
	}
	passed := now.Sub(s.ours) // monotonic, so that no step of the clock is in it
	return now.Round(0).Sub(s.theirs.Add(passed))
}

// Ahead returns how far this host's clock is ahead of the service's, negative if it is
// behind, as the latest reply tells; 0 before the first, and where the two agree as
// far as a reply can tell.
func (c *Client) Ahead() time.Duration { return c.skew.ahead(c.clock()) }
