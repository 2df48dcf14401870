package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/display"
	"github.com/tenovos-ingest/ingestd/internal/report"
	"github.com/tenovos-ingest/ingestd/internal/timetable"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/watcher"
)

// backfillOptions are the flags of backfill.
type backfillOptions struct {
	folders        []string
	dryRun, asJSON bool
	adopt          bool
	anyHour        bool // whatever the hours of the folders are
	after          string
	timeout        time.Duration // see timeoutFlag
}

func newBackfillCommand() *cobra.Command {
	var path string
	var o backfillOptions
	cmd := &cobra.Command{
		Use:   "backfill",
		Short: "Ingest everything that the folders hold now, once; files stay where they are",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(path)
			if err != nil {
				return err
			}
			if o.anyHour {
				cfg.Folders = atAnyHour(cfg.Folders)
			}
			folders, err := selectFolders(cfg, o.folders)
			if err != nil {
				return err
			}
			if folders, err = afterwards(folders, o.after); err != nil {
				return err
			}
			o.timeout = timeoutOf(cmd)
			b := &backfill{
				cfg: cfg, folders: folders, options: o,
				out: cmd.OutOrStdout(), err: cmd.ErrOrStderr(), log: newLogger(cfg, cmd.ErrOrStderr()),
			}
			ctx, drain, stop := signals(cmd.Context(), nil)
			defer stop()
			return b.run(ctx, drain)
		},
	}
	configFlag(cmd, &path)
	jsonFlag(cmd, &o.asJSON)
	timeoutFlag(cmd)
	cmd.Flags().StringArrayVar(&o.folders, "folder", nil, "only the folder `NAME` (repeatable)")
	cmd.Flags().BoolVar(&o.adopt, "adopt", false, "take over assets that the account holds already (same filename and MD5) instead of creating them: the way back after the journal was lost")
	cmd.Flags().StringVar(&o.after, "after", "", "keep (default), move or delete files that are in, whatever the configuration says")
	cmd.Flags().BoolVar(&o.anyHour, "ignore-hours", false, "begin files now, whatever the hours of their folders are")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "only say what would become of each file")
	return cmd
}

// afterwards returns the folders with what a backfill does with files that are in:
// it leaves them, unless it is told otherwise.
func afterwards(folders []config.Folder, after string) ([]config.Folder, error) {
	switch after {
	case "":
		after = "keep"
	case "keep", "move", "delete":
	default:
		return nil, &usageError{fmt.Errorf("--after cannot be %q: keep, move or delete", after)}
	}
	folders = slices.Clone(folders)
	for i := range folders {
		if folders[i].After == "keep" {
			folders[i].Resume = 0 // no daemon would move the files when their time has come
		}
		folders[i] = folders[i].Afterwards(after)
	}
	return folders, nil
}

// atAnyHour returns the folders without their hours.
func atAnyHour(folders []config.Folder) []config.Folder {
	folders = slices.Clone(folders)
	for i := range folders {
		folders[i].Hours = timetable.Hours{}
	}
	return folders
}

// sayHours tells of the folders that wait for their hours.
func (b *backfill) sayHours() {
	for _, f := range b.folders {
		if open, _, why := f.Hours.Open(time.Now()); !open {
			fmt.Fprintf(b.err, "folder %s waits for %s; its files are begun then (with --ignore-hours: now)\n", display.Text(f.Name), display.Text(why))
		}
	}
}

// backfill is one run of the command.
type backfill struct {
	cfg      *config.Config
	folders  []config.Folder
	options  backfillOptions
	out, err io.Writer
	log      zerolog.Logger
}

// summary is what a backfill prints at its end.
type summary struct {
	Seen       int64   `json:"seen"`     // files found
	Adopted    int64   `json:"adopted"`  // assets that the account held already, with --adopt
	Ingested   int64   `json:"ingested"` // assets and versions made by this run
	Versions   int64   `json:"versions"` // of these, versions
	Duplicates int     `json:"duplicates"`
	Held       int     `json:"held"`
	Failed     int     `json:"failed"`
	Bytes      int64   `json:"bytes"` // of what was ingested
	Seconds    float64 `json:"seconds"`
	// Unmatched counts manifests with rows that no file has, and sidecars that are
	// nobody's; UnmatchedFirst are sentences on the first of them.
	Unmatched      int      `json:"unmatched"`
	UnmatchedFirst []string `json:"unmatched_first,omitempty"`
}

func (b *backfill) run(ctx context.Context, drain <-chan struct{}) error {
	begun := time.Now()
	waiting, cancel := untilDrain(ctx, drain)
	defer cancel()
	if b.options.dryRun {
		return b.dryRun(waiting)
	}
	j, err := openJournal(ctx, b.cfg, b.options.adopt, b.log)
	if errors.Is(err, journal.ErrLocked) && b.options.adopt {
		return &usageError{errors.New("--adopt needs the journal for itself: stop the daemon first")}
	}
	if errors.Is(err, journal.ErrLocked) && b.options.after != "" {
		return &usageError{errors.New("--after needs the journal for itself: the daemon that owns it goes by its configuration; stop it first")}
	}
	if errors.Is(err, journal.ErrLocked) && b.options.anyHour {
		return &usageError{errors.New("--ignore-hours needs the journal for itself: the daemon that owns it goes by the hours of its configuration; stop it first, or change hours and run `ingestd reload`")}
	}
	if errors.Is(err, journal.ErrLocked) {
		return b.follow(waiting, begun)
	}
	if err != nil {
		return err
	}
	logCautions(b.log, b.cfg)
	b.sayHours()
	told := &followers{journal: j}
	told.follow(ctx, b.cfg, b.log)
	err = b.ingest(ctx, drain, j, begun)
	told.stop()
	return closeWith(j.Close, err)
}

// ingest walks the folders and works until nothing is left to do.
func (b *backfill) ingest(ctx context.Context, drain <-chan struct{}, j *journal.Journal, begun time.Time) error {
	waiting, cancel := untilDrain(ctx, drain)
	defer cancel()
	defer context.AfterFunc(waiting, func() {
		if closed(drain) {
			tellStopping(b.err, b.log, b.cfg.ShutdownGrace)
		}
	})()
	acct, err := connectAnswering(waiting, b.cfg, b.folders, j, nil, nil, b.log, func(string) {})
	if closed(drain) {
		return errStopped
	}
	if err != nil {
		return err
	}
	defer context.AfterFunc(waiting, acct.rules.Stop)()
	hold := make(claims)
	defer hold.release()
	e, err := newEngine(b.cfg, b.folders, acct, j, hold, b.options.adopt, nil, b.log)
	if err != nil {
		return err
	}
	e.once = true
	walked := make(chan struct{})
	var walkErr error
	g, gctx := errgroup.WithContext(ctx)
	walking, cancelWalk := untilDrain(gctx, drain)
	defer cancelWalk()
	g.Go(func() error {
		defer close(walked)
		walkErr = e.watcher.Walk(walking)
		return nil // a folder that cannot be walked does not stop the others' files
	})
	g.Go(func() error { return e.work(gctx, drain, walked, b.log) })
	over := make(chan struct{})
	var progress sync.WaitGroup
	progress.Go(func() { b.showProgress(e, walked, over) })
	err = e.folders.during(g.Wait)
	close(over)
	progress.Wait()
	if err != nil {
		return err
	}
	if !closed(drain) {
		if _, err := e.pipeline.Companions().ReportUnmatched(ctx); err != nil && !isEnd(err) {
			return err
		}
	}
	stats := e.pipeline.Stats()
	err = b.finish(context.WithoutCancel(ctx), j.Reader(), summary{
		Seen: e.allWalked(), Adopted: stats.Adopted, Ingested: stats.Ingested, Versions: stats.Versions, Bytes: stats.Bytes,
	}, begun)
	if closed(drain) && (err == nil || errors.Is(err, errNotIngested)) { // it has not finished, so it is no errNotIngested
		return errStopped
	}
	switch {
	case isEnd(walkErr):
		return err
	case errors.Is(walkErr, watcher.ErrPaused), errors.Is(walkErr, watcher.ErrUnreadable):
		return errors.Join(walkErr, errNotIngested)
	}
	return errors.Join(walkErr, err)
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// finish adds to the summary what the books say of the folders, prints it, and
// returns errNotIngested where something was left behind.
func (b *backfill) finish(ctx context.Context, r *journal.Reader, s summary, begun time.Time) error {
	folders, err := report.Folders(ctx, r)
	if err != nil {
		return err
	}
	unfinished := 0
	for _, f := range folders {
		if !b.includes(f.Name) {
			continue
		}
		for _, t := range f.UnmatchedFirst {
			s.UnmatchedFirst = append(s.UnmatchedFirst, t.Message)
		}
		s.Unmatched += f.Unmatched
		if more := f.Unmatched - len(f.UnmatchedFirst); more > 0 {
			s.UnmatchedFirst = append(s.UnmatchedFirst, fmt.Sprintf("%d more sidecars and manifests of folder %s speak of files that are not there", more, f.Name))
		}
		s.Duplicates += f.Duplicate
		s.Held += f.Held
		s.Failed += f.Failed
		unfinished += f.Queued + f.Uploading
	}
	names := b.names()
	refused, err := journal.CompanionReaderOf(r).CountRefused(ctx, names)
	if err != nil {
		return err
	}
	s.Seconds = time.Since(begun).Seconds()
	if b.options.asJSON {
		err = json.NewEncoder(b.out).Encode(s)
	} else {
		for _, line := range s.UnmatchedFirst {
			fmt.Fprintln(b.out, display.Text(line))
		}
		if s.Adopted > 0 {
			fmt.Fprintf(b.out, "%d adopted: the account held them already\n", s.Adopted)
		}
		_, err = fmt.Fprintf(b.out, "%d files seen: %d ingested (%d as new versions, %s) in %.1f s; %d duplicates, %d held, %d failed\n",
			s.Seen, s.Ingested, s.Versions, humanize.IBytes(uint64(s.Bytes)), s.Seconds, s.Duplicates, s.Held, s.Failed)
		if err == nil && s.Held+s.Failed > 0 {
			err = printEntries(ctx, b.out, r, notIn(names))
		}
	}
	if err == nil && s.Held+s.Failed+unfinished+refused > 0 {
		return errNotIngested
	}
	return err
}

func (b *backfill) includes(name string) bool {
	for _, f := range b.folders {
		if f.Name == name {
			return true
		}
	}
	return false
}
