package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/display"
	"github.com/tenovos-ingest/ingestd/internal/rules"
	"github.com/tenovos-ingest/ingestd/internal/secret"
	"github.com/tenovos-ingest/ingestd/journal"
)

// requestReload asks a running daemon to read its configuration again.
const requestReload = "reload"

// How long a configuration is held against the account at most: an API that is down
// is not waited for, the less while it is waited for anyway.
const (
	checkWait        = time.Minute
	checkWaitWaiting = 10 * time.Second
)

// reload is one reading of a configuration: what it asked for, and what came of
// it. It is the answer to requestReload.
type reload struct {
	File    string   `json:"file"`
	Changes []string `json:"changes"` // what is in force now; empty where nothing has changed
	// Error says why the daemon goes on as before; Code is the exit code for it.
	Error string `json:"error,omitempty"`
	Code  int    `json:"code,omitempty"`
	// Waiting says why Tenovos is still waited for, as since the start.
	Waiting string `json:"waiting,omitempty"`

	request int64 // to be answered; 0 for a signal
}

// refusedReload is a daemon's answer that it keeps its configuration.
type refusedReload struct {
	text string
	code int
}

func (e *refusedReload) Error() string { return e.text }

// awaitReload returns the next setup, or nil when ctx ends. What asks for a reload
// that changes nothing is answered here.
func (s *service) awaitReload(ctx context.Context, now *setup) *setup {
	for {
		r := &reload{File: now.cfg.File, Changes: []string{}}
		select {
		case <-ctx.Done():
			return nil
		case <-s.hup:
		case r.request = <-s.requests:
		}
		notify(daemon.SdNotifyReloading, monotonic(), "STATUS=checking the configuration")
		next, err := s.check(ctx, now, r)
		if ctx.Err() != nil {
			return nil // the request stays in the journal
		}
		if next != nil {
			now.log.Info().Strs("changes", r.Changes).Msg("reloading: no new work is begun with the old configuration, parts on their way may finish")
			notify("STATUS=reloading: parts on their way may finish")
			return next
		}
		if err != nil {
			r.Changes, r.Error, r.Code = []string{}, err.Error(), exitCode(err)
		}
		logReload(now.log, err)
		s.answer(ctx, r, now.log)
		if why := now.waits.Load(); why != nil {
			notify(waitingStatus(*why))
		}
	}
}

// check reads the configuration again. Without a setup the one before stays: it
// means the same, or the error says what is wrong.
func (s *service) check(ctx context.Context, now *setup, r *reload) (*setup, error) {
	cfg, err := loadConfig(now.cfg.File)
	invalid, wrong := errors.AsType[*config.Invalid](err)
	if err != nil && !wrong {
		return nil, err
	}
	wait := checkWait
	if why := now.waits.Load(); why != nil {
		wait, r.Waiting = checkWaitWaiting, *why
	}
	if !wrong {
		if r.Changes = changes(now.cfg, cfg); len(r.Changes) == 0 {
			return nil, nil
		}
		if cfg.Journal != now.cfg.Journal {
			return nil, fmt.Errorf("journal cannot be changed from %s to %s while the daemon runs: restart it", now.cfg.Journal, cfg.Journal)
		}
	}
	timed, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	acct, problems, err := examine(timed, cfg, invalid, s.metrics)
	switch away := isOutage(err) || errors.Is(err, context.DeadlineExceeded); {
	case err == nil:
		r.Waiting = ""
	case away && now.waits.Load() != nil && len(problems) == 0:
		// The daemon does nothing with the configuration before either: it waits on with this one.
		if r.Waiting = secret.Sentence(err); timed.Err() != nil {
			r.Waiting = fmt.Sprintf("it has not answered within %s (check tenovos.url, network and proxy)", wait)
		}
		err = nil
	case away:
		err = fmt.Errorf("the names in the rules could not be checked, because Tenovos does not answer: reload again when it does: %w", err)
	}
	if err = errors.Join(cfg.Invalid(problems), err); err != nil {
		return nil, err
	}
	r.Changes = append(r.Changes, lookUpFormerNames(ctx, cfg)...)
	return &setup{cfg: cfg, acct: acct, log: newLogger(cfg, s.stderr), reload: r}, nil
}

// changes names what two configurations do not have in common.
func changes(old, cfg *config.Config) []string {
	out := []string{}
	keys := maps.Clone(old.Sums)
	maps.Copy(keys, cfg.Sums)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if old.Sums[key] != cfg.Sums[key] {
			out = append(out, key)
		}
	}
	before := map[string]config.Folder{}
	for _, f := range old.Folders {
		before[f.Name] = f
	}
	for _, f := range cfg.Folders {
		was, known := before[f.Name]
		delete(before, f.Name)
		switch {
		case !known:
			out = append(out, "folder "+f.Name+" is new")
		case was.RulesSum != f.RulesSum:
			out = append(out, "folder "+f.Name+" with its rules")
		case was.Sum != f.Sum:
			out = append(out, "folder "+f.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		out = append(out, "folder "+name+" is gone")
	}
	return out
}

// logReload says that nothing has changed, and why.
func logReload(log zerolog.Logger, err error) {
	if err == nil {
		log.Info().Msg("not reloaded: the configuration says the same as before")
		return
	}
	if invalid, ok := errors.AsType[*config.Invalid](err); ok {
		rules.LogMistakes(log, invalid)
		err = fmt.Errorf("the file has %d mistake(s)", len(invalid.Problems))
	}
	log.Error().AnErr("reason", err).Msg("not reloaded: the daemon goes on as before")
}

// reloaded says that an engine is at work, if it came by a reload.
func (s *service) reloaded(ctx context.Context, now *setup) {
	if now.reload != nil {
		now.log.Info().Str("file", now.cfg.File).Strs("changes", now.reload.Changes).Msg("reloaded")
		logCautions(now.log, now.cfg)
		s.answer(ctx, now.reload, now.log)
		now.reload = nil
	}
}

// attend shows whoever waits for an answer that the daemon lives, until worked closes:
// an engine that ends answers no requests any more, and may take its time. Where nobody
// waits nothing is committed.
func (s *service) attend(ctx context.Context, worked <-chan struct{}) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-worked:
			return nil
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if _, err := journal.RequestsOf(s.journal).Attend(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// answer tells systemd and whoever asked that a reload is over. A request whose
// answer cannot be stored stays, and is answered again by the next engine.
func (s *service) answer(ctx context.Context, r *reload, log zerolog.Logger) {
	notify(daemon.SdNotifyReady)
	if r.request == 0 {
		return
	}
	raw, err := json.Marshal(r)
	if err == nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second) // it has happened
		defer cancel()
		err = journal.RequestsOf(s.journal).Answer(ctx, r.request, raw, "")
	}
	if err != nil && !errors.Is(err, journal.ErrUnknown) {
		log.Error().Err(err).Msg("the request to reload could not be answered")
	}
}

// monotonic is what systemd wants to know of when a reload began.
func monotonic() string {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) // it cannot fail
	return fmt.Sprintf("MONOTONIC_USEC=%d", t.Nano()/1000)
}

func newReloadCommand() *cobra.Command {
	var path string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "Have the running daemon check its configuration file and go on with it",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := askReload(cmd, path)
			if err != nil {
				return err
			}
			return printReload(cmd.OutOrStdout(), r, asJSON)
		},
	}
	configFlag(cmd, &path)
	jsonFlag(cmd, &asJSON)
	timeoutFlag(cmd)
	return cmd
}

// askReload asks the daemon that owns the file's journal. What it finds in the file
// counts: credentials and variables may be others here.
func askReload(cmd *cobra.Command, path string) (reload, error) {
	var out reload
	ctx := cmd.Context()
	cfg, err := loadConfig(path)
	if _, wrong := errors.AsType[*config.Invalid](err); err != nil && (!wrong || cfg.Journal == "") {
		return out, err
	}
	owned, missing := journal.Owned(cfg.Journal)
	if missing != nil {
		return out, missing
	}
	if !owned {
		return out, cmp.Or(err, fmt.Errorf("no daemon runs with the journal %s: start it. A daemon whose configuration named another journal until now has to be restarted", cfg.Journal))
	}
	r, err := readJournal(ctx, cfg)
	if err != nil {
		return out, err
	}
	defer r.Close()
	raw, err := askerOf(cmd, cfg.Journal, r).ask(ctx, requestReload, struct{}{})
	if err != nil {
		return out, err
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		return out, fmt.Errorf("read the daemon's answer: %w", err)
	}
	return out, nil
}

// printReload prints what a daemon answered.
func printReload(w io.Writer, r reload, asJSON bool) error {
	var err error
	switch {
	case asJSON:
		err = json.NewEncoder(w).Encode(r)
	case r.Error != "":
	case len(r.Changes) == 0:
		_, err = fmt.Fprintf(w, "%s: it says the same as before: nothing to reload\n", display.Text(r.File))
	default:
		_, err = fmt.Fprintf(w, "%s: reloaded: %s\n", display.Text(r.File), display.Text(strings.Join(r.Changes, ", ")))
	}
	if err == nil && r.Waiting != "" && !asJSON && r.Error == "" {
		_, err = fmt.Fprintf(w, "Tenovos is still waited for: %s\n", r.Waiting)
	}
	if err == nil && r.Error != "" {
		err = &refusedReload{r.Error, r.Code}
	}
	return err
}
