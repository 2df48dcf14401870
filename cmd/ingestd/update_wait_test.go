package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/sandbox"
)

// newCorrection ingests a dozen files, and corrects their manifest.
func newCorrection(t *testing.T, lag time.Duration) *room {
	t.Helper()
	const files = 12
	r := newRoom(t, newStand(t, "1.5", func(o *sandbox.Options) { o.BulkLag = lag }))
	r.config, r.env["SETTLE"] = "testdata/manifest.yaml", "20ms"
	for i := range files {
		r.write(fmt.Sprintf("picture-%04d.jpg", i), fmt.Sprint(i))
	}
	keyword := func(word string) {
		r.manifest(files, func(i int) string { return fmt.Sprintf("Picture %d,%s,Acme", i, word) })
	}
	keyword("first")
	if code, out, errs := r.run("backfill"); code != 0 {
		t.Fatalf("exit code %d: %s%s", code, out, errs)
	}
	keyword("second")
	return r
}

// TestUpdateSaysWhatItWaitsFor has a bulk edit take a while, with a daemon and without
// one: the command says so beside its output, and ends when it is seen.
func TestUpdateSaysWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	for _, daemon := range []bool{false, true} {
		t.Run(fmt.Sprintf("daemon %t", daemon), func(t *testing.T) {
			t.Parallel()
			r := newCorrection(t, 2*time.Second)
			if daemon {
				r.start("run").says(`"running"`)
			}
			code, stdout, stderr := r.run("update", "--json")
			var outcomes []desk.Outcome
			if err := json.Unmarshal([]byte(stdout), &outcomes); err != nil || code != 0 || len(outcomes) != 12 {
				t.Errorf("exit code %d, %v: %s%s", code, err, stdout, stderr)
			}
			if !strings.Contains(stderr, "waiting for a bulk edit of 12 assets: not seen yet in 12 of them, for ") {
				t.Errorf("it does not say what it waits for: %s", stderr)
			}
		})
	}
}

// TestUpdateWaitsNoLonger has a bulk edit that never comes: the command says so and
// ends in its time, and the edits stay open.
func TestUpdateWaitsNoLonger(t *testing.T) {
	t.Parallel()
	r := newCorrection(t, time.Hour)
	code, stdout, stderr := r.run("update", "--wait", "2s")
	if code != exitNotIngested || stdout != "" || !strings.Contains(stderr, "not every asset shows its change after 2s: the open edits stay in the journal") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	if code, _, stderr := r.run("update", "--wait", "0s"); code != exitUsage {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
