package tenovos

import (
	"slices"
	"time"
)

// SameIDs reports whether two lists name the same ids, in whatever order.
func SameIDs(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}

// PollWait is how long to wait before it is looked again whether Tenovos has done by
// itself what it is to do; tries is how often it was looked. It grows from a second to
// half a minute.
func PollWait(tries int) time.Duration {
	return min(time.Second<<min(tries, 5), 30*time.Second)
}

// Holds reports whether an asset shows what an edit was to change.
func (a Asset) Holds(e Edit) bool {
	if len(e.SecurityIDs) > 0 && !SameIDs(a.SecurityIDs, e.SecurityIDs) {
		return false
	}
	for _, want := range e.Metadata {
		if !slices.ContainsFunc(a.Metadata, func(v Value) bool { return Equal(v, want) }) {
			return false
		}
	}
	return true
}
