package desk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tenovos-ingest/ingestd/internal/alarms"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/journal"
)

// Handler answers a request that an operator's command left in the journal. The
// answer is encoded as JSON; an error's text is what the operator reads. It may be
// asked again after a crash.
//
// A request that fails while the desk is closed stays for the next one, and so does
// one that is answered with ErrLater.
type Handler func(ctx context.Context, r journal.Request) (any, error)

// ErrLater is a Handler's for a request that somebody else answers.
var ErrLater = errors.New("it is answered later")

// askNet is how often the journal is asked for requests although nobody rang: who left
// one may have died before it did.
const askNet = 20 * time.Second

// answerGrace is how long requests may take after the last entry is done.
const answerGrace = time.Second

// attendEvery is how often the journal is told that somebody is at the requests that
// are open: whoever asked sees by it that the process lives.
const attendEvery = time.Second

// maxServing bounds how many requests are answered at the same time.
const maxServing = 4

// Serve answers requests until idle closes or ctx ends. An answer may
// take long (a scan, a cancel), so each has a goroutine of its own. The journal is asked
// when another process rang, and while requests are open.
func (d *Desk) Serve(ctx context.Context, idle <-chan struct{}) error {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	g, gctx := errgroup.WithContext(inner)
	places := make(chan struct{}, maxServing)
	rung := make(chan struct{}, 1)
	listening, enough := context.WithCancel(gctx)
	g.Go(func() error { d.Requests.Listen(listening, rung); return nil })
	g.Go(func() error {
		defer enough()
		defer time.AfterFunc(answerGrace, cancel)     // what is about to be answered still is
		serving := make(map[int64]context.CancelFunc) // nil: it waits for its turn
		over := make(chan struct{}, 1)                // one was answered, and who waits has a turn
		next := time.NewTimer(askNet)
		defer next.Stop()
		for {
			select {
			case <-idle:
				return nil
			case <-gctx.Done():
				return gctx.Err()
			case <-rung:
			case <-over:
			case <-next.C:
			}
			open, err := d.Requests.Attend(gctx)
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
				select {
				case places <- struct{}{}:
				default:
					serving[r.ID] = nil
					continue
				}
				rctx, withdraw := context.WithCancel(gctx)
				serving[r.ID] = withdraw
				g.Go(func() error {
					defer alarms.Signal(over)
					defer func() { <-places }()
					return unlessWithdrawn(gctx, rctx, d.serve(rctx, r))
				})
			}
			if next.Reset(askNet); len(open) > 0 {
				next.Reset(attendEvery)
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

// serve answers one request. What fails while nothing is to be begun any more stays open.
func (d *Desk) serve(ctx context.Context, r journal.Request) error {
	var answer any
	err := fmt.Errorf("this ingestd knows no request %q: is the command of another version than the daemon?", r.Kind)
	if h, ok := d.handlers[r.Kind]; ok {
		answer, err = h(ctx, r)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, ErrLater) || err != nil && d.draining() {
		return nil
	}
	text, encoded := "", []byte("null")
	if err == nil {
		encoded, err = json.Marshal(answer)
	}
	if err != nil {
		text = reasons.Message(err)
	}
	rctx, cancel := journal.Recording(ctx)
	defer cancel()
	return journal.UnlessMoved(d.Requests.Answer(rctx, r.ID, encoded, text))
}

// ServeOne answers a request that waits in the journal, for a command that found no
// daemon to do so. Others wait on: this desk may lack what they need.
func (d *Desk) ServeOne(ctx context.Context, id int64) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	idle := make(chan struct{})
	var probing sync.WaitGroup
	probing.Go(func() { _ = d.Gate.Run(ctx, idle) }) // ends with idle, or with ctx, whose error the loop meets too
	defer probing.Wait()
	defer close(idle)
	for {
		requests, err := d.Requests.Open(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(requests, func(r journal.Request) bool { return r.ID == id })
		if i < 0 {
			return nil
		}
		if err := d.serve(ctx, requests[i]); err != nil {
			return err
		}
	}
}
