package mapping

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"gopkg.in/yaml.v3"

	"github.com/tenovos-ingest/ingestd/internal/facts"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
)

// TestGolden maps the files of testdata/map/*.txtar: rules.yaml holds levels and
// rules for the account of the tests, files.yaml what is known of each file, and
// want what the rules make of it.
func TestGolden(t *testing.T) {
	scripts, err := filepath.Glob("testdata/map/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("scripts: %v, %v", scripts, err)
	}
	for _, script := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(script), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(script)
			if err != nil {
				t.Fatal(err)
			}
			parts := map[string]*txtar.File{}
			for i := range archive.Files {
				parts[archive.Files[i].Name] = &archive.Files[i]
			}
			got := mapFiles(t, string(parts["rules.yaml"].Data), parts["files.yaml"].Data)
			if *update {
				parts["want"].Data = []byte(got)
				if err := os.WriteFile(script, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(parts["want"].Data), got); diff != "" {
				t.Errorf("results differ (-want +got):\n%s", diff)
			}
		})
	}
}

// mapFiles maps each file and tells the results in words.
func mapFiles(t *testing.T, rules string, files []byte) string {
	m, parsed := newMapper(t, rules)
	var list []struct {
		Path  string
		Facts map[string][]string
	}
	if err := yaml.Unmarshal(files, &list); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, of := range list {
		known := facts.Gather(file.File{Path: of.Path}, time.Time{}, parsed.Levels)
		for name, values := range of.Facts {
			prefix, _, _ := strings.Cut(name, ".")
			known[metadata.Key(name)] = metadata.Fact{Values: values, Origin: "the " + prefix}
		}
		fmt.Fprintf(&out, "%s\n", of.Path)
		result, err := m.Map(known, of.Path)
		if errors.Is(err, ErrNoRule) {
			fmt.Fprintln(&out, "  ignored")
			continue
		}
		tell(&out, result)
	}
	return out.String()
}

func tell(out *strings.Builder, r Result) {
	for _, e := range r.Values {
		tellValue(out, "  ", e)
		for _, c := range e.Cells {
			tellValue(out, fmt.Sprintf("    %d ", c.Row), c.Explained)
		}
	}
	for _, f := range r.Problems {
		fmt.Fprintf(out, "  ! %s: %s (%s) fail=%v\n", f.Attribute, f.Message, f.Hint, f.Fail)
	}
	if len(r.Problems) > 0 {
		fmt.Fprintf(out, "  failed=%v\n", r.Failed())
		return
	}
	for _, v := range r.Asset.Metadata {
		wire, err := json.Marshal(v)
		if err != nil {
			wire = []byte(err.Error())
		}
		fmt.Fprintf(out, "  > %s\n", wire)
	}
}

func tellValue(out *strings.Builder, indent string, e Explained) {
	fmt.Fprintf(out, "%s%s = %q <- %s", indent, e.Attribute, e.Value, e.Source)
	if e.Origin != "" {
		fmt.Fprintf(out, " (%s)", e.Origin)
	}
	for _, more := range []struct {
		what  string
		texts []string
	}{{"tried", e.Tried}, {"passed", e.Passed}, {"dropped", e.Dropped}} {
		if len(more.texts) > 0 {
			fmt.Fprintf(out, "; %s %s", more.what, strings.Join(more.texts, ", "))
		}
	}
	fmt.Fprintln(out)
}
