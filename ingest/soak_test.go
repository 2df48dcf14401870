package ingest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/journal"
)

// The soak: the real program, backfilling thousands of small files against a
// service of which every tenth request goes wrong, killed over and over. `make
// soak` runs it. In the environment, INGESTD_SOAK switches it on, _FILES, _KILLS
// and _SEED change what it does; the seed repeats what is drawn, not what the
// clock makes of it.

// soakFaults are what goes wrong, by how the operation answers. None of them is a
// reason for the program to give a file up, unless it meets it again and again.
var (
	soakFaults = []sandbox.Fault{
		{Kind: sandbox.FaultStatus, Status: 500}, {Kind: sandbox.FaultStatus, Status: 502, Worked: true},
		{Kind: sandbox.FaultStatus, Status: 503}, {Kind: sandbox.FaultStatus, Status: 504, Worked: true},
		{Kind: sandbox.FaultResetBefore}, {Kind: sandbox.FaultResetAfter}, {Kind: sandbox.FaultCutBody}, {Kind: sandbox.FaultReadCut},
		{Kind: sandbox.FaultStall, Delay: 200 * time.Millisecond}, {Kind: sandbox.FaultStallAfter, Delay: 200 * time.Millisecond},
	}
	soakAPIFaults = append([]sandbox.Fault{
		{Kind: sandbox.FaultGarbage}, {Kind: sandbox.FaultGarbage, Worked: true}, {Kind: sandbox.FaultStatus, Status: 401},
	}, soakFaults...)
	soakStoreFaults = append([]sandbox.Fault{
		{Kind: sandbox.FaultWrongETag}, {Kind: sandbox.FaultStatus, Status: 403, Body: denied},
	}, soakFaults...)
	soakThrottle = sandbox.Fault{Kind: sandbox.FaultStatus, Status: 429, RetryAfter: "1"}
)

// soak is a rig whose pipelines are processes.
type soak struct {
	*rig
	binary, config string
	stderr         bytes.Buffer // of all processes

	mu     sync.Mutex
	random *rand.Rand
	calm   bool // nothing goes wrong any more
	struck int
	lost   int // replies to PUTs that had stored something
}

func TestSoak(t *testing.T) {
	if os.Getenv("INGESTD_SOAK") == "" {
		t.Skip("INGESTD_SOAK is not set; make soak")
	}
	begun := time.Now()
	files, kills := number(t, "INGESTD_SOAK_FILES", 5000), number(t, "INGESTD_SOAK_KILLS", 25)
	seed := number(t, "INGESTD_SOAK_SEED", int(rand.Uint32()))
	t.Logf("%d files, %d kills; INGESTD_SOAK_SEED=%d repeats it", files, kills, seed)
	s := newSoak(t, uint64(seed))
	var paths []string
	for i := range files {
		path := fmt.Sprintf("d%02d/f%05d.jpg", i%50, i)
		paths = append(paths, path)
		s.write(path, 200+s.random.IntN(8000), uint64(seed))
	}

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	killed := 0
	for killed < kills && ctx.Err() == nil {
		// Half of the uploads are in parts, of which there is one.
		multi := s.random.IntN(2) == 0
		_ = s.sandbox.Configure(func(o *sandbox.Options) { o.MultipartUnasked = multi })
		s.sandbox.ClearFaults()
		life := 200*time.Millisecond + time.Duration(s.random.Int64N(int64(3*time.Second)))
		if s.ingestd(ctx, life, "backfill") == nil {
			break // all in, in spite of all
		}
		killed++
	}
	retried := s.goOn(ctx)
	s.calmDown(ctx)

	requests := 0
	for _, n := range s.sandbox.State().Counts.Requests {
		requests += n
	}
	t.Logf("%.0f s: %d requests, %d faults, %d kills, %d files sent round again by `ingestd retry`",
		time.Since(begun).Seconds(), requests, s.struck, killed, retried)
	s.wantAll(paths, killed)
	s.rig.log.Write(s.stderr.Bytes())
	s.wantNoSecrets()
	if t.Failed() {
		t.Logf("%.20000s", s.stderr.String())
	}
}

func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// newSoak builds the program and starts a service that is never well.
func newSoak(t *testing.T, seed uint64) *soak {
	t.Helper()
	s := &soak{rig: newRig(t, nil), random: rand.New(rand.NewPCG(seed, 0))}
	dir := t.TempDir()
	s.binary, s.config = filepath.Join(dir, "ingestd"), filepath.Join(dir, "config.yaml")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", s.binary, "../cmd/ingestd").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	inner := s.sandbox.Handler()
	s.web.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.spoil(r)
		inner.ServeHTTP(w, r)
	})
	a := s.account
	config := fmt.Sprintf(`
tenovos: {url: %q, api_key: %q, username: %q, password: %q}
journal: %q
listen: ""
workers: %d
retry: {max_attempts: 8, initial: 100ms, max: 2s}
log: {level: info, format: json}
folders:
  - name: drop
    path: %q
    settle: 100ms
    rules:
      - match: "**"
        template: Creative Asset
        security: [Creative Internal]
        metadata: {Title: {from: file.stem}}
`, s.web.URL+s.sandbox.Options().BasePath(), a.APIKey, a.Users[0].Username, a.Users[0].Password, s.journal, soakWorkers, s.drop)
	if err := os.WriteFile(s.config, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

const soakWorkers = 16

// spoil queues a fault for one request of ten.
func (s *soak) spoil(r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := sandbox.Fault{Operation: sandbox.Operation(r)}
	put := f.Operation == sandbox.PutObject || f.Operation == sandbox.PutPart
	draw := s.random.IntN(1000)
	switch {
	case s.calm || draw >= 100 || f.Operation == "Unknown":
		return
	case put:
		f = soakStoreFaults[s.random.IntN(len(soakStoreFaults))]
	case draw == 0:
		f = soakThrottle
	default:
		f = soakAPIFaults[s.random.IntN(len(soakAPIFaults))]
	}
	f.Operation = sandbox.Operation(r)
	if err := s.sandbox.Queue(f); err != nil {
		s.t.Error(err)
	}
	s.struck++
	if put && (f.Worked || f.Kind == sandbox.FaultResetAfter || f.Kind == sandbox.FaultCutBody) {
		s.lost++
	}
}

// ingestd runs the program, and kills it after a life other than 0. The error is
// nil when it said that all is well.
func (s *soak) ingestd(ctx context.Context, life time.Duration, args ...string) error {
	s.t.Helper()
	cmd := exec.CommandContext(ctx, s.binary, append(args, "-c", s.config)...)
	cmd.Stderr = &s.stderr
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	if life > 0 {
		killer := time.AfterFunc(life, func() { _ = cmd.Process.Kill() })
		defer killer.Stop()
	}
	return cmd.Wait()
}

// exitNotIngested is the program's exit code for files that were left behind.
const exitNotIngested = 3

// goOn lets the program run to its end until everything is in, and does what its
// hints say where a file met too many faults. It returns for how many.
func (s *soak) goOn(ctx context.Context) (retried int) {
	for range 20 {
		err := s.ingestd(ctx, 0, "backfill")
		exit, failed := errors.AsType[*exec.ExitError](err)
		switch {
		case err == nil:
			return retried
		case ctx.Err() != nil:
			s.t.Fatal("it took too long")
		case !failed || exit.ExitCode() != exitNotIngested:
			s.t.Fatalf("backfill: %v", err)
		}
		for _, e := range s.entries() {
			if e.Status != journal.Failed && e.Status != journal.Held {
				continue
			}
			retried++
			if e.Reason.Message == "" || e.Reason.Hint == "" {
				s.t.Errorf("%s rests without a message or a hint: %+v", e.Path, e.Reason)
			}
		}
		for _, which := range []string{"--failed", "--held"} {
			_ = s.ingestd(ctx, 0, "retry", which) // may find none
		}
	}
	s.t.Error("files are left behind whatever the operator does")
	return retried
}

// calmDown ends all faults, and gives a daemon the time to clean up what could not
// be cleaned up before.
func (s *soak) calmDown(ctx context.Context) {
	s.mu.Lock()
	s.calm = true
	s.mu.Unlock()
	s.sandbox.ClearFaults()
	empty := func() bool {
		for _, a := range available(s.sandbox.State()) {
			if !a.HasContent {
				return true
			}
		}
		return false
	}
	if !empty() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.binary, "run", "-c", s.config)
	cmd.Stderr = &s.stderr
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	for empty() && ctx.Err() == nil {
		time.Sleep(100 * time.Millisecond)
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		s.t.Errorf("the daemon: %v", err)
	}
}

// wantAll fails unless each file is there once, and nothing else is.
func (s *soak) wantAll(paths []string, kills int) {
	s.t.Helper()
	state := s.sandbox.State()
	got := map[string][]sandbox.Asset{}
	again := 0
	for _, a := range state.Assets {
		again += max(a.PutsStored-1, 0)
		if !a.Deleted {
			got[a.Filename] = append(got[a.Filename], a)
		}
	}
	for _, path := range paths {
		name := filepath.Base(path)
		switch assets := got[name]; {
		case len(assets) != 1:
			s.t.Errorf("%s is there %d times", name, len(assets))
		case !assets[0].HasContent:
			s.t.Errorf("%s is there, but empty", name)
		case assets[0].ContentMD5 != s.md5(path):
			s.t.Errorf("%s holds other bytes", name)
		}
		delete(got, name)
	}
	for name := range got {
		s.t.Errorf("nobody asked for %s", name)
	}

	// The upload of a create whose reply was lost has an id that nobody knows.
	deleted := map[string]bool{}
	for _, a := range state.Assets {
		deleted[a.ObjectID] = a.Deleted
	}
	orphans := 0
	for _, u := range state.Uploads {
		for _, part := range u.Parts {
			again += max(part.Stored-1, 0)
		}
		switch {
		case u.Status != "open":
		case deleted[u.ObjectID] && len(u.Parts) == 0:
			orphans++
		default:
			s.t.Errorf("the upload of %s was left open with %d parts", u.Key, len(u.Parts))
		}
	}
	limit := s.lost + kills*soakWorkers
	s.t.Logf("%d parts were stored again, %d replies to parts were lost; %d uploads of lost creates are open", again, s.lost, orphans)
	if again > limit {
		s.t.Errorf("%d parts were stored again, of which %d may have been", again, limit)
	}
	for _, v := range state.Violations {
		s.t.Errorf("the client broke a rule: %s: %s (%s)", v.Operation, v.Rule, v.Detail)
	}
	for _, e := range s.entries() {
		if e.Status != journal.Filed {
			s.t.Errorf("%s is %s: %+v", e.Path, e.Status, e.Reason)
		}
	}
}
