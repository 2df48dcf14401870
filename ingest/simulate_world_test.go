package ingest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tenovos-ingest/ingestd/ingest"
	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/journal"
)

// sim is one history while it happens: the rig of the other tests without a socket, in a
// bubble in which time is simulated.
type sim struct {
	*rig
	dir   string
	plan  simPlan
	life  *simLife   // the one that runs; nil while none does
	old   []*simLife // that crashed; they stand still until the history is over
	model model
	due   map[string]time.Time // changes that the watcher has not told yet
	takes bool                 // files are moved or deleted, or were
	skips bool                 // duplicates are not uploaded, or were not
	told  *foretold            // of the file that the step at hand wrote

	following sync.Mutex
	statuses  map[int64]journal.Status // of the entries, as of the latest commit

	mu    sync.Mutex
	where string // the crash that is to come, and after how many points
	left  int
	seen  time.Time      // when the latest scan ended
	puts  map[string]int // how often each signed URL was used
	chaos *rand.Rand     // how long what is slow takes
}

// breaches is a test that goes on after each failure, and keeps what failed.
type breaches struct {
	testing.TB
	mu   sync.Mutex
	list []string
}

// Errorf notes a breach.
func (b *breaches) Errorf(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if text := fmt.Sprintf(format, args...); len(b.list) < 50 {
		b.list = append(b.list, text)
	}
}

// Error is Errorf.
func (b *breaches) Error(args ...any) { b.Errorf("%s", fmt.Sprintln(args...)) }

// Fatal is Errorf, and ends the history.
func (b *breaches) Fatal(args ...any) { b.Fatalf("%s", fmt.Sprintln(args...)) }

// Fatalf is Errorf, and ends the history.
func (b *breaches) Fatalf(format string, args ...any) {
	b.Errorf(format, args...)
	panic(b)
}

// simSettle is how long a file must be quiet.
const simSettle = 100 * time.Millisecond

// newSim makes the world of a history in an empty directory.
func newSim(t *testing.T, dir string, plan simPlan) *sim {
	b := &breaches{TB: t}
	options, err := sandbox.Preset("1.5")
	if err != nil {
		t.Fatal(err)
	}
	lag := time.Duration(plan.Setup.Lag) * time.Millisecond
	options.Dir, options.IndexLag, options.ChecksumLag = filepath.Join(dir, "store"), lag, lag
	options.MultipartUnasked, options.URLLife = plan.Setup.Multipart, time.Duration(plan.Setup.URLLife)*time.Millisecond
	if plan.Setup.Along {
		options.DeleteScope, options.UndeleteScope = "all", "version"
	}
	s := &sim{plan: plan, dir: dir, chaos: rand.New(rand.NewPCG(uint64(len(plan.Steps)), 7)), due: make(map[string]time.Time), puts: make(map[string]int), model: newModel()}
	s.rig = &rig{t: b, drop: filepath.Join(dir, "drop"), journal: filepath.Join(dir, "journal-1.db"), log: &strings.Builder{}}
	if s.sandbox, err = sandbox.New(options); err != nil {
		t.Fatal(err)
	}
	s.account = s.sandbox.Account()
	if err := os.MkdirAll(s.drop, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.rig.journal, emptyJournal(), 0o600); err != nil {
		t.Fatal(err)
	}
	s.configure(plan.Setup)
	return s
}

// configure makes the next pipelines' configuration.
func (s *sim) configure(to simSetup) {
	s.plan.Setup = to
	s.takes, s.skips = s.takes || to.After != "", s.skips || to.Duplicates != ""
	s.config = ingest.Config{
		Workers: to.Workers, MaxFileSize: 5 << 30, MaxAttempts: 4, RetryInitial: 5 * time.Millisecond, RetryMax: 20 * time.Millisecond,
		VerifyAsset: to.Verify, VerifyTimeout: 3 * patience, ShutdownGrace: 5 * time.Second, Looks: []time.Duration{0, 10 * time.Millisecond},
		Folders: []dropfolder.Folder{{
			Name: "drop", Path: s.drop, Settle: simSettle, Map: s.mapNow, Duplicates: to.Duplicates,
			VersionByPath: to.Versions == "path", VersionByFilename: to.Versions == "filename",
			After: to.After, Done: "_ingested", Failed: "_failed", Prune: true, Scanned: s.lastScan, Tell: !to.After.Keeps(),
		}},
	}
}

// mapNow is the rule in force.
func (s *sim) mapNow(f file.File, at string) (dropfolder.Mapped, error) {
	s.dawdle(background)
	if s.plan.Setup.Rules > 0 {
		f.Path = strings.ReplaceAll(f.Path, "unmappable", "mappable")
	}
	return s.mapFile(f, at)
}

// dawdle takes the time that something slow takes.
func (s *sim) dawdle(ctx context.Context) {
	s.mu.Lock()
	d := time.Duration(0)
	if slow := s.plan.Setup.Slow; slow > 0 && s.chaos.IntN(2) == 0 {
		d = time.Duration(s.chaos.IntN(slow)) * time.Millisecond
	}
	s.mu.Unlock()
	if d > 0 {
		select {
		case <-time.After(d):
		case <-ctx.Done():
		}
	}
}

// emptyJournal is a journal of which nothing was made yet, for all migrations of one anew
// take longer than a history.
var emptyJournal = sync.OnceValue(func() []byte {
	dir, err := os.MkdirTemp("", "ingestd-test-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	name := filepath.Join(dir, "journal.db")
	j, err := journal.Open(background, name, journal.Options{})
	if err == nil {
		err = j.Close()
	}
	if err != nil {
		panic(err)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return data
})

// strikes reports whether this is the point at which the life is to end.
func (s *sim) strikes(where string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if where != s.where {
		return false
	}
	s.left--
	if s.left > 0 {
		return false
	}
	s.where = ""
	return true
}

func (s *sim) arm(where string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.where, s.left = where, n
}

// again notes the use of a signed URL, and reports whether it was used before.
func (s *sim) again(url string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.puts[url]++
	return s.puts[url] > 1
}

// notice has the watcher of the life that runs look.
func (s *sim) notice(m simMail) {
	if s.life != nil {
		s.life.mail <- m
	}
}

// tell has the watcher learn of the changes that have settled by now, and returns when
// the next one will have.
func (s *sim) tell() (next time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for path, at := range s.due {
		switch {
		case !at.After(time.Now()):
			delete(s.due, path)
			s.notice(simMail{paths: []string{path}})
		case next.IsZero() || at.Before(next):
			next = at
		}
	}
	return next
}

// hasScanned notes that a scan has ended.
func (s *sim) hasScanned() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = time.Now().Add(time.Millisecond) // a scan takes time
}

// lastScan is when the latest scan ended. What changes in between, the watcher hears of.
func (s *sim) lastScan() (last time.Time, polled bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen, false
}

// unsettled reports whether a path changed just now.
func (s *sim) unsettled(path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Before(s.model.changed[path].Add(simSettle))
}

// pause lets time pass, and a crash happen.
func (s *sim) pause(d time.Duration) {
	until := time.Now().Add(d)
	for {
		next := s.tell()
		if next.IsZero() || next.After(until) {
			next = until
		}
		var dead chan struct{}
		if s.life != nil {
			dead = s.life.dead
		}
		timer := time.NewTimer(time.Until(next))
		select {
		case <-dead:
			timer.Stop()
			s.crashed()
			return
		case <-timer.C:
			if !time.Now().Before(until) {
				return
			}
		}
	}
}

// standStill returns when everybody waits, and notes a crash that came at this very
// moment: pause does not see one that comes when its time is up.
func (s *sim) standStill() {
	synctest.Wait()
	if s.life == nil {
		return
	}
	select {
	case <-s.life.dead:
		s.crashed()
	default:
	}
}

// crashed takes the life that ended for one of the past.
func (s *sim) crashed() {
	synctest.Wait()
	s.old = append(s.old, s.life)
	s.life = nil
	s.due = make(map[string]time.Time) // the next one scans
	if s.plan.Setup.Texts {
		s.wantNoSecrets()
	}
}

// down ends the life that runs.
func (s *sim) down() {
	if s.life == nil {
		return
	}
	if s.life.stop() {
		s.crashed()
		return
	}
	s.life = nil
}

// ask leaves an operator's request.
func (s *sim) ask(kind string, sel desk.Selection) {
	args, err := json.Marshal(sel)
	if err == nil {
		_, err = journal.Ask(background, s.rig.journal, kind, args)
	}
	if err != nil {
		s.t.Errorf("%s cannot be asked: %v", kind, err)
	}
}
