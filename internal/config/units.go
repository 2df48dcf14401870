package config

import (
	"math"
	"regexp"
	"strconv"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/tenovos-ingest/ingestd/internal/yamltree"
)

var sizeText = regexp.MustCompile(`^([0-9]{1,19}) ?(B|KiB|MiB|GiB|TiB)?$`)

var sizeUnits = map[string]int64{"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}

// parseSize reads a size such as 100MiB, or a plain number of bytes.
func parseSize(text string) (int64, bool) {
	m := sizeText.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	number, err := strconv.ParseInt(m[1], 10, 64)
	unit := sizeUnits[m[2]]
	if err != nil || number > math.MaxInt64/unit {
		return 0, false
	}
	return number * unit, true
}

// size reads a size of at least low bytes into to, if there is one.
func (l *loader) size(n *yaml.Node, what string, to *int64, low int64) {
	if n == nil {
		return
	}
	text, ok := l.Constant(n, what)
	if !ok {
		return
	}
	size, ok := parseSize(text)
	switch {
	case !ok:
		l.Add(yamltree.At(n), "such as 512KiB, 100MiB or 5GiB", "%s: %s is no size", what, l.Quote(n))
	case size < low:
		l.Add(yamltree.At(n), "", "%s must be at least %d bytes", what, low)
	default:
		*to = size
	}
}

// duration reads a duration of at least low into to, if there is one.
func (l *loader) duration(n *yaml.Node, what string, to *time.Duration, low time.Duration) {
	if n == nil {
		return
	}
	text, ok := l.Constant(n, what)
	if !ok {
		return
	}
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		l.Add(yamltree.At(n), "such as 500ms, 30s or 5m", "%s: %s is no duration", what, l.Quote(n))
	case d < low:
		l.Add(yamltree.At(n), "", "%s must be at least %v, not %v", what, low, d)
	default:
		*to = d
	}
}
