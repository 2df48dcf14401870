package ingest

import (
	"context"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/journal"
)

// sharedCreate, in a verdict, is the circuit of the asset that is to be created.
const sharedCreate = "create"

// aloneTries is how often a file that may be refused for its own sake is tried, with
// growing waits between, while no other file is refused.
const aloneTries = 6

// holdups is what the pipeline does by its circuits: it puts entries off, and wakes them.
type holdups struct {
	*circuits
	journal *journal.Journal
	log     zerolog.Logger
	wake    func()
}

// holdBack puts an entry off where a circuit that it needs is tripped.
func (h *holdups) holdBack(ctx context.Context, e journal.Entry, names ...string) (bool, error) {
	ends := h.endings()
	for _, name := range names {
		until, why := h.enter(name, e.ID, bodySize(e))
		if why != "" {
			h.leave(e.ID)
			if err := deferEntry(ctx, h.journal, e.ID, e.Status, until, reasonHeldUp(why), false); err != nil {
				return true, err
			}
			return true, h.missed(ctx, ends)
		}
	}
	return false, nil
}

// missed wakes an entry that was just put off, if others have been set free since ends
// was read: it came too late to be woken with them.
func (h *holdups) missed(ctx context.Context, ends int) error {
	if h.endings() == ends {
		return nil
	}
	return h.hasten(ctx)
}

// hasten wakes all that are held up.
func (h *holdups) hasten(ctx context.Context) error {
	if err := h.journal.Hasten(ctx, reasons.ClassHeldUp); err != nil {
		return &journalError{err}
	}
	h.wake()
	return nil
}

// freshTries is how many of those that were not refused yet are woken for one of them
// to try: some may need something else.
const freshTries = 8

// freshen has one of those try that were not refused yet.
func (h *holdups) freshen(ctx context.Context) error {
	// Those that were refused wait for longestRest at most.
	if err := h.journal.HastenSome(ctx, reasons.ClassHeldUp, h.now().Add(longestRest), freshTries); err != nil {
		return &journalError{err}
	}
	h.wake()
	return nil
}

// passed notes that an entry's body of size bytes went through circuits, and wakes those
// that waited for it.
func (h *holdups) passed(ctx context.Context, id, size int64, names ...string) error {
	freed, before := false, h.reason()
	for _, name := range names {
		freed = h.pass(name, id, size) || freed
	}
	if !freed && h.reason() != before {
		h.told()
	}
	return h.free(ctx, freed)
}

// free wakes those who were held back, if there are any.
func (h *holdups) free(ctx context.Context, freed bool) error {
	if !freed {
		return nil
	}
	if from := h.held(); from > 0 {
		h.log.Info().Int64("bytes", from).Msg("smaller files get through and go on; those of so many bytes and more wait")
	} else {
		h.log.Info().Msg("a file got through: going on")
	}
	h.told()
	return h.hasten(ctx)
}

// fullPart is the smallest size in bytes that a part has, but for the last one. Larger
// ones count as such: what is known of one file's parts is good for another's.
const fullPart = 100_000_000

// bodySize is how many bytes the largest request has that is still to be sent of an
// entry, as far as that is known.
func bodySize(e journal.Entry) int64 {
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

// share asks the circuit of a verdict whether the refusal of an entry is its own. It
// returns what is left to do: nothing, where the entry waits.
func (p *Pipeline) share(ctx context.Context, e journal.Entry, v verdict, cause error) (verdict, error) {
	name, attempt := v.shared, int64(0)
	if e.Attempt != nil {
		attempt = e.Attempt.ID
	}
	if name == sharedCreate {
		asset, err := storedAsset(e)
		if err != nil {
			return v, err
		}
		name = circuitCreate(asset)
	}
	if v.dead && p.holdups.again(name, e.ID, attempt) { // a new URL is part of the same try
		return verdict{to: journal.Mapped, reason: v.reason}, nil
	}
	ends := p.holdups.endings()
	putOff := func(after time.Duration, r journal.Reason) (verdict, error) {
		if e.Status == journal.Creating && isCertain(cause) {
			_, err := p.giveUp(ctx, e, verdict{to: journal.Mapped, after: max(after, 1), reason: r})
			return verdict{do: leave}, err
		}
		return verdict{do: leave}, deferEntry(ctx, p.journal, e.ID, e.Status, p.now().Add(after), r, false)
	}
	size := int64(0) // it is no question of that, but where a proxy has a limit
	if v.reason.Class == reasons.ClassIntermediary {
		size = bodySize(e)
	}
	f := p.holdups.refuse(name, e.ID, attempt, size, v.reason.Message)
	if f.everyones && !(f.limit && v.last != "" && f.times >= aloneTries) { // a backfill ends without what is too large
		p.holdups.tell(f, v.reason)
		waits, err := putOff(f.until.Sub(p.now()), reasonHeldUp(v.reason.Message))
		if err == nil && f.lonely {
			err = p.holdups.freshen(ctx)
		}
		if err == nil {
			err = p.holdups.missed(ctx, ends)
		}
		return waits, err
	}
	limit := aloneTries
	if f.alone {
		limit = aloneAfter
	}
	switch {
	case f.others && f.times == 1 && v.reason.Class == reasons.ClassStore: // the next may decide it
		return putOff(p.backoff(1), v.reason)
	case !v.waits:
		return v, nil
	case v.last != "" && f.times >= limit:
		v.do, v.to = moveOn, v.last
		return v, nil
	case f.times == aloneAfter:
		p.entryLog(p.log.Warn(), e).Str("reason", v.reason.Message).Str("hint", v.reason.Hint).
			Msg("refused again and again: it is tried with growing waits, and loses no attempt")
	}
	return putOff(p.backoff(f.times), v.reason)
}

// refusedAlike notes the refusal of an entry that goes on whatever it means, and reports
// whether it is everyone's.
func (h *holdups) refusedAlike(ctx context.Context, id int64, name string, r journal.Reason) (bool, error) {
	f := h.refuse(name, id, 0, 0, r.Message)
	h.tell(f, r)
	if !f.lonely {
		return f.everyones, nil
	}
	return f.everyones, h.freshen(ctx)
}

// tell says once that a finding is everyone's.
func (h *holdups) tell(f finding, r journal.Reason) {
	if !f.news {
		return
	}
	h.log.Warn().Str("reason", r.Message).Str("hint", r.Hint).
		Msg("one file after another is refused: what would meet the same waits, no file loses an attempt; one is tried from time to time until it is over")
	h.told()
}

func reasonHeldUp(why string) journal.Reason {
	return journal.Reason{
		Class: reasons.ClassHeldUp, Message: why,
		Hint: "One file after another was refused so: it is no file's own trouble and costs none an attempt. One of them is tried from time to time, and all go on by themselves when it is over.",
	}
}

// pauses joins what all wait for into the one text that is told.
func pauses(gate, circuit string) string {
	if gate != "" {
		return gate
	}
	return circuit
}
