// Package hands knows which entries of the journal are in somebody's hands: a worker's,
// an operator's request's, or a clean-up's. Nobody else touches such an entry's file or
// upload until it is released.
package hands

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/tenovos-ingest/ingestd/journal"
)

// Flight is an entry in somebody's hands.
type Flight struct {
	Folder, Path string
	Size         int64 // bytes
	Dispatched   bool  // a worker has it, not an operator's request
	Last         bool  // it is from the end of its folder's order

	upload atomic.Pointer[Upload] // the latest; nil before the first
}

// Hands are the entries in somebody's hands. Safe for concurrent use.
type Hands struct {
	released func(id int64) // called after each Release, without a lock
	began    chan struct{}  // capacity 1: the sending of an upload has begun

	mu      sync.Mutex
	flights map[int64]*Flight
	others  int // see Others
}

// New returns hands that hold nothing; released is told of each entry that is let go.
func New(released func(id int64)) *Hands {
	return &Hands{released: released, began: make(chan struct{}, 1), flights: make(map[int64]*Flight)}
}

// Take has an operator's request, or clean-up work, hold an entry, so that it is not
// handed out to a worker too; false if somebody has it.
func (h *Hands) Take(e journal.Entry) bool {
	return h.Hold(e.ID, &Flight{Folder: e.Folder, Path: e.Path, Size: e.Size})
}

// Hold records an entry's flight; false if it has one.
func (h *Hands) Hold(id int64, f *Flight) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.flights[id] != nil {
		return false
	}
	h.flights[id] = f
	if !f.Dispatched {
		h.others++
	}
	return true
}

// Release ends the flight of an entry.
func (h *Hands) Release(id int64) {
	h.mu.Lock()
	delete(h.flights, id)
	h.mu.Unlock()
	h.released(id)
}

// Others counts how often an entry was taken in hand by others than the dispatcher: what
// was read of an entry before may be out of date when it has grown.
func (h *Hands) Others() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.others
}

// Flight returns the entry's flight; it is nil unless somebody holds the entry.
func (h *Hands) Flight(id int64) *Flight {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.flights[id]
}

// Abort ends the sending of an entry's parts, if that is what is going on.
func (h *Hands) Abort(id int64) {
	if f := h.Flight(id); f != nil {
		if u := f.upload.Load(); u != nil {
			u.abort()
		}
	}
}

// IDs lists the entries in somebody's hands, in order.
func (h *Hands) IDs() []int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	ids := make([]int64, 0, len(h.flights))
	for id := range h.flights {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// Each calls yield with each entry in somebody's hands until that returns false. Nobody
// can take or release one meanwhile.
func (h *Hands) Each(yield func(id int64, f *Flight) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, f := range h.flights {
		if !yield(id, f) {
			return
		}
	}
}
