package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/tenovos-ingest/ingestd/internal/access"
	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/metrics"
	"github.com/tenovos-ingest/ingestd/internal/report"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/watcher"
)

func newRunCommand() *cobra.Command {
	var path string
	var profile bool
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Watch the drop folders and ingest what arrives, until a signal ends it",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			reloads, ends, forget := hangups(cmd.InOrStdin(), cmd.ErrOrStderr()) // before anything else: a signal that nobody waits for ends the process
			defer forget()
			cfg, err := loadConfig(path)
			if err != nil {
				return err
			}
			return runDaemon(cmd.Context(), cfg, profile, reloads, ends, cmd.ErrOrStderr())
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().BoolVar(&profile, "pprof", false, "serve profiles of the process at /debug/pprof/ of listen, to whoever may see the status page")
	return cmd
}

// runDaemon is the daemon: it ends without an error when a signal ends it. A SIGHUP at hup
// has it read its configuration again, one at ends ends it as SIGTERM does.
func runDaemon(ctx context.Context, cfg *config.Config, profile bool, hup, ends <-chan os.Signal, stderr io.Writer) (err error) {
	ctx, drain, stop := signals(ctx, ends)
	defer stop()
	first := &setup{cfg: cfg, log: newLogger(cfg, stderr)}
	j, err := openJournal(ctx, cfg, false, first.log)
	if err != nil {
		return err
	}
	defer func() { err = closeWith(j.Close, err) }()
	announce(first.log, stderr, cfg)
	logCautions(first.log, cfg)

	// systemd waits for READY only so long, and the API may be down for longer.
	notify(daemon.SdNotifyReady)
	defer notify(daemon.SdNotifyStopping, stopping)
	s := newService(cfg, j, profile, hup, drain, stderr)
	defer s.claims.release()
	if err := s.run(ctx, first); err != nil {
		return err
	}
	return s.did.conclude(context.WithoutCancel(ctx), stderr, j.Reader())
}

// stopping is systemd's status line from the first signal to the end.
const stopping = "STATUS=stopping: parts on their way may finish"

// service is the daemon between its signals: one engine after another over the
// same journal, each with a configuration of its own.
type service struct {
	journal  *journal.Journal
	stderr   io.Writer
	hup      <-chan os.Signal
	drain    <-chan struct{}
	requests chan int64 // ids of requests to reload
	claims   claims
	metrics  *metrics.Metrics
	pauses   *pauses
	site     *site
	did      deeds
}

// newService makes the daemon over a journal. Its claims are to be released when it has run.
func newService(cfg *config.Config, j *journal.Journal, profile bool, hup <-chan os.Signal, drain <-chan struct{}, stderr io.Writer) *service {
	m := metrics.New(metrics.Deps{Reader: j.Reader(), Journal: cfg.Journal, Version: versionText()})
	return &service{
		journal: j, stderr: stderr, hup: hup, drain: drain, requests: make(chan int64), claims: make(claims), metrics: m,
		site: &site{journal: j, metrics: m, profile: profile, secret: access.NewSecret()},
		did:  deeds{since: time.Now()},
	}
}

// setup is a configuration that has been checked.
type setup struct {
	cfg    *config.Config
	acct   *account // nil while Tenovos was not reached with it
	log    zerolog.Logger
	reload *reload // what it came by, until that is answered; nil for the first

	waits  atomic.Pointer[string] // why Tenovos is waited for; nil while it is not
	engine atomic.Pointer[engine] // nil while there is none at work
}

// waitsFor notes why Tenovos is waited for, also for systemd.
func (s *setup) waitsFor(why string) {
	s.waits.Store(&why)
	notify(waitingStatus(why))
}

// waitingStatus is systemd's status line while Tenovos is waited for.
func waitingStatus(why string) string { return "STATUS=waiting for Tenovos: " + oneLine(why) }

// run works with one setup after another until a signal ends it.
func (s *service) run(ctx context.Context, now *setup) error {
	defer func() { s.site.close(now.log) }() // until then whoever watches over the daemon finds it alive
	told := &followers{journal: s.journal}
	defer told.stop()
	s.pauses = pausesOf(ctx, s.journal, now.log)
	defer s.pauses.stop()
	for {
		told.follow(ctx, now.cfg, now.log)
		next, err := s.round(ctx, now)
		if !isEnd(err) {
			return err
		}
		if next == nil || closed(s.drain) || ctx.Err() != nil {
			told.stop()
			now.log.Info().Msg("stopped")
			return nil
		}
		now = next
	}
}

// round works with one setup until a signal, or until there is another one, which
// it returns. Either ends the engine in the same manner.
func (s *service) round(ctx context.Context, now *setup) (*setup, error) {
	if now.acct == nil {
		now.waitsFor("it has not answered yet")
	}
	s.site.use(ctx, now)
	var next *setup
	end, worked := make(chan struct{}), make(chan struct{})
	g, gctx := errgroup.WithContext(ctx)
	watching, cancel := untilDrain(gctx, s.drain)
	defer cancel()
	g.Go(func() error {
		next = s.awaitReload(watching, now)
		if closed(s.drain) {
			notify(daemon.SdNotifyStopping, stopping)
			tellStopping(s.stderr, now.log, now.cfg.ShutdownGrace)
		}
		close(end)
		return s.attend(gctx, worked)
	})
	g.Go(func() error {
		defer close(worked)
		return s.work(gctx, now, end)
	})
	err := g.Wait()
	return next, err
}

// work reaches Tenovos, and is an engine until end closes.
func (s *service) work(ctx context.Context, now *setup, end <-chan struct{}) (err error) {
	working, cancel := untilDrain(ctx, end)
	defer cancel()
	if now.reload != nil { // the folders may have other names
		if err := carryOver(ctx, now.cfg, s.journal, now.log); err != nil {
			return err
		}
	}
	if now.acct == nil {
		s.reloaded(ctx, now) // nobody waits for the answer as long as for Tenovos
		now.acct, err = connectAnswering(working, now.cfg, now.cfg.Folders, s.journal, s.requests, s.metrics, now.log, func(why string) {
			now.waitsFor(why)
			s.pauses.set("", why)
		})
		if err != nil {
			return err
		}
		now.waits.Store(nil)
	}
	s.pauses.set("", "")
	defer now.acct.client.Close()
	defer context.AfterFunc(working, now.acct.rules.Stop)()
	e, err := newEngine(now.cfg, now.cfg.Folders, now.acct, s.journal, s.claims, false, s.metrics, now.log)
	if err != nil {
		return err
	}
	e.reloads = s.requests
	e.folders.pauses = s.pauses
	e.folders.begin()
	s.metrics.Watch(slices.Collect(maps.Keys(e.walked)))
	now.engine.Store(e)
	defer now.engine.Store(nil)
	now.log.Info().Str("version", versionText()).Int("folders", len(now.cfg.Folders)).Int("workers", now.cfg.Workers).Msg("running")
	s.reloaded(ctx, now)
	defer func() { s.did = s.did.with(e.pipeline.Stats()) }()
	defer e.showBars(s.stderr, s.did)()

	g, gctx := errgroup.WithContext(ctx)
	watching, cancelWatch := untilDrain(gctx, end)
	defer cancelWatch()
	g.Go(func() error { return e.watcher.Run(watching) })
	g.Go(func() error { return e.work(gctx, end, nil, now.log) })
	g.Go(func() error { return e.watchDrops(watching, now.cfg) })
	g.Go(func() error { e.tellSystemd(watching); return nil })
	return e.folders.during(g.Wait)
}

// closeWith reports the error of a close unless there is one already.
func closeWith(closer func() error, err error) error {
	if cerr := closer(); err == nil {
		return cerr
	}
	return err
}

// statusEvery is how often systemd's status line is brought up to date.
const statusEvery = 5 * time.Second

// tellSystemd says again and again how the daemon does, over what was said of a reload.
// The journal is asked when something changed, and without systemd never.
func (e *engine) tellSystemd(ctx context.Context) {
	if os.Getenv("NOTIFY_SOCKET") == "" {
		return
	}
	changed := make(chan struct{}, 1)
	e.journal.Notify(changed, journal.AboutEntries)
	defer e.journal.Notify(changed, journal.AboutNothing)
	e.folders.notify(changed)
	signalTo(changed)
	line := ""
	tick := time.NewTicker(statusEvery)
	defer tick.Stop()
	for {
		select {
		case <-changed:
			line = "STATUS=" + e.summary(ctx)
		default:
		}
		notify(line)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// summary is the daemon's state in one line.
func (e *engine) summary(ctx context.Context) string {
	folders, err := report.Folders(ctx, e.journal.Reader())
	if err != nil {
		return "the journal cannot be read"
	}
	sum := report.Sum(folders)
	s := fmt.Sprintf("%d queued, %d uploading, %d filed, %d held, %d failed", sum.Queued+sum.Settling, sum.Uploading, sum.Filed, sum.Held, sum.Failed)
	if why := e.pipeline.Paused(); why != "" {
		s += "; waiting for Tenovos: " + oneLine(why)
	}
	return s
}

// notify tells systemd something; without systemd it does nothing.
func notify(lines ...string) {
	_, _ = daemon.SdNotify(false, strings.Join(lines, "\n"))
}

// requestBackfill asks a running daemon to look at its folders now.
const requestBackfill = "backfill"

// backfillArgs are the arguments of that request.
type backfillArgs struct {
	Folders []string `json:"folders"`
}

// backfillAnswer is what the daemon found.
type backfillAnswer struct {
	Seen int64    `json:"seen"` // files found
	Left []string `json:"left"` // why a folder, or a part of it, could not be looked at
}

// handleBackfill scans the folders and answers when everything found is recorded.
func (e *engine) handleBackfill(ctx context.Context, r journal.Request) (any, error) {
	if e.once {
		return nil, errors.New("another backfill owns the journal; run this one when it has ended")
	}
	var args backfillArgs
	if err := json.Unmarshal(r.Args, &args); err != nil {
		return nil, fmt.Errorf("the request cannot be read: %w", err)
	}
	var mu sync.Mutex
	answer := backfillAnswer{}
	g, gctx := errgroup.WithContext(ctx)
	for _, name := range args.Folders {
		g.Go(func() error {
			before := e.walkedIn(name)
			err := e.watcher.WaitScan(gctx, name)
			mu.Lock()
			defer mu.Unlock()
			answer.Seen += e.walkedIn(name) - before
			if errors.Is(err, watcher.ErrPaused) || errors.Is(err, watcher.ErrUnreadable) {
				answer.Left = append(answer.Left, err.Error())
				return nil
			}
			if err == nil { // so that nothing is counted whose file is gone
				err = e.pipeline.Resting().Wait(gctx, name)
			}
			return err
		})
	}
	err := g.Wait()
	slices.Sort(answer.Left)
	return answer, err
}
