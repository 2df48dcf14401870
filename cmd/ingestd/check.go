package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/display"
	"github.com/tenovos-ingest/ingestd/internal/metrics"
	"github.com/tenovos-ingest/ingestd/internal/rules"
	"github.com/tenovos-ingest/ingestd/internal/yamltree"
	"github.com/tenovos-ingest/ingestd/journal"
)

func newCheckCommand() *cobra.Command {
	var path, asUser string
	var offline, asJSON bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check the configuration, the login and every name that the rules use",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := check(cmd.Context(), path, asUser, offline)
			cfg, notes := c.cfg, lookUpFormerNames(cmd.Context(), c.cfg)
			if cfg != nil && !offline {
				notes = append(notes, rules.TakenAsGiven(cfg)...)
			}
			if asJSON {
				return errors.Join(err, writeCheck(cmd, err, notes, c))
			}
			for _, note := range notes {
				fmt.Fprintln(cmd.ErrOrStderr(), "note: "+display.Text(note))
			}
			for _, w := range c.warnings {
				fmt.Fprintf(cmd.ErrOrStderr(), "warning: %s:%s\n", cfg.File, w)
			}
			if c.who.other {
				fmt.Fprintf(cmd.ErrOrStderr(), "note: what may be read and written was asked for %s, as whom the daemon runs\n", c.who)
			}
			if err != nil {
				return err
			}
			what := "the file, the login and every name in the rules"
			if offline {
				what = "the file"
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: checked %s: no mistake found\n", cfg.File, what)
			return err
		},
	}
	configFlag(cmd, &path)
	jsonFlag(cmd, &asJSON)
	userFlag(cmd, &asUser)
	cmd.Flags().BoolVar(&offline, "offline", false, "do not ask Tenovos")
	return cmd
}

// checked is what check found beside mistakes.
type checked struct {
	cfg      *config.Config // nil where the file cannot be read
	who      person         // in whose name the rights were asked for
	warnings []yamltree.Problem
}

// check collects the mistakes of the file, of the folders and, where the login is
// beyond doubt, of the names, so that all are shown at once.
func check(ctx context.Context, path, asUser string, offline bool) (c checked, err error) {
	cfg, err := loadConfig(path)
	invalid, wrong := errors.AsType[*config.Invalid](err)
	if err != nil && !wrong {
		return c, err
	}
	c.cfg = cfg
	if c.who, err = daemonUser(ctx, cfg, asUser); err != nil {
		return c, err
	}
	var problems []yamltree.Problem
	if wrong {
		problems = invalid.Problems
	}
	local := cfg.CheckFolders()
	mistakes, notes := checkRights(cfg, sound(cfg.Folders, local), c.who)
	local = append(local, mistakes...)
	c.warnings = yamltree.SortProblems(append(cautions(cfg, c.who), notes...))
	if !offline {
		_, problems, err = examine(ctx, cfg, invalid, nil)
		if err != nil {
			return c, errors.Join(cfg.Invalid(append(problems, local...)), err)
		}
	}
	return c, errors.Join(cfg.Invalid(append(problems, local...)), checkJournal(ctx, cfg))
}

// sound returns the folders of which nothing is wrong yet: a share that hangs is
// not asked for more.
func sound(folders []config.Folder, wrong []yamltree.Problem) []config.Folder {
	return slices.DeleteFunc(slices.Clone(folders), func(f config.Folder) bool {
		return f.Path == "" || slices.ContainsFunc(wrong, func(p yamltree.Problem) bool { return p.Pos == f.Pos })
	})
}

// examine holds a configuration against the account, where the login is beyond
// doubt, and returns its mistakes together with those that loading it found. The
// error is trouble in reaching the account; without any it returns the account. m may be nil.
func examine(ctx context.Context, cfg *config.Config, invalid *config.Invalid, m *metrics.Metrics) (*account, []yamltree.Problem, error) {
	var problems []yamltree.Problem
	if invalid != nil {
		problems = slices.Clone(invalid.Problems)
		if !invalid.AccountKnown {
			return nil, problems, nil
		}
	}
	acct, err := connect(ctx, cfg, m)
	if refused, ok := errors.AsType[*config.Invalid](err); ok {
		return nil, append(problems, refused.Problems...), nil
	}
	return acct, problems, err
}

// checkJournal looks whether the journal can be written where it is, or would be, and
// relied on there, without making it, and whether what lies there is one that the daemon
// would start with.
func checkJournal(ctx context.Context, cfg *config.Config) error {
	if cfg.Journal == "" {
		return nil // said already
	}
	return config.InTime(func() error { return errors.Join(placed(cfg.Journal), writable(cfg.Journal), usable(ctx, cfg.Journal)) },
		fmt.Errorf("journal %s: its file system does not answer: %w", cfg.Journal, errUnusable))
}

func placed(path string) error {
	if err := journal.Place(path); errors.Is(err, journal.ErrNetwork) || errors.Is(err, journal.ErrLinked) {
		return fmt.Errorf("journal %s: %w", path, err)
	}
	return nil // what else is wrong with the path is said by writable
}

// usable tells of a journal that no start of the daemon gets to work.
func usable(ctx context.Context, path string) error {
	r, err := journal.OpenReader(ctx, path)
	switch {
	case err == nil:
		return r.Close()
	case isHopeless(err) && !errors.Is(err, journal.ErrLinked): // which placed tells
		return err
	default:
		return nil // one that is not there yet is made, one of an older release brought up to date
	}
}

func writable(journal string) error {
	for at := journal; ; at = filepath.Dir(at) {
		err := unix.Access(at, unix.W_OK)
		if errors.Is(err, fs.ErrNotExist) && at != filepath.Dir(at) {
			continue // it would be made
		}
		if err != nil {
			return fmt.Errorf("journal %s: %s cannot be written by this user (%s): %w: %w", journal, at, journalAdvice(journal), err, errUnusable)
		}
		return nil
	}
}

// writeCheck prints the mistakes as JSON.
func writeCheck(cmd *cobra.Command, err error, notes []string, c checked) error {
	type problem struct {
		Line    int    `json:"line"`
		Column  int    `json:"column"`
		Message string `json:"message"`
		Hint    string `json:"hint"`
	}
	out := struct {
		OK       bool      `json:"ok"`
		Problems []problem `json:"problems"`
		Warnings []problem `json:"warnings"`        // what is no mistake, but hardly meant
		Notes    []string  `json:"notes,omitempty"` // what is no mistake, but may not be meant
		User     string    `json:"user"`            // in whose name the rights were asked for
		Error    string    `json:"error,omitempty"`
	}{OK: err == nil, Problems: []problem{}, Warnings: []problem{}, Notes: notes, User: c.who.name}
	for _, p := range c.warnings {
		out.Warnings = append(out.Warnings, problem{p.Line, p.Column, p.Message, p.Hint})
	}
	if invalid, ok := errors.AsType[*config.Invalid](err); ok {
		for _, p := range yamltree.SortProblems(invalid.Problems) {
			out.Problems = append(out.Problems, problem{p.Line, p.Column, p.Message, p.Hint})
		}
	} else if err != nil {
		out.Error = err.Error()
	}
	return json.NewEncoder(cmd.OutOrStdout()).Encode(out)
}
