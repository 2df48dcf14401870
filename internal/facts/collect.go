package facts

import (
	"fmt"
	"strings"
)

// The bounds of what is taken from within a file or from a sidecar. What lies
// beyond them is left out whole, since half a list or half a text would be a
// wrong fact, and is said to be left out.
const (
	MaxFacts  = 5000     // facts of one file
	MaxValues = 1000     // values of one fact
	MaxValue  = 64 << 10 // bytes of one value
	maxName   = 512      // bytes of a fact's name
	maxTotal  = 100_000  // values of one file, the empty ones in lists as well
)

// collector gathers facts within the bounds. The first fact of a name stays.
type collector struct {
	facts Facts
	total int      // values in facts
	lost  []string // the first things that the bounds kept out since the last call of excess
	more  int      // how many came after them
}

// add takes values that are clean. Empty ones keep their places in a list; alone they
// are no fact.
func (c *collector) add(name, origin string, values ...string) {
	if len(name) > maxName {
		c.lose("a name begins with %.40s and is longer than %d bytes", name, maxName)
		return
	}
	key := Key(name)
	if _, known := c.facts[key]; known {
		return
	}
	for _, v := range values {
		if len(v) > MaxValue {
			c.lose("%s is longer than %d bytes", name, MaxValue)
			return
		}
	}
	if filled(values) && c.room(name, len(values)) {
		c.facts[key] = Fact{Values: values, Origin: origin}
		c.total += len(values)
	}
}

// room says whether a fact of n values is within the bounds.
func (c *collector) room(name string, n int) bool {
	switch {
	case n > MaxValues:
		c.lose("%s has %d values, more than %d", name, n, MaxValues)
	case len(c.facts) >= MaxFacts:
		c.lose("%s is beyond the %d facts that are kept of a file", name, MaxFacts)
	case c.total+n > maxTotal:
		c.lose("%s is beyond the %d values that are kept of a file", name, maxTotal)
	default:
		return true
	}
	return false
}

func (c *collector) lose(format string, args ...any) {
	const shown = 3
	if len(c.lost) == shown {
		c.more++
		return
	}
	c.lost = append(c.lost, fmt.Sprintf(format, args...))
}

// excess returns a sentence on what the bounds kept out, or "".
func (c *collector) excess() string {
	if len(c.lost) == 0 {
		return ""
	}
	said := strings.Join(c.lost, ", ")
	if c.more > 0 {
		said = fmt.Sprintf("%s, and %d more like this", said, c.more)
	}
	c.lost, c.more = nil, 0
	return said + "; left out"
}
