package ingest

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/alarms"
	"github.com/tenovos-ingest/ingestd/internal/clocks"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/filing"
	"github.com/tenovos-ingest/ingestd/internal/hands"
	"github.com/tenovos-ingest/ingestd/internal/holdings"
	"github.com/tenovos-ingest/ingestd/internal/intake"
	"github.com/tenovos-ingest/ingestd/internal/mounts"
	"github.com/tenovos-ingest/ingestd/internal/outage"
	"github.com/tenovos-ingest/ingestd/internal/proof"
	"github.com/tenovos-ingest/ingestd/internal/removal"
	"github.com/tenovos-ingest/ingestd/internal/sources"
	"github.com/tenovos-ingest/ingestd/internal/stage"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// core is what the stages of an entry's life share. Its fields do not change once the
// pipeline runs.
type core struct {
	cfg     Config
	folders map[string]dropfolder.Folder
	mounts  *mounts.Mounts
	api     API
	store   Store
	journal *journal.Journal
	reader  *journal.Reader
	log     zerolog.Logger
	now     func() time.Time
	started time.Time // parts stored before belong to an earlier process
	drain   <-chan struct{}
	once    bool // it is a backfill, which ends

	gate     *outage.Gate
	circuits *outage.Circuits
	remover  *removal.Remover
	holdings *holdings.Holdings
	proofs   *proof.Prover
	intake   *intake.Intake
	hands    *hands.Hands
	skew     *clocks.Skew
	wake     func()             // has the dispatcher look at the queue
	retried  func(class string) // Deps.Retried
	// file does with the source of a verified entry what its folder asks for; not nil where
	// that has to wait.
	file func(ctx context.Context, e journal.Entry) (*filing.Stay, error)

	sources *sources.Sources
	foreign foreignURLs
}

// open opens an entry's file beneath its drop folder, where it was moved to if it
// was.
func (c *core) open(e journal.Entry) (*uploader.Source, error) {
	return stage.Open(c.mounts, e.ID, e)
}

// rules applies the rules of an entry's folder to it, see mounts.Mounts.Map.
func (c *core) rules(e journal.Entry, at string) (dropfolder.Mapped, error) {
	return c.mounts.Map(e.ID, e.File, at)
}

// holdBack returns the wait of an entry that needs a circuit which is tripped; false where
// it may go on.
func (c *core) holdBack(w *stage.Work, circuits ...string) (journal.Move, bool) {
	wait, held := c.circuits.HoldBack(w.Entry, circuits...)
	if !held {
		return journal.Move{}, false
	}
	w.Afterwards(func(ctx context.Context, _ journal.Entry) error { return wait.Recorded(ctx) })
	return w.Stays(wait.Until, wait.Reason), true
}

// passed notes, once the move is recorded, that a body of size bytes went through circuits.
func (c *core) passed(w *stage.Work, size int64, circuits ...string) {
	w.Afterwards(func(ctx context.Context, _ journal.Entry) error {
		return c.circuits.Passed(ctx, w.ID, size, circuits...)
	})
}

// draining reports that nothing new is to be begun.
func (c *core) draining() bool { return alarms.Closed(c.drain) }

// folderNames lists the folders of this run; entries of others wait for theirs.
func (c *core) folderNames() []string {
	names := make([]string, len(c.cfg.Folders))
	for i, f := range c.cfg.Folders {
		names[i] = f.Name
	}
	return names
}

// backoff is the wait before the n-th retry: doubling from RetryInitial to
// RetryMax, with a fifth of jitter so that files do not come back in step.
func (c *core) backoff(n int) time.Duration {
	d := c.cfg.RetryInitial << min(max(n-1, 0), 20)
	if d <= 0 || d > c.cfg.RetryMax {
		d = c.cfg.RetryMax
	}
	return d - time.Duration(rand.Float64()*0.2*float64(d))
}

// isGone reports that the file is not there any more, though its folder is.
func isGone(err error) bool { return errors.Is(err, uploader.ErrSourceGone) }

// foreignURLs is outage.ForeignURLs for the stages.
type foreignURLs struct{ outage.ForeignURLs }

// refusal is why nothing is created now; nil where something may be.
func (f *foreignURLs) refusal(now time.Time) error {
	if reason, refused := f.Refusal(now); refused {
		return stage.Held(reason)
	}
	return nil
}
