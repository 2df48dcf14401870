package ingest_test

import (
	"strings"
	"testing"
)

// knownHistories are plans that failed once, by what was wrong in them.
var knownHistories = map[string]string{
	// The create of a version is refused, although it made one, and so is the look whether
	// its asset is still there: the file is held, and the empty version is looked for.
	"held after a refused create that worked": `
{"workers":1,"versions":"path"}
{"do":"write","path":"y/c.jpg","size":1000,"n":1,"wait_ms":10000}
{"do":"fault","path":"x/c.jpg","kind":"refused","where":"look at a removal","times":1}
{"do":"fault","kind":"error in 200 but worked","where":"create","times":1}
{"do":"write","path":"y/c.jpg","size":1000,"n":4,"wait_ms":10000}`,
}

// TestKnownHistories repeats what the simulation found once.
func TestKnownHistories(t *testing.T) {
	for name, text := range knownHistories {
		t.Run(name, func(t *testing.T) {
			plan, err := parsePlan(text)
			if err != nil {
				t.Fatal(err)
			}
			if wrong := happen(t, plan); len(wrong) > 0 {
				t.Error(strings.Join(wrong, "\n"))
			}
		})
	}
}
