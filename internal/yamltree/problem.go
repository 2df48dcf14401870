package yamltree

import (
	"cmp"
	"fmt"
	"slices"
)

// Pos is a place in the configuration file; lines and columns count from 1. Its
// zero value is no place.
type Pos struct{ Line, Column int }

// Problem is one mistake in the configuration file: a sentence that says what is
// wrong, and, where there is one, a hint at what would be right.
type Problem struct {
	Pos
	Message, Hint string
}

// String returns "line:column: message (hint)".
func (p Problem) String() string {
	s := fmt.Sprintf("%d:%d: %s", p.Line, p.Column, p.Message)
	if p.Hint != "" {
		s += " (" + p.Hint + ")"
	}
	return s
}

// SortProblems returns the problems by position, each once: what is shared by a
// YAML alias is read, and found wrong, more than once.
func SortProblems(problems []Problem) []Problem {
	sorted := slices.Clone(problems)
	slices.SortStableFunc(sorted, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(sorted)
}
