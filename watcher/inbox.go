package watcher

import (
	"sync"

	"github.com/fsnotify/fsnotify"
)

// inboxLimit bounds what waits for a folder that is busy or hangs. Beyond it
// the events are given up for one scan of the folder.
const inboxLimit = 16_384

// inbox is what others have for a folder: events, and requests to scan. Putting
// something in never blocks.
type inbox struct {
	wake chan struct{} // holds a token while there is something to take

	mu      sync.Mutex
	mail    mail
	touched map[string]struct{} // paths with a Write or Chmod among the events
}

// mail is what a folder takes out of its inbox at once.
type mail struct {
	events  []fsnotify.Event
	rescan  bool      // events were lost, or someone asked
	waiters []*waiter // they wait for the next scan to begin and end
}

// waiter is one call of WaitScan for one folder. All but done belongs to the
// folder's goroutine.
type waiter struct {
	done chan error // buffered: answered once

	scan uint64              // the scan it waits for; 0 until that has begun
	left map[string]struct{} // what that scan found unsettled; nil until it is over
}

func newInbox() *inbox {
	return &inbox{wake: make(chan struct{}, 1), touched: make(map[string]struct{})}
}

// put adds an event. A file that is written causes thousands: while one is
// waiting to be looked at, more of the same say nothing new.
func (b *inbox) put(ev fsnotify.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if ev.Op&^(fsnotify.Write|fsnotify.Chmod) == 0 {
		if _, ok := b.touched[ev.Name]; ok {
			return
		}
		b.touched[ev.Name] = struct{}{}
	}
	if len(b.mail.events) >= inboxLimit {
		b.mail.events, b.mail.rescan = nil, true
		clear(b.touched)
	}
	b.mail.events = append(b.mail.events, ev)
	b.signal()
}

// rescan asks for a scan.
func (b *inbox) rescan() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mail.rescan = true
	b.signal()
}

// wait asks for a scan and has wt told when it is over.
func (b *inbox) wait(wt *waiter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mail.rescan = true
	b.mail.waiters = append(b.mail.waiters, wt)
	b.signal()
}

// take empties the inbox.
func (b *inbox) take() mail {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := b.mail
	b.mail = mail{}
	clear(b.touched)
	return m
}

// filled reports whether there is something to take.
func (b *inbox) filled() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.mail.events) > 0 || b.mail.rescan
}

func (b *inbox) signal() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}
