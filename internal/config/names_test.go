package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/yamltree"
)

// A folder's name is the name of a directory where {folder} stands for it, and neither
// that nor an empty {path} may lead finished files out of the directory that is theirs:
// they would be found again.
func TestNamesThatLeadOutOfDone(t *testing.T) {
	for _, c := range []struct {
		name, done string // as YAML
		key        string // of the mistake; "" is none
	}{
		{`"."`, `_x`, "name"},
		{`".."`, `"_x/{folder}"`, "name"},
		{`""`, `_x`, "name"},
		{`a/b`, `_x`, "name"},
		{`../b`, `_x`, "name"},
		{`"a\0b"`, `_x`, "name"},
		{`"a\nb"`, `_x`, "name"},
		{`"a\x1bb"`, `_x`, "name"},
		{`"a\u0085b"`, `_x`, "name"},
		{`...`, `"_x/{folder}"`, ""},
		{`.hidden`, `"_x/{folder}"`, ""},
		{`a`, `"_x/{path}"`, ""},
		{`a`, `"_x/a{path}.{date}"`, ""},
		{`a`, `"_x/{path}{path}"`, ""},
		{`a`, `"_x/..{path}"`, "done"},
		{`a`, `"_x/.{path}"`, "done"},
		{`a`, `"_x/{path}.."`, "done"},
		{`a`, `"_x/.{path}./y"`, "done"},
		{`a`, `"_x/..{folder}"`, ""},
		{`a`, `".{path}"`, "done"},
		{`a`, `"{path}/../_x"`, ""},
		{`a`, `"_x/../{folder}"`, "done"},
		{`a`, `"./{folder}"`, "done"},
		{`a`, `_x/..`, "done"},
		{`a`, `"_x\0"`, "done"},
		{`a`, `"_x\n/{path}"`, "done"},
	} {
		path := filepath.Join(t.TempDir(), "c.yaml")
		text := strings.Replace(minimal, "name: drop\n", "name: "+c.name+"\n    after: move\n    done: "+c.done+"\n", 1)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(path, lookup(nil))
		invalid, wrong := errors.AsType[*Invalid](err)
		if c.key == "" {
			if err != nil {
				t.Errorf("name %s, done %s: %v", c.name, c.done, err)
			}
			continue
		}
		at := map[string]yamltree.Pos{"name": {Line: 4, Column: 11}, "done": {Line: 6, Column: 11}}[c.key]
		if !wrong || len(invalid.Problems) != 1 || invalid.Problems[0].Pos != at || !strings.HasPrefix(invalid.Problems[0].Message, c.key) {
			t.Errorf("name %s, done %s: %v", c.name, c.done, err)
		}
	}
}
