package ingest

import (
	"context"
	"sync"
	"time"

	"github.com/tenovos-ingest/ingestd/journal"
)

// alarm is how a loop waits for its work. It looks at the journal after a commit that was
// about it, when the earliest of what it knows of is due, and when something else
// concerns it: Tenovos or a folder can be worked with again, or the clock was set. In
// between it does nothing. It belongs to one goroutine, but for poke.
type alarm struct {
	journal *journal.Journal
	now     func() time.Time
	// pace is the least time between two looks, and gather how long the first of what
	// comes after a quiet time waits for the rest: many commits are one look.
	pace, gather time.Duration

	folder string        // whose work it is; "" is nobody's
	poke   chan struct{} // capacity 1: there may be something to do
	due    time.Time     // when to look without a poke; zero: never. wait clears it
	looked time.Time
	poked  bool // wait ended for more than that the time had come
}

// alarms are those of a pipeline. Safe for concurrent use.
type alarms struct {
	journal *journal.Journal
	now     func() time.Time
	clock   *wallClock

	mu  sync.Mutex
	all map[*alarm]bool
}

func newAlarms(j *journal.Journal, now func() time.Time) *alarms {
	return &alarms{journal: j, now: now, clock: newWallClock(now), all: make(map[*alarm]bool)}
}

// set makes an alarm that goes off once and then for commits about the topics. It is to be
// ended.
func (s *alarms) set(folder string, pace time.Duration, about ...journal.Topic) *alarm {
	a := &alarm{
		journal: s.journal, now: s.now, folder: folder, pace: pace, gather: pace / 5,
		poke: make(chan struct{}, 1), looked: time.Now(),
	}
	signal(a.poke)
	s.journal.Notify(a.poke, about...)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[a] = true
	return a
}

// end frees what set took.
func (s *alarms) end(a *alarm) {
	s.journal.Notify(a.poke, journal.AboutNothing)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, a)
}

// ring has every loop look.
func (s *alarms) ring() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for a := range s.all {
		signal(a.poke)
	}
}

// ringIn has the loops of a folder look: there is something that no commit tells of.
func (s *alarms) ringIn(folder string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for a := range s.all {
		if a.folder == folder {
			signal(a.poke)
		}
	}
}

// listen replaces the topics.
func (a *alarm) listen(about ...journal.Topic) { a.journal.Notify(a.poke, about...) }

// at has the loop look at a time; not before its pace allows, so that what is due and
// cannot be done is not looked at without end.
func (a *alarm) at(t time.Time) {
	if earliest := a.now().Add(a.pace); t.Before(earliest) {
		t = earliest
	}
	if a.due.IsZero() || t.Before(a.due) {
		a.due = t
	}
}

// wait returns true when it is time to look, and false when idle closes. What is committed
// from then on makes it go off again.
func (a *alarm) wait(ctx context.Context, idle <-chan struct{}) (bool, error) {
	var timer <-chan time.Time
	if !a.due.IsZero() {
		t := time.NewTimer(a.due.Sub(a.now()))
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-idle:
		return false, nil
	case <-ctx.Done():
		return false, ctx.Err()
	case <-timer:
		a.poked = false
	case <-a.poke:
		a.poked = true
		rest := time.NewTimer(max(a.gather, time.Until(a.looked.Add(a.pace))))
		defer rest.Stop()
		select {
		case <-idle:
			return false, nil
		case <-ctx.Done():
			return false, ctx.Err()
		case <-rest.C:
		}
	}
	a.poked = taken(a.poke) || a.poked
	a.due, a.looked = time.Time{}, time.Now()
	return true, nil
}

// clockStep is more than clocks drift between two looks at them.
const clockStep = 500 * time.Millisecond

// wallClock tells when the clock on the wall was set, by which work is due: timers run on.
// It is for one goroutine.
type wallClock struct {
	now           func() time.Time
	steady, shown time.Time // as looked at last
}

func newWallClock(now func() time.Time) *wallClock {
	c := &wallClock{now: now}
	c.set() // which is no news: it is looked at for the first time
	return c
}

// set reports whether it was since the last look.
func (c *wallClock) set() bool {
	steady, shown := time.Now(), c.now().Round(0) // without its monotonic reading
	step := shown.Sub(c.shown) - steady.Sub(c.steady)
	c.steady, c.shown = steady, shown
	return step.Abs() > clockStep
}

// gateTurned is told why Tenovos is waited for, and "" when it is not any more.
func (p *Pipeline) gateTurned(paused func(why string)) func(why string) {
	return func(why string) {
		paused(pauses(why, p.holdups.reason()))
		if why == "" {
			p.stir()
		}
	}
}

// lookAtClock has the dispatcher and every loop look when the clock on the wall was set.
func (p *Pipeline) lookAtClock() {
	if p.alarms.clock.set() {
		p.stir()
	}
}

// stir has the dispatcher and every loop look: what kept them from their work may be over.
func (p *Pipeline) stir() {
	p.alarms.ring()
	p.wake()
}
