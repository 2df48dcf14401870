package ingest

import (
	"context"
	"errors"
	"fmt"

	"github.com/tenovos-ingest/ingestd/internal/stage"
	"github.com/tenovos-ingest/ingestd/journal"
)

// work is an entry in one worker's hands, and what its stage has to say beside its move.
type work struct {
	stage.Work
	// fresh says that this worker recorded the intent that the entry stands at, so that the
	// remote call of it has not been made yet. An intent that is found was left by a crash
	// or a lost reply.
	fresh bool
	// unmade says of a create that failed that it certainly made no asset.
	unmade bool
}

// stageFunc decides what becomes of an entry in one status. It looks, asks and sends, and
// records nothing but what it learned: an intent is recorded by ending the stage with the
// move to it.
type stageFunc func(ctx context.Context, w *work) (journal.Move, error)

// stages are the life of an entry, in the order of a file's way.
func (p *Pipeline) stages() map[journal.Status]stageFunc {
	c, s, v := &creating{p.core}, &sending{p.core}, &verifying{p.core}
	return map[journal.Status]stageFunc{
		journal.Settled:    func(ctx context.Context, w *work) (journal.Move, error) { return p.intake.Decide(ctx, &w.Work) },
		journal.Mapped:     c.intend,
		journal.Creating:   c.create,
		journal.Uploading:  s.send,
		journal.Completing: s.complete,
		journal.Verifying:  v.verify,
		journal.Verified:   v.fileAway,
		journal.Cancelling: (&cancelling{p.core}).cancel,
	}
}

// work carries one entry, which it has in hand, as far as it goes now, from stage to
// stage: e was read, or is what a move left behind, just now; where it is zero it is read
// first. What others record meanwhile meets the move, which fails with ErrMoved, and the
// entry is read again. The only error is a broken journal.
func (p *Pipeline) work(ctx context.Context, id int64, e journal.Entry) error {
	defer p.hands.Release(id)
	fresh := false
	for fresh || p.goesOn(ctx) {
		if e.ID == 0 {
			var err error
			e, err = p.journal.Entry(ctx, id)
			if errors.Is(err, journal.ErrUnknown) || errors.Is(err, context.Canceled) {
				return nil
			}
			if err != nil {
				return err
			}
		}
		if !e.Status.Runnable() || e.NotBefore.After(p.now()) || p.outOfHours(e) {
			return nil
		}
		w := &work{Work: stage.Work{Entry: e}, fresh: fresh}
		now, err := p.step(ctx, w)
		if err != nil {
			return err
		}
		fresh = now.ID != 0 && now.Status != e.Status && (now.Status == journal.Creating || now.Status == journal.Completing)
		e = now
	}
	return nil
}

// goesOn reports that something may be begun: the run does not end, and is not paused.
func (p *Pipeline) goesOn(ctx context.Context) bool {
	return !p.draining() && ctx.Err() == nil && p.gate.Reason() == ""
}

// outOfHours reports that an entry waits for the hours of its folder.
func (p *Pipeline) outOfHours(e journal.Entry) bool { return p.folders[e.Folder].KeepsBack(e, p.now()) }

// step runs the stage of an entry and records its move, or the answer to its error. It
// returns the entry as it is then; zero where it has to be read again.
func (p *Pipeline) step(ctx context.Context, w *work) (now journal.Entry, err error) {
	defer func() {
		for _, release := range w.Release {
			release()
		}
	}()
	epoch := p.gate.Epoch()
	m, err := p.decide(ctx, w)
	if err == nil {
		now, err = p.commit(ctx, w, m)
	}
	if err == nil {
		return now, nil
	}
	w.Then = nil
	if m, err = p.answer(ctx, w, epoch, err); err != nil || m.ID == 0 {
		return journal.Entry{}, err
	}
	now, err = p.commit(ctx, w, m)
	return now, journal.UnlessMoved(err)
}

// decide runs the stage of an entry, unless an operator wants it cancelled. A create that
// the stage of settled entries wants is left to that of mapped ones where the run was ended
// or paused, the entry cancelled, or the hours over, while the file was looked at, which may
// take long.
func (p *Pipeline) decide(ctx context.Context, w *work) (journal.Move, error) {
	if m, unwanted := p.obeyCancel(w.Entry); unwanted {
		return m, nil
	}
	do, ok := p.table[w.Status]
	if !ok {
		return journal.Move{}, fmt.Errorf("entry %d: no stage leads on from %s", w.ID, w.Status)
	}
	m, err := do(ctx, w)
	if m.From == journal.Settled && m.To == journal.Creating && (!p.goesOn(ctx) || p.desk.Unwanted(w.ID) || p.outOfHours(w.Entry)) {
		m.To = journal.Mapped
	}
	return m, err
}

// commit records a stage's move, and does what is to be done then. Of an entry whose
// filename another create has just now, the move becomes a wait.
func (p *Pipeline) commit(ctx context.Context, w *work, m journal.Move) (now journal.Entry, err error) {
	if m.ID == 0 {
		return now, nil
	}
	if m.Was == nil {
		m.Was = &w.Entry
	}
	now, err = p.advance(ctx, m)
	if errors.Is(err, journal.ErrNameBusy) {
		m.To, m.NotBefore, w.Then = journal.Mapped, p.now().Add(w.NameWait()), nil
		if m.To == m.From { // else what was waited for is over
			m.Reason = w.Reason
		}
		now, err = p.advance(ctx, m)
	}
	if err != nil {
		return now, err
	}
	switch {
	case m.To == m.From:
	case m.To == journal.Filed:
		p.logFiled(w.Entry, now)
	case m.To.Resting():
		p.logRest(w.Entry, m.To, m.Reason)
	}
	rctx, cancel := journal.Recording(ctx)
	defer cancel()
	for _, do := range w.Then {
		if err := do(rctx, now); err != nil {
			return now, err
		}
	}
	return now, nil
}
