package main

import (
	"strings"
	"testing"
)

// TestSeekAsShown finds a file by its path as status shows it, and says of an id that there is
// none where the ids are.
func TestSeekAsShown(t *testing.T) {
	t.Parallel()
	r := newRoom(t, newStand(t, "1.5", nil))
	r.write("hooli/a\u202egpj\n\xff.jpg", "held")
	r.run("backfill")
	const shown = `drop/"hooli/a\u202egpj\n\xff.jpg"`
	if code, stdout, _ := r.run("status", shown); code != 0 || !strings.Contains(stdout, shown) {
		t.Errorf("exit code %d, %q", code, stdout)
	}
	if code, stdout, _ := r.run("history", shown); code != 0 || !strings.Contains(stdout, shown) {
		t.Errorf("exit code %d, %q", code, stdout)
	}
	code, _, stderr := r.run("history", "4711")
	if code != 1 || !strings.Contains(stderr, "`ingestd status --all`") || strings.Contains(stderr, "explain") {
		t.Errorf("exit code %d, %q", code, stderr)
	}
}
