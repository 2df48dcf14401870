package ingest_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/ingest"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/internal/secret"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
	"github.com/tenovos-ingest/ingestd/watcher"
)

// newPlaceholder makes the placeholder of coming.jpg, titled "to come"; its file
// would be titled by its name.
func newPlaceholder(t *testing.T, change func(*sandbox.Options)) *rig {
	t.Helper()
	r := newRig(t, change)
	r.config.Folders[0].Companions = rowsOf{{Path: "coming.jpg"}}
	r.config.Folders[0].Map = func(f watcher.File, at string) (dropfolder.Mapped, error) {
		m, err := r.mapFile(f, at)
		if f.Size == 0 {
			m.Asset.Metadata[0] = tenovos.TextValue(m.Asset.Metadata[0].DefinitionID, "to come")
		}
		return m, err
	}
	r.config.Folders[0].Inherit = func(_ string, _, ours []tenovos.Value) []tenovos.Value { return ours }
	r.write("manifest.csv", 10, 1)
	r.backfill()
	if got := available(r.sandbox.State()); len(got) != 1 || got[0].HasContent || title(got[0]) != `"to come"` {
		t.Fatalf("the placeholder: %+v", got)
	}
	return r
}

func title(a sandbox.Asset) string { return string(a.Metadata[0].Value) }

// wantContent fails unless the current version of the one asset holds the file.
func (r *rig) wantContent(versions int) {
	r.t.Helper()
	got := available(r.sandbox.State())
	if len(got) != versions {
		r.t.Errorf("%d versions, want %d", len(got), versions)
	}
	for _, a := range got {
		if a.OriginalFileID != got[0].OriginalFileID {
			r.t.Errorf("an asset of its own: %+v", a)
		}
		if a.Current && (a.ContentMD5 != r.md5("coming.jpg") || title(a) != `"coming.jpg"`) {
			r.t.Errorf("the current version: content %v, title %s", a.ContentMD5 == r.md5("coming.jpg"), title(a))
		}
	}
	if e := r.entry("coming.jpg"); e.Status != journal.Filed || e.Kind != journal.File {
		r.t.Errorf("entry %d is %s: %s", e.ID, e.Status, e.Reason.Message)
	}
	if v := r.sandbox.State().Violations; len(v) > 0 {
		r.t.Errorf("the client broke a rule: %+v", v)
	}
}

func TestFileBecomesContentOfItsPlaceholder(t *testing.T) {
	r := newPlaceholder(t, nil)
	r.write("coming.jpg", 3000, 1)
	r.backfill()
	r.wantContent(1)
	if e := r.entries()[0]; e.Kind != journal.Placeholder || e.Status != journal.Superseded {
		t.Errorf("the placeholder's entry: %s, %s", e.Kind, e.Status)
	}
	r.write("coming.jpg", 3000, 2)
	r.backfill()
	r.wantContent(2)
}

// TestFileBecomesVersionOfItsPlaceholder has the content of a placeholder come when
// its URL is of no use: nothing is lost, nothing overwritten, and no asset removed.
func TestFileBecomesVersionOfItsPlaceholder(t *testing.T) {
	put := func(t *testing.T, url secret.URL, content string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url.Reveal(), strings.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatal(resp.Status)
		}
	}
	for name, c := range map[string]struct {
		change func(*sandbox.Options)
		before func(t *testing.T, r *rig)
	}{
		"the URL is dead": {change: func(o *sandbox.Options) { o.URLLife = 30 * time.Second }},
		"its URL is broken": {before: func(_ *testing.T, r *rig) {
			r.queue(sandbox.Fault{Operation: sandbox.PutObject, Kind: sandbox.FaultStatus, Status: 403, Body: denied})
		}},
		"it changes on its way": {before: func(_ *testing.T, r *rig) {
			once := &rewriting{path: filepath.Join(r.drop, "coming.jpg"), content: content("coming.jpg", 4000, 2)}
			r.store = func(s ingest.Store) ingest.Store { once.Store = s; return once }
		}},
		"somebody put content there": {before: func(t *testing.T, r *rig) {
			p := r.start()
			defer r.close(p)
			last, _, err := p.journal.LastAttempt(t.Context(), r.entry("coming.jpg"))
			if err != nil {
				t.Fatal(err)
			}
			if !last.Attempt.Vacant {
				t.Fatal("no URL was kept")
			}
			put(t, last.Attempt.Parts[0].URL, "a librarian's")
		}},
		"another template": {before: func(_ *testing.T, r *rig) {
			plain := r.config.Folders[0].Map
			r.config.Folders[0].Map = func(f watcher.File, at string) (dropfolder.Mapped, error) {
				m, err := plain(f, at)
				if f.Size > 0 {
					other := r.account.Templates[1]
					m.Asset.TemplateID = other.ID
					m.Asset.Metadata = []tenovos.Value{tenovos.TextValue(other.Groups[0].Attributes[0].ID, "coming.jpg")}
				}
				return m, err
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newPlaceholder(t, c.change)
			if c.before != nil {
				c.before(t, r)
			}
			r.write("coming.jpg", 3000, 1)
			r.backfill()
			r.wantContent(2)
		})
	}
}

// rewriting changes the file before the first upload, in the manner of an editor.
type rewriting struct {
	ingest.Store
	path    string
	content []byte
	done    atomic.Bool
}

func (s *rewriting) Upload(ctx context.Context, job uploader.Job) error {
	if s.done.CompareAndSwap(false, true) {
		if err := os.WriteFile(s.path, s.content, 0o644); err != nil {
			return err
		}
	}
	return s.Store.Upload(ctx, job)
}

// TestContentThatCameIsNotSentAgain has the store take the content and deny it.
func TestContentThatCameIsNotSentAgain(t *testing.T) {
	r := newPlaceholder(t, nil)
	r.write("coming.jpg", 3000, 1)
	r.queue(sandbox.Fault{Operation: sandbox.PutObject, Kind: sandbox.FaultStatus, Status: 403, Body: denied, Worked: true})
	r.backfill()
	r.wantContent(1)
}

// TestMetadataOfAFileThatIsDeleted fills a placeholder where the file goes as soon
// as it is in: what only the file tells must have been sent by then.
func TestMetadataOfAFileThatIsDeleted(t *testing.T) {
	r := newPlaceholder(t, nil)
	r.config.Folders[0].After = dropfolder.AfterDelete
	r.write("coming.jpg", 3000, 1)
	r.backfill()
	got := available(r.sandbox.State())
	if len(got) != 1 || !got[0].HasContent || title(got[0]) != `"coming.jpg"` {
		t.Errorf("%+v", got)
	}
	if _, err := os.Stat(filepath.Join(r.drop, "coming.jpg")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is there: %v", err)
	}
}

// TestPlaceholderIsNotWithdrawnUnderItsFile asks for that while the content is on
// its way.
func TestPlaceholderIsNotWithdrawnUnderItsFile(t *testing.T) {
	r := newPlaceholder(t, nil)
	placeholder := r.entry("coming.jpg").ID
	r.write("coming.jpg", 3000, 1)
	r.queue(sandbox.Fault{Operation: sandbox.PutObject, Kind: sandbox.FaultStall, Delay: time.Second})
	p := r.start()
	defer r.close(p)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- r.run(ctx, p) }()
	for r.entry("coming.jpg").Status != journal.Uploading {
		time.Sleep(5 * time.Millisecond)
	}
	selection := ingest.Selection{IDs: []int64{placeholder}}
	r.wantResults(r.askOf(ctx, ingest.RequestWithdraw, selection, func(int64) error { return nil }), "skipped")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	r.wantContent(1)
}

// TestRetryOfAMismatchKeepsThePlaceholder finds other bytes in the placeholder than
// were sent: they stay, as an earlier version.
func TestRetryOfAMismatchKeepsThePlaceholder(t *testing.T) {
	r := newPlaceholder(t, nil)
	r.config.VerifyAsset = true
	api := r.api
	r.api = func(a ingest.API) ingest.API { return damaged{a} }
	r.write("coming.jpg", 3000, 1)
	r.backfill()
	if e := r.entry("coming.jpg"); e.Status != journal.Failed || e.Reason.Class != journal.ClassMismatch {
		t.Fatalf("it is %s: %+v", e.Status, e.Reason)
	}
	r.api = api
	r.wantResults(r.ask(ingest.RequestRetry, ingest.Selection{}), "requeued")
	r.backfill()
	r.wantContent(2)
}

// damaged tells another checksum of every asset.
type damaged struct{ ingest.API }

func (d damaged) Asset(ctx context.Context, fileID string) (tenovos.Asset, error) {
	a, err := d.API.Asset(ctx, fileID)
	if a.MD5 != "" {
		a.MD5 = strings.Repeat("0", 32)
	}
	return a, err
}

// TestFailedContentLeavesThePlaceholder gives a file up on its way into its
// placeholder: the asset stays, and the file is its version when it is tried again.
func TestFailedContentLeavesThePlaceholder(t *testing.T) {
	r := newPlaceholder(t, nil)
	r.write("coming.jpg", 3000, 1)
	r.config.MaxAttempts = 1
	r.queue(sandbox.Fault{Operation: sandbox.PutObject, Kind: sandbox.FaultStatus, Status: 403, Body: denied})
	r.backfill()
	if e := r.entry("coming.jpg"); e.Status != journal.Failed {
		t.Fatalf("the file is %s", e.Status)
	}
	if got := available(r.sandbox.State()); len(got) != 1 || got[0].HasContent {
		t.Fatalf("the placeholder: %+v", got)
	}
	r.config.MaxAttempts = 4
	r.wantResults(r.ask(ingest.RequestRetry, ingest.Selection{}), "requeued")
	r.backfill()
	r.wantContent(2)
}
