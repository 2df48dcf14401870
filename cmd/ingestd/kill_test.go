package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/sandbox"
)

// TestKilledInTheMiddle kills a daemon while one of the four parts of a file is on
// its way. The next one sends that part and no other.
func TestKilledInTheMiddle(t *testing.T) {
	if testing.Short() {
		t.Skip("sends 310 MiB")
	}
	t.Parallel()
	const size, stalled = 310 * mib, 3
	s := newStand(t, "1.5", nil)
	r := newRoom(t, s)
	r.env["SETTLE"] = "20ms"
	sum := makeFile(t, filepath.Join(r.drop, "acme", "film.mov"), size)
	err := s.Queue(sandbox.Fault{Operation: sandbox.PutPart, Part: stalled, Kind: sandbox.FaultStall, Bytes: 20 * mib, Delay: 10 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}

	daemon := r.start("run")
	eventually(t, "the journal knows of three parts", func() bool {
		if len(s.State().Uploads) == 0 {
			return false
		}
		return r.stored(1) == 210*mib
	})
	report, err := r.status()
	if err != nil || report.Entries[0].Status != "uploading" || report.balance() != nil || report.Folders[0].Uploading != 1 {
		t.Errorf("in the middle of it, status is %+v, %v", report, err)
	}
	if texts, err := journalTexts(r.journal); err != nil || s.leaked(texts) != "" {
		t.Errorf("in the middle of it, the journal's texts hold %s (%v)", s.leaked(texts), err)
	}
	daemon.kill()

	again := r.start("run")
	again.says("an interrupted upload goes on")
	eventually(t, "the file is in", func() bool { return len(s.named("film.mov")) == 1 && r.books().Filed == 1 })
	again.terminate()

	state := s.State()
	if len(state.Assets) != 1 || len(state.Uploads) != 1 {
		t.Fatalf("%d assets, %d uploads", len(state.Assets), len(state.Uploads))
	}
	for _, p := range state.Uploads[0].Parts {
		if want := 1; p.Stored != want {
			t.Errorf("part %d was stored %d times", p.Number, p.Stored)
		}
		if want := map[bool]int{true: 2, false: 1}[p.Number == stalled]; p.Begun != want {
			t.Errorf("part %d was sent %d times, want %d", p.Number, p.Begun, want)
		}
	}
	if a := state.Assets[0]; a.ContentMD5 != sum || a.ContentSize != size {
		t.Errorf("%s, want MD5 %s", s.describe(a), sum)
	}
	// What the attempt needed of secrets is gone from the file, not only from its tables.
	for _, suffix := range []string{"", "-wal"} {
		if data, err := os.ReadFile(r.journal + suffix); err == nil && s.leaked(data) != "" {
			t.Errorf("the journal%s still holds %s", suffix, s.leaked(data))
		}
	}
	s.complain(t)
}

// TestStopInTheMiddle stops what sends a part that does not end: it waits for it as
// long as it was told to, or until it is told again. The next run carries on.
func TestStopInTheMiddle(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, command, grace string
		again                bool // a second signal
		code                 int
	}{
		{"run, grace over", "run", "1s", false, 0},
		{"run, second signal", "run", "5m", true, 0},
		{"backfill, grace over", "backfill", "1s", false, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t, "1.5", nil)
			r := newRoom(t, s)
			r.env["SETTLE"], r.env["GRACE"] = "20ms", tt.grace
			r.write("acme/slow.jpg", strings.Repeat("slow ", 10_000))
			r.write("acme/fast.jpg", "fast")
			err := s.Queue(sandbox.Fault{Operation: sandbox.PutObject, Path: "slow.jpg", Kind: sandbox.FaultStall, Delay: 10 * time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			p := r.start(tt.command)
			eventually(t, "one is in and one on its way", func() bool {
				return len(s.named("fast.jpg")) == 1 && len(s.UnusedFaults()) == 0 && r.books().Filed == 1
			})
			begun := time.Now()
			p.signal(syscall.SIGTERM)
			if tt.again {
				p.says("parts on their way may finish")
				p.signal(syscall.SIGTERM)
			}
			if code := p.wait(20 * time.Second); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			if took := time.Since(begun); !tt.again && took < time.Second {
				t.Errorf("it ended after %v; the part had %s", took, tt.grace)
			}
			if b := r.books(); b.Filed != 1 || b.Uploading != 1 {
				t.Errorf("books are %+v", b)
			}

			if code, _, _ := r.run("backfill"); code != 0 {
				t.Errorf("the next backfill: exit code %d", code)
			}
			if got := s.named("slow.jpg"); len(got) != 1 || got[0].ContentSize != 50_000 || len(s.State().Assets) != 2 {
				t.Errorf("slow.jpg is %d assets of %d in all", len(got), len(s.State().Assets))
			}
			s.complain(t)
		})
	}
}

// TestOwnerDies takes the daemon away from a backfill that follows it.
func TestOwnerDies(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	r := newRoom(t, s)
	r.env["SETTLE"] = "20ms"
	r.write("acme/slow.jpg", "slow")
	err := s.Queue(sandbox.Fault{Operation: sandbox.PutObject, Kind: sandbox.FaultStall, Delay: 10 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	owner := r.start("run")
	eventually(t, "the file is on its way", func() bool { return len(s.UnusedFaults()) == 0 })
	following := r.start("backfill")
	following.says("a daemon owns the journal")
	owner.kill()
	if code := following.wait(patience); code != 1 || !strings.Contains(following.stderr.String(), "the daemon stopped") {
		t.Errorf("the backfill that followed it: exit code %d", code)
	}
}

// TestOwnerIsBackfill starts a backfill beside another one, which cannot look at
// the folders once more.
func TestOwnerIsBackfill(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	r := newRoom(t, s)
	r.env["SETTLE"] = "20ms"
	r.write("acme/slow.jpg", "slow")
	err := s.Queue(sandbox.Fault{Operation: sandbox.PutObject, Kind: sandbox.FaultStall, Delay: 10 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	r.start("backfill")
	eventually(t, "the file is on its way", func() bool { return len(s.UnusedFaults()) == 0 })
	if code, _, stderr := r.run("backfill"); code != 1 || !strings.Contains(stderr, "another backfill owns the journal") {
		t.Errorf("exit code %d", code)
	}
}
