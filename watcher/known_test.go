package watcher

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/charlievieth/fastwalk"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// memory is the simplest receiver: it knows what was emitted.
type memory struct {
	mu    sync.Mutex
	files map[string]file.File // by path
	asked int
}

func (m *memory) emit(_ context.Context, files []file.File) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.files == nil {
		m.files = make(map[string]file.File)
	}
	for _, f := range files {
		m.files[f.Path] = f
	}
	return nil
}

func (m *memory) known(_ context.Context, files []file.File) (unknown []file.File, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked += len(files)
	for _, f := range files {
		if m.files[f.Path] != f {
			unknown = append(unknown, f)
		}
	}
	return unknown, nil
}

func TestKnownIsNotEmittedAgain(t *testing.T) {
	t.Parallel()
	var m memory
	r := newRig(t, Folder{Path: "in"})
	r.w.folders[0].known = func(ctx context.Context, files []file.File) ([]file.File, error) {
		unknown, err := m.known(ctx, files)
		_ = m.emit(ctx, unknown)
		return unknown, err
	}
	r.write("in/a/1", "x")
	r.write("in/a/2", "x")
	r.started()
	r.await("a/1", "a/2")
	must(t, r.w.WaitScan(t.Context(), ""))
	r.write("in/a/2", "changed")
	r.write("in/b/3", "x")
	r.await("b/3")
	must(t, r.w.WaitScan(t.Context(), ""))
	r.mu.Lock()
	defer r.mu.Unlock()
	if a, b := len(r.files["a/1"]), len(r.files["a/2"]); a != 1 || b != 2 {
		t.Errorf("the file that stayed was emitted %d times, the one that changed %d times", a, b)
	}
}

// A file that is put back is not asked about again and again.
func TestOpenFileIsAskedAboutOnce(t *testing.T) {
	t.Parallel()
	var m memory
	r := newRig(t, Folder{Path: "in"})
	requireLeases(t, r.dir)
	r.w.folders[0].known = m.known
	f, err := os.Create(filepath.Join(r.dir, "open"))
	must(t, err)
	_, err = f.WriteString("x")
	must(t, err)
	r.mkdir("in")
	r.rename("open", "in/open")
	r.started()
	r.until("the writer seen", func() bool { return r.state("drop").Open == 1 })
	time.Sleep(3 * openEvery)
	must(t, f.Close())
	r.await("open")
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.asked != 1 {
		t.Errorf("asked %d times", m.asked)
	}
}

// On a share each file is young for an hour: what is known must not settle with
// every poll, nor hold up its drop.
func TestKnownDoesNotSettleAgain(t *testing.T) {
	var m memory
	r := newRig(t, Folder{Path: "in", Settle: time.Second, Patience: 2 * time.Second, Mode: ModePoll, PollInterval: time.Second, Drops: true})
	r.pretend(share, false)
	for i := range 5 {
		r.write(fmt.Sprintf("in/spring/%d", i), "x")
	}
	f, now := r.w.folders[0], time.Now()
	f.now = func() time.Time { return now }
	f.known = m.known
	f.emit = func(ctx context.Context, files []file.File) error {
		return errors.Join(m.emit(ctx, files), r.emit(ctx, files))
	}
	settling := func() (folder, drop int) {
		t.Helper()
		must(t, f.step(t.Context()))
		for len(f.scan.todo) > 0 {
			must(t, f.step(t.Context()))
		}
		now = now.Add(500 * time.Millisecond)
		return r.state("drop").Settling, r.w.Drop("drop", "spring").Settling
	}
	if inFolder, inDrop := settling(); inFolder != 5 || inDrop != 5 {
		t.Fatalf("%d and %d files settle, want 5 that are new", inFolder, inDrop)
	}
	for range 20 {
		settling()
	}
	if got := r.emitted(); len(got) != 5 || m.asked < 20 {
		t.Fatalf("emitted %q, asked about %d", got, m.asked)
	}
	for range 10 {
		if inFolder, inDrop := settling(); inFolder != 0 || inDrop != 0 {
			t.Fatalf("%d and %d files settle that are known", inFolder, inDrop)
		}
	}
	r.write("in/spring/3", "changed")
	settling()
	if inFolder, inDrop := settling(); inFolder != 1 || inDrop != 1 {
		t.Errorf("%d and %d files settle, want the one that changed", inFolder, inDrop)
	}
	for range 10 {
		settling()
	}
	if len(r.files["spring/3"]) != 2 || len(r.files["spring/4"]) != 1 || r.state("drop").Settling != 0 {
		t.Errorf("emitted %v, state %+v", r.files, r.state("drop"))
	}
}

// What happens to a file while the receiver is asked about it shows when it is
// looked at again, however late the answer is.
func TestAgeIsOfTheLook(t *testing.T) {
	const settle = 10 * time.Second
	for _, k := range []kind{local, share} {
		r := newRig(t, Folder{Path: "in", Settle: settle, Patience: settle, Mode: ModePoll, PollInterval: time.Hour})
		r.pretend(k, false)
		r.write("in/a", "half")
		f, now := r.w.folders[0], time.Now()
		f.now = func() time.Time { return now }
		asked := 0
		f.known = func(_ context.Context, files []file.File) ([]file.File, error) {
			asked++
			now = now.Add(2 * settle)
			return files, nil
		}
		must(t, f.step(t.Context()))
		if got := r.emitted(); got != nil {
			t.Errorf("emitted %q by an age that it did not have when looked at", got)
		}
		r.write("in/a", "the whole")
		must(t, os.Chtimes(r.path("in/a"), now, now))
		for range 5 {
			must(t, f.step(t.Context()))
			now = now.Add(settle)
		}
		if got := r.files["a"]; len(got) != 1 || got[0].Size != 9 || asked != 1 {
			t.Errorf("emitted %+v, asked %d times", got, asked)
		}
	}
}

func TestKnownErrorEndsRun(t *testing.T) {
	broken := errors.New("journal broken")
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "a"), []byte("x"), 0o600))
	w, err := New([]Folder{{Name: "one", Path: dir}}, Options{
		Emit:  func(context.Context, []file.File) error { return nil },
		Known: func(context.Context, []file.File) ([]file.File, error) { return nil, broken },
	})
	must(t, err)
	if err := w.Run(t.Context()); !errors.Is(err, broken) {
		t.Errorf("Run: %v", err)
	}
}

// BenchmarkRescanKnown scans 200,000 files that the receiver knows, as after a
// restart, beside a bare fastwalk with Info of the same tree. Both numbers count
// with the page cache warm.
func BenchmarkRescanKnown(b *testing.B) {
	dir := b.TempDir()
	const dirs, files = 2000, 100
	for d := range dirs {
		sub := filepath.Join(dir, fmt.Sprint(d%20), fmt.Sprint(d))
		if err := os.MkdirAll(sub, 0o700); err != nil {
			b.Fatal(err)
		}
		for i := range files {
			if err := os.WriteFile(filepath.Join(sub, fmt.Sprintf("IMG_%05d.jpg", i)), []byte("x"), 0o600); err != nil {
				b.Fatal(err)
			}
		}
	}
	walk := func() time.Duration {
		start := time.Now()
		err := fastwalk.Walk(nil, dir, func(_ string, d fs.DirEntry, err error) error {
			if err == nil {
				_, err = d.Info()
			}
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
		return time.Since(start)
	}
	var m memory
	emitted := 0
	scan := func() time.Duration {
		w, err := New([]Folder{{Name: "f", Path: dir}}, Options{
			Emit:  func(ctx context.Context, files []file.File) error { emitted += len(files); return m.emit(ctx, files) },
			Known: m.known,
			Clock: func() time.Time { return time.Now().Add(time.Hour) },
		})
		if err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		if err := w.Walk(b.Context()); err != nil {
			b.Fatal(err)
		}
		return time.Since(start)
	}
	scan()
	if emitted != dirs*files {
		b.Fatal(emitted)
	}
	var scans, walks []time.Duration
	for b.Loop() {
		scans, walks = append(scans, scan()), append(walks, walk())
	}
	if emitted != dirs*files {
		b.Fatalf("%d known files were emitted again", emitted-dirs*files)
	}
	slices.Sort(scans)
	slices.Sort(walks)
	scanned, walked := scans[len(scans)/2], walks[len(walks)/2]
	b.ReportMetric(float64(scanned.Milliseconds()), "ms/scan")
	b.ReportMetric(float64(walked.Milliseconds()), "ms/fastwalk")
	b.ReportMetric(float64(scanned)/float64(walked), "ratio")
}
