package ingest_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/ingest"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/notes"
	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/internal/secret"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
	"github.com/tenovos-ingest/ingestd/watcher"
)

const mib = 1 << 20

// noteTexts are what a watcher knows notes by.
var noteTexts = watcher.Texts{Named: notes.Named, Ours: notes.Ours, Head: notes.Head}

// rig is a drop folder, a sandbox in place of Tenovos, and a journal on disk,
// between which pipelines come and go.
type rig struct {
	t       testing.TB
	sandbox *sandbox.Server
	web     *httptest.Server
	drop    string
	journal string
	log     *strings.Builder
	account *sandbox.Account
	mapsAll bool // the rules map what they did not
	// Knobs of the pipelines that are started from now on.
	config   ingest.Config
	skip     []string // directories that scans do not enter, in place of the usual ones
	commit   func()   // called after each commit of the journal
	atCommit func()   // set and cleared by stopAt
	look     func()   // called before each look at it
	api      func(ingest.API) ingest.API
	store    func(ingest.Store) ingest.Store
	clock    func() time.Time
	retried  func(class string)
}

// newRig starts a sandbox that hands out multipart uploads of small parts, so
// that a test need not move 100 MiB to see one.
func newRig(t testing.TB, change func(*sandbox.Options)) *rig {
	t.Helper()
	dir := t.TempDir()
	options, err := sandbox.Preset("1.5")
	if err != nil {
		t.Fatal(err)
	}
	options.Dir = filepath.Join(dir, "store")
	if change != nil {
		change(&options)
	}
	r := &rig{t: t, drop: filepath.Join(dir, "drop"), journal: filepath.Join(dir, "journal.db"), log: &strings.Builder{}}
	if r.sandbox, err = sandbox.New(options); err != nil {
		t.Fatal(err)
	}
	r.account = r.sandbox.Account()
	r.web = httptest.NewServer(r.sandbox.Handler())
	t.Cleanup(func() {
		if err := r.sandbox.Close(); err != nil { // first: it ends the stalls that the server would wait for
			t.Error(err)
		}
		r.web.CloseClientConnections()
		r.web.Close()
	})
	if err := os.MkdirAll(r.drop, 0o755); err != nil {
		t.Fatal(err)
	}
	r.config = ingest.Config{
		Workers: 4, MaxFileSize: 5 << 30, MaxAttempts: 4,
		RetryInitial: 5 * time.Millisecond, RetryMax: 20 * time.Millisecond,
		VerifyTimeout: 10 * time.Second, ShutdownGrace: 5 * time.Second,
		Looks: []time.Duration{0, 10 * time.Millisecond},
		Folders: []dropfolder.Folder{{
			Name: "drop", Path: r.drop, Settle: 20 * time.Millisecond, VersionByPath: true, Map: r.mapFile,
		}},
	}
	return r
}

// mapFile is a rule: everything becomes a Creative Asset titled by its name.
func (r *rig) mapFile(f file.File, _ string) (dropfolder.Mapped, error) {
	name := filepath.Base(f.Path)
	switch {
	case strings.HasPrefix(name, "ignored"):
		return dropfolder.Mapped{}, dropfolder.ErrNoRule
	case strings.HasPrefix(name, "unmappable") && !r.mapsAll && !strings.HasSuffix(name, ".txt"):
		return dropfolder.Mapped{Problems: []dropfolder.Problem{{Message: "Brand: no source gives a required value", Hint: "Put it below a brand's folder."}}}, nil
	}
	acct := r.account
	return dropfolder.Mapped{Asset: tenovos.NewAsset{
		TemplateID:  acct.Templates[0].ID,
		Metadata:    []tenovos.Value{tenovos.TextValue(acct.Templates[0].Groups[0].Attributes[0].ID, name)},
		SecurityIDs: []string{acct.SecurityTemplates[0].ID},
		Filename:    name,
	}}, nil
}

// write puts a file of random content, seeded by its name and n, into the drop.
func (r *rig) write(path string, size int, n uint64) {
	r.t.Helper()
	name := filepath.Join(r.drop, path)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(name, content(path, size, n), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

func content(path string, size int, n uint64) []byte {
	var seed [32]byte
	copy(seed[:], fmt.Sprintf("%d %s", n, path))
	data := make([]byte, size)
	_, _ = rand.NewChaCha8(seed).Read(data)
	return data
}

// loseJournal has the next pipelines begin with an empty journal and adopt.
func (r *rig) loseJournal() {
	r.journal += ".anew"
	r.config.Adopt = true
}

func (r *rig) client() *tenovos.Client {
	r.t.Helper()
	acct := r.sandbox.Account()
	c, err := tenovos.New(tenovos.Config{
		URL: r.web.URL + r.sandbox.Options().BasePath(), Version: r.sandbox.Options().APIVersion,
		APIKey: secret.Text(acct.APIKey), Username: acct.Users[0].Username, Password: secret.Text(acct.Users[0].Password),
		ClientID: acct.ClientID, MaxConcurrentCalls: 8, CallTimeout: 5 * time.Second,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// process is a pipeline with its journal, as one start of the program has it.
type process struct {
	*ingest.Pipeline
	journal *journal.Journal
	client  *tenovos.Client
}

// start opens the journal and makes a pipeline; close ends both.
func (r *rig) start() *process {
	r.t.Helper()
	j, err := journal.Open(context.Background(), r.journal, journal.Options{OnCommit: r.commit, OnRead: r.look, Clock: r.clock, Anew: r.config.Adopt})
	if err != nil {
		r.t.Fatal(err)
	}
	client := r.client()
	var api ingest.API = client
	if r.api != nil {
		api = r.api(api)
	}
	var store ingest.Store = uploader.New(uploader.Config{Parts: 2, ExpiryMargin: 100 * time.Millisecond, Ahead: client.Ahead})
	if r.store != nil {
		store = r.store(store)
	}
	p := ingest.New(r.config, ingest.Deps{API: api, Store: store, Content: uploader.New(uploader.Config{}), Journal: j, Log: zerolog.New(zerolog.SyncWriter(r.log)), Clock: r.clock, Ahead: client.Ahead, Retried: r.retried})
	return &process{Pipeline: p, journal: j, client: client}
}

func (r *rig) close(p *process) {
	r.t.Helper()
	p.client.Close()
	if err := p.journal.Close(); err != nil {
		r.t.Error(err)
	}
}

// scan admits everything that lies in the drop now.
func (r *rig) scan(ctx context.Context, p *process) error {
	skip := r.skip
	if skip == nil {
		skip = []string{"_ingested", "_failed"}
	}
	w, err := watcher.New([]watcher.Folder{{Name: "drop", Path: r.drop, Patience: time.Second, Skip: skip, Marker: r.config.Folders[0].Marker, Texts: noteTexts}}, watcher.Options{Emit: p.Admit, Hidden: p.Strays().Hidden})
	if err != nil {
		return err
	}
	return w.Walk(ctx)
}

// backfill is one whole run of the program: it ends when nothing is left to do.
func (r *rig) backfill() {
	r.t.Helper()
	p := r.start()
	defer r.close(p)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := r.run(ctx, p); err != nil {
		r.t.Fatal(err)
	}
	if ctx.Err() != nil {
		r.t.Fatalf("the backfill did not end; journal:\n%s\nlog:\n%s", r.dump(p), r.log)
	}
}

func (r *rig) run(ctx context.Context, p *process) error {
	source := make(chan struct{})
	scanned := make(chan error, 1)
	go func() {
		scanned <- r.scan(ctx, p)
		close(source)
	}()
	err := p.Run(ctx, nil, source)
	if serr := <-scanned; err == nil && ctx.Err() == nil {
		err = serr
	}
	return err
}

// dump prints the journal's entries for a failed test.
func (r *rig) dump(p *process) string {
	var b strings.Builder
	err := p.journal.Reader().Entries(context.Background(), journal.Filter{All: true}, func(e journal.Entry) error {
		fmt.Fprintf(&b, "%d %s gen %d: %s, outcome %q, failures %d, tries %d: %s: %s\n",
			e.ID, e.Path, e.Generation, e.Status, e.Outcome, e.Failures, e.Tries, e.Reason.Class, e.Reason.Message)
		return nil
	})
	if err != nil {
		fmt.Fprintln(&b, err)
	}
	return b.String()
}

// entries reads the whole journal without owning it.
func (r *rig) entries() []journal.Entry {
	r.t.Helper()
	reader, err := journal.OpenReader(context.Background(), r.journal)
	if err != nil {
		r.t.Fatal(err)
	}
	defer reader.Close()
	var all []journal.Entry
	err = reader.Entries(context.Background(), journal.Filter{All: true}, func(e journal.Entry) error {
		all = append(all, e)
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return all
}

// entry returns the latest generation of a path.
func (r *rig) entry(path string) journal.Entry {
	r.t.Helper()
	var found journal.Entry
	for _, e := range r.entries() {
		if e.Path == path && e.Generation > found.Generation {
			found = e
		}
	}
	if found.ID == 0 {
		r.t.Fatalf("the journal does not know %s", path)
	}
	return found
}

// available are the assets that are not deleted.
func available(s sandbox.State) []sandbox.Asset {
	var out []sandbox.Asset
	for _, a := range s.Assets {
		if !a.Deleted {
			out = append(out, a)
		}
	}
	return out
}

// wantExactly fails unless the account holds exactly the current content of the
// named files, each once and whole, and nothing was left behind on the way:
// no empty asset, no open upload, no part sent again once its ETag was stored.
func (r *rig) wantExactly(paths ...string) {
	r.t.Helper()
	s := r.sandbox.State()
	got := available(s)
	if len(got) != len(paths) {
		r.t.Errorf("%d assets are available, want %d", len(got), len(paths))
	}
	for _, path := range paths {
		sum, n := r.md5(path), 0
		for _, a := range got {
			if a.Filename == filepath.Base(path) && a.ContentMD5 == sum {
				n++
			}
		}
		if n != 1 {
			r.t.Errorf("%s is there %d times with its content, want once", path, n)
		}
	}
	r.wantNothingLeft(s)
}

// md5 is that of a file in the drop, in hex.
func (r *rig) md5(path string) string {
	r.t.Helper()
	f, err := os.Open(filepath.Join(r.drop, path))
	if err != nil {
		r.t.Fatal(err)
	}
	defer f.Close()
	h := md5.New()
	if _, err := io.Copy(h, f); err != nil {
		r.t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (r *rig) wantNothingLeft(s sandbox.State) {
	r.t.Helper()
	for _, a := range available(s) {
		if !a.HasContent && a.FederatedPath == "" {
			r.t.Errorf("%s was left behind empty", a.Filename)
		}
	}
	for _, u := range s.OpenUploads() {
		r.t.Errorf("the upload of %s was left open", u.Key)
	}
	for _, v := range s.Violations {
		r.t.Errorf("the client broke a rule: %s: %s (%s)", v.Operation, v.Rule, v.Detail)
	}
	for _, f := range s.Unused {
		r.t.Errorf("a fault never struck: %s %s", f.Operation, f.Kind)
	}
}
