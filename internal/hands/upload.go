package hands

import (
	"context"
	"maps"
	"sync/atomic"
	"time"
)

// Upload is the sending of an entry's parts by one attempt. Safe for concurrent use.
type Upload struct {
	attempt int64
	begun   time.Time
	abort   context.CancelFunc
	resumed int64        // bytes of the parts that were stored before it
	stored  atomic.Int64 // bytes of the parts that are stored
	sent    atomic.Int64 // bytes that left, what is stored included
	over    atomic.Bool
}

// Sending begins the sending of an entry's parts by an attempt of which so many bytes are
// stored; abort ends it. The entry is in somebody's hands.
func (h *Hands) Sending(id, attempt, stored int64, abort context.CancelFunc) *Upload {
	u := &Upload{attempt: attempt, begun: time.Now(), abort: abort, resumed: stored}
	u.stored.Store(stored)
	u.sent.Store(stored)
	h.Flight(id).upload.Store(u)
	select {
	case h.began <- struct{}{}:
	default:
	}
	return u
}

// Add adds bytes that left; less than zero takes back those of a part that was not stored.
func (u *Upload) Add(delta int64) { u.sent.Add(delta) }

// Stored notes that so many of the bytes that left are stored.
func (u *Upload) Stored(bytes int64) { u.stored.Add(bytes) }

// Over ends the sending.
func (u *Upload) Over() { u.over.Store(true) }

// Sent returns how many bytes of the flight's file have left, and how many of these are
// stored. Of an upload that ended without all of them there are none: what becomes of it is
// not known.
func (f *Flight) Sent() (sent, stored int64) {
	u := f.upload.Load()
	if u == nil {
		return 0, 0
	}
	stored = min(u.stored.Load(), f.Size)
	sent = min(max(u.sent.Load(), stored), f.Size)
	if u.over.Load() && sent < f.Size {
		return 0, 0
	}
	return sent, stored
}

// Resumed returns how many bytes of the flight's file were stored before it was sent on.
func (f *Flight) Resumed() int64 {
	if u := f.upload.Load(); u != nil {
		return u.resumed
	}
	return 0
}

// Others are told of bytes so often, and of files that take longer than that alone: small
// ones cost nothing.
const tellEvery = time.Second

// Tell has record told, until stop is called, how many bytes have left of each attempt that
// is being sent: all of them, whenever that changed, and that there are none in the end.
func (h *Hands) Tell(record func(ctx context.Context, sent map[int64]int64) error) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-h.began:
				h.tellWhileSending(record, end)
			case <-end:
				return
			}
		}
	}()
	return func() { close(end); <-ended }
}

// tellWhileSending returns when nothing is being sent, which was told.
func (h *Hands) tellWhileSending(record func(context.Context, map[int64]int64) error, end <-chan struct{}) {
	ctx := context.Background() // what a journal takes for a moment, and its owner waits for
	var told map[int64]int64
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-end:
			if len(told) > 0 {
				_ = record(ctx, nil) // the next owner forgets it, too
			}
			return
		}
		long, busy := h.uploads()
		if !maps.Equal(long, told) && record(ctx, long) == nil { // else it is told with the next tick
			told = long
		}
		if !busy && len(told) == 0 {
			return
		}
	}
}

// uploads returns the bytes of the attempts that have been sent for long, and whether any
// is being sent.
func (h *Hands) uploads() (long map[int64]int64, busy bool) {
	long = make(map[int64]int64)
	for _, f := range h.Each {
		u := f.upload.Load()
		if u == nil || u.over.Load() {
			continue
		}
		busy = true
		if time.Since(u.begun) >= tellEvery {
			long[u.attempt], _ = f.Sent()
		}
	}
	return long, busy
}
