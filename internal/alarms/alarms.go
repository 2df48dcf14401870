package alarms

import (
	"context"
	"sync"
	"time"

	"github.com/tenovos-ingest/ingestd/journal"
)

// News tells a channel of each commit that is about one of some topics.
type News interface {
	Notify(c chan<- struct{}, about ...journal.Topic)
}

// Alarms are the alarms of all loops. Safe for concurrent use.
type Alarms struct {
	news News
	now  func() time.Time

	mu  sync.Mutex
	all map[*Alarm]bool
}

// New returns alarms that go off for news and by the clock now.
func New(news News, now func() time.Time) *Alarms {
	return &Alarms{news: news, now: now, all: make(map[*Alarm]bool)}
}

// Set makes an alarm that goes off once, and then for commits about the topics. pace is
// the least time between two looks of its loop. The loop ends it when it returns.
func (s *Alarms) Set(folder string, pace time.Duration, about ...journal.Topic) *Alarm {
	a := &Alarm{
		of: s, folder: folder, pace: pace, gather: pace / 5,
		poke: make(chan struct{}, 1), looked: time.Now(),
	}
	Signal(a.poke)
	s.news.Notify(a.poke, about...)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[a] = true
	return a
}

// Ring has every loop look.
func (s *Alarms) Ring() { s.ring(func(*Alarm) bool { return true }) }

// RingFolder has the loops of a folder look: there is something that no commit tells of.
func (s *Alarms) RingFolder(folder string) {
	s.ring(func(a *Alarm) bool { return a.folder == folder })
}

func (s *Alarms) ring(which func(*Alarm) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for a := range s.all {
		if which(a) {
			Signal(a.poke)
		}
	}
}

// Alarm is how one loop waits for its work. The loop looks at the journal after a commit
// that was about it, when the earliest of what it knows of is due, and when something
// else concerns it: Tenovos or a folder can be worked with again, or the clock was set.
// In between it does nothing. An alarm belongs to the goroutine of its loop.
type Alarm struct {
	of *Alarms
	// pace is the least time between two looks, and gather how long the first of what
	// comes after a quiet time waits for the rest: many commits are one look.
	pace, gather time.Duration

	folder string        // whose work it is; "" is nobody's
	poke   chan struct{} // capacity 1: there may be something to do
	due    time.Time     // when to look without a poke; zero: never. Wait clears it
	looked time.Time
	poked  bool // Wait ended for more than that the time had come
}

// End frees the alarm.
func (a *Alarm) End() {
	a.of.news.Notify(a.poke, journal.AboutNothing)
	a.of.mu.Lock()
	defer a.of.mu.Unlock()
	delete(a.of.all, a)
}

// Listen replaces the topics.
func (a *Alarm) Listen(about ...journal.Topic) { a.of.news.Notify(a.poke, about...) }

// LookAgain has the loop look once more when its pace allows.
func (a *Alarm) LookAgain() { Signal(a.poke) }

// Pending reports that something came since Wait returned.
func (a *Alarm) Pending() bool { return len(a.poke) > 0 }

// Poked reports that Wait ended because something came, and not only because the time
// given to At had come.
func (a *Alarm) Poked() bool { return a.poked }

// SetPace changes the least time between two looks.
func (a *Alarm) SetPace(pace time.Duration) { a.pace = pace }

// At has the loop look at a time; not before its pace allows, so that what is due and
// cannot be done is not looked at without end.
func (a *Alarm) At(t time.Time) {
	if earliest := a.of.now().Add(a.pace); t.Before(earliest) {
		t = earliest
	}
	if a.due.IsZero() || t.Before(a.due) {
		a.due = t
	}
}

// Wait returns true when it is time to look, and false when idle closes. What is committed
// from then on makes it go off again.
func (a *Alarm) Wait(ctx context.Context, idle <-chan struct{}) (bool, error) {
	var timer <-chan time.Time
	if !a.due.IsZero() {
		t := time.NewTimer(a.due.Sub(a.of.now()))
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
	a.poked = Taken(a.poke) || a.poked
	a.due, a.looked = time.Time{}, time.Now()
	return true, nil
}

// Signal tells whoever waits for a channel of capacity 1 that there is something to look
// at. It waits for nobody.
func Signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Taken takes a Signal from a channel, if there is one.
func Taken(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Closed reports that a channel to which nobody sends was closed; nil never is.
func Closed(c <-chan struct{}) bool { return Taken(c) }
