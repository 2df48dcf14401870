package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/display"
	"github.com/tenovos-ingest/ingestd/journal"
)

// request has a request carried out and returns what it did to each entry. Where no daemon
// does so, this process must be able to log in, but for a retry: that only turns rows round.
func request(cmd *cobra.Command, path, kind string, s desk.Selection) (out []desk.Outcome, err error) {
	cfg, err := loadLocal(path)
	if err != nil {
		return nil, err
	}
	r, err := readJournal(cmd.Context(), cfg)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	connect := func(context.Context) (*account, error) { return unruled(cfg) }
	if kind != desk.RequestRetry {
		connect = func(ctx context.Context) (*account, error) { return logIn(ctx, path) }
	}
	answer, err := requester{cmd, cfg, r, connect}.answer(cmd.Context(), kind, s)
	if err != nil {
		return nil, err
	}
	return outcomes(answer)
}

// logIn is an account without rules whose login is beyond doubt.
func logIn(ctx context.Context, path string) (*account, error) {
	cfg, err := loadConfig(path)
	if err != nil {
		return nil, err
	}
	acct, err := unruled(cfg)
	if err != nil {
		return nil, err
	}
	return acct, acct.client.Ready(ctx)
}

// outcomes reads the answer to a request about entries.
func outcomes(answer json.RawMessage) (out []desk.Outcome, err error) {
	if err := json.Unmarshal(answer, &out); err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	return out, nil
}

// printOutcomes prints what a request did to each entry.
func printOutcomes(cmd *cobra.Command, outcomes []desk.Outcome, asJSON bool, nothing string) error {
	out := cmd.OutOrStdout()
	if asJSON {
		if err := json.NewEncoder(out).Encode(outcomes); err != nil {
			return err
		}
	} else if len(outcomes) == 0 {
		fmt.Fprintln(out, nothing)
	}
	good := true
	for _, o := range outcomes {
		good = good && o.Good()
		if asJSON {
			continue
		}
		fmt.Fprintf(out, "%d  %s", o.ID, o.Result)
		if o.Path != "" {
			fmt.Fprintf(out, "  %s/%s", o.Folder, display.Name(o.Path))
		}
		if o.Detail != "" {
			fmt.Fprintf(out, "  (%s)", display.Text(o.Detail))
		}
		fmt.Fprintln(out)
	}
	if !good {
		return errNotDone
	}
	return nil
}

// ids reads entry ids from the command line.
func ids(args []string) ([]int64, error) {
	out := make([]int64, len(args))
	for i, arg := range args {
		id, err := strconv.ParseInt(arg, 10, 64)
		if err != nil || id < 1 {
			return nil, &usageError{fmt.Errorf("%q is no id; `ingestd status %s` shows the ids of a file", arg, display.Name(arg))}
		}
		out[i] = id
	}
	return out, nil
}

// requestCommand makes a command that is about entries: ids, or flags that select.
func requestCommand(use, short string, flags func(*cobra.Command), do func(cmd *cobra.Command, path string, ids []int64, asJSON bool) error) *cobra.Command {
	var path string
	var asJSON bool
	cmd := &cobra.Command{Use: use, Short: short, RunE: func(cmd *cobra.Command, args []string) error {
		list, err := ids(args)
		if err != nil {
			return err
		}
		return do(cmd, path, list, asJSON)
	}}
	configFlag(cmd, &path)
	jsonFlag(cmd, &asJSON)
	timeoutFlag(cmd)
	if flags != nil {
		flags(cmd)
	}
	return cmd
}

func newRetryCommand() *cobra.Command {
	var failed, held, asNew bool
	return requestCommand("retry (ID... | --failed | --held)", "Send failed, held or cancelled files round again",
		func(cmd *cobra.Command) {
			cmd.Flags().BoolVar(&failed, "failed", false, "all that failed")
			cmd.Flags().BoolVar(&held, "held", false, "all that are held")
			cmd.Flags().BoolVar(&asNew, "as-new", false, "make an asset of its own where it would be a version")
		},
		func(cmd *cobra.Command, path string, ids []int64, asJSON bool) error {
			s := desk.Selection{IDs: ids, AsNew: asNew}
			if failed {
				s.Statuses = append(s.Statuses, journal.Failed)
			}
			if held {
				s.Statuses = append(s.Statuses, journal.Held)
			}
			if err := either(len(ids) > 0, len(s.Statuses) > 0, "--failed or --held"); err != nil {
				return err
			}
			outcomes, err := request(cmd, path, desk.RequestRetry, s)
			if err != nil {
				return err
			}
			return printOutcomes(cmd, outcomes, asJSON, "nothing to retry")
		})
}

func newCancelCommand() *cobra.Command {
	var all bool
	return requestCommand("cancel (ID... | --all)", "Stop files that are not in yet: cancels their uploads and removes the empty assets",
		func(cmd *cobra.Command) {
			cmd.Flags().BoolVar(&all, "all", false, "everything that is waiting or on its way")
		},
		func(cmd *cobra.Command, path string, ids []int64, asJSON bool) error {
			if err := either(len(ids) > 0, all, "--all"); err != nil {
				return err
			}
			outcomes, err := request(cmd, path, desk.RequestCancel, desk.Selection{IDs: ids})
			if err != nil {
				return err
			}
			return printOutcomes(cmd, outcomes, asJSON, "nothing to cancel")
		})
}

func newVerifyCommand() *cobra.Command {
	return requestCommand("verify [ID...]", "Ask Tenovos again about what was ingested", nil,
		func(cmd *cobra.Command, path string, ids []int64, asJSON bool) error {
			outcomes, err := request(cmd, path, desk.RequestVerify, desk.Selection{IDs: ids})
			if err != nil {
				return err
			}
			return printOutcomes(cmd, outcomes, asJSON, "nothing was ingested yet")
		})
}

// either refuses a command line that selects nothing, or in two ways.
func either(byID, byFlag bool, flags string) error {
	switch {
	case byID && byFlag:
		return &usageError{fmt.Errorf("give ids or %s, not both", flags)}
	case !byID && !byFlag:
		return &usageError{fmt.Errorf("give ids or %s", flags)}
	}
	return nil
}

func newWithdrawCommand() *cobra.Command {
	var span span
	var undo, yes bool
	return requestCommand("withdraw (ID... | --folder NAME | --since TIME | --until TIME)", "Remove assets that were ingested into the recycle bin of Tenovos, or restore them",
		func(cmd *cobra.Command) {
			span.flags(cmd)
			cmd.Flags().BoolVar(&undo, "undo", false, "restore what was withdrawn")
			cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
		},
		func(cmd *cobra.Command, path string, ids []int64, asJSON bool) error {
			s, err := span.selection(ids)
			if err != nil {
				return err
			}
			if err := either(len(ids) > 0, span.given(), "--folder, --since or --until"); err != nil {
				return err
			}
			kind, from, verb := desk.RequestWithdraw, journal.Filed, "Move %d asset(s) to the recycle bin of Tenovos?"
			if undo {
				kind, from, verb = desk.RequestUndelete, journal.Withdrawn, "Restore %d asset(s) from the recycle bin of Tenovos?"
			}
			if len(ids) == 0 {
				s.Statuses = []journal.Status{from}
			}
			cfg, err := loadLocal(path)
			if err != nil {
				return err
			}
			if _, err := selectFolders(cfg, s.Folders); err != nil {
				return err
			}
			if !yes {
				if err := confirm(cmd, cfg, s, verb); err != nil {
					return err
				}
			}
			outcomes, err := request(cmd, path, kind, s)
			if err != nil {
				return err
			}
			return printOutcomes(cmd, outcomes, asJSON, "nothing matches")
		})
}

// span are the flags that select what was ingested.
type span struct {
	folders      []string
	since, until string
}

func (s *span) flags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&s.folders, "folder", nil, "what was ingested from the folder `NAME` (repeatable)")
	cmd.Flags().StringVar(&s.since, "since", "", "what was ingested at or after `TIME` (2006-01-02, RFC 3339, or 2h for two hours ago)")
	cmd.Flags().StringVar(&s.until, "until", "", "what was ingested before `TIME`")
}

func (s *span) given() bool { return len(s.folders) > 0 || s.since != "" || s.until != "" }

func (s *span) selection(ids []int64) (out desk.Selection, err error) {
	out = desk.Selection{IDs: ids, Folders: s.folders}
	if out.Since, err = moment(s.since, time.Now()); err != nil {
		return out, err
	}
	out.Until, err = moment(s.until, time.Now())
	return out, err
}

// confirm shows how many assets a command is about and asks.
func confirm(cmd *cobra.Command, cfg *config.Config, s desk.Selection, verb string) error {
	r, err := readJournal(cmd.Context(), cfg)
	if err != nil {
		return err
	}
	defer r.Close()
	n := 0
	err = r.Entries(cmd.Context(), journal.Filter{IDs: s.IDs, Statuses: s.Statuses, Folders: s.Folders}, func(e journal.Entry) error {
		if s.Covers(e) {
			n++
		}
		return nil
	})
	if err != nil {
		return err
	}
	if in, ok := cmd.InOrStdin().(*os.File); ok && !isTerminal(in) {
		return &usageError{fmt.Errorf("this is about %d asset(s): say --yes where nobody can be asked", n)}
	}
	fmt.Fprintf(cmd.ErrOrStderr(), verb+" [y/N] ", n)
	line, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if answer := strings.ToLower(strings.TrimSpace(line)); answer != "y" && answer != "yes" {
		return errors.New("nothing was done")
	}
	return nil
}
