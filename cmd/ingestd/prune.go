package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/journal"
)

// requestPrune asks a running daemon to forget entries.
const requestPrune = "prune"

// pruneBatch is how many entries are forgotten in one transaction: what is ingested at
// the same time waits no longer than for that.
const pruneBatch = 200

// pruneArgs are the arguments of that request.
type pruneArgs struct {
	Before time.Time `json:"before"`
}

// pruneReport is what was forgotten, or would be.
type pruneReport struct {
	DryRun  bool           `json:"dry_run"`
	Before  time.Time      `json:"before"` // what came to rest before was asked for
	Pruned  int            `json:"pruned"`
	Folders []prunedFolder `json:"folders"`
}

type prunedFolder struct {
	Name   string                 `json:"name"`
	Pruned int                    `json:"pruned"`
	By     map[journal.Status]int `json:"by"`
}

func (r *pruneReport) add(pruned []journal.Pruned) {
	for _, p := range pruned {
		i, found := slices.BinarySearchFunc(r.Folders, p.Folder, func(f prunedFolder, name string) int { return cmp.Compare(f.Name, name) })
		if !found {
			r.Folders = slices.Insert(r.Folders, i, prunedFolder{Name: p.Folder, By: map[journal.Status]int{}})
		}
		r.Folders[i].Pruned += p.Entries
		r.Folders[i].By[p.Status] += p.Entries
		r.Pruned += p.Entries
	}
}

func newPruneReport(before time.Time) pruneReport {
	return pruneReport{Before: before, Folders: []prunedFolder{}}
}

// forget is what a configuration allows to be pruned: what its folders still need for
// versions and duplicates stays.
func forget(cfg *config.Config, before time.Time) journal.Forget {
	f := journal.Forget{Before: before}
	for _, folder := range cfg.Folders {
		f.Names = f.Names || folder.Versions == "filename"
		f.Contents = f.Contents || folder.Duplicates != "upload"
		if folder.Versions == "off" {
			f.Folders = append(f.Folders, folder.Name)
		}
	}
	return f
}

// prune forgets batch after batch. Between them it rests for as long as they take, so
// that half of the journal's time at least is left to what is ingested.
func prune(ctx context.Context, j *journal.Journal, f journal.Forget) (pruneReport, error) {
	report := newPruneReport(f.Before)
	for after := int64(0); ; {
		began := time.Now()
		pruned, next, err := journal.Prune(ctx, j, f, after, pruneBatch)
		if err != nil {
			return report, err
		}
		report.add(pruned)
		if after = next; after == 0 {
			return report, nil
		}
		select {
		case <-ctx.Done():
			return report, ctx.Err()
		case <-time.After(time.Since(began)):
		}
	}
}

// handlePrune prunes for a command beside the daemon, by the daemon's configuration.
func handlePrune(cfg *config.Config, j *journal.Journal, once bool) desk.Handler {
	return func(ctx context.Context, r journal.Request) (any, error) {
		if once {
			return nil, errors.New("a backfill owns the journal, and counts what it ingests; prune when it has ended")
		}
		var args pruneArgs
		if err := json.Unmarshal(r.Args, &args); err != nil {
			return nil, fmt.Errorf("the request cannot be read: %w", err)
		}
		return prune(ctx, j, forget(cfg, args.Before))
	}
}

func newPruneCommand() *cobra.Command {
	var path string
	var older time.Duration
	var dry, asJSON bool
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Have the journal forget what has rested for long and nothing needs any more",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadLocal(path)
			if err != nil {
				return err
			}
			keep := cfg.JournalKeep
			if cmd.Flags().Changed("older-than") {
				keep = older
			} else if keep == 0 {
				return &usageError{errors.New("nothing says how old is old: give --older-than, or set journal_keep in the configuration")}
			}
			if keep < 0 {
				return &usageError{fmt.Errorf("--older-than cannot be %v", keep)}
			}
			report, err := pruneNow(cmd, cfg, time.Now().Add(-keep), dry)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(report)
			}
			return report.print(cmd.OutOrStdout())
		},
	}
	configFlag(cmd, &path)
	jsonFlag(cmd, &asJSON)
	cmd.Flags().Var((*age)(&older), "older-than", "forget what has rested for longer than `DURATION`, such as 2160h or 90d; else journal_keep says")
	timeoutFlag(cmd)
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only say what would be forgotten")
	return cmd
}

// pruneNow prunes in the daemon that owns the journal, or here where there is none.
func pruneNow(cmd *cobra.Command, cfg *config.Config, before time.Time, dry bool) (report pruneReport, err error) {
	ctx := cmd.Context()
	r, err := readJournal(ctx, cfg)
	if err != nil {
		return report, err
	}
	defer r.Close()
	if dry {
		pruned, err := r.Prunable(ctx, forget(cfg, before))
		report = newPruneReport(before)
		report.DryRun = true
		report.add(pruned)
		return report, err
	}
	owned, err := journal.Owned(cfg.Journal)
	if err != nil {
		return report, mayRead(cfg.Journal, err)
	}
	if owned {
		answer, err := askerOf(cmd, cfg.Journal, r).ask(ctx, requestPrune, pruneArgs{before})
		if err != nil {
			return report, err
		}
		return report, json.Unmarshal(answer, &report)
	}
	j, err := openJournal(ctx, cfg, false, newLogger(cfg, cmd.ErrOrStderr()))
	if err != nil {
		return report, err
	}
	defer func() { err = closeWith(j.Close, err) }()
	return prune(ctx, j, forget(cfg, before))
}

func (r pruneReport) print(w io.Writer) error {
	verb := "forgotten"
	if r.DryRun {
		verb = "would be forgotten"
	}
	if r.Pruned == 0 {
		_, err := fmt.Fprintln(w, "nothing to prune")
		return err
	}
	for _, f := range r.Folders {
		if _, err := fmt.Fprintf(w, "%s: %d %s\n", f.Name, f.Pruned, verb); err != nil {
			return err
		}
		for _, s := range []journal.Status{journal.Filed, journal.Duplicate, journal.Superseded, journal.Cancelled, journal.Failed, journal.Ignored, journal.Withdrawn} {
			if n := f.By[s]; n > 0 {
				if _, err := fmt.Fprintf(w, "  %d %s\n", n, s); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
