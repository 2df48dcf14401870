package ingest

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tenovos-ingest/ingestd/journal"
)

// TestReadmeShowsTheMoves holds the table of states in the README against the
// journal's.
func TestReadmeShowsTheMoves(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	want := journal.Moves()
	row := regexp.MustCompile(`(?m)^\| (\w+) \| [^|]+ \|([\w, ]*)\|`)
	seen := map[journal.Status]bool{}
	for _, m := range row.FindAllStringSubmatch(string(readme), -1) {
		from := journal.Status(m[1])
		moves, ok := want[from]
		if !ok {
			continue // a row of another table
		}
		seen[from] = true
		var got []string
		if text := strings.TrimSpace(m[2]); text != "" {
			got = strings.Split(text, ", ")
		}
		var names []string
		for _, to := range moves {
			names = append(names, string(to))
		}
		slices.Sort(got)
		slices.Sort(names)
		if !slices.Equal(got, names) {
			t.Errorf("%s: the README says %v, the journal %v", from, got, names)
		}
	}
	for from := range maps.Keys(want) {
		if !seen[from] {
			t.Errorf("the README's table has no row for %s", from)
		}
	}
}
