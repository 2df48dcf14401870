package metrics

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sys/unix"

	"github.com/tenovos-ingest/ingestd/internal/report"
	"github.com/tenovos-ingest/ingestd/journal"
)

// readTime bounds the reading of the journal for a scrape: Prometheus gives up after ten
// seconds by default.
const readTime = 10 * time.Second

var (
	files = prometheus.NewDesc("ingestd_files",
		"Files by the state that `ingestd status --json` counts them in.", []string{"folder", "state"}, nil)
	filesSeen = prometheus.NewDesc("ingestd_files_seen",
		"Files ever found, counted apart from their states, of which it is the sum.", []string{"folder"}, nil)
	queueAge = prometheus.NewDesc("ingestd_queue_age_seconds",
		"How long the queued file waits that has waited longest; 0 where none is queued.", []string{"folder"}, nil)
	folderUp = prometheus.NewDesc("ingestd_folder_up",
		"1 while the folder is there and is looked at, 0 while it is not.", []string{"folder"}, nil)
	folderOpen = prometheus.NewDesc("ingestd_folder_open",
		"1 within the hours of the folder, 0 while its files wait for them.", []string{"folder"}, nil)
	polled = prometheus.NewDesc("ingestd_watch_polled_directories",
		"Directories that are polled, with all below them, because the kernel gives no more watches.", []string{"folder"}, nil)
	paused = prometheus.NewDesc("ingestd_paused",
		"1 while work waits for this reason, 0 while it does not.", []string{"reason"}, nil)
	cleanups = prometheus.NewDesc("ingestd_cleanups_open",
		"Clean-up work that is still to be done: uploads to cancel, empty assets to remove, files to move.", nil, nil)
	journalBytes = prometheus.NewDesc("ingestd_journal_bytes",
		"Size of the journal: the database and its write-ahead log.", nil, nil)
	journalFree = prometheus.NewDesc("ingestd_journal_disk_free_bytes",
		"Bytes that the daemon may still write on the file system of the journal.", nil, nil)
)

// errUnreadable is what whoever scrapes is told: the cause would name paths.
var errUnreadable = errors.New("the journal cannot be read")

// books collects what the journal says, read anew for each scrape.
type books struct {
	Deps
	watched func() []string

	mu   sync.Mutex // held while the journal is read
	last snapshot
}

// snapshot is what one look at the journal found. The files, their ages and the pauses are
// of one state of it.
type snapshot struct {
	begun   time.Time // when the look began
	folders []report.Folder
	chores  int
}

// Describe implements prometheus.Collector.
func (b *books) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{files, filesSeen, queueAge, folderUp, folderOpen, polled, paused, cleanups, journalBytes, journalFree} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (b *books) Collect(to chan<- prometheus.Metric) {
	now, err := b.fresh()
	if err != nil {
		to <- prometheus.NewInvalidMetric(files, errUnreadable)
		return
	}
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	watched := b.watched()
	for _, f := range now.folders {
		for _, s := range f.States() {
			gauge(files, float64(s.Files), f.Name, s.Name)
		}
		gauge(filesSeen, float64(f.Seen), f.Name)
		gauge(queueAge, b.age(f.QueuedSince), f.Name)
		if slices.Contains(watched, f.Name) {
			gauge(folderUp, truth(!slices.Contains(f.PausedBy, journal.PausedByFolder)), f.Name)
			gauge(folderOpen, truth(f.Hours == ""), f.Name)
			gauge(polled, float64(f.Polled), f.Name)
		}
	}
	for _, reason := range journal.Pauses() {
		gauge(paused, truth(slices.ContainsFunc(now.folders, func(f report.Folder) bool {
			return slices.Contains(f.PausedBy, reason) && (watched == nil || slices.Contains(watched, f.Name))
		})), reason)
	}
	gauge(cleanups, float64(now.chores))
	if size, err := sizeOf(b.Journal); err == nil {
		gauge(journalBytes, float64(size))
	}
	var disk unix.Statfs_t
	if unix.Statfs(filepath.Dir(b.Journal), &disk) == nil {
		gauge(journalFree, float64(disk.Bavail)*float64(disk.Frsize))
	}
}

// fresh returns what the journal says now. One looks at a time; who waited for another shares
// what that one found, if it began to look only after it was waited for.
func (b *books) fresh() (snapshot, error) {
	asked := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.last.begun.After(asked) {
		return b.last, nil
	}
	now, err := b.read()
	if err == nil {
		b.last = now
	}
	return now, err
}

// read looks at the journal once.
func (b *books) read() (now snapshot, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), readTime)
	defer cancel()
	now.begun = time.Now()
	if now.folders, err = report.Folders(ctx, b.Reader); err != nil {
		return now, err
	}
	now.chores, err = journal.ChoreReaderOf(b.Reader).CleanUps(ctx)
	return now, err
}

// age is how many seconds ago something was; 0 where it was never.
func (b *books) age(since time.Time) float64 {
	if since.IsZero() {
		return 0
	}
	return max(b.Clock().Sub(since).Seconds(), 0)
}

// sizeOf is the size in bytes of a journal with its -wal file, which is not always there.
func sizeOf(path string) (int64, error) {
	db, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	wal, err := os.Stat(path + "-wal")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return db.Size(), nil
	case err != nil:
		return 0, err
	}
	return db.Size() + wal.Size(), nil
}

func truth(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
