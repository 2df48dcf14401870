package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/tenovos-ingest/ingestd/journal"
)

// asker asks the daemon that owns a journal, from another process.
type asker struct {
	path   string // of the journal
	reader *journal.Reader
	within time.Duration // how long the daemon may show no sign of life
	err    io.Writer
}

// How often a request is looked at for its answer, and after which time it is said that
// the daemon is at it.
const (
	askEvery = 100 * time.Millisecond
	sayAfter = 10 * time.Second
)

// The time that --timeout sets. A daemon shows a sign of life every second.
const (
	defaultTimeout = 30 * time.Second
	leastTimeout   = 3 * time.Second
)

// timeoutFlag adds --timeout to a command that asks a daemon.
func timeoutFlag(cmd *cobra.Command) {
	cmd.Flags().Duration("timeout", defaultTimeout, "give up when a running daemon shows no sign of life for so long")
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if timeoutOf(cmd) < leastTimeout {
			return &usageError{fmt.Errorf("--timeout must be at least %s", leastTimeout)}
		}
		return run(cmd, args)
	}
}

func timeoutOf(cmd *cobra.Command) time.Duration {
	d, _ := cmd.Flags().GetDuration("timeout") // the command has the flag
	return d
}

// askerOf is the asker of a command.
func askerOf(cmd *cobra.Command, path string, r *journal.Reader) asker {
	return asker{path: path, reader: r, within: timeoutOf(cmd), err: cmd.ErrOrStderr()}
}

// ask leaves a request in the journal and waits for the daemon's answer: as long as it
// takes while the daemon shows signs of life, and else until the request is withdrawn.
func (a asker) ask(ctx context.Context, kind string, args any) (json.RawMessage, error) {
	raw, err := json.Marshal(args)
	if err != nil {
		return nil, err
	}
	id, err := journal.Ask(ctx, a.path, kind, raw)
	if errors.Is(err, journal.ErrBusy) {
		return nil, fmt.Errorf("%s holds the journal and does not let go of it: nothing was asked of it. %s: %w", a.daemon(), a.remedy(), err)
	}
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	sign, seen, said := begun, time.Time{}, false
	for {
		answer, text, done, err := journal.AnswersOf(a.reader).To(ctx, id)
		if err != nil {
			return nil, err
		}
		if done {
			if text != "" {
				return nil, errors.New(text)
			}
			return answer, nil
		}
		owned, err := journal.Owned(a.path)
		if err != nil {
			return nil, err
		}
		if !owned {
			return nil, errors.New("the daemon stopped before it answered; start it again, or run the command without it")
		}
		latest, err := journal.AnswersOf(a.reader).Attended(ctx, id)
		if err != nil {
			return nil, err
		}
		if !latest.Equal(seen) {
			sign, seen = time.Now(), latest
		}
		if time.Since(sign) >= a.within {
			if err := a.giveUp(ctx, id); !errors.Is(err, journal.ErrUnknown) { // else it was just answered
				return nil, err
			}
		}
		if !said && !seen.IsZero() && time.Since(begun) >= sayAfter {
			fmt.Fprintln(a.err, "the daemon is at it; this takes its time")
			said = true
		}
		select {
		case <-time.After(askEvery):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// giveUp withdraws a request and says so.
func (a asker) giveUp(ctx context.Context, id int64) error {
	begun, err := journal.Withdraw(ctx, a.path, id)
	became := "the request was withdrawn, and nothing of it was done"
	switch {
	case errors.Is(err, journal.ErrUnknown):
		return err
	case err != nil:
		became = fmt.Sprintf("the request could not be withdrawn either, and is carried out when the daemon goes on (%v)", err)
	case begun:
		became = "the request was withdrawn, but the daemon was at it, and some of it may have been done: `ingestd status` tells"
	}
	return fmt.Errorf("%s has shown no sign of life for %s: %s. %s", a.daemon(), a.within, became, a.remedy())
}

// daemon names the process that does not answer.
func (a asker) daemon() string {
	if owner := journal.OwnerOf(a.path); owner.PID != 0 {
		return fmt.Sprintf("the daemon that owns the journal %s (process %d)", a.path, owner.PID)
	}
	return "the daemon that owns the journal " + a.path
}

// remedy says what can be done about it.
func (a asker) remedy() string {
	owner := journal.OwnerOf(a.path)
	wake := "one that was stopped goes on after SIGCONT"
	if owner.PID != 0 {
		wake = fmt.Sprintf("`kill -CONT %d` lets one go on that was stopped", owner.PID)
	}
	again := "by killing it and starting it"
	if restart := owner.Restart(); restart != "" {
		again = "by `" + restart + "`"
	}
	return wake + "; one that hangs is begun again " + again + ", which loses nothing"
}
