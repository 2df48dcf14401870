package ingest

import (
	"testing"

	"github.com/tenovos-ingest/ingestd/journal"
)

// TestEachStatusThatRunsHasAStage holds the table of stages against the journal's statuses:
// an entry in a status that runs, and has no stage, would be tried again for ever.
func TestEachStatusThatRunsHasAStage(t *testing.T) {
	stages := (&Pipeline{core: &core{}}).stages()
	for s := range journal.Moves() {
		if has := stages[s] != nil; has != s.Runnable() {
			t.Errorf("%s runs: %v, and has a stage: %v", s, s.Runnable(), has)
		}
	}
}
