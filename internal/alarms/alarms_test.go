package alarms_test

import (
	"context"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/alarms"
	"github.com/tenovos-ingest/ingestd/journal"
)

// news keeps who is to be told of which topics.
type news struct {
	told map[chan<- struct{}][]journal.Topic
}

func (n news) Notify(c chan<- struct{}, about ...journal.Topic) { n.told[c] = about }

const pace = time.Millisecond

func TestAlarm(t *testing.T) {
	t.Parallel()
	n := news{make(map[chan<- struct{}][]journal.Topic)}
	all := alarms.New(n, time.Now)
	idle := make(chan struct{})
	goesOff := func(a *alarms.Alarm, poked bool) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if more, err := a.Wait(ctx, idle); !more || err != nil {
			t.Fatalf("it ended with %v, %v", more, err)
		}
		if a.Poked() != poked || a.Pending() {
			t.Errorf("it was poked: %v, and again: %v; want %v and never", a.Poked(), a.Pending(), poked)
		}
	}
	staysQuiet := func(a *alarms.Alarm) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 20*pace)
		defer cancel()
		if more, err := a.Wait(ctx, idle); more || err == nil {
			t.Errorf("it went off: %v, %v", more, err)
		}
	}
	a, b := all.Set("a", pace, journal.AboutRows), all.Set("b", pace, journal.AboutEdits)
	goesOff(a, true) // what there was before it was set
	goesOff(b, true)
	if len(n.told) != 2 {
		t.Fatalf("%d are told of commits", len(n.told))
	}
	staysQuiet(a)
	for c, about := range n.told {
		if about[0] == journal.AboutRows {
			alarms.Signal(c)
			alarms.Signal(c) // many commits are one look
		}
	}
	goesOff(a, true)
	staysQuiet(a)
	a.At(time.Now())
	goesOff(a, false)
	staysQuiet(a)
	all.RingFolder("a")
	if goesOff(a, true); b.Pending() {
		t.Error("another folder's loop was woken")
	}
	all.Ring()
	goesOff(a, true)
	goesOff(b, true)
	a.End()
	if all.Ring(); a.Pending() {
		t.Error("an alarm that had ended was rung")
	}
	close(idle)
	b.LookAgain()
	for {
		more, err := b.Wait(t.Context(), idle)
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			break // of two things that are ready either may come first
		}
	}
}
