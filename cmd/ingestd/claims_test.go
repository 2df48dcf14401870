package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Of two processes with journals of their own on one folder the second says so and
// stays away, until the first lets go. With `shared: true` in both, both work.
func TestTwoJournalsOnOneFolder(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	first := newRoom(t, s)
	another := func() *room {
		r := newRoom(t, s)
		r.drop, r.env["DROP"] = first.drop, first.drop
		return r
	}
	second, third := another(), another()
	daemon := first.start("run")
	first.write("acme/one.jpg", "one")
	first.ingested(time.Now(), "one.jpg", "one")

	other, began := second.start("run"), time.Now()
	eventually(t, "the second says that it stays away", func() bool {
		_, out, _ := second.run("status")
		return strings.Contains(out, "is paused") && strings.Contains(out, "another program has locked the folder") && strings.Contains(out, "shared: true")
	})
	if code, _, stderr := third.run("backfill"); code != exitNotIngested || !strings.Contains(stderr, "another program has locked the folder") {
		t.Errorf("a backfill ends with %d and says %s", code, stderr)
	}
	first.write("acme/two.jpg", "two")
	first.ingested(time.Now(), "two.jpg", "two")
	if one, two := len(s.named("one.jpg")), len(s.named("two.jpg")); one != 1 || two != 1 {
		t.Errorf("ingested %d and %d times", one, two)
	}

	shared, err := os.ReadFile(first.config)
	if err != nil {
		t.Fatal(err)
	}
	free := another()
	free.config = filepath.Join(free.dir, "config.yaml")
	text := strings.Replace(string(shared), "    path: ", "    shared: true\n    path: ", 1)
	if text == string(shared) {
		t.Fatal("the configuration has no path")
	}
	if err := os.WriteFile(free.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := free.run("backfill"); code != exitDone {
		t.Errorf("where the folder may be shared a backfill ends with %d: %s", code, stderr)
	}

	eventually(t, "the second has looked again", func() bool { return time.Since(began) > 8*time.Second })
	before := len(s.named("one.jpg"))
	daemon.kill() // it has no time to let go
	first.write("acme/three.jpg", "three")
	eventually(t, "the second leaves the folder to the first for a while", func() bool {
		_, out, _ := second.run("status")
		return strings.Contains(out, "in case it comes back")
	})
	daemon = first.start("run")
	first.ingested(time.Now(), "three.jpg", "three")
	if one, three := len(s.named("one.jpg")), len(s.named("three.jpg")); one != before || three != 1 {
		t.Errorf("after a crash: ingested %d times more, and %d times", one-before, three)
	}
	daemon.kill()
	other.kill()
	if code, _, stderr := third.run("backfill"); code != exitDone {
		t.Errorf("a folder that nobody holds is left with %d: %s", code, stderr)
	}
}
