package ingest

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tenovos-ingest/ingestd/internal/alarms"
	"github.com/tenovos-ingest/ingestd/internal/hands"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/sources"
	"github.com/tenovos-ingest/ingestd/internal/turns"
	"github.com/tenovos-ingest/ingestd/journal"
)

// dispatch hands runnable entries to workers until the drain, the end of ctx
// or, for a backfill, until source has closed and nothing is left.
func (p *Pipeline) dispatch(ctx context.Context, workers *errgroup.Group, source <-chan struct{}) error {
	for _, f := range p.cfg.Folders {
		if err := journal.FoldersOf(p.journal).SetOrder(ctx, f.Name, f.Order); err != nil {
			return err
		}
		if err := journal.BatchesOf(p.journal).Set(ctx, f.Name, f.Drops != nil); err != nil {
			return err
		}
		if err := journal.CompanionsOf(p.journal).ReopenRefused(ctx, f.Name); err != nil {
			return err
		}
	}
	if err := sources.RetryUnreadable(ctx, p.journal, p.folderNames()); err != nil {
		return err
	}
	if err := journal.DeferredOf(p.journal).Hasten(ctx, reasons.ClassHeldUp); err != nil { // an earlier process held them up
		return err
	}
	share := turns.New(p.cfg.Folders, p.cfg.Workers, p.mounts, p.hands)
	came := make(chan struct{}, 1) // companions, which are read only then
	alarms.Signal(came)
	p.journal.Notify(came, journal.AboutCompanions)
	defer p.journal.Notify(came, journal.AboutNothing)
	for {
		if err := p.gate.Wait(ctx, p.drain); err != nil || p.draining() {
			return err
		}
		if alarms.Taken(came) {
			if err := p.companions.ActOnDue(ctx); err != nil {
				return err
			}
		}
		if err := p.circuits.WakeFreed(ctx); err != nil {
			return err
		}
		now := p.now() // one time for both questions: what becomes due between two would be missed by each
		free := share.Count()
		sent, err := p.handOut(ctx, workers, share, free, now)
		if err != nil {
			return err
		}
		if sent > 0 {
			continue
		}
		if alarms.Closed(source) {
			done, err := p.finished(ctx)
			if done || err != nil {
				return err
			}
		}
		if err := p.sleep(ctx, source, share, free > 0, now); err != nil {
			return err
		}
	}
}

// handOut gives an entry to a worker of its own for each that is free, if there is
// one whose folder may have one more in flight.
func (p *Pipeline) handOut(ctx context.Context, workers *errgroup.Group, share *turns.Turns, free int, now time.Time) (int, error) {
	if free <= 0 {
		return 0, nil
	}
	before := p.hands.Others() // ahead of the look
	claims, err := p.journal.Runnable(ctx, now, share.Shares(now), p.hands.IDs(), free)
	if err != nil {
		return 0, err
	}
	sent := 0
	for _, c := range claims {
		if p.gate.Reason() != "" || p.draining() {
			return sent, nil
		}
		if !p.hands.Hold(c.ID, &hands.Flight{Folder: c.Folder, Path: c.Path, Size: c.Size, Dispatched: true, Last: c.Last}) {
			continue // an operator's request has it
		}
		e := p.claimed(c, before)
		workers.Go(func() error { return p.work(ctx, c.ID, e) })
		share.Took(c.Folder)
		sent++
	}
	return sent, nil
}

// claimed returns the entry of a claim that was just taken in hand, as its worker begins
// with it; zero where that has to read it: one that was begun, for it may have got another
// path or more parts, and any if somebody may have had it in hand, and let go of it, since
// before, which is handled as it was ahead of the look for claims.
func (p *Pipeline) claimed(c journal.Claim, before int) journal.Entry {
	if !c.Whole() || p.hands.Others() != before {
		return journal.Entry{}
	}
	return c.Entry
}

// finished reports whether a backfill has nothing left to do, in the folders that are
// there.
func (p *Pipeline) finished(ctx context.Context) (bool, error) {
	if len(p.hands.IDs()) > 0 {
		return false, nil
	}
	gone := p.mounts.Lost
	folders := slices.DeleteFunc(p.folderNames(), gone)
	if len(folders) == 0 {
		return true, nil
	}
	n, err := p.journal.Reader().Unfinished(ctx, folders)
	if err != nil || n > 0 {
		return false, err
	}
	n, err = journal.CompanionsOf(p.journal).CountPending(ctx, slices.DeleteFunc(p.companions.Folders(), gone), folders)
	return n == 0, err
}

// sleep waits until the queue may have changed since now; with free workers also until
// something is due: without, a worker that gets free wakes it.
func (p *Pipeline) sleep(ctx context.Context, source <-chan struct{}, share *turns.Turns, free bool, now time.Time) error {
	if alarms.Closed(source) {
		source = nil
	}
	var timer <-chan time.Time
	if free {
		wake, ok, err := p.journal.NextWake(ctx, now)
		if err != nil {
			return err
		}
		if opens, waits := share.Opens(now); waits && (!ok || opens.Before(wake)) {
			wake, ok = opens, true
		}
		if ok {
			t := time.NewTimer(max(wake.Sub(p.now()), 0))
			defer t.Stop()
			timer = t.C
		}
	}
	select {
	case <-p.poke:
	case <-timer:
	case <-source:
	case <-p.drain:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// released has the dispatcher look again when an entry was let go: a later generation of
// its path may have waited for it, and a backfill does not end while anybody has an entry
// in hand.
func (p *Pipeline) released(id int64) {
	p.circuits.Leave(id)
	p.wake()
}
