package ingest

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/tenovos"
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
	for _, name := range names {
		until, why := h.enter(name, e.ID, bodySize(e))
		if why != "" {
			h.leave(e.ID)
			return true, h.journal.Defer(ctx, e.ID, e.Status, until, reasonHeldUp(why), false)
		}
	}
	return false, nil
}

// passed notes that a body of size bytes went through circuits, and wakes those that
// waited for it.
func (h *holdups) passed(ctx context.Context, size int64, names ...string) error {
	freed := false
	for _, name := range names {
		freed = h.pass(name, size) || freed
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
	if err := h.journal.Hasten(ctx, classHeldUp); err != nil {
		return &journalError{err}
	}
	h.wake()
	return nil
}

// bodySize is how many bytes an entry's largest request has.
func bodySize(e journal.Entry) int64 { return min(e.Size, tenovos.MultipartOver) }

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
	putOff := func(after time.Duration, r journal.Reason) (verdict, error) {
		_, certain := errors.AsType[*notPerformedError](cause)
		if e.Status == journal.Creating && certain {
			return verdict{do: leave}, p.giveUp(ctx, e, verdict{to: journal.Mapped, after: max(after, 1), reason: r})
		}
		return verdict{do: leave}, p.journal.Defer(ctx, e.ID, e.Status, p.now().Add(after), r, false)
	}
	size := int64(0) // it is no question of that, but where a proxy has a limit
	if v.reason.Class == classIntermediary {
		size = bodySize(e)
	}
	f := p.holdups.refuse(name, e.ID, attempt, size, v.reason.Message)
	if f.everyones {
		if f.news {
			p.log.Warn().Str("reason", v.reason.Message).Str("hint", v.reason.Hint).
				Msg("one file after another is refused: what would meet the same waits, no file loses an attempt; one is tried from time to time until it is over")
			p.holdups.told()
		}
		return putOff(f.until.Sub(p.now()), reasonHeldUp(v.reason.Message))
	}
	limit := aloneTries
	if f.alone {
		limit = aloneAfter
	}
	switch {
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

func reasonHeldUp(why string) journal.Reason {
	return journal.Reason{
		Class: classHeldUp, Message: why,
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
