package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/term"

	"github.com/tenovos-ingest/ingestd/ingest"
	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/display"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/metrics"
	"github.com/tenovos-ingest/ingestd/internal/rules"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/internal/yamltree"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
	"github.com/tenovos-ingest/ingestd/watcher"
)

// newLogger makes the log as configured. It goes to stderr; data goes to stdout.
func newLogger(cfg *config.Config, stderr io.Writer) zerolog.Logger {
	zerolog.TimeFieldFormat = time.RFC3339Nano
	zerolog.DurationFieldUnit = time.Second
	level, err := zerolog.ParseLevel(cfg.Log.Level)
	if err != nil {
		level = zerolog.InfoLevel
	}
	var out io.Writer = display.NewWriter(stderr)
	if cfg.Log.Format == "console" || cfg.Log.Format == "auto" && isTerminal(stderr) {
		out = consoleLog(display.Unwrap(stderr))
	}
	return zerolog.New(out).Level(level).With().Timestamp().Logger()
}

// isTerminal reports that what is read from, or written to, is a terminal.
func isTerminal(stream any) bool {
	if w, ok := stream.(io.Writer); ok {
		stream = display.Unwrap(w)
	}
	f, ok := stream.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}

// untilDrain returns a context that ends when drain closes.
func untilDrain(parent context.Context, drain <-chan struct{}) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	go func() {
		select {
		case <-drain:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// newClient makes the API client of the configuration. m may be nil.
func newClient(cfg *config.Config, m *metrics.Metrics) (*tenovos.Client, error) {
	t := cfg.Tenovos
	return tenovos.New(tenovos.Config{
		URL: t.URL, Version: t.Version, APIKey: t.APIKey, Username: t.Username, Password: t.Password,
		APIKeyFrom: t.APIKeyFrom, UsernameFrom: t.UsernameFrom, PasswordFrom: t.PasswordFrom, ClientIDFrom: t.ClientIDFrom,
		ClientID: t.ClientID, MaxConcurrentCalls: t.MaxConcurrentCalls,
		OmitAccessToken: !t.SendAccessToken, BasicLogin: t.BasicLogin, Observe: m.Call,
	})
}

// engine is the pipeline with the watcher that feeds it.
type engine struct {
	journal  *journal.Journal
	pipeline *ingest.Pipeline
	watcher  *watcher.Watcher
	folders  *folderStates
	rules    *rules.Set
	walked   map[string]*atomic.Int64 // files that the watcher reported in each folder, repetitions included
	bytes    atomic.Int64             // of these files
	reloads  chan<- int64             // where requests to reload go; nil where the engine cannot be another's
	once     bool                     // it is a backfill's: the watcher walks, and then has ended
}

// walkedIn returns how many files the watcher reported in a folder.
func (e *engine) walkedIn(folder string) int64 {
	n, ok := e.walked[folder]
	if !ok {
		return 0
	}
	return n.Load()
}

// allWalked returns how many files the watcher reported in all folders.
func (e *engine) allWalked() int64 {
	sum := int64(0)
	for _, n := range e.walked {
		sum += n.Load()
	}
	return sum
}

// newEngine puts the rooms together for the given folders.
func newEngine(cfg *config.Config, folders []config.Folder, acct *account, j *journal.Journal, hold claims, adopt bool, m *metrics.Metrics, log zerolog.Logger) (*engine, error) {
	e := &engine{journal: j, rules: acct.rules, folders: newFolderStates(folders, j, log), walked: make(map[string]*atomic.Int64, len(folders))}
	for _, f := range folders {
		e.walked[f.Name] = new(atomic.Int64)
	}
	pc := pipelineConfig(cfg, folders, acct.rules)
	watched := watchedFolders(folders)
	for i, claim := range hold.of(folders) {
		pc.Folders[i].Claim, watched[i].Claim = claim, claim
	}
	for i, f := range folders {
		pc.Folders[i].Wanted = func(rel string) bool { return watcher.Skipped(watched[i], rel) == "" }
		pc.Folders[i].Settling = func() int { return e.folders.settling(f.Name) }
		pc.Folders[i].Scanned = func() (time.Time, bool) { return e.folders.scanned(f.Name) }
		if f.Batch == "all" {
			pc.Folders[i].Drops = drops{e, f.Name}
		}
	}
	pc.Adopt = adopt
	deps := pipelineDeps(cfg, acct, j, m, log)
	deps.Paused = e.folders.pause
	deps.Handlers = map[string]desk.Handler{
		requestBackfill: e.handleBackfill,
		requestReload:   func(ctx context.Context, r journal.Request) (any, error) { return handOver(e.reloads)(ctx, r) },
		requestPrune:    func(ctx context.Context, r journal.Request) (any, error) { return handlePrune(cfg, j, e.once)(ctx, r) },
	}
	e.pipeline = ingest.New(pc, deps)
	w, err := watcher.New(watched, watcher.Options{
		Known: func(ctx context.Context, files []file.File) ([]file.File, error) {
			for _, f := range files {
				if !acct.rules.Companions(f.Folder).Is(f.Path) {
					e.walked[f.Folder].Add(1)
					e.bytes.Add(f.Size)
				}
			}
			return e.pipeline.Unknown(ctx, files)
		},
		Emit:    e.pipeline.Admit,
		Scanned: e.pipeline.Resting().Scanned,
		Removed: e.pipeline.Resting().Removed,
		Hidden:  e.pipeline.Strays().Hidden,
		Met:     e.pipeline.Teller().Seen,
		Report:  e.folders.report,
		Log:     log,
	})
	e.watcher = w
	return e, err
}

// drops is a folder of the engine's watcher as the pipeline asks it.
type drops struct {
	*engine
	folder string
}

// Drop implements dropfolder.Drops.
func (d drops) Drop(dir string) watcher.Drop { return d.watcher.Drop(d.folder, dir) }

// Announced implements dropfolder.Drops.
func (d drops) Announced(dir string) time.Time { return d.watcher.Announced(d.folder, dir) }

func newStore(cfg *config.Config, c *tenovos.Client, m *metrics.Metrics) *uploader.Uploader {
	return uploader.New(uploader.Config{Parts: cfg.Upload.Parts, Bandwidth: cfg.Upload.Bandwidth.At, API: cfg.Tenovos.URL, Ahead: c.Ahead, Observer: m})
}

// pipelineDeps is what a pipeline works with, whoever feeds it. m may be nil.
func pipelineDeps(cfg *config.Config, acct *account, j *journal.Journal, m *metrics.Metrics, log zerolog.Logger) ingest.Deps {
	store := newStore(cfg, acct.client, m)
	return ingest.Deps{API: acct.client, Store: store, Content: store, Journal: j, Ahead: acct.client.Ahead, Log: log, Retried: m.Retried}
}

// pipelineConfig is the pipeline's share of the configuration, with the rules where they
// are known.
func pipelineConfig(cfg *config.Config, folders []config.Folder, set *rules.Set) ingest.Config {
	c := ingest.Config{
		Workers: cfg.Workers, MaxFileSize: cfg.Upload.MaxFileSize,
		MaxAttempts: cfg.Retry.MaxAttempts, RetryInitial: cfg.Retry.Initial, RetryMax: cfg.Retry.Max,
		VerifyAsset: cfg.Upload.Verify == "asset", VerifyTimeout: cfg.Upload.VerifyTimeout,
		ShutdownGrace: cfg.ShutdownGrace,
	}
	for _, f := range folders {
		folder := dropfolder.Folder{
			Name: f.Name, Path: f.Path, Marker: f.Marker, Settle: f.Settle,
			VersionByPath: f.Versions == "path", VersionByFilename: f.Versions == "filename",
			Duplicates: dropfolder.Duplicates(f.Duplicates), Empty: dropfolder.Empty(f.Empty),
			After: dropfolder.After(f.After), Done: f.Done, Failed: f.Failed, Prune: f.Prune, Resume: f.Resume, Tell: f.Tell, Contact: f.Contact, Shared: f.Shared,
			Order: journal.Order(f.Order), Workers: f.Workers, Ready: f.Ready != "",
		}
		if !f.Hours.Always() {
			folder.Open = f.Hours.Open
		}
		if set != nil {
			folder.Map, folder.Inherit, folder.Companions = set.Map, set.Inherit(f.Name), set.Companions(f.Name)
		}
		c.Folders = append(c.Folders, folder)
	}
	return c
}

// watchedFolders is the watcher's share of the configuration.
func watchedFolders(folders []config.Folder) []watcher.Folder {
	out := make([]watcher.Folder, len(folders))
	for i, f := range folders {
		out[i] = rules.Watched(f)
	}
	return out
}

// selectFolders returns the named folders, or all of them.
func selectFolders(cfg *config.Config, names []string) ([]config.Folder, error) {
	if len(names) == 0 {
		return cfg.Folders, nil
	}
	known := make([]string, len(cfg.Folders))
	for i, f := range cfg.Folders {
		known[i] = f.Name
	}
	var out []config.Folder
next:
	for _, name := range names {
		for _, f := range cfg.Folders {
			if f.Name == name {
				out = append(out, f)
				continue next
			}
		}
		return nil, noFolder(known, name)
	}
	return out, nil
}

// noFolder is the name of a folder that there is not.
func noFolder(known []string, name string) error {
	return &usageError{fmt.Errorf("the configuration has no folder %q; %s", name, cmp.Or(yamltree.SuggestOf(name, known), "`ingestd status` lists the folders"))}
}

// openJournal opens the journal as its owner, and gives it the names that the folders
// have.
func openJournal(ctx context.Context, cfg *config.Config, anew bool, log zerolog.Logger) (*journal.Journal, error) {
	j, err := journal.Open(ctx, cfg.Journal, journal.Options{Anew: anew, WatchLock: true})
	err = mayWrite(cfg.Journal, err)
	if err == nil && j.Fresh() {
		log.Warn().Str("journal", cfg.Journal).Msg("there is no journal yet: beginning a new one, to which every file in the folders is new")
	}
	if err == nil {
		if err = carryOver(ctx, cfg, j, log); err != nil {
			return nil, errors.Join(err, j.Close())
		}
	}
	return j, err
}

// isEnd reports that an error only says that the command was told to end.
func isEnd(err error) bool { return err == nil || errors.Is(err, context.Canceled) }
