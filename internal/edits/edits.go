package edits

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/tenovos-ingest/ingestd/internal/alarms"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/mounts"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// API is what is done to the metadata of assets that exist.
type API interface {
	Asset(ctx context.Context, id string) (tenovos.Asset, error)
	UpdateAsset(ctx context.Context, assetID string, e tenovos.Edit) error
	BulkEdit(ctx context.Context, e tenovos.BulkEdit) (tenovos.Job, error)
}

// Entries are the entries of the journal.
type Entries interface {
	Entry(ctx context.Context, id int64) (journal.Entry, error)
}

// Gate tells whether Tenovos can be worked with, see outage.Gate.
type Gate interface {
	Reason() string
	Outlasts(ctx context.Context, drain <-chan struct{}) (why string, err error)
	Blamed(ctx context.Context, cause error) bool
	Worked()
}

// Deps are what an Editor works with.
type Deps struct {
	API     API
	Entries Entries
	Edits   journal.Edits
	Gate    Gate
	Alarms  *alarms.Alarms
	Log     zerolog.Logger
	Now     func() time.Time
	// Map applies the rules of its folder to an entry, whose file lies at another path by
	// now unless at is "".
	Map func(e journal.Entry, at string) (dropfolder.Mapped, error)
	// Missed tells of what the rules could not read.
	Missed func(e journal.Entry, m dropfolder.Mapped)
	Usable func(folder string) bool // the folder's file system can be worked with
	Drain  func() <-chan struct{}   // closes when nothing is to be begun any more
	Ended  func()                   // an edit has ended: somebody may have waited for it
	// Backoff is the wait before the n-th try of an edit that failed, of MaxAttempts.
	Backoff     func(n int) time.Duration
	MaxAttempts int
	// Workers is how many edits are worked out at once; there are some in any case.
	Workers int
	// BulkSeen is how long a bulk edit may take to be seen in an asset; then the asset
	// gets an edit of its own.
	BulkSeen time.Duration
}

// Editor works out and sends the open edits of folders. Its methods may be called from
// any goroutine, but Run for each folder once.
type Editor struct {
	Deps
	templates *templates
	folders   map[string]*sync.Mutex // locked while somebody works at the folder's open edits
}

// New makes an editor of the folders that are named.
func New(folders []string, d Deps) *Editor {
	ed := &Editor{Deps: d, templates: newTemplates(d.API, d.Log), folders: make(map[string]*sync.Mutex, len(folders))}
	for _, name := range folders {
		ed.folders[name] = new(sync.Mutex)
	}
	return ed
}

const (
	pace  = 500 * time.Millisecond // between two looks at what is due
	batch = 1000                   // edits that are read at once

	atOnce = 4 // edits that are sent at once
)

func (ed *Editor) draining() bool {
	select {
	case <-ed.Drain():
		return true
	default:
		return false
	}
}

// Run works out and sends what differs in the assets of a folder, until idle
// closes or ctx ends. A share that hangs may hold it up for ever.
func (ed *Editor) Run(ctx context.Context, folder string, idle <-chan struct{}) error {
	a := ed.Alarms.Set(folder, pace, journal.AboutEdits)
	defer a.End()
	early := false // there are edits of entries that are not filed yet
	for {
		if more, err := a.Wait(ctx, idle); !more {
			return err
		}
		if ed.Gate.Reason() != "" || ed.draining() {
			continue // the gate rings when it opens, and nothing is begun in a drain
		}
		waiting, err := ed.doDue(ctx, folder, a)
		if err != nil {
			return err
		}
		if waiting != early {
			early = waiting
			if a.Listen(journal.AboutEdits); waiting {
				a.Listen(journal.AboutEdits, journal.AboutEntries)
				a.LookAgain() // one may just have been filed
			}
		}
	}
}

// doDue takes the edits of a folder that are due on, and has the alarm go off for the
// next. It reports whether there are edits of entries that are not filed yet.
func (ed *Editor) doDue(ctx context.Context, folder string, a *alarms.Alarm) (waiting bool, err error) {
	due, some, waiting, err := ed.Edits.Next(ctx, folder)
	if err != nil || !some {
		return waiting, err
	}
	if !due.After(ed.Now()) {
		did, err := ed.doStages(ctx, folder)
		if err != nil {
			return waiting, err
		}
		if did {
			ed.Ended() // a backfill may have waited for the last of them
		}
		if due, some, waiting, err = ed.Edits.Next(ctx, folder); err != nil || !some {
			return waiting, err
		}
	}
	if earliest := ed.Now().Add(mounts.Wait); !ed.Usable(folder) && due.Before(earliest) {
		due = earliest
	}
	a.At(due)
	return waiting, nil
}

// doStages takes the open edits of a folder that are due on, stage by stage, and
// reports whether there were any.
func (ed *Editor) doStages(ctx context.Context, folder string) (did bool, err error) {
	turn := ed.folders[folder]
	if turn == nil {
		return false, nil
	}
	turn.Lock()
	defer turn.Unlock()
	for _, stage := range []func(context.Context, string) (due int, err error){ed.mapDue, ed.sendDue, ed.seeDue} {
		for {
			due, err := stage(ctx, folder)
			did = did || due > 0
			if err != nil || ed.Gate.Reason() != "" || ed.draining() || ctx.Err() != nil {
				return did, err
			}
			if due < batch {
				break
			}
		}
	}
	return did, nil
}

// each does something with each of the edits that are due, a few at once. It
// stops early when everyone is in trouble.
func (ed *Editor) each(ctx context.Context, s journal.Stage, folder string, do func(context.Context, journal.Edit) error) (int, error) {
	due, err := ed.Edits.Due(ctx, s, ed.Now(), folder, batch)
	if err != nil {
		return 0, err
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(max(atOnce, ed.Workers))
	for _, d := range due {
		g.Go(func() error {
			if ed.Gate.Reason() != "" || gctx.Err() != nil {
				return nil
			}
			return ed.answer(gctx, d, do(gctx, d))
		})
	}
	return len(due), g.Wait()
}

// answer answers the error of one edit: it waits, or ends with a reason. Its
// own error is the journal's.
func (ed *Editor) answer(ctx context.Context, d journal.Edit, err error) error {
	switch {
	case err == nil || ctx.Err() != nil || errors.Is(err, context.Canceled):
		return nil
	case errors.Is(err, journal.ErrJournal):
		return err
	case errors.Is(err, journal.ErrUnknown): // merged with another entry
		return nil
	}
	rctx, cancel := journal.Recording(ctx)
	defer cancel()
	if ed.Gate.Blamed(ctx, err) {
		return nil
	}
	if later, ok := errors.AsType[*dropfolder.LaterError](err); ok {
		return ed.Edits.PutOff(rctx, d, ed.Now().Add(later.After), reasons.Message(err))
	}
	final := errors.Is(err, tenovos.ErrRejected) || errors.Is(err, tenovos.ErrNotFound)
	if mounts.IsGone(err) { // it waits as it is, and all others with it
		return nil
	}
	if !final && d.Tries+1 < ed.MaxAttempts {
		return ed.Edits.Defer(rctx, d, ed.Now().Add(ed.Backoff(d.Tries+1)), reasons.Message(err), false)
	}
	return ed.refuse(rctx, d, reasons.Of(reasons.ClassRejected, fmt.Errorf("its asset keeps the metadata that it has: %w", err),
		"Correct the rules, the sidecar or the manifest, then run `ingestd update`."))
}

// refuse closes an edit that cannot be made, and says so.
func (ed *Editor) refuse(ctx context.Context, d journal.Edit, r journal.Reason) error {
	e, err := ed.Entries.Entry(ctx, d.EntryID)
	if err != nil {
		return err
	}
	dropfolder.LogEntry(ed.Log.Warn(), e).Str("reason", r.Message).Str("hint", r.Hint).Msg("metadata not updated")
	return ed.Edits.Done(ctx, d, nil, r)
}

// mapDue works out what the assets are to hold.
func (ed *Editor) mapDue(ctx context.Context, folder string) (int, error) {
	if !ed.Usable(folder) {
		return 0, nil
	}
	return ed.each(ctx, journal.ToMap, folder, func(ctx context.Context, d journal.Edit) error {
		if !ed.Usable(folder) {
			return nil
		}
		e, err := ed.Entries.Entry(ctx, d.EntryID)
		if err != nil {
			return err
		}
		change, err := ChangeOf(e, ed.Map, ed.Missed)
		switch {
		case err != nil:
			return err
		case change.Refused != (journal.Reason{}):
			return ed.refuse(ctx, d, change.Refused)
		case change.None():
			return ed.Edits.Done(ctx, d, nil, journal.Reason{})
		}
		if d.Asset, err = json.Marshal(change.After); err != nil {
			return err
		}
		if d.Changes, err = json.Marshal(change.Edit); err != nil {
			return err
		}
		alike := sha256.Sum256(append([]byte(change.After.TemplateID+" "), d.Changes...))
		d.Alike = alike[:]
		return ed.Edits.Mapped(ctx, d)
	})
}

// waitPace is the least time between two looks at the open edit that somebody waits for.
const waitPace = 200 * time.Millisecond

// Open opens an edit for each of the entries that is filed.
func (ed *Editor) Open(ctx context.Context, entries []int64) error {
	for some := range slices.Chunk(entries, batch) {
		if _, err := ed.Edits.Open(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

// Await works on the edits of an entry's folder until the entry has none that is open, or
// rests no longer as filed, and returns "". It returns why Tenovos is waited for where
// that lasts longer than an operator would. A folder that is not the editor's is not
// waited for.
func (ed *Editor) Await(ctx context.Context, e journal.Entry) (why string, err error) {
	a := ed.Alarms.Set(e.Folder, waitPace, journal.AboutEdits, journal.AboutEntries) // its asset may be withdrawn
	defer a.End()
	for ed.folders[e.Folder] != nil && e.Status == journal.Filed {
		_, open, err := ed.Edits.Of(ctx, e.ID)
		if err != nil || !open {
			return "", err
		}
		why, err := ed.Gate.Outlasts(ctx, ed.Drain())
		if err != nil || why != "" {
			return why, err
		}
		if ed.Gate.Reason() != "" {
			a.At(ed.Now()) // the operator's patience goes on
		} else if _, err := ed.doDue(ctx, e.Folder, a); err != nil {
			return "", err
		}
		if _, err := a.Wait(ctx, nil); err != nil {
			return "", err
		}
		if e, err = ed.Entries.Entry(ctx, e.ID); err != nil {
			return "", err
		}
	}
	return "", nil
}
