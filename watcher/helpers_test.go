package watcher

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

func TestMain(m *testing.M) {
	if os.Getenv(limitedEnv) != "" {
		if err := lowerLimits(os.Getenv(limitedEnv)); err != nil {
			panic(err)
		}
	}
	if dir := os.Getenv(stoppedEnv); dir != "" {
		if err := watchAndPrint(dir); err != nil {
			panic(err)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// quiet is the settle time of the event scripts: short, but longer than a
// writer in them ever pauses.
const quiet = 300 * time.Millisecond

// rig is a Watcher under test and all it has said.
type rig struct {
	t   *testing.T
	dir string
	w   *Watcher

	mu     sync.Mutex
	files  map[string][]file.File // by path, each time it was emitted
	when   map[string]time.Time
	states map[string][]State
	log    bytes.Buffer
	news   chan struct{} // closed and replaced with each emission, state and line of the log
}

func newRig(t *testing.T, folders ...Folder) *rig {
	t.Helper()
	r := &rig{
		t: t, dir: t.TempDir(), files: make(map[string][]file.File), when: make(map[string]time.Time),
		states: make(map[string][]State), news: make(chan struct{}),
	}
	if len(folders) == 0 {
		folders = []Folder{{}}
	}
	for i := range folders {
		f := &folders[i]
		if f.Name == "" {
			f.Name = "drop"
		}
		f.Path = filepath.Join(r.dir, f.Path)
		if f.Settle == 0 {
			f.Settle = quiet
		}
		if f.Rescan == 0 {
			f.Rescan = time.Hour // the events have to do it
		}
	}
	w, err := New(folders, Options{Emit: r.emit, Report: r.report, Log: zerolog.New(zerolog.SyncWriter(&locked{r}))})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range w.folders {
		f.checkEvery = 100 * time.Millisecond
	}
	r.w = w
	return r
}

type locked struct{ r *rig }

func (l *locked) Write(p []byte) (int, error) {
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	l.r.notify()
	return l.r.log.Write(p)
}

func (r *rig) emit(_ context.Context, files []file.File) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range files {
		if filepath.Dir(f.Path) != filepath.Dir(files[0].Path) {
			r.t.Errorf("one batch holds %q and %q", files[0].Path, f.Path)
		}
		r.files[f.Path] = append(r.files[f.Path], f)
		r.when[f.Path] = time.Now()
	}
	r.notify()
	return nil
}

func (r *rig) report(s State) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.states[s.Folder] = append(r.states[s.Folder], s)
	r.notify()
}

func (r *rig) notify() {
	close(r.news)
	r.news = make(chan struct{})
}

// run runs the watcher until the test ends.
func (r *rig) run() {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.w.Run(ctx) }()
	r.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Errorf("Run: %v", err)
		}
	})
}

// started is run, and returns after the first scan of folder "drop".
func (r *rig) started() {
	r.t.Helper()
	r.run()
	r.until("the first scan", func() bool { return !r.state("drop").LastScan.IsZero() })
}

// until waits for cond, which is called under the lock.
func (r *rig) until(what string, cond func() bool) {
	r.t.Helper()
	timeout := time.NewTimer(40 * time.Second)
	defer timeout.Stop()
	for {
		r.mu.Lock()
		ok, news := cond(), r.news
		r.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-news:
		case <-timeout.C:
			r.mu.Lock()
			defer r.mu.Unlock()
			r.t.Fatalf("waited in vain for %s; %d files emitted, states %v, log:\n%s", what, len(r.files), r.states, r.log.String())
		}
	}
}

// state returns the latest state of a folder. Under the lock only.
func (r *rig) state(folder string) State {
	if s := r.states[folder]; len(s) > 0 {
		return s[len(s)-1]
	}
	return State{}
}

// await waits until each path has been emitted.
func (r *rig) await(paths ...string) {
	r.t.Helper()
	for _, p := range paths {
		r.until(p, func() bool { return len(r.files[p]) > 0 })
	}
}

// emitted returns all paths emitted so far, sorted.
func (r *rig) emitted() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var paths []string
	for p := range r.files {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	return paths
}

func (r *rig) logged(text string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Count(r.log.String(), text)
}

func (r *rig) path(rel string) string { return filepath.Join(r.dir, rel) }

// write makes a file of these bytes and the directories above it.
func (r *rig) write(rel, content string) {
	r.t.Helper()
	r.mkdir(filepath.Dir(rel))
	must(r.t, os.WriteFile(r.path(rel), []byte(content), 0o600))
}

func (r *rig) mkdir(rel string) {
	r.t.Helper()
	must(r.t, os.MkdirAll(r.path(rel), 0o700))
}

func (r *rig) rename(from, to string) {
	r.t.Helper()
	must(r.t, os.Rename(r.path(from), r.path(to)))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// The calls of a tree by the path of a file, for tests that have no folder.

func at(path string) (*tree, string) {
	return &tree{path: filepath.Dir(path)}, filepath.Base(path)
}

func lstat(path string) (unix.Stat_t, error) {
	below, name := at(path)
	defer below.close()
	return below.look(name, false)
}

func probe(path string, want file.Stat) (verdict, error) {
	below, name := at(path)
	defer below.close()
	return below.probe(name, want)
}

func readEnds(path string, size int64) (ends, error) {
	below, name := at(path)
	defer below.close()
	return below.readEnds(name, size)
}
