package config

import (
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/yamltree"
)

// Invalid is the error for a configuration file with mistakes.
type Invalid struct {
	File     string
	Problems []yamltree.Problem // by position; at least one

	// AccountKnown says that none of the mistakes is in the tenovos section, so that
	// a check may go on and hold the rules against the account.
	AccountKnown bool

	// OnlyCredentials says that every mistake is a credential that cannot be had
	// here, as in a shell that lacks the service's environment: a command that does
	// not log in may go on.
	OnlyCredentials bool
}

// Error returns a line for each problem: file:line:column: message (hint).
func (e *Invalid) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = e.File + ":" + p.String()
	}
	return strings.Join(lines, "\n")
}

// Invalid returns problems that were found after loading, by mapping.Resolve or
// CheckFolders, as an error that prints like those of Load; nil when there are
// none.
func (c *Config) Invalid(problems []yamltree.Problem) error {
	if len(problems) == 0 {
		return nil
	}
	return &Invalid{File: c.File, Problems: yamltree.SortProblems(problems), AccountKnown: true}
}
