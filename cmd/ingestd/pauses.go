package main

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/journal"
)

// pauseLasts is how long a folder, or everything, must wait for that to be an event, and go on
// again for that to be one: what passes in a moment is nobody's business.
const pauseLasts = 10 * time.Second

// pauses makes events of the waits that last. It outlives a reload. Safe for concurrent use.
type pauses struct {
	lasts time.Duration
	// tell records that a folder, or everything if it is "", waits for a reason, or goes on if
	// that is "".
	tell func(folder, why string)

	mu      sync.Mutex
	of      map[string]*pause
	stopped bool
	telling sync.WaitGroup // counted up while mu is held, and not once stopped
}

// pause is what is known of the waits of a folder.
type pause struct {
	why   string // "" while it does not wait
	told  bool   // that it waits was told last
	timer *time.Timer
}

// newPauses returns pauses of which those are told already that waiting names.
func newPauses(lasts time.Duration, waiting []string, tell func(folder, why string)) *pauses {
	p := &pauses{lasts: lasts, tell: tell, of: make(map[string]*pause)}
	for _, folder := range waiting {
		p.of[folder] = &pause{told: true}
		p.set(folder, "")
	}
	return p
}

// pausesOf returns the pauses of a journal, which knows what was told before.
func pausesOf(ctx context.Context, j *journal.Journal, log zerolog.Logger) *pauses {
	waiting, err := journal.OutwardOf(j.Reader()).Paused(ctx)
	if err != nil && ctx.Err() == nil {
		log.Warn().Err(err).Msg("which folders were said to wait is not known; that they go on is not told")
	}
	return newPauses(pauseLasts, waiting, recordPause(j, log))
}

// set says why a folder waits, "" that it does not. nil tells nobody.
func (p *pauses) set(folder, why string) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return
	}
	one := p.of[folder]
	if one == nil {
		one = &pause{}
		p.of[folder] = one
	}
	one.why = why
	switch news := (why != "") != one.told; {
	case !news && one.timer != nil:
		one.timer.Stop()
		one.timer = nil
	case news && one.timer == nil:
		one.timer = time.AfterFunc(p.lasts, func() { p.lasted(folder) })
	}
}

// lasted tells what has been so for long enough.
func (p *pauses) lasted(folder string) {
	p.mu.Lock()
	one := p.of[folder]
	why := one.why
	one.timer = nil
	news := (why != "") != one.told && !p.stopped
	if news {
		one.told = !one.told
		p.telling.Add(1)
	}
	p.mu.Unlock()
	if news {
		defer p.telling.Done()
		p.tell(folder, why)
	}
}

// stop forgets what has not lasted yet, and waits for what is being told: the journal is
// closed after it.
func (p *pauses) stop() {
	defer p.telling.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	for _, one := range p.of {
		if one.timer != nil {
			one.timer.Stop()
		}
		one.timer = nil
	}
}
