package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/display"
	"github.com/tenovos-ingest/ingestd/journal"
)

// updateWait is how long an update waits for its edits by default. A bulk edit that is
// not seen after ten minutes is replaced by edits of one asset each.
const updateWait = 15 * time.Minute

// Of the bulk edits under way a terminal is told all the time, and anything else first
// after a moment and then less and less often.
const (
	bulkTick     = 500 * time.Millisecond
	firstBulk    = time.Second
	longestQuiet = time.Minute
)

// waiting tells that an update waits for bulk edits.
type waiting struct {
	journal   *journal.Reader
	selection desk.Selection
	out       io.Writer
}

// during runs do with a deadline, and tells meanwhile what it waits for.
func (w waiting) during(ctx context.Context, limit time.Duration, do func(context.Context) error) error {
	late := &lateError{limit: limit}
	limited, cancel := context.WithTimeoutCause(ctx, limit, late)
	defer cancel()
	telling, over := context.WithCancel(limited)
	var teller sync.WaitGroup
	teller.Go(func() { w.tell(telling) })
	err := do(limited)
	over()
	teller.Wait()
	if err == nil || ctx.Err() != nil || !errors.Is(context.Cause(limited), late) {
		return err
	}
	return late
}

// tell says how many assets a bulk edit is not seen in yet, until ctx ends.
func (w waiting) tell(ctx context.Context) {
	tick := time.NewTicker(bulkTick)
	defer tick.Stop()
	terminal, most, quiet := isTerminal(w.out) && takesControls(), 0, firstBulk
	var next time.Time
	defer func() {
		if terminal && most > 0 {
			fmt.Fprint(display.Unwrap(w.out), "\r\x1b[K")
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		n, since, err := journal.OpenEditsOf(w.journal).Bulk(ctx, w.selection.IDs, w.selection.Folders)
		if err != nil || n == 0 { // whoever answers the request meets the error
			most, quiet, next = 0, firstBulk, time.Time{}
			continue
		}
		most = max(most, n)
		line := fmt.Sprintf("waiting for a bulk edit of %d assets: not seen yet in %d of them, for %s", most, n, time.Since(since).Round(time.Second))
		switch now := time.Now(); {
		case terminal:
			fmt.Fprintf(display.Unwrap(w.out), "\r\x1b[K%s", line)
		case next.IsZero():
			next = now.Add(quiet)
		case !now.Before(next):
			fmt.Fprintln(w.out, line)
			quiet = min(2*quiet, longestQuiet)
			next = now.Add(quiet)
		}
	}
}

// lateError ends an update that has waited as long as it may. It is errNotDone.
type lateError struct{ limit time.Duration }

func (e *lateError) Error() string {
	return fmt.Sprintf("not every asset shows its change after %s: the open edits stay in the journal, and the daemon goes on with them when it runs; "+
		"`ingestd update` tells whether they are made, `--wait` lets it wait longer", e.limit)
}

func (e *lateError) Is(target error) bool { return target == errNotDone }
