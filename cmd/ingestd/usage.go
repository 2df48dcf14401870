package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tenovos-ingest/ingestd/internal/yamltree"
)

// usageError is a command line that cannot be understood.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() + " (see ingestd --help)" }
func (e *usageError) Unwrap() error { return e.err }

// ordered returns a command line with the command at its front, so that flags mean the
// same before it and after it, and no flag hides a command that there is not.
func ordered(root *cobra.Command, args []string) ([]string, error) {
	if len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) { // __complete, of a shell
		return args, nil
	}
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd(args...)
	flags := allFlags(root)
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			return args, nil
		case strings.HasPrefix(arg, "-") && arg != "-":
			if takesNext(flags, arg) {
				i++
			}
		default:
			asked := arg
			if arg == "help" && i+1 < len(args) && !strings.HasPrefix(args[i+1], "-") {
				asked = args[i+1]
			}
			if commandOf(root, asked) == nil {
				return nil, unknownCommand(root, asked)
			}
			rest := slices.Concat(args[:i], args[i+1:])
			return append([]string{arg}, rest...), singleDash(commandOf(root, arg), flags, rest)
		}
	}
	return args, singleDash(root, flags, args)
}

// allFlags are the flags of every command, by name.
func allFlags(root *cobra.Command) *pflag.FlagSet {
	all := pflag.NewFlagSet("", pflag.ContinueOnError)
	all.AddFlagSet(root.PersistentFlags())
	for _, c := range root.Commands() {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if all.Lookup(f.Name) == nil && f.Shorthand == "" {
				all.AddFlag(f)
			}
		})
	}
	return all
}

// takesNext reports that the word after a flag is its value. One that is misspelt is
// taken for the flag that was meant.
func takesNext(flags *pflag.FlagSet, arg string) bool {
	name, _, given := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	if given {
		return false
	}
	if !strings.HasPrefix(arg, "--") && flags.ShorthandLookup(name[:1]) != nil && !isLong(flags, name) {
		f := flags.ShorthandLookup(name[:1])
		return len(name) == 1 && f.NoOptDefVal == ""
	}
	f := flags.Lookup(name)
	if f == nil {
		f = flags.Lookup(yamltree.Nearest(name, namesOf(flags)))
	}
	return f != nil && f.NoOptDefVal == ""
}

// isLong reports whether a word is a flag's long name.
func isLong(flags *pflag.FlagSet, word string) bool {
	return len(word) > 1 && flags.Lookup(word) != nil
}

// singleDash refuses a long flag with one dash, which would be read as short ones: -held
// as -h, which is help, and -config x as -c, of the file onfig.
func singleDash(cmd *cobra.Command, flags *pflag.FlagSet, args []string) error {
	for i := 0; i < len(args) && args[i] != "--"; i++ {
		arg := args[i]
		if strings.HasPrefix(arg, "-") && takesNext(flags, arg) {
			i++ // its value may begin with a dash
		}
		if len(arg) < 3 || arg[0] != '-' || arg[1] == '-' || arg == "-help" || arg == "-version" {
			continue
		}
		name, _, _ := strings.Cut(arg[1:], "=")
		if isLong(flags, name) || flags.ShorthandLookup(name[:1]) == nil && len(name) > 1 {
			return unknownFlag(cmd, "-"+name, name)
		}
	}
	return nil
}

// namesOf are the long names of flags.
func namesOf(flags *pflag.FlagSet) (names []string) {
	flags.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return names
}

// commandOf returns the command of a name; nil is none.
func commandOf(root *cobra.Command, name string) *cobra.Command {
	for _, c := range root.Commands() {
		if c.Name() == name || c.HasAlias(name) {
			return c
		}
	}
	return nil
}

// alsoMeant are words for commands that other programs use.
var alsoMeant = map[string][]string{
	"run":      {"start", "daemon", "watch", "serve"},
	"backfill": {"ingest", "upload", "import", "sync", "once"},
	"status":   {"list", "ls", "show", "state", "ps"},
	"history":  {"log", "logs", "events"},
	"check":    {"validate", "test", "lint"},
	"explain":  {"why", "preview"},
	"retry":    {"requeue", "resume"},
	"cancel":   {"abort"},
	"withdraw": {"delete", "remove", "rm"},
	"reload":   {"restart", "hup"},
}

// unknownCommand names the commands that may have been meant.
func unknownCommand(root *cobra.Command, word string) error {
	switch word {
	case "stop", "kill", "quit", "exit": // not cancel, which removes assets
		return fmt.Errorf("unknown command %q: the daemon is ended by `systemctl stop ingestd`, or by Ctrl-C where it runs", word)
	}
	meant := root.SuggestionsFor(word)
	if len(meant) == 0 {
		return fmt.Errorf("unknown command %q: `ingestd --help` lists the commands", word)
	}
	return fmt.Errorf("unknown command %q: did you mean `ingestd %s`?", word, strings.Join(meant, "` or `ingestd "))
}

// unknownFlag names the flag that may have been meant, or the commands that have it.
func unknownFlag(cmd *cobra.Command, written, name string) error {
	if near := yamltree.Nearest(name, append(namesOf(cmd.LocalFlags()), namesOf(cmd.InheritedFlags())...)); near != "" {
		return fmt.Errorf("unknown flag: %s: did you mean --%s?", written, near)
	}
	var have []string
	for _, c := range cmd.Root().Commands() {
		if c.LocalFlags().Lookup(name) != nil {
			have = append(have, "`ingestd "+c.Name()+"`")
		}
	}
	if len(have) > 0 {
		return fmt.Errorf("unknown flag: %s: %s does not have it, but %s", written, cmd.CommandPath(), strings.Join(have, ", "))
	}
	return fmt.Errorf("unknown flag: %s: `%s --help` lists the flags", written, cmd.CommandPath())
}

// flagError is what pflag says of a command line, with what to write instead.
func flagError(cmd *cobra.Command, err error) error {
	if missing, ok := errors.AsType[*pflag.NotExistError](err); ok {
		name := missing.GetSpecifiedName()
		if shorts := missing.GetSpecifiedShortnames(); shorts != "" {
			return unknownFlag(cmd, "-"+shorts, shorts)
		}
		return unknownFlag(cmd, "--"+name, name)
	}
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		value := invalid.GetFlag().Value
		if _, days := value.(*age); !days && value.Type() == "duration" { // an age has an example of its own
			return fmt.Errorf("--%s cannot be %q: write a time such as 30s, 5m or 2h", invalid.GetFlag().Name, invalid.GetValue())
		}
	}
	if bare, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		usage, _ := pflag.UnquoteUsage(bare.GetFlag())
		return fmt.Errorf("%w: write --%s %s", err, bare.GetFlag().Name, strings.ToUpper(usage))
	}
	return err
}

// noArgs is for commands that take flags alone.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := fmt.Errorf("%s takes no arguments, but was given %q", cmd.CommandPath(), args[0])
	switch {
	case commandOf(cmd.Root(), args[0]) != nil:
		return fmt.Errorf("%w: did you mean `ingestd %s`?", err, args[0])
	case cmd.Flags().Lookup("folder") != nil:
		return fmt.Errorf("%w: --folder %s names a folder", err, args[0])
	}
	return err
}
