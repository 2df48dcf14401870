package watcher

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	// hangAfter is how long a folder's file system may take to answer before
	// that is said.
	hangAfter = 30 * time.Second

	hangCheck = 5 * time.Second
)

// pulse is what others may see of a folder whose goroutine is stuck in a call to
// its file system, which nothing can interrupt. Safe for concurrent use.
type pulse struct {
	mu    sync.Mutex
	state State     // as reported last by the folder itself
	since time.Time // when it began what it does; zero while it waits for anything but files
	hangs bool
}

// busy notes that the folder turns to its files, idle that it turns from them.
func (p *pulse) busy() { p.beat(time.Now()) }
func (p *pulse) idle() { p.beat(time.Time{}) }

func (p *pulse) beat(since time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.since = since
}

func (p *pulse) hanging() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hangs
}

// watchdog reports the folders that hang, until ctx ends.
func (w *Watcher) watchdog(ctx context.Context) {
	tick := time.NewTicker(hangCheck)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, f := range w.folders {
			f.checkPulse(time.Now())
		}
	}
}

// checkPulse reports a folder that hangs as paused. It is the folder itself that
// takes that back.
func (f *folder) checkPulse(now time.Time) {
	p := &f.pulse
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hangs || p.since.IsZero() || now.Sub(p.since) < hangAfter {
		return
	}
	p.hangs = true
	s := p.state
	s.Folder = f.conf.Name
	s.Paused = fmt.Sprintf("its file system has not answered for %v", hangAfter)
	f.log.Warn().Str("reason", s.Paused).Msg("folder paused")
	f.report(s)
}

// tell reports the state if it changed.
func (f *folder) tell() {
	f.arrivals.tidy()
	arriving, empty := f.arrivals.sum()
	unreadable, unread := f.troubles.sum()
	s := State{
		Folder:   f.conf.Name,
		Watch:    f.mode(),
		Polled:   len(f.polls.unwatched),
		Paused:   f.paused,
		Settling: len(f.settle.pending),
		Open:     f.settle.open,
		Waiting:  f.scan.waiting,
		LastScan: f.scan.ended,

		Arriving: arriving.n, Beside: arriving.first, Empty: empty.n, EmptyFile: empty.first,

		Unreadable: unreadable, Unread: unread,
	}
	p := &f.pulse
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hangs {
		f.log.Info().Msg("the folder's file system answers again")
	}
	if s != p.state || p.hangs {
		p.state, p.hangs = s, false
		f.report(s)
	}
}
