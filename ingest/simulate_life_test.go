package ingest_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/ingest"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/secret"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// simLife is one run of the daemon: a pipeline on the journal, and in the watcher's place
// a goroutine that admits what it is told to look at.
//
// A life ends in order, or by a crash at a point that it passes: after a commit, before a
// call, after a call. The crash copies the journal's files as they are at that moment,
// and whoever passes a point from then on stays there. What is under way between two
// points goes on to the next one, which is what a crash a moment later would have left:
// an effect without a commit before it does not exist, or is what is to be found. The
// next life opens the copy, when all goroutines of this one stand still.
type simLife struct {
	s        *sim
	journal  *journal.Journal
	client   *tenovos.Client
	pipeline *ingest.Pipeline

	end   context.CancelFunc
	drain chan struct{}
	mail  chan simMail
	dead  chan struct{} // closed by a crash
	free  chan struct{} // closed when the history is over, and whoever stays at a point may go on
	ran   sync.WaitGroup

	mu    sync.Mutex
	ended bool
}

// simMail is what the watcher would notice.
type simMail struct {
	paths []string
	scan  bool
}

// begin starts a life on the journal that the one before left.
func (s *sim) begin() {
	l := &simLife{s: s, drain: make(chan struct{}), mail: make(chan simMail, 1000), dead: make(chan struct{}), free: make(chan struct{})}
	ctx, end := context.WithCancel(context.Background())
	l.end = end
	var err error
	if l.journal, err = journal.Open(ctx, s.rig.journal, journal.Options{OnCommit: func() { l.committed(ctx) }}); err != nil {
		s.t.Fatalf("the journal cannot be opened: %v", err)
	}
	acct := s.account
	l.client, err = tenovos.New(tenovos.Config{
		URL: "http://tenovos.test" + s.sandbox.Options().BasePath(), Version: "1.5", APIKey: secret.Text(acct.APIKey),
		Username: acct.Users[0].Username, Password: secret.Text(acct.Users[0].Password),
		MaxConcurrentCalls: 8, CallTimeout: patience, HTTP: &http.Client{Transport: simWire{l}},
	})
	if err != nil {
		s.t.Fatalf("%v", err)
	}
	store := uploader.New(uploader.Config{Parts: 2, ExpiryMargin: 100 * time.Millisecond, StallAfter: patience / 2, Ahead: l.client.Ahead,
		HTTP: &http.Client{Transport: simWire{l}}})
	l.pipeline = ingest.New(s.config, ingest.Deps{API: l.client, Store: store, Content: store, Journal: l.journal,
		Log: zerolog.New(zerolog.SyncWriter(s.log)), Ahead: l.client.Ahead})
	s.life, s.statuses = l, make(map[int64]journal.Status)
	l.ran.Go(func() {
		if _, err := l.pipeline.Release(ctx, "drop", fmt.Sprint(s.plan.Setup.Rules)); err != nil {
			l.broke(ctx, err)
		}
		if err := l.pipeline.Run(ctx, l.drain, nil); err != nil {
			l.broke(ctx, err)
		}
	})
	l.ran.Go(func() { l.watch(ctx) })
	s.notice(simMail{scan: true})
}

// broke reports an error that ended a life, unless it is of its end.
func (l *simLife) broke(ctx context.Context, err error) {
	if ctx.Err() == nil && !errors.Is(err, context.Canceled) {
		l.s.t.Errorf("the pipeline broke: %v", err)
	}
}

// committed is told of each commit. At every moment the books balance, and each entry goes
// one of the ways that there are.
func (l *simLife) committed(ctx context.Context) {
	if l.journal != nil && !l.hasEnded() {
		counts, err := l.journal.Reader().Counts(ctx)
		if err == nil {
			l.s.wantBalance(counts)
		}
		if err == nil && l.s.plan.Setup.Moves {
			err = l.s.wantLegalMoves(ctx, l.journal.Reader())
		}
		if err != nil { // which the end of the life is, too
			l.broke(ctx, err)
		}
	}
	l.pass("commit", "")
}

func (l *simLife) hasEnded() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ended
}

// pass is called at each point at which a life may end. It does not return from there.
func (l *simLife) pass(where, _ string) {
	l.mu.Lock()
	dies := !l.ended && l.s.strikes(where)
	ended := l.ended || dies
	l.ended = ended
	l.mu.Unlock()
	if dies {
		l.die()
	}
	if ended {
		<-l.free
	}
}

// die ends the life as kill -9 does.
func (l *simLife) die() {
	next := filepath.Join(l.s.dir, fmt.Sprintf("journal-%d.db", len(l.s.old)+2))
	if err := copyJournal(l.s.rig.journal, next); err != nil {
		l.s.t.Errorf("the journal cannot be copied: %v", err)
	}
	l.s.rig.journal = next
	l.end()
	close(l.dead)
}

// copyJournal copies a journal as it is on disk. While somebody reads it the -wal file is
// not begun anew, so that what is missing in the first file is in the second.
func copyJournal(from, to string) error {
	ctx := context.Background()
	db, err := sql.Open("sqlite", "file:"+from+"?mode=ro")
	if err != nil {
		return err
	}
	defer db.Close()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	var tables int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema`).Scan(&tables); err != nil {
		return err
	}
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(from + suffix)
		if err == nil {
			err = os.WriteFile(to+suffix, data, 0o600)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// stop ends the life as SIGTERM does, unless it crashes on the way.
func (l *simLife) stop() (crashed bool) {
	close(l.drain)
	over := make(chan struct{})
	go func() {
		l.ran.Wait()
		close(over)
	}()
	time.AfterFunc(time.Minute, l.end)
	l.s.notice(simMail{}) // the last
	select {
	case <-over:
	case <-l.dead:
		return true
	}
	l.bury()
	return false
}

// bury waits for all that belonged to the life.
func (l *simLife) bury() {
	close(l.free)
	l.end()
	l.ran.Wait()
	l.client.Close()
	if err := l.journal.Close(); err != nil {
		l.s.t.Errorf("the journal cannot be closed: %v", err)
	}
}

// watch does what the watcher does with what it noticed, until there is no more.
func (l *simLife) watch(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-l.mail:
			if m.paths == nil && !m.scan {
				return
			}
			if err := l.look(ctx, m); err != nil {
				l.broke(ctx, err)
			}
		}
	}
}

// look admits what lies in the drop, as the watcher would.
func (l *simLife) look(ctx context.Context, m simMail) error {
	var files []file.File
	var removed, hidden, met []string
	paths := m.paths
	if m.scan {
		paths = l.s.files()
	}
	for _, rel := range paths {
		info, err := os.Lstat(filepath.Join(l.s.drop, rel))
		switch top, _, _ := strings.Cut(rel, "/"); {
		case top == "_ingested" || top == "_failed":
		case err != nil:
			removed = append(removed, rel)
		case strings.HasPrefix(path.Base(rel), "."):
			hidden = append(hidden, rel)
		case l.s.isNote(rel):
			met = append(met, rel)
		case l.s.unsettled(rel):
		default:
			files = append(files, file.File{Folder: "drop", Path: rel, Stat: file.StatOf(info)})
		}
	}
	if len(hidden) > 0 {
		l.pipeline.Strays().Hidden("drop", hidden)
	}
	if len(met) > 0 && m.scan {
		l.pipeline.Teller().Seen("drop", met)
	}
	if len(removed) > 0 {
		l.pipeline.Resting().Removed("drop", removed)
	}
	if len(files) > 0 {
		unknown, err := l.pipeline.Unknown(ctx, files)
		if err == nil && len(unknown) > 0 {
			err = l.pipeline.Admit(ctx, unknown)
		}
		if err != nil {
			return err
		}
	}
	if m.scan {
		l.s.hasScanned()
		l.pipeline.Resting().Scanned("drop", func(string) bool { return false })
	}
	return nil
}

// sends reports a part that leaves although its ETag is stored.
func (l *simLife) sends(req *http.Request) {
	if req.Method != http.MethodPut || !l.s.again(req.URL.String()) {
		return
	}
	ctx := req.Context()
	var uploading []int64
	err := l.journal.Reader().Entries(ctx, journal.Filter{Statuses: []journal.Status{journal.Uploading}}, func(e journal.Entry) error {
		uploading = append(uploading, e.ID)
		return nil
	})
	for _, id := range uploading {
		e, lookErr := l.journal.Entry(ctx, id)
		if err = errors.Join(err, lookErr); err != nil || e.Attempt == nil {
			continue
		}
		for _, part := range e.Attempt.Parts {
			if part.URL.Reveal() == req.URL.String() && part.ETag != "" {
				l.s.t.Errorf("part %d of %s is sent again, although its ETag is stored", part.Number, e.Path)
			}
		}
	}
	if err != nil {
		l.broke(ctx, err)
	}
}
