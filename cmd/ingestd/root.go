package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/display"
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
	case isHopeless(err), errors.Is(err, errUnusable):
		return exitUsage
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

// isHopeless reports that the journal is one with which another start would do harm, or
// no better.
func isHopeless(err error) bool {
	return slices.ContainsFunc([]error{
		journal.ErrRemoved, journal.ErrOrphaned, journal.ErrCorrupt, journal.ErrNewer,
		journal.ErrUnreleased, journal.ErrLinked, journal.ErrForeign, journal.ErrNetwork,
	}, func(e error) bool { return errors.Is(err, e) })
}

// run executes the command line and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	out, log := display.NewWriter(stdout), display.NewWriter(barsOn(stderr))
	defer func() { _, _ = out.Flush(), log.Flush() }() // half a character at the most
	stdout, stderr = out, log
	root := newRoot()
	root.SetOut(stdout)
	root.SetErr(stderr)
	began := false
	root.PersistentPreRun = func(*cobra.Command, []string) { began = true }
	inOrder, err := ordered(root, args)
	if err == nil {
		root.SetArgs(inOrder)
		err = root.ExecuteContext(ctx)
	}
	if err != nil && !began {
		err = &usageError{err}
	}
	if err != nil {
		fmt.Fprintln(stderr, "ingestd:", textOf(err, args))
	}
	return exitCode(err)
}

// textOf is the text of an error, in which no name is a line of its own: neither what
// the command was given nor the path that a call to the system was about.
func textOf(err error, args []string) string {
	text := err.Error()
	for _, name := range append(pathsOf(err), args...) {
		if display.Text(name) != name {
			text = strings.ReplaceAll(text, name, display.Name(name))
		}
	}
	return text
}

// pathsOf returns the paths of all errors of the system within an error.
func pathsOf(err error) []string {
	var out []string
	switch e := err.(type) { //nolint:errorlint // each link of the chain in turn
	case *fs.PathError:
		out = []string{e.Path}
	case *os.LinkError:
		out = []string{e.Old, e.New}
	}
	switch e := err.(type) { //nolint:errorlint // as above
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			out = append(out, pathsOf(inner)...)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			out = append(out, pathsOf(inner)...)
		}
	}
	return out
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "ingestd",
		Short:         "Turns the files of drop folders into Tenovos assets",
		Version:       versionText(),
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,

		SuggestionsMinimumDistance: 2,

		RunE: func(cmd *cobra.Command, _ []string) error {
			_ = cmd.Help()
			return &usageError{errors.New("a command is missing")}
		},
	}
	root.PersistentFlags().StringP("config", "c", "", "configuration `FILE` (default $"+configVariable+", else "+defaultConfig+")")
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(
		newRunCommand(), newBackfillCommand(), newCheckCommand(), newExplainCommand(),
		newReloadCommand(), newStatusCommand(), newHistoryCommand(), newRetryCommand(), newCancelCommand(), newVerifyCommand(), newUpdateCommand(), newWithdrawCommand(),
		newBackupCommand(), newRestoreCommand(), newNotifyCommand(), newPruneCommand(), newHashCommand(), newVersionCommand(),
	)
	for _, c := range root.Commands() {
		c.SuggestFor = alsoMeant[c.Name()]
	}
	return root
}

// jsonFlag adds --json to a command.
func jsonFlag(cmd *cobra.Command, on *bool) {
	cmd.Flags().BoolVar(on, "json", false, "print JSON")
}

// userFlag adds --user to a command that asks what the daemon may do.
func userFlag(cmd *cobra.Command, name *string) {
	cmd.Flags().StringVar(name, "user", "", "ask what `USER[:GROUP,...]` may read and write; else root asks for the daemon's user")
}
