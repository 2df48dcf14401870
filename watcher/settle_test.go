package watcher

import (
	"fmt"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/filetime"
)

func TestSettle(t *testing.T) {
	const quiet = 5 * time.Second
	t0 := time.Unix(1_700_000_000, 0)
	at := func(s float64) time.Time { return t0.Add(time.Duration(s * float64(time.Second))) }
	fp := func(size int64, ctime float64) file.Stat {
		return file.Stat{Size: size, ModTime: 1, ChangeTime: at(ctime).UnixNano(), Dev: 1, Ino: 1}
	}
	ctime := func(ns int64) file.Stat { return file.Stat{Size: 1, ModTime: 1, ChangeTime: ns, Dev: 1, Ino: 1} }
	type look struct {
		now     float64
		fp      file.Stat
		settled bool
		due     float64 // when not settled
	}
	moved := fp(1, 0)
	moved.Ino = 2
	touched := fp(1, 0)
	touched.ModTime = 2
	for _, tt := range []struct {
		name  string
		aged  time.Duration
		looks []look
	}{
		{"old ctime is quiet at once", quiet, []look{{now: 5, fp: fp(1, 0), settled: true}}},
		{"ctime almost old enough", quiet, []look{{now: 4.9, fp: fp(1, 0), due: 5}, {now: 5, fp: fp(1, 0), settled: true}}},
		{"a new file", quiet, []look{{now: 0, fp: fp(1, 0), due: 5}, {now: 5, fp: fp(1, 0), settled: true}}},
		{"a file that grows counts from its last change", quiet, []look{
			{now: 0, fp: fp(1, 0), due: 5},
			{now: 5, fp: fp(2, 4.5), due: 9.5},
			{now: 9.5, fp: fp(2, 4.5), settled: true},
		}},
		{"a ctime in the future has to be seen holding still", quiet, []look{
			{now: 0, fp: fp(1, 100), due: 5},
			{now: 3, fp: fp(1, 100), due: 5},
			{now: 5, fp: fp(1, 100), settled: true},
		}},
		{"so has one on a share whose clock may be behind", time.Hour, []look{
			{now: 0, fp: fp(1, -60), due: 5},
			{now: 5, fp: fp(2, -55), due: 10},
			{now: 10, fp: fp(2, -55), settled: true},
		}},
		{"the same size and times in another inode", time.Hour, []look{
			{now: 0, fp: fp(1, 0), due: 5},
			{now: 4, fp: moved, due: 9},
			{now: 9, fp: moved, settled: true},
		}},
		{"a changed mtime alone", time.Hour, []look{
			{now: 0, fp: fp(1, 0), due: 5},
			{now: 4, fp: touched, due: 9},
		}},
		{"a ctime that no clock gave has to be seen holding still", quiet, []look{
			{now: 0, fp: ctime(0), due: 5},
			{now: 4, fp: ctime(filetime.Nanos(-11_644_473_600, 0)), due: 9}, // 1601, where Windows begins to count
			{now: 8, fp: ctime(filetime.Nanos(253_402_300_799, 0)), due: 13},
			{now: 13, fp: ctime(filetime.Nanos(253_402_300_799, 0)), settled: true},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSettler(quiet, tt.aged)
			for i, l := range tt.looks {
				if i > 0 && at(l.now).Equal(at(tt.looks[i-1].due)) {
					if got := s.due(at(l.now), 10); len(got) != 1 {
						t.Errorf("look %d: due %v, want the file", i, got)
					}
				}
				if got := s.observe("f", l.fp, at(l.now)); got != l.settled {
					t.Fatalf("look %d: settled %v, want %v", i, got, l.settled)
				}
				if l.settled {
					s.forget("f")
				}
				due, waiting := s.next()
				if waiting == l.settled || s.waits("f") == l.settled {
					t.Fatalf("look %d: waiting %v with settled %v", i, waiting, l.settled)
				}
				if waiting && !due.Equal(at(l.due)) {
					t.Errorf("look %d: due at %v, want %v", i, due.Sub(t0), at(l.due).Sub(t0))
				}
			}
		})
	}
}

// TestTouchesDoNotUnsettle has a file touched more often than it may settle: it is
// taken where its writers show, and waits where only its times tell.
func TestTouchesDoNotUnsettle(t *testing.T) {
	const quiet = 5 * time.Second
	t0 := time.Unix(1_700_000_000, 0)
	for _, touchable := range []bool{true, false} {
		s := newSettler(quiet, quiet)
		s.touchable = func(string) bool { return touchable }
		settled := false
		for i := range 4 {
			now := t0.Add(time.Duration(i) * 4 * time.Second)
			settled = settled || s.observe("f", file.Stat{Size: 1, ModTime: 1, ChangeTime: now.UnixNano()}, now)
		}
		if settled != touchable {
			t.Errorf("touchable %v: settled %v", touchable, settled)
		}
		now := t0.Add(16 * time.Second)
		s.forget("f")
		s.observe("f", file.Stat{Size: 1, ModTime: 1, ChangeTime: now.UnixNano()}, now)
		now = now.Add(quiet)
		if s.observe("f", file.Stat{Size: 1, ModTime: 2, ChangeTime: now.UnixNano()}, now) {
			t.Error("a file settled whose content may have changed")
		}
	}
}

func TestSettleOrderAndMemory(t *testing.T) {
	s := newSettler(time.Second, time.Second)
	t0 := time.Unix(1_700_000_000, 0)
	for i := range 100 {
		ctime := t0.Add(-time.Duration(i*37%100) * 5 * time.Millisecond)
		s.observe(fmt.Sprint(i), file.Stat{ChangeTime: ctime.UnixNano()}, t0)
	}
	s.forget("7")
	s.forget("unknown")
	if got := s.due(t0, 100); len(got) != 0 {
		t.Fatalf("due at once: %v", got)
	}
	half := s.due(t0.Add(750*time.Millisecond), 100)
	rest := s.due(t0.Add(time.Second), 20)
	if len(half) < 45 || len(half) > 55 || len(rest) != 20 {
		t.Errorf("due %d, then %d, want about 50, then 20", len(half), len(rest))
	}
	for i := range 100 {
		s.forget(fmt.Sprint(i))
	}
	if _, ok := s.next(); ok || len(s.pending) != 0 || len(s.queue) != 0 {
		t.Errorf("%d pending, %d queued after all are forgotten", len(s.pending), len(s.queue))
	}
}
