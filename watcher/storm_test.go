package watcher

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// 300 trees of three levels are made and filled at once, 40 of them renamed in the
// middle, and a folder of 60 files is moved in. No scan by the clock helps.
func TestStorm(t *testing.T) {
	t.Parallel()
	const trees, renamed, moved = 300, 40, 60
	r := newRig(t, Folder{Path: "in"})
	r.mkdir("in")
	var want []string
	for i := range moved {
		r.write(fmt.Sprintf("moved/%d", i), "x")
		want = append(want, fmt.Sprintf("moved/%d", i))
	}
	r.started()
	before := time.Now()
	var g errgroup.Group
	g.SetLimit(64)
	for i := range trees {
		top, final := fmt.Sprintf("t%d", i), fmt.Sprintf("t%d", i)
		if i < renamed {
			final = fmt.Sprintf("renamed%d", i)
		}
		for _, name := range stormFiles {
			want = append(want, final+"/"+name)
		}
		g.Go(func() error { return storm(r.path("in"), top, final) })
		if i == trees/2 {
			r.rename("moved", "in/moved")
		}
	}
	must(t, g.Wait())
	made := time.Now()
	r.await(want...)
	slices.Sort(want)
	// A slow machine may see a file quiet before its directory is renamed.
	got := slices.DeleteFunc(r.emitted(), func(p string) bool {
		_, err := os.Stat(r.path("in/" + p))
		return err != nil
	})
	if !slices.Equal(got, want) {
		t.Errorf("emitted %d files, want %d", len(got), len(want))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	repeats := 0
	for path, files := range r.files {
		repeats += len(files) - 1
		for _, f := range files[1:] {
			if f != files[0] {
				t.Errorf("%s came as %+v and as %+v, but never changed", path, files[0], f)
			}
		}
	}
	t.Logf("%d files made in %v, the last emitted %v later; %d idempotent repeats", len(want), made.Sub(before).Round(time.Millisecond), time.Since(made).Round(time.Millisecond), repeats)
}

var stormFiles = []string{"1", "x/2", "x/y/3"}

// storm makes a tree of three levels and fills it, renaming its top in the
// middle of that.
func storm(dir, top, final string) error {
	if err := os.MkdirAll(filepath.Join(dir, top, "x/y"), 0o700); err != nil {
		return err
	}
	for i, name := range stormFiles {
		if i == 1 && top != final {
			if err := os.Rename(filepath.Join(dir, top), filepath.Join(dir, final)); err != nil {
				return err
			}
			top = final
		}
		if err := os.WriteFile(filepath.Join(dir, top, name), []byte("x"), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// stoppedEnv makes the test binary watch a folder and print what it emits.
const stoppedEnv = "WATCHER_TEST_RUN"

// watchAndPrint is the process that TestStoppedProcess stops.
func watchAndPrint(dir string) error {
	var mu sync.Mutex
	out := bufio.NewWriter(os.Stdout)
	w, err := New([]Folder{{Name: "f", Path: dir, Settle: quiet, Rescan: time.Hour}}, Options{
		Emit: func(_ context.Context, files []file.File) error {
			mu.Lock()
			defer mu.Unlock()
			for _, f := range files {
				fmt.Fprintln(out, f.Path)
			}
			return out.Flush()
		},
		Report: func(s State) {
			mu.Lock()
			defer mu.Unlock()
			if !s.LastScan.IsZero() && s.Settling == 0 {
				fmt.Fprintln(out, "scanned")
				_ = out.Flush()
			}
		},
		Log: zerolog.New(os.Stderr),
	})
	if err != nil {
		return err
	}
	return w.Run(context.Background())
}

// The kernel's queue overflows while the process is stopped. What it lost is
// found at once all the same.
func TestStoppedProcess(t *testing.T) {
	t.Parallel()
	const dirs, files = 100, 100
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), stoppedEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	must(t, err)
	var log bytes.Buffer // to be read when the process has ended
	cmd.Stderr = &log
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "scanned" {
		t.Fatalf("the process said %q", lines.Text())
	}
	for d := range dirs - 10 {
		must(t, os.Mkdir(filepath.Join(dir, fmt.Sprint(d)), 0o700))
	}
	must(t, os.WriteFile(filepath.Join(dir, "sign"), []byte("x"), 0o600))
	for lines.Scan() {
		if lines.Text() == "sign" {
			break
		}
	}
	must(t, cmd.Process.Signal(syscall.SIGSTOP))
	for d := range dirs { // the last ones are not watched yet
		sub := filepath.Join(dir, fmt.Sprint(d))
		must(t, os.MkdirAll(sub, 0o700))
		for i := range files {
			must(t, os.WriteFile(filepath.Join(sub, fmt.Sprint(i)), []byte("x"), 0o600))
		}
	}
	must(t, cmd.Process.Signal(syscall.SIGCONT))
	woken := time.Now()
	seen := make(map[string]int)
	for len(seen) < dirs*files && lines.Scan() {
		if p := lines.Text(); p != "scanned" && p != "sign" {
			seen[p]++
		}
	}
	if len(seen) != dirs*files {
		t.Fatalf("%d of %d files emitted", len(seen), dirs*files)
	}
	took, peak := time.Since(woken), peakMemory(t, cmd.Process.Pid)
	if peak > 160 || took > 30*time.Second {
		t.Errorf("%d MiB at the peak, all emitted after %v", peak, took)
	}
	must(t, cmd.Process.Kill())
	_ = cmd.Wait() // it was killed
	if limit := queueLimit(t); !strings.Contains(log.String(), "max_queued_events") && limit < 2*files*(dirs-10) {
		t.Errorf("the queue of %d events did not overflow; log:\n%s", limit, log.String())
	}
	t.Logf("%d files emitted %v after the process went on, %d MiB at the peak", len(seen), took.Round(time.Millisecond), peak)
}

// peakMemory returns the most that a process ever had resident, in MiB.
func peakMemory(t *testing.T, pid int) int {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	must(t, err)
	_, rest, _ := strings.Cut(string(raw), "VmHWM:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		t.Fatal("the process has no VmHWM")
	}
	kib, err := strconv.Atoi(fields[0])
	must(t, err)
	return kib >> 10
}

// TestIdle measures what 2,000 directories cost in which nothing happens.
func TestIdle(t *testing.T) {
	if testing.Short() {
		t.Skip("takes five seconds")
	}
	t.Parallel() // it is another process that is measured
	dir := t.TempDir()
	for d := range 2000 {
		must(t, os.MkdirAll(filepath.Join(dir, fmt.Sprint(d%50), fmt.Sprint(d)), 0o700))
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), stoppedEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if lines := bufio.NewScanner(out); !lines.Scan() {
		t.Fatal("the process said nothing")
	}
	const span = 5 * time.Second
	before := cpuTime(t, cmd.Process.Pid)
	time.Sleep(span)
	used := cpuTime(t, cmd.Process.Pid) - before
	share := 100 * used.Seconds() / span.Seconds()
	if share >= 1 {
		t.Errorf("%.2f %% of a core while nothing happens", share)
	}
	t.Logf("%.2f %% of a core (%v in %v)", share, used, span)
}

// cpuTime returns what a process has used of a core, from its scheduler's account
// of its threads.
func cpuTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	must(t, err)
	var sum time.Duration
	for _, name := range threads {
		raw, err := os.ReadFile(name)
		must(t, err)
		ns, err := strconv.ParseInt(strings.Fields(string(raw))[0], 10, 64)
		must(t, err)
		sum += time.Duration(ns)
	}
	return sum
}
