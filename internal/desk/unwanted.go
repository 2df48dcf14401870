package desk

import (
	"sync"
)

// unwanted are the entries that requests want cancelled. The zero value has none. Safe
// for concurrent use.
type unwanted struct {
	mu    sync.Mutex
	asked map[int64]int // how many requests want it
}

// add marks entries; whoever marks them takes that back with remove.
func (u *unwanted) add(ids []int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.asked == nil {
		u.asked = make(map[int64]int, len(ids))
	}
	for _, id := range ids {
		u.asked[id]++
	}
}

func (u *unwanted) remove(ids ...int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, id := range ids {
		if u.asked[id]--; u.asked[id] <= 0 {
			delete(u.asked, id)
		}
	}
}

func (u *unwanted) has(id int64) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.asked[id] > 0
}
