package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/alarms"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/filing"
	"github.com/tenovos-ingest/ingestd/internal/mounts"
	"github.com/tenovos-ingest/ingestd/internal/outage"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/removal"
	"github.com/tenovos-ingest/ingestd/journal"
)

// chorePace is the least time between two looks at open clean-up work.
const chorePace = time.Second

// choreBatch bounds how many chores are read at a time.
const choreBatch = 16

// choreWait is the wait before the n-th try of a chore: from ten seconds to an hour.
func choreWait(n int) time.Duration {
	return min(10*time.Second<<min(n, 10), time.Hour)
}

// chores does the clean-up work that outlives the status of its entry.
type chores struct {
	journal   journal.Chores
	kinds     map[journal.ChoreKind]func(context.Context, journal.Chore) (done bool, err error)
	folders   map[string]dropfolder.Folder
	mounts    *mounts.Mounts
	strays    *filing.Strays
	leftovers *filing.Leftovers
	alarms    *alarms.Alarms
	gate      *outage.Gate
	draining  func() bool
	once      func() bool // the run is a backfill, which ends
	now       func() time.Time
	log       zerolog.Logger
}

// newChores makes what does the clean-up work, with the strays that it looks after.
func (p *Pipeline) newChores() *chores {
	w := &chores{
		journal: journal.ChoresOf(p.journal), folders: p.folders, mounts: p.mounts, leftovers: p.leftovers,
		alarms: p.alarms, gate: p.gate, draining: p.draining, once: func() bool { return p.once }, now: p.now, log: p.log,
		kinds: map[journal.ChoreKind]func(context.Context, journal.Chore) (bool, error){
			journal.ChoreCancel:  p.cancelOrphan,
			journal.ChoreDelete:  p.deleteOrphan,
			journal.ChoreTwin:    p.searchAgain,
			journal.ChoreRestore: p.restoreSpared,
			journal.ChoreFile:    p.filer.FileResting,
		},
	}
	w.strays = filing.NewStrays(p.filer, p.alarms.RingFolder, func(folder string) bool { return !w.draining() && w.may(folder) })
	return w
}

// run does the clean-up work that outlives its entry's status, until idle
// closes or ctx ends. With a folder it is the moving of that folder's files, which
// a share that hangs may hold up for ever. It never ends the pipeline for anything
// but the journal.
func (w *chores) run(ctx context.Context, folder string, idle <-chan struct{}) error {
	a := w.alarms.Set(folder, chorePace, journal.AboutChores)
	defer a.End()
	for {
		more, err := a.Wait(ctx, idle)
		if err != nil {
			return err
		}
		if !more {
			if w.draining() {
				return nil
			}
			w.strays.Hurry(folder)
			return w.doDue(ctx, folder) // the last files of a backfill
		}
		if !w.may(folder) || folder == "" && w.gate.Reason() != "" {
			a.At(w.now().Add(2 * mounts.Wait)) // the gate and the folder ring, but to look at them costs nothing
			continue
		}
		if err := w.doDue(ctx, folder); err != nil {
			return err
		}
		if err := w.next(ctx, folder, a); err != nil {
			return err
		}
	}
}

// next has the alarm go off when there is something to do again.
func (w *chores) next(ctx context.Context, folder string, a *alarms.Alarm) error {
	if next := w.strays.Next(folder); !next.IsZero() {
		a.At(next)
	}
	due, some, err := w.journal.Next(ctx, folder)
	if err == nil && some {
		a.At(due)
	}
	return err
}

// doDue does what is due now.
func (w *chores) doDue(ctx context.Context, folder string) error {
	if err := w.strays.Restore(ctx, folder); err != nil {
		return err
	}
	for !w.draining() && w.may(folder) {
		more := false
		if !w.once() { // a backfill leaves what was in before it
			var err error
			if more, err = w.leftovers.OpenChores(ctx, folder, choreBatch); err != nil {
				return err
			}
		}
		due, err := w.journal.Due(ctx, w.now(), folder, choreBatch)
		if err != nil {
			return err
		}
		for _, c := range due {
			if !w.may(folder) {
				return nil
			}
			if err := w.do(ctx, c); err != nil {
				return err
			}
		}
		if len(due) < choreBatch && !more {
			return nil
		}
	}
	return nil
}

// may reports whether the chores of a folder may be done. Before a file is deleted
// Tenovos may be asked, so that where that cannot be worked with all of them wait.
func (w *chores) may(folder string) bool {
	return w.mounts.Usable(folder) && (w.folders[folder].After != dropfolder.AfterDelete || w.gate.Reason() == "")
}

// do tries one chore once and records what came of it.
func (w *chores) do(ctx context.Context, c journal.Chore) error {
	var done bool
	var err error
	do := w.kinds[c.Kind]
	if do == nil {
		err = fmt.Errorf("unknown kind of clean-up work %q", c.Kind)
	} else {
		done, err = do(ctx, c)
	}
	if c.Kind == journal.ChoreFile {
		if w.gate.Blamed(ctx, err) {
			return ctx.Err() // it waits as it is, and all others with it
		}
		if _, later := errors.AsType[*filing.NotYetError](err); err != nil && c.Tries == 0 && !later && !mounts.IsGone(err) {
			w.log.Warn().Str("filename", c.Filename).Str("reason", reasons.Message(err)).
				Msg("a file could not be moved out of the drop folder yet: tried again until it can")
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	rctx, cancel := record(ctx)
	defer cancel()
	if !done && !c.Until.IsZero() && !w.now().Before(c.Until) {
		done = true
		if _, lost := errors.AsType[*removal.UnrestoredError](err); lost {
			w.log.Error().Str("filename", c.Filename).Str("reason", reasons.Message(err)).
				Msg("gave up bringing versions of an asset back: restore them in Tenovos")
		} else if err != nil {
			w.log.Warn().Str("filename", c.Filename).Str("reason", reasons.Message(err)).
				Msg("gave up cleaning up after an upload; look for an empty asset of this name in Tenovos")
		}
	}
	if done {
		return ignoreMoved(w.journal.Done(rctx, c.ID)) // a removal that has finished ends its duty itself
	}
	if mounts.IsGone(err) { // it waits as it is, and all others with it
		return nil
	}
	if later, ok := errors.AsType[*filing.NotYetError](err); ok { // which is no try of it
		return ignoreMoved(w.journal.PutOff(rctx, c.ID, later.Until))
	}
	return ignoreMoved(w.journal.Defer(rctx, c.ID, w.now().Add(choreWait(c.Tries)), reasons.Message(err)))
}
