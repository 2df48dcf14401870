package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/journal"
)

// What a hundred small files may cost the journal, once everything was used before,
// with eight workers. What is aimed at stands behind; a few are left for what comes
// once a batch.
var (
	maxOfNewSize   = sqlCounts{parsed: 10, pieces: 400, commits: 150, selects: 900}
	maxOfKnownSize = sqlCounts{parsed: 10, pieces: 500, commits: 199, selects: 1200} // it is hashed, and looked for, before it is created
)

// What ten empty folders may cost it in ten seconds.
const maxIdleReads, maxIdleWrites = 1, 0

// The cost of a file is that of 101 without that of one, so that what a daemon does
// without any is not in it.
func TestCostOfAFile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		size func(n int) int
		max  sqlCounts
	}{
		{"of a new size", func(n int) int { return 1000 + n }, maxOfNewSize},
		{"of a known size", func(int) int { return 1000 }, maxOfKnownSize},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t, newStand(t, "1.5", nil))
			d := r.countedDaemon("drop")
			files := 0
			drop := func(n int) sqlCounts {
				before := d.counts()
				d.takeTexts()
				for range n {
					files++
					r.write(fmt.Sprintf("acme/%d.jpg", files), fmt.Sprintf("%-*d", c.size(files), files))
				}
				d.awaitFiled(files)
				return d.counts().minus(before)
			}
			drop(200) // every connection has met every statement then
			one := drop(1)
			got := drop(101).minus(one)
			t.Logf("a hundred files: %+v", got)
			if got.parsed > c.max.parsed || got.pieces > c.max.pieces || got.commits > c.max.commits || got.selects > c.max.selects {
				t.Errorf("a hundred files cost %+v, want at most %+v:\n%s", got, c.max, d.takeTexts())
			}
		})
	}
}

// A daemon that has nothing to do leaves its journal alone.
func TestIdleCost(t *testing.T) {
	t.Parallel()
	const window = 10 * time.Second
	r := newRoom(t, newStand(t, "1.5", nil))
	var folders []string
	for i := range 10 {
		folders = append(folders, fmt.Sprint("drop", i))
	}
	d := r.countedDaemon(folders...)
	eventually(t, "every folder was read", func() bool {
		read := 0
		for _, c := range d.books() {
			if !c.LastScan.IsZero() {
				read++
			}
		}
		return read == len(folders)
	})
	time.Sleep(2 * time.Second) // what it still does because it started
	before := d.counts()
	d.takeTexts()
	time.Sleep(window)
	got := d.counts().minus(before)
	t.Logf("%d empty folders in %v: %+v", len(folders), window, got)
	if got.reads > maxIdleReads || got.pieces > maxIdleWrites {
		t.Errorf("in %v without anything to do there were %+v, want at most %d transactions that read and %d that write:\n%s",
			window, got, maxIdleReads, maxIdleWrites, d.takeTexts())
	}
}

// countedDaemon is a daemon within the test, over a journal whose SQL is counted.
type countedDaemon struct {
	*countingDriver
	t       *testing.T
	journal *journal.Reader // a reader beside it, which is not counted
}

// countedDaemon starts a daemon over folders of the room, with the defaults but for a
// short settle.
func (r *room) countedDaemon(folders ...string) *countedDaemon {
	r.t.Helper()
	d, err := newCountingDriver()
	if err != nil {
		r.t.Fatal(err)
	}
	cfg, err := config.Load(r.plainConfig(folders...), os.LookupEnv)
	if err != nil {
		r.t.Fatal(err)
	}
	j, err := journal.Open(r.t.Context(), cfg.Journal, journal.Options{Driver: d.name})
	if err != nil {
		r.t.Fatal(err)
	}
	reader, err := journal.OpenReader(r.t.Context(), cfg.Journal)
	if err != nil {
		r.t.Fatal(err)
	}
	var log buffer
	drain := make(chan struct{})
	s := newService(cfg, j, false, nil, drain, &log)
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.run(context.WithoutCancel(r.t.Context()), &setup{cfg: cfg, log: zerolog.New(&log).Level(zerolog.WarnLevel)}); err != nil {
			r.t.Error(err)
		}
	})
	r.t.Cleanup(func() {
		close(drain)
		running.Wait()
		s.claims.release()
		if err := reader.Close(); err != nil {
			r.t.Error(err)
		}
		if err := j.Close(); err != nil {
			r.t.Error(err)
		}
		if r.t.Failed() {
			r.t.Log(log.String())
		}
	})
	return &countedDaemon{countingDriver: d, t: r.t, journal: reader}
}

// books are those of the folders, by a reader that is not counted.
func (d *countedDaemon) books() []journal.Counts {
	d.t.Helper()
	all, err := d.journal.Counts(context.Background())
	if err != nil {
		d.t.Fatal(err)
	}
	return all
}

// awaitFiled waits until as many files are in.
func (d *countedDaemon) awaitFiled(n int) {
	d.t.Helper()
	eventually(d.t, fmt.Sprintf("%d files are filed", n), func() bool {
		filed := 0
		for _, c := range d.books() {
			filed += c.By[journal.Filed]
		}
		return filed == n
	})
}

// plainConfig writes a configuration with the defaults, but for a short settle, and
// makes the folders.
func (r *room) plainConfig(folders ...string) string {
	r.t.Helper()
	a := r.stand.Account()
	text := fmt.Sprintf("tenovos: {url: %q, api_key: %q, username: %q, password: %q}\njournal: %s\nlisten: \"\"\nlog: {level: warn, format: json}\nfolders:\n",
		r.stand.url, a.APIKey, a.Users[0].Username, a.Users[0].Password, r.journal)
	for _, name := range folders {
		dir := filepath.Join(r.dir, name)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			r.t.Fatal(err)
		}
		text += fmt.Sprintf("  - name: %s\n    path: %s\n    settle: 1s\n    rules: [{match: \"**\", template: Creative Asset, security: [Creative Internal], metadata: {Title: {from: file.stem}}}]\n", name, dir)
	}
	path := filepath.Join(r.dir, "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
	return path
}
