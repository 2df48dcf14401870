package outage

import "sync"

// maxExcuses is how often a file's failure at the ragged edge of an outage is
// forgiven: another file's trouble may move the gate again and again.
const maxExcuses = 3

// Excuses counts the failures of each file in flight that were put down to an outage. The
// zero value has none. Safe for concurrent use.
type Excuses struct {
	mu sync.Mutex
	n  map[int64]int
}

// Excuse reports whether another failure of an entry may be put down to an outage.
func (x *Excuses) Excuse(id int64) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.n == nil {
		x.n = make(map[int64]int)
	}
	x.n[id]++
	return x.n[id] <= maxExcuses
}

// Forget drops an entry that has come to rest.
func (x *Excuses) Forget(id int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.n, id)
}
