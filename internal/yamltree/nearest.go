package yamltree

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// maxCompared bounds the runes that Nearest compares: the work grows with the
// product of two names, and what is longer is no name.
const maxCompared = 100

// Nearest returns the name among known that someone who wrote name most likely
// meant, or "" when none is close: about one slip in three letters.
func Nearest(name string, known []string) string {
	best, bestAt := "", -1
	target := letters(name)
	for _, k := range known {
		candidate := letters(k)
		limit := max(len(target), len(candidate)) / 3
		if limit == 0 || abs(len(target)-len(candidate)) > limit {
			continue
		}
		if d := distance(target, candidate); d <= limit && (bestAt < 0 || d < bestAt) {
			best, bestAt = k, d
		}
	}
	return best
}

// SuggestOf returns a hint for a name that is not among known: the nearest one,
// else the list of all when it is short.
func SuggestOf(name string, known []string) string {
	if near := Nearest(name, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	if len(known) == 0 || len(known) > 12 {
		return ""
	}
	return "use one of " + QuotedList(known)
}

// QuotedList returns texts in quotes with commas.
func QuotedList(texts []string) string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = strconv.Quote(text)
	}
	return strings.Join(quoted, ", ")
}

// Fold returns the form of a name in which case and composition do not count.
func Fold(s string) string { return strings.ToLower(norm.NFC.String(strings.TrimSpace(s))) }

func letters(s string) []rune {
	runes := []rune(Fold(s))
	return runes[:min(len(runes), maxCompared)]
}

// distance counts the insertions, deletions, replacements and swaps of
// neighbours that turn a into b (optimal string alignment).
func distance(a, b []rune) int {
	var before []int // two rows up
	above := make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above = above, row
	}
	return above[len(b)]
}

func abs(n int) int { return max(n, -n) }
