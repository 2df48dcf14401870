package mapping

import (
	"slices"

	"github.com/tenovos-ingest/ingestd/internal/yamltree"
)

// index finds one of a list of things by a key: one that is exactly right first,
// and among those an id before a name; else one that differs only in case, if
// there is no second.
type index struct {
	exact  []map[string][]int // by rank of the key: id, name, search field
	folded map[string][]int
}

// newIndex indexes n things. keys returns the keys of the i-th in order of rank.
func newIndex(n int, keys func(i int) []string) *index {
	x := &index{folded: map[string][]int{}}
	for i := range n {
		for rank, key := range keys(i) {
			if rank == len(x.exact) {
				x.exact = append(x.exact, map[string][]int{})
			}
			if key == "" {
				continue
			}
			x.exact[rank][key] = append(x.exact[rank][key], i)
			if f := yamltree.Fold(key); !slices.Contains(x.folded[f], i) {
				x.folded[f] = append(x.folded[f], i)
			}
		}
	}
	return x
}

// find returns the things that key may mean: one when it is clear, none when it
// is unknown, more when it is ambiguous.
func (x *index) find(key string) []int {
	for _, keys := range x.exact {
		if hits := keys[key]; len(hits) > 0 {
			return hits
		}
	}
	return x.folded[yamltree.Fold(key)]
}
