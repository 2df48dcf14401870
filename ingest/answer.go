package ingest

import (
	"context"
	"errors"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/outage"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/stage"
	"github.com/tenovos-ingest/ingestd/journal"
)

// answer is the move that answers the error of a stage which began in an epoch of the
// gate; zero where there is nothing to record. Its own error is the journal's.
func (p *Pipeline) answer(ctx context.Context, w *work, epoch int, cause error) (m journal.Move, err error) {
	if ctx.Err() != nil {
		return m, nil // the process ends: whatever the stage met, it was cut short
	}
	e, err := p.journal.Entry(ctx, w.ID) // with the parts that the stage stored; a slow read is only slow
	if errors.Is(err, journal.ErrUnknown) || ctx.Err() != nil {
		return m, nil
	}
	if err != nil {
		return m, err
	}
	cause = p.sources.Explain(ctx, e, cause)
	v := dispose(e, cause, limits{attempts: p.cfg.MaxAttempts, expiries: maxExpiries, waits: !p.once, unmade: w.unmade})
	if v.do == stop {
		return m, cause
	}
	if e.Status != w.Status { // somebody moved it on: what was met is no question any more
		return m, nil
	}
	w.Entry = e
	if v.reason.Class == reasons.ClassChanged && (e.Status == journal.Uploading || e.Status == journal.Completing) {
		v.reason = p.sources.Restless(e)
	}
	ragged := (p.gate.Epoch() != epoch || p.gate.JustOpened()) && p.excuses.Excuse(w.ID)
	if v.do == pause || v.shared != "" {
		// A call that fails while the gate moves met the same trouble as those that
		// moved it, whatever a probe says now.
		if ragged || p.gate.Blame(ctx, cause, v.after) {
			p.retried(v.reason.Class)
			if v.do != pause {
				return w.Stays(p.now().Add(p.backoff(e.Tries+1)), v.reason), nil
			}
			return p.rest(w, v)
		}
		v = ownTrouble(v)
	}
	if v.shared != "" {
		if v, err = p.share(w, v); err != nil {
			return m, journal.UnlessMoved(err)
		}
	}
	if _, waits := errors.AsType[*stage.WaitError](cause); !waits && (v.do == retry || v.to.Runnable()) {
		p.retried(v.reason.Class)
	}
	switch v.do {
	case leave:
		return m, nil
	case retry:
		after := v.after
		if after == 0 {
			after = p.backoff(max(e.Failures, e.Tries) + 1)
		}
		dropfolder.LogEntry(p.log.Debug(), e).Str("reason", v.reason.Message).Dur("after", after).Msg("tried again later")
		m = w.Stays(p.now().Add(after), v.reason)
		m.CountFailure = v.count
		return m, nil
	}
	if v.to.Runnable() && v.count {
		v.after = p.backoff(e.Failures + 1)
	}
	return p.giveUp(e, v)
}

// sharedCreate, in a verdict, is the circuit of the asset that is to be created.
const sharedCreate = "create"

// share asks the circuit of a verdict whether the refusal of an entry is its own, and
// returns what is to be done instead. Others are woken once that is recorded.
func (c *core) share(w *work, v verdict) (verdict, error) {
	name := v.shared
	if name == sharedCreate {
		asset, err := dropfolder.StoredAsset(w.Entry)
		if err != nil {
			return v, err
		}
		name = outage.Create(asset)
	}
	answer, wait := c.circuits.Refused(w.Entry, outage.Refusal{Circuit: name, Reason: v.reason, Dead: v.dead, Waits: v.waits, Ends: v.last != ""})
	switch answer {
	case outage.Own:
		return v, nil
	case outage.Renew:
		return verdict{to: journal.Mapped, reason: v.reason}, nil
	case outage.Rest:
		v.do, v.to = moveOn, v.last
		return v, nil
	}
	w.Afterwards(func(ctx context.Context, _ journal.Entry) error { return wait.Recorded(ctx) })
	waits := verdict{do: retry, after: max(wait.Until.Sub(c.now()), 1), reason: wait.Reason}
	if w.Status == journal.Creating && w.unmade {
		waits.do, waits.to = moveOn, journal.Mapped
	}
	return waits, nil
}

// rest leaves an entry as it is while everyone waits, but for an intent of which
// it is certain that nothing came: that is taken back. Where the server asked for
// a rest, others go first afterwards.
func (c *core) rest(w *work, v verdict) (m journal.Move, err error) {
	switch {
	case w.Status == journal.Creating && v.to != "":
		v.reason.Hint = "" // the pause says what there is to say
		return c.giveUp(w.Entry, verdict{to: journal.Mapped, after: 2 * v.after, reason: v.reason})
	case v.after > 0:
		return w.Stays(c.now().Add(2*v.after), v.reason), nil
	case c.gate.Reason() == "": // it has opened meanwhile
		return w.Stays(c.now().Add(c.backoff(w.Tries+1)), v.reason), nil
	}
	return m, nil
}

// ownTrouble is what a pause becomes when Tenovos serves everyone else.
func ownTrouble(v verdict) verdict {
	if v.do != pause {
		return v
	}
	v.do = retry
	if v.to != "" {
		v.do = moveOn
	}
	return v
}

// obeyCancel is the move that ends an entry which an operator wants cancelled, where its
// status allows it; false where nothing is to be done. What may have been created or
// completed is looked into first.
func (p *Pipeline) obeyCancel(e journal.Entry) (journal.Move, bool) {
	if !p.desk.Unwanted(e.ID) {
		return journal.Move{}, false
	}
	switch e.Status {
	case journal.Settled, journal.Mapped, journal.Uploading:
		m, err := p.giveUp(e, verdict{to: journal.Cancelled, reason: reasons.Cancelled})
		return m, err == nil
	}
	return journal.Move{}, false
}
