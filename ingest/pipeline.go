package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/tenovos-ingest/ingestd/internal/alarms"
	"github.com/tenovos-ingest/ingestd/internal/batches"
	"github.com/tenovos-ingest/ingestd/internal/chores"
	"github.com/tenovos-ingest/ingestd/internal/clocks"
	"github.com/tenovos-ingest/ingestd/internal/companions"
	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/edits"
	"github.com/tenovos-ingest/ingestd/internal/filing"
	"github.com/tenovos-ingest/ingestd/internal/hands"
	"github.com/tenovos-ingest/ingestd/internal/holdings"
	"github.com/tenovos-ingest/ingestd/internal/mounts"
	"github.com/tenovos-ingest/ingestd/internal/outage"
	"github.com/tenovos-ingest/ingestd/internal/proof"
	"github.com/tenovos-ingest/ingestd/internal/removal"
	"github.com/tenovos-ingest/ingestd/internal/resting"
	"github.com/tenovos-ingest/ingestd/internal/secret"
	"github.com/tenovos-ingest/ingestd/internal/telling"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// Assets is what the pipeline does to assets in Tenovos.
type Assets interface {
	Ready(ctx context.Context) error
	CreateAsset(ctx context.Context, a tenovos.NewAsset) (tenovos.Upload, error)
	CompleteUpload(ctx context.Context, c tenovos.Completion) error
	CancelUpload(ctx context.Context, c tenovos.Completion) error
	DeleteAsset(ctx context.Context, objectID string) error
	UndeleteAsset(ctx context.Context, objectID string) error
}

// Lookup is how the pipeline asks Tenovos what is true.
type Lookup interface {
	CurrentUser(ctx context.Context) (tenovos.User, error)
	Asset(ctx context.Context, id string) (tenovos.Asset, error)
	Versions(ctx context.Context, id string) ([]tenovos.Asset, error)
	Search(ctx context.Context, q tenovos.Query) (tenovos.Page, error)
	ContentLink(ctx context.Context, objectID string) (secret.URL, error)
}

// Editor is what the pipeline does to the metadata of assets that exist.
type Editor interface {
	UpdateAsset(ctx context.Context, assetID string, e tenovos.Edit) error
	BulkEdit(ctx context.Context, e tenovos.BulkEdit) (tenovos.Job, error)
}

// API is a Tenovos account.
type API interface {
	Assets
	Editor
	Lookup
}

// Store sends the parts of one file to their presigned URLs.
type Store interface {
	Upload(ctx context.Context, job uploader.Job) error
}

// Config is the pipeline's share of the configuration.
type Config struct {
	Folders     []dropfolder.Folder
	Workers     int   // files in flight
	MaxFileSize int64 // bytes; a larger file fails

	MaxAttempts  int // failures of a file's own before it fails
	RetryInitial time.Duration
	RetryMax     time.Duration

	// Adopt looks for an asset of the same filename and MD5 before one is created,
	// and takes it over: the way back after a journal was lost.
	Adopt bool

	VerifyAsset   bool          // wait for Tenovos' own checksum
	VerifyTimeout time.Duration // then the file is held as uploaded, unverified

	ShutdownGrace time.Duration // how long parts on their way may take after a drain

	// Looks are the waits before each search for the asset of a create whose reply
	// was lost; the search index lags, so there are several. Nil is the default.
	Looks []time.Duration
	// BulkSeen is how long a bulk edit may take to be seen in an asset; then the asset
	// gets an edit of its own. 0 is the default.
	BulkSeen time.Duration
	// Skew is how far the clocks of this host and Tenovos may differ. 0 is the default.
	Skew time.Duration
}

// Defaults of the settings that only tests change.
const (
	defaultSkew     = 5 * time.Minute
	defaultBulkSeen = 10 * time.Minute
)

func defaultLooks() []time.Duration {
	return []time.Duration{0, 2 * time.Second, 5 * time.Second, 10 * time.Second}
}

// Pipeline moves journal entries to their rest. Its methods may be called from
// any goroutine; Run only once.
type Pipeline struct {
	*core
	table  map[journal.Status]stageFunc
	poke   chan struct{}   // capacity 1: "the queue may have changed"
	source <-chan struct{} // of a backfill: closes when all that there is was admitted; set at the start of Run

	alarms     *alarms.Alarms // of the loops beside the dispatcher
	editor     *edits.Editor
	desk       *desk.Desk
	companions *companions.Companions
	resting    *resting.Files
	chores     *chores.Chores
	filer      *filing.Filer
	leftovers  *filing.Leftovers
	teller     *telling.Teller

	excuses outage.Excuses
	stats   struct{ rested, adopted, ingested, versions, bytes atomic.Int64 }
}

// Deps are the parts that a pipeline works with.
type Deps struct {
	API     API
	Store   Store
	Content proof.Content // nil: no content can be read back
	Journal *journal.Journal
	Log     zerolog.Logger
	Clock   func() time.Time // nil is time.Now
	// Ahead is how far Clock is ahead of Tenovos', as far as is known; nil: they agree.
	Ahead func() time.Duration
	// Paused is told why the whole pool waits, by is its class in journal.Pauses, and "", ""
	// when it goes on; it may be nil and must not call the pipeline.
	Paused func(by, why string)
	// Retried is told the class of the reason for which a file is tried again; it may be nil.
	Retried func(class string)
	// Handlers answer the kinds of requests that the pipeline does not know itself.
	Handlers map[string]desk.Handler
}

// New makes a pipeline. Nothing happens before Run, but Admit works already.
func New(cfg Config, d Deps) *Pipeline {
	if d.Clock == nil {
		d.Clock = time.Now
	}
	if cfg.Looks == nil {
		cfg.Looks = defaultLooks()
	}
	cfg.BulkSeen = cmp.Or(cfg.BulkSeen, defaultBulkSeen)
	cfg.Skew = cmp.Or(cfg.Skew, defaultSkew)
	c := &core{
		cfg: cfg, folders: make(map[string]dropfolder.Folder, len(cfg.Folders)),
		api: d.API, store: d.Store, journal: d.Journal, log: d.Log, now: d.Clock, started: d.Clock(),
	}
	p := &Pipeline{core: c, poke: make(chan struct{}, 1), alarms: alarms.New(d.Journal, d.Clock)}
	c.reader = d.Journal.Reader()
	c.wake = p.wakeDispatcher
	p.hands = hands.New(p.released)
	p.mounts = mounts.New(cfg.Folders, p.wake, d.Log)
	p.leftovers = filing.NewLeftovers(journal.FilingOf(d.Journal), cfg.Folders, p.alarms.RingFolder)
	p.holdings = holdings.New(d.API, c.reader)
	p.remover = removal.New(removal.Deps{API: d.API, Duties: journal.DutiesOf(d.Journal), Log: d.Log, Now: d.Clock})
	if d.Ahead == nil {
		d.Ahead = func() time.Duration { return 0 }
	}
	if d.Paused == nil {
		d.Paused = func(string, string) {}
	}
	if c.retried = d.Retried; c.retried == nil {
		c.retried = func(string) {}
	}
	p.skew = clocks.NewSkew(d.Ahead, cfg.Skew, d.Log)
	p.circuits = outage.NewCircuits(outage.Deps{
		Queue: fatalJournal{d.Journal}, Log: d.Log, Now: d.Clock, Wake: p.wake, Backoff: p.backoff,
		Changed: func() {
			if p.gate.Reason() == "" {
				d.Paused(p.circuits.Paused())
			}
		},
	})
	for _, f := range cfg.Folders {
		p.folders[f.Name] = f
	}
	p.companions = companions.New(cfg.Folders, companions.Deps{
		Journal: d.Journal, Mounts: p.mounts, Alarms: p.alarms, Log: d.Log, Now: d.Clock,
		Wake: p.wake, Backoff: p.backoff, MaxTries: cfg.MaxAttempts,
	})
	p.resting = resting.New(p.folderNames(), resting.Deps{Journal: d.Journal, Mounts: p.mounts, Hands: p.hands, Log: d.Log})
	p.proofs = newProver(p, d.Content)
	p.gate = outage.NewGate(d.Log, d.Clock, func(by, why string) {
		if why == "" {
			by, why = p.circuits.Paused()
			defer p.stir()
		}
		d.Paused(by, why)
	}, func(ctx context.Context) error { return outage.Probe(ctx, d.API) })
	c.sources = newSources(p)
	p.teller = newTeller(p)
	p.filer = newFiler(p)
	c.intake = p.newIntake()
	c.file = p.filer.FileAway
	p.chores = newChores(p)
	p.table = p.stages()
	p.editor = p.newEditor()
	p.desk = p.newDesk()
	for kind, h := range d.Handlers {
		p.desk.Handle(kind, h)
	}
	return p
}

// Editor corrects the metadata of assets that exist.
func (p *Pipeline) Editor() *edits.Editor { return p.editor }

// Desk answers requests of operators' commands.
func (p *Pipeline) Desk() *desk.Desk { return p.desk }

// Companions are the sidecars and manifests of the folders.
func (p *Pipeline) Companions() *companions.Companions { return p.companions }

// Resting looks whether files that rest are still there, while Run runs.
func (p *Pipeline) Resting() *resting.Files { return p.resting }

// Strays looks after files that were left under a hidden name, while Run runs.
func (p *Pipeline) Strays() *filing.Strays { return p.chores.Strays() }

// Teller tells people of their files, while Run runs.
func (p *Pipeline) Teller() *telling.Teller { return p.teller }

// Run works until drain closes, then lets the parts that are on their way finish
// within Config.ShutdownGrace; ctx ends everything at once. With a source, Run is
// a backfill: it returns when source has closed and nothing is left to do.
// It returns nil however it was ended; an error means that the journal broke.
// A worker that a share which hangs keeps from noticing the end is left behind.
func (p *Pipeline) Run(ctx context.Context, drain, source <-chan struct{}) error {
	ctx, cut := context.WithCancel(ctx)
	defer cut()
	p.drain, p.source, p.once = drain, source, source != nil
	defer p.hands.Tell(journal.SendingOf(p.journal).Record)()

	if err := p.teller.Begin(ctx); err != nil {
		return unlessCanceled(err)
	}
	idle := make(chan struct{})
	g, gctx := errgroup.WithContext(ctx)
	run := companions.Run{Idle: idle, Drain: drain, Backfill: p.once}
	if err := p.companions.Start(gctx, run, g.Go); err != nil {
		return unlessCanceled(err)
	}
	g.Go(func() error {
		defer close(idle)
		return p.dispatch(gctx, g, source)
	})
	wall := clocks.NewWall(p.now)
	g.Go(func() error {
		return p.mounts.Watch(gctx, idle, g.Go, func() {
			if wall.WasSet() {
				p.stir()
			}
		}, p.stir)
	})
	g.Go(func() error { return p.gate.Run(gctx, idle) })
	g.Go(func() error { return p.desk.Serve(gctx, idle) })
	g.Go(func() error { return p.chores.Run(gctx, "", idle) })
	for _, f := range p.cfg.Folders {
		g.Go(func() error { return p.editor.Run(gctx, f.Name, idle) })
		g.Go(func() error { return p.resting.Loop(gctx, f.Name, idle, drain) })
		if f.Drops != nil {
			b := batches.New(f, batches.Deps{
				Journal: p.journal, Mounts: p.mounts, Resting: p.resting, Alarms: p.alarms, Log: p.log, Now: p.now, Wake: p.wake,
			})
			g.Go(func() error { return b.Loop(gctx, idle) })
		}
		g.Go(func() error { return p.chores.Run(gctx, f.Name, idle) })
	}
	g.Go(func() error { limitGrace(gctx, p.cfg.ShutdownGrace, cut, drain, idle); return nil })
	return unlessCanceled(p.hands.Await(gctx, g, p.log))
}

// limitGrace cuts off what is still running grace after the drain began.
func limitGrace(ctx context.Context, grace time.Duration, cut func(), drain, idle <-chan struct{}) {
	select {
	case <-drain:
	case <-idle:
		return
	case <-ctx.Done():
		return
	}
	timer := time.AfterFunc(grace, cut)
	context.AfterFunc(ctx, func() { timer.Stop() })
}

// unlessCanceled is an error that is not that the run was to end.
func unlessCanceled(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// advance is Journal.Advance for facts: it outlives ctx.
func (p *Pipeline) advance(ctx context.Context, m journal.Move) (now journal.Entry, err error) {
	ctx, cancel := journal.Recording(ctx)
	defer cancel()
	chore, due, err := p.filer.ChoreOf(ctx, m.ID, m.To)
	if due {
		m.Chores = append(m.Chores, chore)
	}
	if err == nil {
		now, err = p.journal.Advance(ctx, m)
	}
	if errors.Is(err, context.DeadlineExceeded) { // record's own: the disk does not keep up
		err = &journalError{err}
	}
	if err != nil {
		return now, fmt.Errorf("record %s -> %s of entry %d: %w", m.From, m.To, m.ID, err)
	}
	return now, nil
}

// Activity is a file in a worker's hands, for progress displays.
type Activity struct {
	ID           int64 // of the entry
	Folder, Path string
	Size, Sent   int64 // bytes; Sent are those that left, with the parts that were stored before
	Stored       int64 // of Sent, in parts that are stored
	Resumed      int64 // of Stored, before it was sent on
}

// Active lists the files that workers hold now.
func (p *Pipeline) Active() []Activity {
	var out []Activity
	for id, f := range p.hands.Each {
		if f.Dispatched {
			sent, stored := f.Sent()
			out = append(out, Activity{ID: id, Folder: f.Folder, Path: f.Path, Size: f.Size, Sent: sent, Stored: stored, Resumed: f.Resumed()})
		}
	}
	return out
}

// Paused returns why the whole pool waits, or "".
func (p *Pipeline) Paused() string { return cmp.Or(p.gate.Reason(), p.circuits.Reason()) }

// Stats are what a run has done so far.
type Stats struct {
	Adopted  int64 // assets that the account held already
	Rested   int64 // entries that came to rest, in whatever way
	Ingested int64 // assets and versions made
	Versions int64 // of these, versions
	Bytes    int64 // of what was ingested
}

// Stats returns what this pipeline has done since New.
func (p *Pipeline) Stats() Stats {
	return Stats{
		Adopted: p.stats.adopted.Load(), Rested: p.stats.rested.Load(), Ingested: p.stats.ingested.Load(),
		Versions: p.stats.versions.Load(), Bytes: p.stats.bytes.Load(),
	}
}
