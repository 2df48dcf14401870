package ingest_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/ingest"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
	"github.com/tenovos-ingest/ingestd/watcher"
)

// addFolder gives the rig's pipelines another folder beside drop.
func (r *rig) addFolder(name string) {
	r.t.Helper()
	f := r.config.Folders[0]
	f.Name, f.Path = name, filepath.Join(filepath.Dir(r.drop), name)
	if err := os.Mkdir(f.Path, 0o755); err != nil {
		r.t.Fatal(err)
	}
	r.config.Folders = append(r.config.Folders, f)
}

// fill puts n files into a folder.
func (r *rig) fill(folder, prefix string, n, size int) {
	r.t.Helper()
	for i := range n {
		r.write(filepath.Join("..", folder, fmt.Sprintf("%s-%03d.bin", prefix, i)), size, 1)
	}
}

// admitAll records what lies in all folders.
func (r *rig) admitAll(p *process) {
	r.t.Helper()
	var folders []watcher.Folder
	for _, f := range r.config.Folders {
		folders = append(folders, watcher.Folder{Name: f.Name, Path: f.Path})
	}
	w, err := watcher.New(folders, watcher.Options{Emit: p.Admit})
	if err != nil {
		r.t.Fatal(err)
	}
	if err := w.Walk(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

// filed counts the files of a folder that are in Tenovos.
func (r *rig) filed(p *process, folder string) int {
	r.t.Helper()
	counts, err := p.journal.Reader().Counts(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	for _, c := range counts {
		if c.Name == folder {
			return c.By[journal.Filed]
		}
	}
	return 0
}

// until polls for a condition; what it waits for commits in other goroutines.
func (r *rig) until(p *process, what string, done func() bool) {
	r.t.Helper()
	deadline := time.After(time.Minute)
	for !done() {
		select {
		case <-deadline:
			r.t.Fatalf("%s: not after a minute; journal:\n%s", what, r.dump(p))
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// runUntil runs a pipeline until the test calls stop, which returns Run's error.
func runUntil(p *process) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx, nil, nil) }()
	return func() error { cancel(); return <-ended }
}

// blocked is a store whose uploads of large files wait to be released.
type blocked struct {
	ingest.Store
	release chan struct{}

	mu         sync.Mutex
	most, busy int
}

const giant = 100 << 10

func (b *blocked) Upload(ctx context.Context, job uploader.Job) error {
	if job.Source.Hint().Size >= giant {
		b.count(1)
		defer b.count(-1)
		select {
		case <-b.release:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return b.Store.Upload(ctx, job)
}

func (b *blocked) count(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.busy += n
	b.most = max(b.most, b.busy)
}

func (b *blocked) giants() (busy, most int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.busy, b.most
}

func TestGiantsDoNotStarveAnotherFolder(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.addFolder("small")
	store := &blocked{release: make(chan struct{})}
	r.store = func(s ingest.Store) ingest.Store { store.Store = s; return store }
	r.fill("drop", "giant", 200, giant)
	p := r.start()
	defer r.close(p)
	r.admitAll(p)
	stop := runUntil(p)
	r.until(p, "three of four workers have a giant", func() bool { busy, _ := store.giants(); return busy == 3 })

	r.fill("small", "small", 50, 10)
	r.admitAll(p)
	r.until(p, "the small files are in", func() bool { return r.filed(p, "small") == 50 })
	if n := r.filed(p, "drop"); n != 0 {
		t.Errorf("%d giants are filed already", n)
	}
	close(store.release)
	r.until(p, "the giants are in", func() bool { return r.filed(p, "drop") == 200 })
	if err := stop(); err != nil {
		t.Error(err)
	}
	if _, most := store.giants(); most > 3 {
		t.Errorf("%d giants were in flight at once", most)
	}
}

func TestSmallFilesAndGiantsOfOneFolder(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.config.Folders[0].Order = journal.OrderMixed
	store := &blocked{release: make(chan struct{})}
	r.store = func(s ingest.Store) ingest.Store { store.Store = s; return store }
	r.fill("drop", "giant", 20, giant)
	r.fill("drop", "small", 50, 10)
	p := r.start()
	defer r.close(p)
	r.admitAll(p)
	stop := runUntil(p)
	r.until(p, "a giant is on its way", func() bool { busy, _ := store.giants(); return busy > 0 })
	r.until(p, "the small files are in", func() bool { return r.filed(p, "drop") == 50 })
	close(store.release)
	r.until(p, "all is in", func() bool { return r.filed(p, "drop") == 70 })
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// hang makes the mapping of a folder's files, which reads them, block until the
// test has ended.
func (r *rig) hang(folder string) (hanging <-chan string) {
	entered, release := make(chan string, 100), make(chan struct{})
	r.t.Cleanup(func() { close(release) })
	for i, f := range r.config.Folders {
		if f.Name == folder {
			r.config.Folders[i].Map = func(f file.File, at string) (dropfolder.Mapped, error) {
				entered <- f.Path
				<-release
				return dropfolder.Mapped{}, dropfolder.ErrNoRule
			}
		}
	}
	return entered
}

func TestHangingFolder(t *testing.T) {
	t.Parallel() // the end waits for the hanging ones in vain
	r := newRig(t, nil)
	r.addFolder("hangs")
	r.config.Workers = 2
	entered := r.hang("hangs")
	r.fill("hangs", "x", 5, 10)
	r.fill("drop", "y", 20, 10)
	p := r.start()
	defer r.close(p)
	r.admitAll(p)
	stop := runUntil(p)
	stuck := <-entered
	r.until(p, "the other folder is in", func() bool { return r.filed(p, "drop") == 20 })
	if len(entered) != 0 {
		t.Error("the folder that hangs has more than its one worker")
	}
	begun := time.Now()
	if err := stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("the end took %v", took)
	}
	var told []string
	for line := range strings.Lines(r.log.String()) {
		if strings.Contains(line, "does not answer") {
			told = append(told, line)
		}
	}
	if len(told) != 1 || !strings.Contains(told[0], `"folder":"hangs"`) || !strings.Contains(told[0], stuck) {
		t.Errorf("want one line that names folder hangs and %s, got %q", stuck, told)
	}
}

func TestOrderOfAFolder(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.config.Workers = 1
	r.config.Folders[0].Order = journal.OrderSize
	var mapped []string // by the one worker
	r.config.Folders[0].Map = func(f file.File, at string) (dropfolder.Mapped, error) {
		mapped = append(mapped, f.Path)
		return r.mapFile(f, at)
	}
	r.write("a", 300, 1)
	r.write("b", 10, 1)
	r.write("c", 200, 1)
	p := r.start()
	r.admitAll(p)
	source := make(chan struct{})
	close(source)
	if err := p.Run(t.Context(), nil, source); err != nil {
		t.Fatal(err)
	}
	r.close(p)
	if want := []string{"b", "c", "a"}; !slices.Equal(mapped, want) {
		t.Errorf("mapped %q, want %q", mapped, want)
	}
}
