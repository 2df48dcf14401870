package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/sharefs"
)

// Five folders on shares that hang cost a command no more time than one, and the
// folder beside them nothing.
func TestHangingShares(t *testing.T) {
	t.Parallel()
	r := newRoom(t, newStand(t, "1.5", nil))
	share := filepath.Join(r.dir, "share")
	if err := os.Mkdir(share, 0o700); err != nil {
		t.Fatal(err)
	}
	sharefs.Hang(t, share)
	data, err := os.ReadFile("testdata/config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(string(data), "\nfolders:")
	text := head + "\nfolders:\n"
	for i := range 6 {
		path := filepath.Join(share, fmt.Sprint(i))
		if i == 5 {
			path = r.drop
		}
		text += fmt.Sprintf("- {name: f%d, path: %s, rules: [{match: '**', template: Creative Asset, security: [Creative Internal], metadata: {Title: {from: file.stem}}}]}\n", i, path)
	}
	r.config = filepath.Join(r.dir, "config.yaml")
	if err := os.WriteFile(r.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r.write("a.jpg", "x")

	start := time.Now()
	offline := r.start("check", "--offline")
	explained := r.start("explain", filepath.Join(r.drop, "a.jpg"))
	hanging := r.start("explain", filepath.Join(share, "0", "a.jpg"))
	for _, c := range []struct {
		p    *process
		code int
		says string
	}{
		{offline, exitUsage, "folder " + share + "/4 does not answer"},
		{explained, exitDone, "template Creative Asset"},
		{hanging, exitError, "its file system does not answer"},
	} {
		code := c.p.wait(patience)
		if out := c.p.stdout.String() + c.p.stderr.String(); code != c.code || !strings.Contains(out, c.says) {
			t.Errorf("%s ended with %d, want %d and %q", c.p.cmd, code, c.code, c.says)
		}
	}
	if n := strings.Count(offline.stderr.String(), "does not answer"); n != 5 {
		t.Errorf("check found %d folders that hang", n)
	}
	if d := time.Since(start); d > 15*time.Second { // one after the other they would take a minute
		t.Errorf("the commands took %v", d)
	}
}
