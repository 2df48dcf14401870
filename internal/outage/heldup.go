package outage

import (
	"context"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/journal"
)

// aloneTries is how often a file that may be refused for its own sake is tried, with
// growing waits between, while no other file is refused.
const aloneTries = 6

// Queue holds the entries that wait. An error means that the journal broke.
type Queue interface {
	// Hasten makes all entries due that wait with a class of reasons.
	Hasten(ctx context.Context, class string) error
	// HastenSome does so with n of those that wait for longer than until after.
	HastenSome(ctx context.Context, class string, after time.Time, n int) error
}

// Deps are the parts that Circuits work with.
type Deps struct {
	Queue   Queue
	Log     zerolog.Logger
	Now     func() time.Time
	Wake    func()                        // has the dispatcher look at the queue
	Changed func()                        // told that Reason may have changed
	Backoff func(tries int) time.Duration // the wait after so many tries of a file's own
}

// Circuits decide which entries wait while one file after the other is refused, and wake
// them when that is over. They are safe for concurrent use.
type Circuits struct {
	*circuitSet
	Deps
}

// NewCircuits makes circuits of which none is tripped.
func NewCircuits(d Deps) *Circuits {
	return &Circuits{circuitSet: newCircuitSet(d.Now), Deps: d}
}

// Wait is until when an entry waits, and why.
type Wait struct {
	Until  time.Time
	Reason journal.Reason
	// Recorded is to be called once the wait is recorded: it wakes whoever is to try
	// instead, or the entry itself if the trouble ended in between.
	Recorded func(context.Context) error
}

// Reason returns why files are held back that is everyone's trouble, or "".
func (c *Circuits) Reason() string { return c.reason() }

// Paused returns the class of that reason, and the reason; "" and "" for none.
func (c *Circuits) Paused() (by, why string) {
	if why = c.reason(); why != "" {
		by = journal.PausedByCircuit
	}
	return by, why
}

// Tripped reports whether anything is held back.
func (c *Circuits) Tripped() bool { return c.any() }

// Leave gives back the turn of an entry that came to no result.
func (c *Circuits) Leave(entry int64) { c.leave(entry) }

// Forget drops an entry that has come to rest. Whom that sets free WakeFreed wakes.
func (c *Circuits) Forget(entry int64) { c.forget(entry) }

// HoldBack returns until when an entry waits because a circuit that it needs is tripped;
// false where it may go on.
func (c *Circuits) HoldBack(e journal.Entry, circuits ...string) (Wait, bool) {
	endings := c.endings()
	for _, name := range circuits {
		until, why := c.enter(name, e.ID, BodySize(e))
		if why == "" {
			continue
		}
		c.leave(e.ID)
		return Wait{Until: until, Reason: heldUpReason(why), Recorded: func(ctx context.Context) error {
			return c.wakeLate(ctx, endings)
		}}, true
	}
	return Wait{}, false
}

// wakeLate wakes an entry that was just put off, if others have been set free since the
// endings were counted: it came too late to be woken with them.
func (c *Circuits) wakeLate(ctx context.Context, endings int) error {
	if c.endings() == endings {
		return nil
	}
	return c.WakeAll(ctx)
}

// WakeAll wakes all that are held up.
func (c *Circuits) WakeAll(ctx context.Context) error {
	if err := c.Queue.Hasten(ctx, reasons.ClassHeldUp); err != nil {
		return err
	}
	c.Wake()
	return nil
}

// freshTries is how many of those that were not refused yet are woken for one of them
// to try: some may need something else.
const freshTries = 8

// wakeFresh has one of those entries try that were not refused yet.
func (c *Circuits) wakeFresh(ctx context.Context) error {
	// Those that were refused wait for LongestRest at most.
	if err := c.Queue.HastenSome(ctx, reasons.ClassHeldUp, c.Now().Add(LongestRest), freshTries); err != nil {
		return err
	}
	c.Wake()
	return nil
}

// Passed notes that an entry's body of size bytes went through circuits, and wakes those
// that waited for it.
func (c *Circuits) Passed(ctx context.Context, entry, size int64, circuits ...string) error {
	freed, before := false, c.reason()
	for _, name := range circuits {
		freed = c.pass(name, entry, size) || freed
	}
	if !freed && c.reason() != before {
		c.Changed()
	}
	return c.wakeIf(ctx, freed)
}

// WakeFreed wakes those who were held back by entries that Forget has dropped since.
func (c *Circuits) WakeFreed(ctx context.Context) error { return c.wakeIf(ctx, c.takeFreed()) }

// wakeIf wakes all who were held back, if some were set free.
func (c *Circuits) wakeIf(ctx context.Context, freed bool) error {
	if !freed {
		return nil
	}
	if from := c.held(); from > 0 {
		c.Log.Info().Int64("bytes", from).Msg("smaller files get through and go on; those of so many bytes and more wait")
	} else {
		c.Log.Info().Msg("a file got through: going on")
	}
	c.Changed()
	return c.WakeAll(ctx)
}

// fullPart is the smallest size in bytes that a part has, but for the last one. Larger
// ones count as such: what is known of one file's parts is good for another's.
const fullPart = 100_000_000

// BodySize is how many bytes the largest request has that is still to be sent of an
// entry, as far as that is known.
func BodySize(e journal.Entry) int64 {
	largest := int64(0)
	if e.Attempt != nil {
		for _, part := range e.Attempt.Parts {
			if part.ETag == "" {
				largest = max(largest, part.Size)
			}
		}
	}
	if largest == 0 {
		largest = e.Size
	}
	return min(largest, fullPart)
}

// Refusal is the refusal of an entry by what may refuse others, too.
type Refusal struct {
	Circuit string
	Reason  journal.Reason
	Dead    bool // the URL of the upload will do no more, whosever trouble it is
	Waits   bool // the entry is tried again even where it is the only one
	Ends    bool // with Waits: not for ever, because the run is to end
}

// Answer says what becomes of a refused entry.
type Answer int

// What becomes of a refused entry.
const (
	Own   Answer = iota // it is the entry's own trouble
	Renew               // it gets another upload, and with that another URL: part of the same try
	Rest                // it was tried often enough, and comes to rest
	Delay               // it waits, and loses no attempt
)

// Refused decides whether the refusal of an entry is its own. The Wait is that of Delay.
func (c *Circuits) Refused(e journal.Entry, r Refusal) (Answer, Wait) {
	attempt := int64(0)
	if e.Attempt != nil {
		attempt = e.Attempt.ID
	}
	if r.Dead && c.again(r.Circuit, e.ID, attempt) {
		return Renew, Wait{}
	}
	endings := c.endings()
	size := int64(0) // it is no question of that, but where a proxy has a limit
	if r.Reason.Class == reasons.ClassIntermediary {
		size = BodySize(e)
	}
	f := c.refuse(r.Circuit, e.ID, attempt, size, r.Reason.Message)
	if f.everyones && !(f.limit && r.Ends && f.times >= aloneTries) { // a backfill ends without what is too large
		c.logTripped(f, r.Reason)
		return Delay, Wait{Until: f.until, Reason: heldUpReason(r.Reason.Message), Recorded: func(ctx context.Context) error {
			if f.lonely {
				if err := c.wakeFresh(ctx); err != nil {
					return err
				}
			}
			return c.wakeLate(ctx, endings)
		}}
	}
	backoff := func(tries int) Wait {
		return Wait{Until: c.Now().Add(c.Backoff(tries)), Reason: r.Reason, Recorded: wakeNobody}
	}
	limit := aloneTries
	if f.alone {
		limit = aloneAfter
	}
	switch {
	case f.others && f.times == 1 && r.Reason.Class == reasons.ClassStore: // the next may decide it
		return Delay, backoff(1)
	case !r.Waits:
		return Own, Wait{}
	case r.Ends && f.times >= limit:
		return Rest, Wait{}
	case f.times == aloneAfter:
		c.Log.Warn().Str("folder", e.Folder).Str("path", e.Path).Int64("id", e.ID).
			Str("reason", r.Reason.Message).Str("hint", r.Reason.Hint).
			Msg("refused again and again: it is tried with growing waits, and loses no attempt")
	}
	return Delay, backoff(f.times)
}

func wakeNobody(context.Context) error { return nil }

// RefusedAlike notes the refusal of an entry that goes on whatever it means, and reports
// whether it is everyone's. recorded is to be called once that is recorded: it wakes
// whoever is to try next.
func (c *Circuits) RefusedAlike(entry int64, circuit string, r journal.Reason) (everyones bool, recorded func(context.Context) error) {
	f := c.refuse(circuit, entry, 0, 0, r.Message)
	c.logTripped(f, r)
	if !f.lonely {
		return f.everyones, wakeNobody
	}
	return f.everyones, c.wakeFresh
}

// logTripped says once that a refusal has tripped its circuit.
func (c *Circuits) logTripped(f finding, r journal.Reason) {
	if !f.news {
		return
	}
	c.Log.Warn().Str("reason", r.Message).Str("hint", r.Hint).
		Msg("one file after another is refused: what would meet the same waits, no file loses an attempt; one is tried from time to time until it is over")
	c.Changed()
}

// heldUpReason is why an entry waits that a tripped circuit holds back.
func heldUpReason(why string) journal.Reason {
	return journal.Reason{
		Class:   reasons.ClassHeldUp,
		Message: why + " (one file after another was refused so: it is no file's own trouble and costs none an attempt; one of them is tried from time to time, and all go on by themselves when it is over)",
	}
}
