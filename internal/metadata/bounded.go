package metadata

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
	maxTotal  = 100_000  // values of one file, the empty ones in lists as well
)

// MaxName bounds the name of a fact, in bytes: names are repeated for each row
// and each element, so long ones multiply.
const MaxName = 512

// Bounded gathers facts within the bounds. The first fact of a name stays.
type Bounded struct {
	Facts Facts
	total int      // values in Facts
	lost  []string // the first things that the bounds kept out since the last call of Excess
	more  int      // how many came after them
}

// Add takes values that are clean. Empty ones keep their places in a list; alone they
// are no fact.
func (c *Bounded) Add(name, origin string, values ...string) {
	if len(name) > MaxName {
		c.lose("a name begins with %.40s and is longer than %d bytes", name, MaxName)
		return
	}
	key := Key(name)
	if _, known := c.Facts[key]; known {
		return
	}
	for _, v := range values {
		if len(v) > MaxValue {
			c.lose("%s is longer than %d bytes", name, MaxValue)
			return
		}
	}
	if Filled(values) && c.Room(name, len(values)) {
		c.Facts[key] = Fact{Values: values, Origin: origin}
		c.total += len(values)
	}
}

// Room says whether a fact of n values is within the bounds.
func (c *Bounded) Room(name string, n int) bool {
	switch {
	case n > MaxValues:
		c.lose("%s has %d values, more than %d", name, n, MaxValues)
	case len(c.Facts) >= MaxFacts:
		c.lose("%s is beyond the %d facts that are kept of a file", name, MaxFacts)
	case c.total+n > maxTotal:
		c.lose("%s is beyond the %d values that are kept of a file", name, maxTotal)
	default:
		return true
	}
	return false
}

func (c *Bounded) lose(format string, args ...any) {
	const shown = 3
	if len(c.lost) == shown {
		c.more++
		return
	}
	c.lost = append(c.lost, fmt.Sprintf(format, args...))
}

// Excess returns a sentence on what the bounds kept out, or "".
func (c *Bounded) Excess() string {
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

// AddAll adds values under a name and its other names.
func (c *Bounded) AddAll(prefix string, names []string, origin string, values ...string) {
	for _, name := range names {
		c.Add(prefix+name, origin, values...)
	}
}
