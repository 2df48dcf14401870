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
	// A crash comes between the intent to delete the file and the deletion, and the file is
	// renamed before the next start: it was not we who took it away.
	"renamed between the intent to delete it and the deletion": `
{"workers":1,"versions":"path"}
{"do":"write","path":"b.jpg","size":1000,"n":1,"wait_ms":10000}
{"do":"crash","n":8,"where":"commit"}
{"do":"reload","setup":{"workers":3,"after":"delete","versions":"path","lag_ms":1117,"slow_ms":500}}
{"do":"write","path":"b.jpg","size":1000,"n":2}
{"do":"ask","n":4,"kind":"withdraw","wait_ms":10000}
{"do":"crash","n":3,"where":"commit","wait_ms":10000}
{"do":"rename","path":"b.jpg","to":"y/c.jpg"}`,
	"an empty file renamed between the intent to delete it and the deletion": `
{"workers":1,"after":"delete","versions":"path"}
{"do":"crash","n":27,"where":"commit"}
{"do":"ask","n":2,"kind":"cancel"}
{"do":"write","path":"x/c.jpg","size":1000,"n":2}
{"do":"fault","kind":"504","where":"bring versions back","times":1}
{"do":"write","path":"b.jpg","n":3,"seen":"late","wait_ms":10000}
{"do":"rename","path":"b.jpg","to":"z/x/a.jpg"}`,
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
