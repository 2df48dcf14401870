package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tenovos-ingest/ingestd/journal"
)

// Handler answers a request that an operator's command left in the journal. The
// answer is encoded as JSON; an error's text is what the operator reads. It may be
// asked again after a crash.
//
// A request that fails while the pipeline ends stays for the next one, and so does
// one that is answered with ErrLater.
type Handler func(ctx context.Context, r journal.Request) (any, error)

// ErrLater is a Handler's for a request that somebody else answers.
var ErrLater = errors.New("it is answered later")

// requestTick is how often the journal is asked for requests.
const requestTick = 300 * time.Millisecond

// answerGrace is how long requests may take after the last entry is done.
const answerGrace = time.Second

// attendEvery is how often the journal is told that somebody is at the requests that
// are open: whoever asked sees by it that the process lives.
const attendEvery = time.Second

// maxServing bounds how many requests are answered at the same time.
const maxServing = 4

// serveRequests answers requests until idle closes or ctx ends. An answer may
// take long (a scan, a cancel), so each has a goroutine of its own.
func (p *Pipeline) serveRequests(ctx context.Context, idle <-chan struct{}) error {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	g, gctx := errgroup.WithContext(inner)
	g.SetLimit(maxServing + 1) // the poller below is one of them
	g.Go(func() error {
		defer time.AfterFunc(answerGrace, cancel)     // what is about to be answered still is
		serving := make(map[int64]context.CancelFunc) // nil: it waits for its turn
		var attended time.Time
		tick := time.NewTicker(requestTick)
		defer tick.Stop()
		for {
			select {
			case <-idle:
				return nil
			case <-gctx.Done():
				return gctx.Err()
			case <-tick.C:
			}
			open, err := p.journal.TakeRequests(gctx)
			fresh := slices.ContainsFunc(open, func(r journal.Request) bool { _, known := serving[r.ID]; return !known })
			if err == nil && (fresh || len(open) > 0 && time.Since(attended) >= attendEvery) {
				open, err = p.journal.Attend(gctx)
				attended = time.Now()
			}
			if err != nil {
				return err
			}
			for id, withdraw := range serving { // what is open no more was answered, or withdrawn
				if !slices.ContainsFunc(open, func(r journal.Request) bool { return r.ID == id }) {
					if withdraw != nil {
						withdraw()
					}
					delete(serving, id)
				}
			}
			for _, r := range open {
				if serving[r.ID] != nil {
					continue
				}
				rctx, withdraw := context.WithCancel(gctx)
				serving[r.ID] = withdraw
				if !g.TryGo(func() error { return unlessWithdrawn(gctx, rctx, p.serve(rctx, r)) }) {
					withdraw()
					serving[r.ID] = nil
				}
			}
		}
	})
	if err := g.Wait(); !errors.Is(err, context.Canceled) || ctx.Err() != nil {
		return err
	}
	return nil // answerGrace is over: no reason to end the workers
}

// unlessWithdrawn is the error of a request whose own context may have ended before that
// of all.
func unlessWithdrawn(all, own context.Context, err error) error {
	if own.Err() != nil && all.Err() == nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (p *Pipeline) serve(ctx context.Context, r journal.Request) error {
	var answer any
	err := fmt.Errorf("this ingestd knows no request %q: is the command of another version than the daemon?", r.Kind)
	if h, ok := p.handlers[r.Kind]; ok {
		answer, err = h(ctx, r)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, ErrLater) || err != nil && p.draining() {
		return nil
	}
	text, encoded := "", []byte("null")
	if err == nil {
		encoded, err = json.Marshal(answer)
	}
	if err != nil {
		text = messageOf(err)
	}
	rctx, cancel := record(ctx)
	defer cancel()
	return ignoreMoved(p.journal.Answer(rctx, r.ID, encoded, text))
}

// obeyCancel ends an entry that an operator wants cancelled, where its status
// allows it, and returns it as it is then; the zero Entry where nothing is to be done.
// What may have been created or completed is looked into first.
func (p *Pipeline) obeyCancel(ctx context.Context, e journal.Entry) (now journal.Entry, err error) {
	if !p.unwanted.has(e.ID) {
		return now, nil
	}
	switch e.Status {
	case journal.Settled, journal.Mapped, journal.Created, journal.Uploading:
		return p.giveUp(ctx, e, verdict{to: journal.Cancelled, reason: reasonCancelled})
	}
	return now, nil
}
