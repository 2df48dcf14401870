package clocks

import (
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// Skew is how far the clocks of this host and Tenovos differ. Times that are compared
// with theirs take it into account, but whoever reads the log is misled, and is told so.
// Safe for concurrent use.
type Skew struct {
	ahead func() time.Duration // of this host's clock
	limit time.Duration        // up to which they agree
	log   zerolog.Logger

	mu     sync.Mutex
	logged bool // that they differ
}

// NewSkew returns the skew of a clock that is so far ahead of Tenovos'; up to the limit
// the two agree.
func NewSkew(ahead func() time.Duration, limit time.Duration, log zerolog.Logger) *Skew {
	return &Skew{ahead: ahead, limit: limit, log: log}
}

// Log says it once when the clocks differ, and once when that is over.
func (c *Skew) Log() {
	ahead := c.ahead()
	wrong := ahead.Abs() > c.limit
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case wrong && !c.logged:
		c.log.Warn().Msg("the clock of this host is " + differs(ahead) + " Tenovos': set it (NTP); files go in all the same, with times reckoned by theirs")
	case !wrong && c.logged:
		c.log.Info().Msg("the clocks of this host and Tenovos agree again")
	}
	c.logged = wrong
}

// differs words how far ahead a clock is: "25h0m ahead of".
func differs(ahead time.Duration) string {
	word := "ahead of"
	if ahead < 0 {
		word = "behind"
	}
	ahead = ahead.Abs().Round(time.Second)
	if ahead < time.Hour {
		return fmt.Sprintf("%s %s", ahead, word)
	}
	ahead = ahead.Round(time.Minute) // a reply's Date has whole seconds
	return fmt.Sprintf("%dh%dm %s", int(ahead.Hours()), int(ahead.Minutes())%60, word)
}

// Theirs is a time of this host's clock as Tenovos' clock had it.
func (c *Skew) Theirs(t time.Time) time.Time {
	if ahead := c.ahead(); ahead.Abs() > c.limit {
		return t.Add(-ahead)
	}
	return t
}
