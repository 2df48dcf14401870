package ingest

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tenovos-ingest/ingestd/journal"
)

func architecture(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../docs/ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestArchitectureShowsTheMoves holds the table of states in docs/ARCHITECTURE.md against
// the journal's.
func TestArchitectureShowsTheMoves(t *testing.T) {
	want := journal.Moves()
	row := regexp.MustCompile(`(?m)^\| (\w+) \| [^|]+ \|([\w, ]*)\|`)
	seen := map[journal.Status]bool{}
	for _, m := range row.FindAllStringSubmatch(architecture(t), -1) {
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
			t.Errorf("%s: docs/ARCHITECTURE.md says %v, the journal %v", from, got, names)
		}
	}
	for from := range maps.Keys(want) {
		if !seen[from] {
			t.Errorf("the table in docs/ARCHITECTURE.md has no row for %s", from)
		}
	}
}

// TestArchitectureNamesTheRooms holds the packages that docs/ARCHITECTURE.md speaks of
// against those that there are.
func TestArchitectureNamesTheRooms(t *testing.T) {
	rooms := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && d.Name() != ".."):
			return filepath.SkipDir
		case strings.HasSuffix(path, ".go"):
			room, err := filepath.Rel("..", filepath.Dir(path))
			rooms[filepath.ToSlash(room)] = true
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, m := range regexp.MustCompile("`((?:internal|cmd)/[\\w/-]+|ingest|journal|uploader|watcher)`").FindAllStringSubmatch(architecture(t), -1) {
		named[m[1]] = true
	}
	for room := range rooms {
		if !named[room] && room != "cmd/ingestd" { // which stands in the picture
			t.Errorf("docs/ARCHITECTURE.md does not name `%s`", room)
		}
	}
	for room := range named {
		if !rooms[room] && !strings.HasPrefix(room, "cmd/ingestd/testdata/") {
			t.Errorf("docs/ARCHITECTURE.md names `%s`, which is no package", room)
		}
	}
}
