package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/ingest"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/internal/secret"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
	"github.com/tenovos-ingest/ingestd/watcher"
)

// TestMain makes the test binary the process that a crash sweep kills.
func TestMain(m *testing.M) {
	if os.Getenv("CRASH_URL") != "" {
		if err := crashingProcess(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// points counts the moments at which a process can die: after each commit of the
// journal, and before and after each remote call. At the one that it is told to,
// it dies as by kill -9.
type points struct {
	at   int64 // 0: never
	seen atomic.Int64
}

func (p *points) pass(string) {
	if n := p.seen.Add(1); n == p.at {
		_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
		select {} // the signal is on its way
	}
}

// RoundTrip passes a point before and after each call.
func (p *points) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		p.pass("before")
		resp, err := next.RoundTrip(req)
		if err == nil {
			// The reply is all here: what follows it is the process's own.
			body, rerr := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			resp.Body = io.NopCloser(strings.NewReader(string(body)))
			err = rerr
		}
		p.pass("after")
		return resp, err
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// crashingProcess is one start of the program: a backfill of a folder, with the
// point of its death in the environment. It prints how many points it passed.
func crashingProcess() error {
	at, err := strconv.ParseInt(os.Getenv("CRASH_AT"), 10, 64)
	if err != nil {
		return err
	}
	p := &points{at: at}
	acct := sandbox.DefaultAccount()
	transport := func() http.RoundTripper { return p.wrap(&http.Transport{ExpectContinueTimeout: time.Second}) }
	client, err := tenovos.New(tenovos.Config{
		URL: os.Getenv("CRASH_URL"), Version: "1.5", APIKey: secret.Text(acct.APIKey),
		Username: acct.Users[0].Username, Password: secret.Text(acct.Users[0].Password), MaxConcurrentCalls: 8,
		HTTP: &http.Client{Transport: transport()},
	})
	if err != nil {
		return err
	}
	ctx := context.Background()
	j, err := journal.Open(ctx, os.Getenv("CRASH_JOURNAL"), journal.Options{OnCommit: func() { p.pass("commit") }})
	if err != nil {
		return err
	}
	drop := os.Getenv("CRASH_DROP")
	rig := &rig{mapsAll: os.Getenv("CRASH_MAPS_ALL") == "true"}
	rig.account = acct
	var companions dropfolder.Companions
	if rows := os.Getenv("CRASH_ROWS"); rows != "" {
		var all rowsOf
		for row := range strings.SplitSeq(rows, ",") {
			all = append(all, dropfolder.FilelessRow{Path: row})
		}
		companions = all
	}
	pipe := ingest.New(ingest.Config{
		Workers: 2, MaxFileSize: 5 << 30, MaxAttempts: 4, RetryInitial: 5 * time.Millisecond, RetryMax: 20 * time.Millisecond,
		VerifyTimeout: 10 * time.Second, ShutdownGrace: time.Second, Looks: []time.Duration{0, 10 * time.Millisecond},
		Folders: []dropfolder.Folder{{Name: "drop", Path: drop, Settle: 20 * time.Millisecond, VersionByPath: true, Map: rig.mapFile,
			VersionByFilename: os.Getenv("CRASH_BY_FILENAME") == "true",
			After:             dropfolder.After(os.Getenv("CRASH_AFTER")), Done: "_ingested", Failed: "_failed", Companions: companions,
			Tell: os.Getenv("CRASH_TELL") == "true"}},
	}, ingest.Deps{
		API: client, Journal: j, Log: zerolog.New(os.Stderr),
		Store: uploader.New(uploader.Config{Parts: 1, HTTP: &http.Client{Transport: transport()}}),
	})
	w, err := watcher.New([]watcher.Folder{{Name: "drop", Path: drop, Skip: []string{"_ingested", "_failed"}, Texts: noteTexts}}, watcher.Options{Emit: pipe.Admit, Hidden: pipe.Strays().Hidden})
	if err != nil {
		return err
	}
	if err := w.Walk(ctx); err != nil {
		return err
	}
	walked := make(chan struct{})
	close(walked)
	if err := pipe.Run(ctx, nil, walked); err != nil {
		return err
	}
	fmt.Println(p.seen.Load())
	return j.Close()
}

// crash runs the process and lets it die at a point; 0 lets it live. It returns
// how many points it passed, or -1 if it died.
func (r *rig) crash(at int) int {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var rows []string
	if all, ok := r.config.Folders[0].Companions.(rowsOf); ok {
		for _, row := range all {
			rows = append(rows, row.Path)
		}
	}
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), "CRASH_URL="+r.web.URL+r.sandbox.Options().BasePath(),
		"CRASH_DROP="+r.drop, "CRASH_JOURNAL="+r.journal, "CRASH_AT="+strconv.Itoa(at), "CRASH_AFTER="+string(r.config.Folders[0].After),
		"CRASH_TELL="+strconv.FormatBool(r.config.Folders[0].Tell), "CRASH_MAPS_ALL="+strconv.FormatBool(r.mapsAll),
		"CRASH_ROWS="+strings.Join(rows, ","),
		"CRASH_BY_FILENAME="+strconv.FormatBool(r.config.Folders[0].VersionByFilename))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL && ctx.Err() == nil {
		return -1
	}
	if err != nil {
		r.t.Fatalf("the process failed: %v\n%.4000s\n%v", err, stderr.String(), r.entries())
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		r.t.Fatal(err)
	}
	return n
}

// sweeps are the ways through the states that a crash can cut.
var sweeps = []struct {
	name  string
	long  bool // moves more than 100 MiB a time
	setUp func(r *rig) (want []string)
	// meanwhile is done between the crash and the next start; may be nil.
	meanwhile func(r *rig)
	// spares says that a version of somebody else must be there in the end, beside what
	// wantAfterCrash wants.
	spares bool
}{
	{name: "single", setUp: func(r *rig) []string {
		r.write("a.jpg", 3000, 1)
		return []string{"a.jpg"}
	}},
	{name: "two of one name", setUp: func(r *rig) []string {
		r.write("x/a.jpg", 3000, 1)
		r.write("y/a.jpg", 4000, 1)
		return []string{"x/a.jpg", "y/a.jpg"}
	}},
	{name: "cancelled and begun again", setUp: func(r *rig) []string {
		r.write("a.jpg", 3000, 1)
		r.queue(sandbox.Fault{Operation: sandbox.PutObject, Kind: sandbox.FaultStatus, Status: 403, Body: denied})
		return []string{"a.jpg"}
	}},
	{name: "version", setUp: func(r *rig) []string {
		r.write("a.jpg", 3000, 1)
		r.crash(0)
		r.write("a.jpg", 3000, 2)
		return []string{"a.jpg"}
	}},
	{name: "version by filename", setUp: func(r *rig) []string {
		r.config.Folders[0].VersionByFilename = true
		r.write("x/a.jpg", 3000, 1)
		r.crash(0)
		r.write("y/a.jpg", 3000, 2)
		return []string{"y/a.jpg"}
	}},
	{name: "failed version whose delete hits all versions", spares: true, setUp: func(r *rig) []string {
		r.theirs(sandbox.PutObject, func(o *sandbox.Options) { o.DeleteScope, o.UndeleteScope = "all", "version" })
		return []string{"a.jpg"}
	}},
	{name: "failed version whose delete hits all versions and hides them", spares: true, setUp: func(r *rig) []string {
		r.theirs(sandbox.PutObject, func(o *sandbox.Options) {
			o.DeleteScope, o.UndeleteScope, o.HideDeleted, o.HideDeletedBy = "all", "version", true, true
		})
		return []string{"a.jpg"}
	}},
	{name: "failed version whose cancel hits all versions", spares: true, setUp: func(r *rig) []string {
		r.theirs(sandbox.PutPart, func(o *sandbox.Options) {
			o.DeleteScope, o.UndeleteScope, o.CancelRecord, o.MultipartUnasked = "all", "version", "delete", true
		})
		return []string{"a.jpg"}
	}},
	{name: "file of a placeholder", setUp: func(r *rig) []string {
		r.config.Folders[0].Companions = rowsOf{{Path: "coming.jpg"}}
		r.write("manifest.csv", 10, 1)
		r.crash(0)
		r.write("coming.jpg", 3000, 1)
		return []string{"coming.jpg"}
	}},
	{name: "moved away", setUp: func(r *rig) []string {
		r.config.Folders[0].After = dropfolder.AfterMove
		r.write("acme/a.jpg", 3000, 1)
		return []string{"_ingested/acme/a.jpg"}
	}},
	{name: "touched meanwhile", setUp: func(r *rig) []string {
		r.write("a.jpg", 3000, 1)
		return []string{"a.jpg"}
	}, meanwhile: func(r *rig) { must(r.t, os.Chmod(filepath.Join(r.drop, "a.jpg"), 0o600)) }},
	{name: "touched meanwhile and moved away", setUp: func(r *rig) []string {
		r.config.Folders[0].After = dropfolder.AfterMove
		r.write("a.jpg", 3000, 1)
		return []string{"_ingested/a.jpg"}
	}, meanwhile: func(r *rig) {
		for _, path := range r.files() { // wherever it was then
			must(r.t, os.Chmod(filepath.Join(r.drop, path), 0o600))
		}
	}},
	{name: "renamed meanwhile", setUp: func(r *rig) []string {
		r.write("old/a.jpg", 3000, 1)
		return []string{"new/a.jpg"}
	}, meanwhile: func(r *rig) { must(r.t, os.Rename(filepath.Join(r.drop, "old"), filepath.Join(r.drop, "new"))) }},
	{name: "multipart", long: true, setUp: func(r *rig) []string {
		r.sparse("a.mov", 101*mib)
		return []string{"a.mov"}
	}},
	{name: "multipart cancelled and begun again", long: true, setUp: func(r *rig) []string {
		r.sparse("a.mov", 101*mib)
		r.queue(sandbox.Fault{Operation: sandbox.PutPart, Part: 2, Kind: sandbox.FaultStatus, Status: 403, Body: denied})
		return []string{"a.mov"}
	}},
}

// theirs has the file a.jpg become a version of an asset that is there, at the second
// try: the first is refused by an operation of the store, in an account of such options.
func (r *rig) theirs(refuses string, change func(*sandbox.Options)) {
	r.t.Helper()
	r.config.Folders[0].VersionByFilename = true
	r.there("a.jpg", "somebody else's", "")
	must(r.t, r.sandbox.Configure(change))
	r.write("a.jpg", 3000, 1)
	r.queue(sandbox.Fault{Operation: refuses, Kind: sandbox.FaultStatus, Status: 403, Body: denied})
}

// wantTheirs fails unless the version is available that theirs has put there.
func (r *rig) wantTheirs() {
	r.t.Helper()
	for _, a := range r.sandbox.State().Assets {
		if a.ContentSize == int64(len("somebody else's")) && (a.Deleted || !a.HasContent) {
			r.t.Errorf("the version of somebody else is gone: %+v", a)
		}
	}
}

const denied = `<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`

// sparse makes a file that is long but cheap.
func (r *rig) sparse(path string, size int64) {
	r.t.Helper()
	name := filepath.Join(r.drop, path)
	if err := os.WriteFile(name, []byte("head"), 0o644); err != nil {
		r.t.Fatal(err)
	}
	if err := os.Truncate(name, size); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) queue(faults ...sandbox.Fault) {
	r.t.Helper()
	if err := r.sandbox.Queue(faults...); err != nil {
		r.t.Fatal(err)
	}
}

// pointOf is how many stopping points are passed over: as with oneOf, all of them
// are for a run without the race detector.
var pointOf = 1

func TestCrashSweep(t *testing.T) {
	for _, s := range sweeps {
		t.Run(s.name, func(t *testing.T) {
			if s.long && testing.Short() {
				t.Skip("moves gigabytes")
			}
			t.Parallel()
			r := newRig(t, nil)
			s.setUp(r)
			n := r.crash(0)
			t.Logf("%d stopping points", n)
			for at := 1; at <= n; at += pointOf {
				t.Run(fmt.Sprint(at), func(t *testing.T) {
					r := newRig(t, nil)
					want := s.setUp(r)
					// Two workers do not pass the same number of points each time: a process
					// that came to its end earlier was not to die.
					if passed := r.crash(at); passed >= at {
						t.Fatalf("the process lived past point %d: it counted %d", at, passed)
					}
					if s.meanwhile != nil {
						s.meanwhile(r)
					}
					r.crash(0)
					r.wantAfterCrash(want)
					if s.spares {
						r.wantTheirs()
					}
				})
			}
		})
	}
}

// wantAfterCrash is wantExactly for the current content, where earlier versions
// may be there too, and where a create whose reply was lost may have left an
// upload without parts.
func (r *rig) wantAfterCrash(paths []string) {
	r.t.Helper()
	s := r.sandbox.State()
	current := map[string]int{}
	empty := 0
	for _, e := range r.entries() {
		if e.Kind == journal.Placeholder && e.Status == journal.Filed {
			empty-- // the one asset that is to be so
		}
	}
	for _, a := range available(s) {
		if !a.HasContent {
			empty++
		}
		if a.Current {
			current[a.Filename+" "+a.ContentMD5]++
		}
	}
	if empty != 0 {
		r.t.Errorf("%d empty assets more than there are placeholders", empty)
	}
	for _, path := range paths {
		if n := current[filepath.Base(path)+" "+r.md5(path)]; n != 1 {
			r.t.Errorf("%s is there %d times with its content, want once", path, n)
		}
	}
	if len(current) != len(paths) {
		r.t.Errorf("%d current assets, want %d: %v", len(current), len(paths), current)
	}
	for _, u := range s.OpenUploads() {
		if len(u.Parts) > 0 {
			r.t.Errorf("an upload of %d parts was left open", len(u.Parts))
		}
	}
	for _, u := range s.Uploads {
		for _, part := range u.Parts {
			if part.Stored > 2 { // once more where the reply to the first was lost
				r.t.Errorf("part %d was stored %d times", part.Number, part.Stored)
			}
		}
	}
	for _, v := range s.Violations {
		r.t.Errorf("the client broke a rule: %s: %s (%s)", v.Operation, v.Rule, v.Detail)
	}
	for _, e := range r.entries() {
		if !e.Status.Resting() || e.Status == journal.Held || e.Status == journal.Failed {
			r.t.Errorf("%s generation %d ended %s: %s", e.Path, e.Generation, e.Status, e.Reason.Message)
		}
	}
}
