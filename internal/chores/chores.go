package chores

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
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/removal"
	"github.com/tenovos-ingest/ingestd/journal"
)

// pace is the least time between two looks at open clean-up work.
const pace = time.Second

// batch bounds how many chores are read at a time.
const batch = 16

// Gate is closed while Tenovos cannot be worked with.
type Gate interface {
	// Reason is why it is closed, or "".
	Reason() string
	// Blamed reports that an error is everyone's trouble.
	Blamed(ctx context.Context, err error) bool
}

// Kind does chores of a kind: it tries one once, and reports whether that is done.
type Kind func(ctx context.Context, c journal.Chore) (done bool, err error)

// Notes are what people are told of their files by texts beside them.
type Notes interface {
	// Do brings the notes of a folder up to date; its error is the journal's.
	Do(ctx context.Context, folder string) error
	// Next returns when a note of a folder is to be looked at; false for never.
	Next(ctx context.Context, folder string) (time.Time, bool, error)
}

// Deps are what chores are done with.
type Deps struct {
	Journal   journal.Chores
	Kinds     map[journal.ChoreKind]Kind // all but journal.ChoreFile
	Folders   []dropfolder.Folder
	Usable    func(folder string) bool // whether its file system answers
	Filer     *filing.Filer
	Leftovers *filing.Leftovers
	Notes     Notes
	Alarms    *alarms.Alarms
	Gate      Gate
	Draining  func() bool // nothing new is begun
	Backfill  func() bool // the run is one, which ends
	Now       func() time.Time
	Log       zerolog.Logger
}

// Chores does the clean-up work that outlives the status of its entry.
type Chores struct {
	Deps
	folders map[string]dropfolder.Folder
	strays  *filing.Strays
}

// New returns what does the clean-up work, with the strays that it looks after.
func New(d Deps) *Chores {
	w := &Chores{Deps: d, folders: make(map[string]dropfolder.Folder, len(d.Folders))}
	for _, f := range d.Folders {
		w.folders[f.Name] = f
	}
	w.strays = filing.NewStrays(d.Filer, d.Alarms.RingFolder, func(folder string) bool { return !w.Draining() && w.may(folder) })
	return w
}

// Strays looks after files that were left under a hidden name.
func (w *Chores) Strays() *filing.Strays { return w.strays }

// Run does the clean-up work that outlives its entry's status, until idle
// closes or ctx ends. With a folder it is the moving of that folder's files, which
// a share that hangs may hold up for ever. It never ends the pipeline for anything
// but the journal.
func (w *Chores) Run(ctx context.Context, folder string, idle <-chan struct{}) error {
	about := journal.AboutChores
	if folder != "" {
		about |= journal.AboutNotes
	}
	a := w.Alarms.Set(folder, pace, about)
	defer a.End()
	for {
		more, err := a.Wait(ctx, idle)
		if err != nil {
			return err
		}
		if !more {
			if w.Draining() {
				return nil
			}
			w.strays.Hurry(folder)
			return w.doDue(ctx, folder) // the last files of a backfill
		}
		if !w.may(folder) || folder == "" && w.Gate.Reason() != "" {
			a.At(w.Now().Add(2 * mounts.Wait)) // the gate and the folder ring, but to look at them costs nothing
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
func (w *Chores) next(ctx context.Context, folder string, a *alarms.Alarm) error {
	if next := w.strays.Next(folder); !next.IsZero() {
		a.At(next)
	}
	if folder != "" {
		due, some, err := w.Notes.Next(ctx, folder)
		if err != nil {
			return err
		}
		if some {
			a.At(due)
		}
	}
	due, some, err := w.Journal.Next(ctx, folder)
	if err == nil && some {
		a.At(due)
	}
	return err
}

// doDue does what is due now.
func (w *Chores) doDue(ctx context.Context, folder string) error {
	if err := w.strays.Restore(ctx, folder); err != nil {
		return err
	}
	if folder != "" {
		if err := w.Notes.Do(ctx, folder); err != nil {
			return err
		}
	}
	for !w.Draining() && w.may(folder) {
		more := false
		if !w.Backfill() { // a backfill leaves what was in before it
			var err error
			if more, err = w.Leftovers.OpenChores(ctx, folder, batch); err != nil {
				return err
			}
		}
		due, err := w.Journal.Due(ctx, w.Now(), folder, batch)
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
		if len(due) < batch && !more {
			return nil
		}
	}
	return nil
}

// may reports whether the chores of a folder may be done. Before a file is deleted
// Tenovos may be asked, so that where that cannot be worked with all of them wait.
func (w *Chores) may(folder string) bool {
	return w.Usable(folder) && (w.folders[folder].After != dropfolder.AfterDelete || w.Gate.Reason() == "")
}

// do tries one chore once and records what came of it.
func (w *Chores) do(ctx context.Context, c journal.Chore) error {
	var done bool
	var err error
	switch do := w.Kinds[c.Kind]; {
	case c.Kind == journal.ChoreFile:
		done, err = w.Filer.FileResting(ctx, c)
	case do == nil:
		err = fmt.Errorf("unknown kind of clean-up work %q", c.Kind)
	default:
		done, err = do(ctx, c)
	}
	if c.Kind == journal.ChoreFile {
		if w.Gate.Blamed(ctx, err) {
			return ctx.Err() // it waits as it is, and all others with it
		}
		if _, later := errors.AsType[*filing.NotYetError](err); err != nil && c.Tries == 0 && !later && !mounts.IsGone(err) {
			w.Log.Warn().Str("filename", c.Filename).Str("reason", reasons.Message(err)).
				Msg("a file could not be moved out of the drop folder yet: tried again until it can")
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	rctx, cancel := journal.Recording(ctx)
	defer cancel()
	if !done && !c.Until.IsZero() && !w.Now().Before(c.Until) {
		done = true
		if _, lost := errors.AsType[*removal.UnrestoredError](err); lost {
			w.Log.Error().Str("filename", c.Filename).Str("reason", reasons.Message(err)).
				Msg("gave up bringing versions of an asset back: restore them in Tenovos")
		} else if err != nil {
			w.Log.Warn().Str("filename", c.Filename).Str("reason", reasons.Message(err)).
				Msg("gave up cleaning up after an upload; look for an empty asset of this name in Tenovos")
		}
	}
	if done {
		return journal.UnlessMoved(w.Journal.Done(rctx, c.ID)) // a removal that has finished ends its duty itself
	}
	if mounts.IsGone(err) { // it waits as it is, and all others with it
		return nil
	}
	if later, ok := errors.AsType[*filing.NotYetError](err); ok { // which is no try of it
		return journal.UnlessMoved(w.Journal.PutOff(rctx, c.ID, later.Until))
	}
	return journal.UnlessMoved(w.Journal.Defer(rctx, c.ID, w.Now().Add(wait(c.Tries)), reasons.Message(err)))
}
