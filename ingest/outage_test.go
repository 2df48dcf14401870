package ingest_test

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/journal"
)

// What is everyone's trouble: the login, the whole service, the time that tokens
// and URLs live. It may cost time, but no file an attempt, and few words.

// TestTroubleForAll runs at the same time what waits most of its time.
func TestTroubleForAll(t *testing.T) {
	together(t, 100, map[string]func(*testing.T){
		"session": faultsOfTheSession, "throttled": throttledForLong, "tokens": shortLivedTokens,
		"URLs": urlsThatDie, "part": partWhoseURLDies, "rewritten": rewrittenDuringItsUpload, "outage": outage,
	})
}

// together runs tests beside each other, at most so many, whatever go test
// -parallel says: that counts processors, and these tests wait for the clock.
func together(t *testing.T, limit int, tests map[string]func(*testing.T)) {
	var g errgroup.Group
	g.SetLimit(limit)
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		g.Go(func() error {
			t.Run(name, tests[name])
			return nil
		})
	}
	_ = g.Wait()
}

// The operations of the fault table that are about no file in particular.
func faultsOfTheSession(t *testing.T) {
	tests := map[string]func(*testing.T){}
	for _, tr := range []trouble{
		{name: "log in", operation: "GetAuthToken"},
		{name: "who am I", operation: "GetCurrentUser", reads: true, first: []sandbox.Fault{lostCreate}},
	} {
		faults := tr.faults()
		for i, name := range slices.Sorted(maps.Keys(faults)) {
			if i%oneOf != 0 {
				continue
			}
			for times := 1; times <= 2; times++ {
				if times == 2 && (faults[name].Status > 0 && faults[name].Status < 500 || strings.HasPrefix(name, "slow")) {
					continue // a refused login is not tried again soon; one that works, not at all
				}
				tests[fmt.Sprintf("%s/%s/%d times", tr.name, name, times)] = func(t *testing.T) {
					r := newRig(t, nil)
					r.journal = filepath.Join(ramDisk(t), "journal.db")
					r.impatient(patience)
					paths := []string{"a.jpg", "b.jpg", "c.jpg"}
					for _, path := range paths {
						r.write(path, 3000, 1)
					}
					for _, first := range tr.first {
						first.About = "b.jpg"
						r.queue(first)
					}
					f := faults[name]
					f.Operation, f.Times = tr.operation, times
					r.queue(f)
					r.settle(time.Minute)
					r.wantExactly(paths...)
					for _, e := range r.entries() {
						if e.Failures > len(tr.first) {
							t.Errorf("%s lost %d attempts", e.Path, e.Failures)
						}
					}
					r.wantFewWords(10)
					r.wantNoSecrets()
				}
			}
		}
	}
	together(t, 30, tests)
}

// wantFewWords fails where the log has more lines than allowed that are not about
// a file that came in.
func (r *rig) wantFewWords(limit int) {
	r.t.Helper()
	var words []string
	for line := range strings.Lines(r.log.String()) {
		if !strings.Contains(line, `"asset created"`) && !strings.Contains(line, `"level":"debug"`) {
			words = append(words, line)
		}
	}
	if len(words) > limit {
		r.t.Errorf("%d lines of log, want at most %d:\n%s", len(words), limit, strings.Join(words[:min(len(words), 30)], ""))
	}
}

func throttledForLong(t *testing.T) {
	r := newRig(t, nil)
	others := []string{"a.jpg", "b.jpg", "c.jpg"}
	for _, path := range append([]string{"unloved.jpg"}, others...) {
		r.write(path, 3000, 1)
	}
	r.queue(sandbox.Fault{Operation: "CreateAsset", About: "unloved.jpg", Kind: sandbox.FaultStatus, Status: 429, RetryAfter: "1", Times: forGood})
	p := r.start()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- r.run(ctx, p) }()
	begun := time.Now()
	for in := 0; in < len(others) && ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
		in = 0
		for _, e := range r.entries() {
			if e.Status == journal.Filed {
				in++
			}
		}
	}
	if ctx.Err() != nil {
		t.Error("the others did not get in beside a throttled file")
	}
	select {
	case err := <-ended:
		t.Errorf("the run ended: %v", err)
	case <-time.After(time.Until(begun.Add(8 * time.Second))):
	}
	if e := r.entry("unloved.jpg"); e.Failures > 0 || e.Status.Resting() {
		t.Errorf("to be asked to slow down cost the file %d attempts; it is %s", e.Failures, e.Status)
	}
	r.sandbox.ClearFaults()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	r.close(p)
	r.wantFewWords(10)
	r.wantExactly(append(others, "unloved.jpg")...)
}

func shortLivedTokens(t *testing.T) {
	r := newRig(t, func(o *sandbox.Options) {
		o.TokenLife, o.APIDelay, o.MultipartUnasked = 2*time.Second, 100*time.Millisecond, true
	})
	r.config.Workers = 2
	var paths []string
	for i := range 24 {
		paths = append(paths, fmt.Sprintf("f%d.jpg", i))
		r.write(paths[i], 3000, 1)
	}
	// A part that travels for longer than a token lives.
	r.queue(sandbox.Fault{Operation: sandbox.PutPart, About: "f5.jpg", Kind: sandbox.FaultStall, Delay: 3 * time.Second})
	r.backfill()
	r.wantExactly(paths...)
	s := r.sandbox.State()
	if s.Counts.Logins != 1 || s.Counts.Refreshes < 2 {
		t.Errorf("%d password logins and %d refreshes, want 1 and some", s.Counts.Logins, s.Counts.Refreshes)
	}
	r.wantNoSecrets()
}

func urlsThatDie(t *testing.T) {
	const expired = "the upload URLs died 5 times before the file was in"
	tests := map[string]func(*testing.T){}
	for _, w := range []way{single, multipart} {
		for _, raised := range []bool{true, false} {
			tests[fmt.Sprintf("%s/raised %t", w.name, raised)] = func(t *testing.T) {
				r := newRig(t, func(o *sandbox.Options) {
					o.MultipartUnasked = w.multipart
					o.URLLife, o.StoreDelay = 2*time.Second, 2200*time.Millisecond
				})
				r.write("a.jpg", 3000, 1)
				if raised {
					r.queue(sandbox.Fault{Operation: "CreateAsset", Kind: sandbox.FaultStallAfter, After: 2, Delay: time.Second})
					go func() { // when the third attempt has begun
						for len(r.sandbox.UnusedFaults()) > 0 {
							time.Sleep(10 * time.Millisecond)
						}
						_ = r.sandbox.Configure(func(o *sandbox.Options) { o.URLLife, o.StoreDelay = time.Hour, 0 })
					}()
				}
				r.backfill()
				e := r.entry("a.jpg")
				if e.Failures > 0 {
					t.Errorf("it cost the file %d failures", e.Failures)
				}
				if raised {
					r.wantExactly("a.jpg")
					if e.Expiries < 2 || e.Expiries > 3 {
						t.Errorf("%d expiries", e.Expiries)
					}
					return
				}
				if e.Status != journal.Held || !strings.HasPrefix(e.Reason.Message, expired) {
					t.Errorf("it is %s: %+v", e.Status, e.Reason)
				}
				for _, part := range []string{"2.9 KiB within the ", "s that the URLs live takes ", " KiB/s", "retry"} {
					if !strings.Contains(e.Reason.Hint, part) {
						t.Errorf("the hint does not name %q: %s", part, e.Reason.Hint)
					}
				}
				r.wantExactly()
				r.wantNoSecrets()
			}
		}
	}
	together(t, 10, tests)
}

// The second of two parts is on its way when its URL dies, the first is stored.
func partWhoseURLDies(t *testing.T) {
	if testing.Short() {
		t.Skip("moves 300 MiB")
	}
	r := newRig(t, func(o *sandbox.Options) { o.Discard, o.URLLife = "hash", 3*time.Second })
	r.sparse("long.mov", 101*mib)
	r.queue(sandbox.Fault{Operation: sandbox.PutPart, Part: 2, Kind: sandbox.FaultStall, Delay: 3500 * time.Millisecond, Times: 2})
	go func() {
		for len(r.sandbox.UnusedFaults()) > 0 {
			time.Sleep(10 * time.Millisecond)
		}
		_ = r.sandbox.Configure(func(o *sandbox.Options) { o.URLLife = time.Hour })
	}()
	r.backfill()
	s := r.sandbox.State()
	r.wantNothingLeft(s)
	if got := available(s); len(got) != 1 || got[0].ContentSize != 101*mib {
		t.Errorf("%d assets are available", len(got))
	}
	for _, u := range s.Uploads {
		for _, part := range u.Parts {
			if part.Stored > 1 {
				t.Errorf("part %d was stored %d times", part.Number, part.Stored)
			}
		}
	}
	if e := r.entry("long.mov"); e.Status != journal.Filed || e.Failures > 0 || e.Expiries != 2 {
		t.Errorf("it is %s with %d failures and %d expiries", e.Status, e.Failures, e.Expiries)
	}
}

func rewrittenDuringItsUpload(t *testing.T) {
	rewrites := map[string]func(r *rig, path string){
		"in place":  func(r *rig, path string) { r.write(path, 3000, 9) },
		"grown":     func(r *rig, path string) { r.write(path, 5000, 9) },
		"truncated": func(r *rig, path string) { r.write(path, 900, 9) },
		"replaced": func(r *rig, path string) {
			r.write("new.part", 3000, 9)
			if err := os.Rename(filepath.Join(r.drop, "new.part"), filepath.Join(r.drop, path)); err != nil {
				r.t.Error(err)
			}
		},
		"gone": func(r *rig, path string) {
			if err := os.Remove(filepath.Join(r.drop, path)); err != nil {
				r.t.Error(err)
			}
		},
	}
	tests := map[string]func(*testing.T){}
	for _, w := range []way{single, multipart, version} {
		for name, rewrite := range rewrites {
			tests[w.name+"/"+name] = func(t *testing.T) {
				r := newRig(t, func(o *sandbox.Options) { o.MultipartUnasked = w.multipart })
				operation := sandbox.PutObject
				if w.multipart {
					operation = sandbox.PutPart
				}
				r.write("a.jpg", 3000, 1)
				if w.version {
					r.backfill()
					r.write("a.jpg", 3000, 2)
				}
				// Half of the file has left when it is rewritten.
				r.queue(sandbox.Fault{Operation: operation, Kind: sandbox.FaultStall, Bytes: 1500, Delay: 300 * time.Millisecond})
				done := make(chan struct{})
				go func() {
					defer close(done)
					for len(r.sandbox.UnusedFaults()) > 0 {
						time.Sleep(time.Millisecond)
					}
					rewrite(r, "a.jpg")
				}()
				r.backfill()
				<-done
				r.backfill() // what came late is looked at by the next scan

				before := 0
				if w.version {
					before = 1
				}
				s := r.sandbox.State()
				r.wantNothingLeft(s)
				got := available(s)
				if name == "gone" {
					if len(got) != before || r.entry("a.jpg").Status.Active() {
						t.Errorf("%d assets of a file that is gone, which is %s", len(got)-before, r.entry("a.jpg").Status)
					}
					return
				}
				if len(got) != before+1 || !got[before].Current || got[before].ContentMD5 != r.md5("a.jpg") {
					t.Errorf("%d assets, want %d of which the last holds the new content", len(got), before+1)
				}
				for _, u := range s.Uploads {
					if u.Status == "completed" && u.ObjectID != got[len(got)-1].ObjectID {
						t.Error("a mixture of two contents was completed")
					}
				}
				if e := r.entry("a.jpg"); e.Status != journal.Filed || e.Failures > 0 {
					t.Errorf("it is %s with %d failures: %+v", e.Status, e.Failures, e.Reason)
				}
			}
		}
	}
	together(t, 5, tests)
}

// The ways in which a service is down.
const (
	refusing = iota + 1 // nobody listens
	hangingUp
	unavailable
)

func outage(t *testing.T) {
	files := 1000
	if oneOf > 1 {
		files = 60
	}
	tests := map[string]func(*testing.T){}
	for mode, name := range map[int]string{refusing: "refusing", hangingUp: "hanging up", unavailable: "unavailable"} {
		tests[name] = func(t *testing.T) {
			r := newRig(t, nil)
			r.journal = filepath.Join(ramDisk(t), "journal.db")
			var down atomic.Int64
			inner := r.sandbox.Handler()
			r.web.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
				switch down.Load() {
				case hangingUp:
					panic(http.ErrAbortHandler)
				case unavailable:
					http.Error(w, "<html>Service Unavailable</html>", http.StatusServiceUnavailable)
				default:
					inner.ServeHTTP(w, q)
				}
			})
			var paths []string
			for i := range files {
				paths = append(paths, fmt.Sprintf("f%04d.jpg", i))
				r.write(paths[i], 500, 1)
			}
			go func() { // in the midst of it
				for r.sandbox.State().Counts.Requests["CreateAsset"] < 30 {
					time.Sleep(time.Millisecond)
				}
				restart := func() {}
				if mode == refusing {
					restart = r.hangUp()
				}
				down.Store(int64(mode))
				time.Sleep(5 * time.Second)
				down.Store(0)
				restart()
			}()
			r.settle(2 * time.Minute)
			for _, e := range r.entries() {
				if e.Status != journal.Filed || e.Failures > 0 {
					t.Errorf("%s is %s with %d failures: %+v", e.Path, e.Status, e.Failures, e.Reason)
				}
			}
			r.wantExactly(paths...)
			r.wantFewWords(20)
			r.wantNoSecrets()
		}
	}
	together(t, 3, tests)
}

// hangUp stops listening and drops all connections; what it returns listens again
// at the same address.
func (r *rig) hangUp() (restart func()) {
	addr := r.web.Listener.Addr().String()
	_ = r.web.Listener.Close()
	r.web.CloseClientConnections()
	return func() {
		l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", addr)
		if err != nil {
			r.t.Errorf("listen again: %v", err)
			return
		}
		again := &http.Server{Handler: r.web.Config.Handler, ReadHeaderTimeout: time.Minute}
		r.t.(*testing.T).Cleanup(func() { _ = again.Close() })
		go func() { _ = again.Serve(l) }()
	}
}

// ramDisk is a directory in memory where there is one, for tests that would wait
// for a disk most of the time. Each commit of a journal does.
func ramDisk(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "ingestd-test-") //nolint:usetesting // a RAM disk, where there is one //nolint:usetesting // t.TempDir lies on a disk
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
