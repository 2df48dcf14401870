package ingest

import (
	"context"
	"errors"
	"time"

	"github.com/tenovos-ingest/ingestd/journal"
)

// dispatch hands runnable entries to the workers until the drain, the end of ctx
// or, for a backfill, until source has closed and nothing is left.
func (p *Pipeline) dispatch(ctx context.Context, work chan<- int64, source <-chan struct{}) error {
	for {
		if err := p.gate.wait(ctx, p.drain); err != nil || p.draining() {
			return err
		}
		now := p.now() // one time for both questions: what becomes due between two would be missed by each
		sent, err := p.handOut(ctx, work, now)
		if err != nil {
			return err
		}
		if sent > 0 {
			continue
		}
		if closed(source) {
			done, err := p.finished(ctx)
			if done || err != nil {
				return err
			}
		}
		if err := p.sleep(ctx, source, now); err != nil {
			return err
		}
	}
}

// handOut sends one batch of runnable entries; each send waits for a free worker.
func (p *Pipeline) handOut(ctx context.Context, work chan<- int64, now time.Time) (int, error) {
	entries, err := p.journal.Runnable(ctx, now, p.folderNames(), p.held(), 2*max(1, p.cfg.Workers))
	if err != nil {
		return 0, err
	}
	sent := 0
	for _, e := range entries {
		if p.gate.reason() != "" {
			return sent, nil
		}
		if !p.take(e) {
			continue // an operator's request has it
		}
		select {
		case work <- e.ID:
			sent++
		case <-p.drain:
			p.release(e.ID)
			return sent, nil
		case <-ctx.Done():
			p.release(e.ID)
			return sent, ctx.Err()
		}
	}
	return sent, nil
}

// finished reports whether a backfill has nothing left to do.
func (p *Pipeline) finished(ctx context.Context) (bool, error) {
	if len(p.held()) > 0 {
		return false, nil
	}
	n, err := p.journal.Reader().Unfinished(ctx, p.folderNames())
	return n == 0, err
}

// sleep waits until the queue may have changed since now.
func (p *Pipeline) sleep(ctx context.Context, source <-chan struct{}, now time.Time) error {
	if closed(source) {
		source = nil
	}
	var timer <-chan time.Time
	wake, ok, err := p.journal.NextWake(ctx, now)
	if err != nil {
		return err
	}
	if ok {
		t := time.NewTimer(max(wake.Sub(p.now()), 0))
		defer t.Stop()
		timer = t.C
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

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return c != nil
	default:
		return false
	}
}

// work carries one entry as far as it goes now. Its only error is a broken journal.
func (p *Pipeline) work(ctx context.Context, id int64) error {
	defer p.wake() // a later generation of the path may have waited for this one
	defer p.release(id)
	for !p.draining() && ctx.Err() == nil && p.gate.reason() == "" {
		e, err := p.journal.Entry(ctx, id)
		if errors.Is(err, journal.ErrUnknown) || errors.Is(err, context.Canceled) {
			return nil
		}
		if err != nil {
			return err
		}
		if !e.Status.Runnable() || e.NotBefore.After(p.now()) {
			return nil
		}
		epoch := p.gate.epoch()
		if err := p.step(ctx, e); err != nil {
			if err := p.answer(ctx, id, epoch, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// take marks an entry as being in a worker's hands, so that it is not handed out
// twice; false if it is.
func (p *Pipeline) take(e journal.Entry) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.inFlight[e.ID] != nil {
		return false
	}
	p.inFlight[e.ID] = &flight{path: e.Path, size: e.Size}
	return true
}

func (p *Pipeline) release(id int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.inFlight, id)
}

// flight returns the entry's flight; it is nil unless a worker holds the entry.
func (p *Pipeline) flight(id int64) *flight {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.inFlight[id]
}

// held lists the entries in the workers' hands.
func (p *Pipeline) held() []int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	ids := make([]int64, 0, len(p.inFlight))
	for id := range p.inFlight {
		ids = append(ids, id)
	}
	return ids
}

// folderNames lists the folders of this run; entries of others wait for theirs.
func (p *Pipeline) folderNames() []string {
	names := make([]string, len(p.cfg.Folders))
	for i, f := range p.cfg.Folders {
		names[i] = f.Name
	}
	return names
}
