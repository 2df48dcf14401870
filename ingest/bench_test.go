package ingest

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/charlievieth/fastwalk"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/watcher"
)

// BenchmarkRestartScan measures what a restart costs over a folder of 200,000
// files that are all in the journal: a daemon's first scan, watches included,
// against a bare fastwalk that asks for each file's size and times.
func BenchmarkRestartScan(b *testing.B) {
	const dirs, each = 2000, 100
	ctx, root := b.Context(), b.TempDir()
	for d := range dirs {
		dir := filepath.Join(root, fmt.Sprintf("brand-%02d", d%40), fmt.Sprintf("campaign-%04d", d))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			b.Fatal(err)
		}
		for f := range each {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("photograph-%05d.jpg", f)), nil, 0o600); err != nil {
				b.Fatal(err)
			}
		}
	}
	j, err := journal.Open(ctx, filepath.Join(b.TempDir(), "journal.db"), journal.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	p := New(Config{Folders: []dropfolder.Folder{{Name: "in", Path: root}}}, Deps{Journal: j})
	folder := watcher.Folder{Name: "in", Path: root, Settle: time.Millisecond}
	new200k := func(emit watcher.Emit, report func(watcher.State)) *watcher.Watcher {
		w, err := watcher.New([]watcher.Folder{folder}, watcher.Options{Emit: emit, Known: p.Unknown, Report: report})
		if err != nil {
			b.Fatal(err)
		}
		return w
	}
	if err := new200k(p.Admit, nil).Walk(ctx); err != nil {
		b.Fatal(err)
	}
	if n, err := j.Reader().Unfinished(ctx, nil); err != nil || n != dirs*each {
		b.Fatal(n, err)
	}
	var scans, walks time.Duration
	for b.Loop() {
		begun := time.Now()
		err := fastwalk.Walk(nil, root, func(_ string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				_, err = d.Info()
			}
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
		walks += time.Since(begun)

		running, stop := context.WithCancel(ctx)
		begun = time.Now()
		err = new200k(func(_ context.Context, files []file.File) error {
			return fmt.Errorf("%s is said to be new", files[0].Path)
		}, func(s watcher.State) {
			if !s.LastScan.IsZero() {
				scans += time.Since(begun)
				stop()
			}
		}).Run(running)
		if stop(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(scans.Seconds()/float64(b.N), "scan-s")
	b.ReportMetric(walks.Seconds()/float64(b.N), "fastwalk-s")
	b.ReportMetric(scans.Seconds()/walks.Seconds(), "ratio")
}
