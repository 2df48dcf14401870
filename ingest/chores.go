package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/filing"
	"github.com/tenovos-ingest/ingestd/internal/mounts"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
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

// doChores does the clean-up work that outlives its entry's status, until idle
// closes or ctx ends. With a folder it is the moving of that folder's files, which
// a share that hangs may hold up for ever. It never ends the pipeline for anything
// but the journal.
func (p *Pipeline) doChores(ctx context.Context, folder string, idle <-chan struct{}) error {
	a := p.alarms.set(folder, chorePace, journal.AboutChores)
	defer p.alarms.end(a)
	for {
		more, err := a.wait(ctx, idle)
		if err != nil {
			return err
		}
		if !more {
			if p.draining() {
				return nil
			}
			p.strays.Hurry(folder)
			return p.doDueChores(ctx, folder) // the last files of a backfill
		}
		if !p.mayFile(folder) || folder == "" && p.gate.reason() != "" {
			a.at(p.now().Add(2 * mounts.Wait)) // the gate and the folder ring, but to look at them costs nothing
			continue
		}
		if err := p.doDueChores(ctx, folder); err != nil {
			return err
		}
		if err := p.nextChore(ctx, folder, a); err != nil {
			return err
		}
	}
}

// nextChore has the alarm go off when there is something to do again.
func (p *Pipeline) nextChore(ctx context.Context, folder string, a *alarm) error {
	if next := p.strays.Next(folder); !next.IsZero() {
		a.at(next)
	}
	due, some, err := journal.ChoresOf(p.journal).Next(ctx, folder)
	if err == nil && some {
		a.at(due)
	}
	return err
}

// doDueChores does what is due now.
func (p *Pipeline) doDueChores(ctx context.Context, folder string) error {
	if err := p.strays.Restore(ctx, folder); err != nil {
		return err
	}
	for !p.draining() && p.mayFile(folder) {
		more := false
		if !p.once { // a backfill leaves what was in before it
			var err error
			if more, err = p.leftovers.OpenChores(ctx, folder, choreBatch); err != nil {
				return err
			}
		}
		due, err := journal.ChoresOf(p.journal).Due(ctx, p.now(), folder, choreBatch)
		if err != nil {
			return err
		}
		for _, c := range due {
			if !p.mayFile(folder) {
				return nil
			}
			if err := p.doChore(ctx, c); err != nil {
				return err
			}
		}
		if len(due) < choreBatch && !more {
			return nil
		}
	}
	return nil
}

// mayFile reports whether the chores of a folder may be done. Before a file is deleted
// Tenovos may be asked, so that where that cannot be worked with all of them wait.
func (p *Pipeline) mayFile(folder string) bool {
	return p.mounts.Usable(folder) && (p.folders[folder].After != dropfolder.AfterDelete || p.gate.reason() == "")
}

// doChore tries one chore once and records what came of it.
func (p *Pipeline) doChore(ctx context.Context, c journal.Chore) error {
	var done bool
	var err error
	switch c.Kind {
	case journal.ChoreCancel:
		done, err = p.cancelOrphan(ctx, c)
	case journal.ChoreDelete:
		done, err = p.deleteOrphan(ctx, c)
	case journal.ChoreTwin:
		done, err = p.searchAgain(ctx, c)
	case journal.ChoreRestore:
		done, err = p.restoreSpared(ctx, c)
	case journal.ChoreFile:
		done, err = p.filer.FileResting(ctx, c)
		if everyonesTrouble(err) && p.gate.blame(ctx, err, retryAfter(err)) {
			return ctx.Err() // it waits as it is, and all others with it
		}
		if _, later := errors.AsType[*filing.NotYetError](err); err != nil && c.Tries == 0 && !later && !mounts.IsGone(err) {
			p.log.Warn().Str("filename", c.Filename).Str("reason", reasons.Message(err)).
				Msg("a file could not be moved out of the drop folder yet: tried again until it can")
		}
	default:
		err = fmt.Errorf("unknown kind of clean-up work %q", c.Kind)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	rctx, cancel := record(ctx)
	defer cancel()
	if !done && !c.Until.IsZero() && !p.now().Before(c.Until) {
		done = true
		if _, lost := errors.AsType[*unrestoredError](err); lost {
			p.log.Error().Str("filename", c.Filename).Str("reason", reasons.Message(err)).
				Msg("gave up bringing versions of an asset back: restore them in Tenovos")
		} else if err != nil {
			p.log.Warn().Str("filename", c.Filename).Str("reason", reasons.Message(err)).
				Msg("gave up cleaning up after an upload; look for an empty asset of this name in Tenovos")
		}
	}
	if done {
		return ignoreMoved(journal.ChoresOf(p.journal).Done(rctx, c.ID)) // a removal that has finished ends its duty itself
	}
	if mounts.IsGone(err) { // it waits as it is, and all others with it
		return nil
	}
	if later, ok := errors.AsType[*filing.NotYetError](err); ok { // which is no try of it
		return ignoreMoved(journal.ChoresOf(p.journal).PutOff(rctx, c.ID, later.Until))
	}
	return ignoreMoved(journal.ChoresOf(p.journal).Defer(rctx, c.ID, p.now().Add(choreWait(c.Tries)), reasons.Message(err)))
}

// cancelOrphan cancels the upload of an attempt that was given up, and then
// removes its asset.
func (p *Pipeline) cancelOrphan(ctx context.Context, c journal.Chore) (bool, error) {
	var upload tenovos.Completion
	if err := json.Unmarshal([]byte(c.Spec), &upload); err != nil {
		return false, fmt.Errorf("read the upload to cancel: %w", err)
	}
	m, err := p.remover.begin(ctx, c.EntryID, version{c.ObjectID, c.FileID}, c.Filename) // the cancel may remove the asset by itself
	if err != nil {
		return false, err
	}
	defer m.release()
	if err := p.api.CancelUpload(ctx, upload); err != nil && !errors.Is(err, tenovos.ErrNoSuchUpload) {
		return false, err
	}
	_, err = m.complete(ctx)
	return err == nil, err
}

// deleteOrphan removes the empty asset of an upload that was given up.
func (p *Pipeline) deleteOrphan(ctx context.Context, c journal.Chore) (bool, error) {
	_, err := p.remover.remove(ctx, c.EntryID, version{c.ObjectID, c.FileID}, c.Filename)
	return err == nil, err
}

// restoreSpared looks at what a removal may have taken along, unless whoever removes
// has the entry in hand.
func (p *Pipeline) restoreSpared(ctx context.Context, c journal.Chore) (bool, error) {
	e, err := p.journal.Entry(ctx, c.EntryID)
	if err != nil {
		return false, err
	}
	if !p.hands.Take(e) {
		return false, &filing.NotYetError{Until: p.now().Add(choreWait(0))}
	}
	defer p.hands.Release(e.ID)
	c, open, err := journal.DutiesOf(p.journal).Find(ctx, c.ObjectID)
	if err != nil || !open { // since it was listed, the removal has finished
		return err == nil, err
	}
	done, err := p.remover.lookAgain(ctx, c)
	if _, lost := errors.AsType[*unrestoredError](err); lost && c.Tries == 0 {
		p.entryLog(p.log.Warn(), e).Str("reason", reasons.Message(err)).Msg("versions of an asset that went along with one of ours cannot be brought back yet: tried again until they can")
	}
	return done, err
}

// searchAgain looks for the late empty twin of a create whose reply was lost, and
// removes it. The doubt ends after a day.
func (p *Pipeline) searchAgain(ctx context.Context, c journal.Chore) (bool, error) {
	var t twin
	if err := json.Unmarshal([]byte(c.Spec), &t); err != nil {
		return false, fmt.Errorf("read the doubt: %w", err)
	}
	found, err := p.findTwins(ctx, t)
	if err != nil || len(found) == 0 {
		return false, err
	}
	if len(found) > 1 {
		return false, fmt.Errorf("%s", reasons.Twins(found).Message)
	}
	// What was found may be of a create whose reply is still on its way. Asked in
	// this order: an entry that left creating in between has stored its ids.
	if busy, err := p.journal.NameCreating(ctx, t.Filename); busy || err != nil {
		return false, err
	}
	if found, err = p.unknown(ctx, found); err != nil {
		return false, err
	}
	for _, a := range found {
		removed, err := p.remover.remove(ctx, c.EntryID, versionOf(a), t.Filename)
		if err != nil {
			return false, err
		}
		if !removed {
			continue
		}
		p.log.Info().Str("filename", t.Filename).Str("object_id", a.ObjectID).
			Msg("removed the empty asset of a create whose reply had been lost")
	}
	return false, nil // more may come until the doubt ends
}
