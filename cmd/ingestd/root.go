package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// Exit codes, for scripts and for systemd, which must not restart after 2.
const (
	exitDone        = 0
	exitError       = 1
	exitUsage       = 2 // usage or configuration
	exitNotIngested = 3 // finished, with files not ingested
)

// errNotIngested ends a command that worked but left files behind.
var errNotIngested = errors.New("some files were not ingested; `ingestd status` says which and why")

// errWouldNot is errNotIngested of a dry run.
var errWouldNot = errors.New("some files would not be ingested; see above")

// errStopped ends a command that a signal cut short.
var errStopped = errors.New("stopped by a signal; run it again to go on where it stopped")

// errUnusable is something outside of the configuration file that must be put
// right before a start can succeed.
var errUnusable = errors.New("nothing can be ingested like this")

// errNotDone ends a command that could not do all that it was asked for.
var errNotDone = errors.New("not everything was done; see above")

// exitCode is the one place that decides how the process ends.
func exitCode(err error) int {
	var invalid *config.Invalid
	var usage *usageError
	var unreadable *unreadableError
	var refused *refusedReload
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &refused):
		return refused.code
	case errors.Is(err, journal.ErrRemoved), errors.Is(err, journal.ErrOrphaned), errors.Is(err, journal.ErrCorrupt),
		errors.Is(err, journal.ErrNewer), errors.Is(err, journal.ErrForeign), errors.Is(err, journal.ErrNetwork), errors.Is(err, errUnusable):
		return exitUsage // another start would do harm, or no better
	case errors.Is(err, journal.ErrJournal):
		return exitError
	case errors.Is(err, errNotIngested), errors.Is(err, errWouldNot), errors.Is(err, errNotDone):
		return exitNotIngested
	case errors.As(err, &usage), errors.As(err, &invalid), errors.As(err, &unreadable), errors.Is(err, tenovos.ErrCredentials):
		return exitUsage
	default:
		return exitError
	}
}

// usageError is a command line that cannot be understood.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() + " (see ingestd --help)" }
func (e *usageError) Unwrap() error { return e.err }

// unreadableError is a configuration file that cannot be read: the next start
// would not read it either.
type unreadableError struct{ error }

func (e *unreadableError) Unwrap() error { return e.error }

// run executes the command line and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	began := false
	root.PersistentPreRun = func(*cobra.Command, []string) { began = true }
	err := root.ExecuteContext(ctx)
	if err != nil && !began {
		err = &usageError{err}
	}
	if err != nil {
		fmt.Fprintln(stderr, "ingestd:", err)
	}
	return exitCode(err)
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "ingestd",
		Short:         "Turns the files of drop folders into Tenovos assets",
		Version:       versionText(),
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_ = cmd.Help()
			return &usageError{errors.New("a command is missing")}
		},
	}
	root.AddCommand(
		newRunCommand(), newBackfillCommand(), newCheckCommand(), newExplainCommand(),
		newReloadCommand(), newStatusCommand(), newRetryCommand(), newCancelCommand(), newVerifyCommand(), newUpdateCommand(), newWithdrawCommand(),
		newBackupCommand(), newRestoreCommand(), newVersionCommand(),
	)
	return root
}

// noArgs is for commands that take flags alone.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes no arguments, but was given %q", cmd.CommandPath(), args[0])
	}
	return nil
}

// configFlag adds -c to a command.
func configFlag(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVarP(path, "config", "c", "/etc/ingestd/config.yaml", "configuration `FILE`")
}

// jsonFlag adds --json to a command.
func jsonFlag(cmd *cobra.Command, on *bool) {
	cmd.Flags().BoolVar(on, "json", false, "print JSON")
}
