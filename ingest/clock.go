package ingest

import (
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// clockWatch speaks up when the clocks of this host and Tenovos differ: what is
// reckoned here takes that into account, but whoever reads the log is misled.
type clockWatch struct {
	ahead func() time.Duration // of this host's clock
	limit time.Duration        // up to which they agree
	log   zerolog.Logger

	mu   sync.Mutex
	said bool
}

// look says it once, and once when it is over.
func (c *clockWatch) look() {
	ahead := c.ahead()
	wrong := ahead.Abs() > c.limit
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case wrong && !c.said:
		c.log.Warn().Msg("the clock of this host is " + differs(ahead) + " Tenovos': set it (NTP); files go in all the same, with times reckoned by theirs")
	case !wrong && c.said:
		c.log.Info().Msg("the clocks of this host and Tenovos agree again")
	}
	c.said = wrong
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

// theirs is a time of this host's clock as Tenovos' clock had it.
func (c *clockWatch) theirs(t time.Time) time.Time {
	if ahead := c.ahead(); ahead.Abs() > c.limit {
		return t.Add(-ahead)
	}
	return t
}
