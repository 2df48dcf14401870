package ingest_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/tenovos-ingest/ingestd/ingest"
	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// newNameRig is a rig whose folder makes versions by filename.
func newNameRig(t testing.TB, change func(*sandbox.Options)) *rig {
	t.Helper()
	r := newRig(t, change)
	r.config.Folders[0].VersionByPath, r.config.Folders[0].VersionByFilename = false, true
	return r
}

// there puts an asset into the account that ingestd knows nothing of; empty where
// it has no content. It is a version where an original is given.
func (r *rig) there(filename, content, original string) tenovos.Upload {
	r.t.Helper()
	c := r.client()
	defer c.Close()
	up, err := c.CreateAsset(r.t.Context(), tenovos.NewAsset{
		TemplateID: r.account.Templates[0].ID, SecurityIDs: []string{r.account.SecurityTemplates[1].ID},
		Metadata: []tenovos.Value{tenovos.TextValue(r.attribute("Title"), "theirs")},
		Filename: filename, Size: int64(len(content)), OriginalFileID: original,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	if content == "" {
		return up
	}
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPut, up.URLs[0].URL.Reveal(), bytes.NewReader([]byte(content)))
	if err != nil {
		r.t.Fatal(err)
	}
	resp, err := r.web.Client().Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		r.t.Fatalf("the store answers %s", resp.Status)
	}
	return up
}

// attribute is the id of an attribute of the first template, or of a column.
func (r *rig) attribute(name string) string {
	r.t.Helper()
	for _, g := range r.account.Templates[0].Groups {
		for _, a := range append(slices.Clone(g.Attributes), columns(g.Attributes)...) {
			if a.Name == name {
				return a.ID
			}
		}
	}
	r.t.Fatalf("the template has no attribute %s", name)
	return ""
}

func columns(attributes []sandbox.Attribute) (all []sandbox.Attribute) {
	for _, a := range attributes {
		all = append(all, a.Columns...)
	}
	return all
}

// wantOriginal fails unless a path was ingested as a version of an asset, or with
// "" as an asset of its own.
func (r *rig) wantOriginal(path, original string) {
	r.t.Helper()
	e := r.entry(path)
	if original == "" {
		original = e.FileID
	}
	if e.Status != journal.Filed || e.OriginalFileID != original {
		r.t.Errorf("%s: want filed under %s, got %s under %s: %s", path, original, e.Status, e.OriginalFileID, e.Reason.Message)
	}
}

// TestVersionByFilename is what the account may hold of the name hero.jpg.
func TestVersionByFilename(t *testing.T) {
	t.Parallel()
	const decomposed, composed = "he\u0301ro.jpg", "h\u00e9ro.jpg"
	for name, c := range map[string]struct {
		file    string // hero.jpg unless said
		prepare func(*rig) string
	}{
		"none":         {prepare: func(*rig) string { return "" }},
		"one":          {prepare: func(r *rig) string { return r.there("hero.jpg", "old", "").OriginalFileID }},
		"case counts":  {prepare: func(r *rig) string { r.there("Hero.jpg", "old", ""); return "" }},
		"words do not": {prepare: func(r *rig) string { r.there("hero 2.jpg", "old", ""); return "" }},
		"composed":     {file: composed, prepare: func(r *rig) string { return r.there(decomposed, "old", "").OriginalFileID }},
		"empty":        {prepare: func(r *rig) string { r.there("hero.jpg", "", ""); return "" }},
		"renamed since": {prepare: func(r *rig) string {
			r.there("final.jpg", "new", r.there("hero.jpg", "old", "").OriginalFileID)
			return ""
		}},
		"renamed to it": {prepare: func(r *rig) string {
			original := r.there("draft.jpg", "old", "").OriginalFileID
			r.there("hero.jpg", "new", original)
			return original
		}},
		"an empty version of it": {prepare: func(r *rig) string {
			original := r.there("hero.jpg", "old", "").OriginalFileID
			r.there("hero.jpg", "", original)
			return original
		}},
		"deleted": {prepare: func(r *rig) string { r.remove(r.there("hero.jpg", "old", "").ObjectID); return "" }},
		"purged":  {prepare: func(r *rig) string { r.sandbox.Purge(r.there("hero.jpg", "old", "").ObjectID); return "" }},
		"one of two is deleted": {prepare: func(r *rig) string {
			r.remove(r.there("hero.jpg", "old", "").ObjectID)
			return r.there("hero.jpg", "other", "").OriginalFileID
		}},
		"on the second page": {prepare: func(r *rig) string {
			for i := range 3 {
				r.there(fmt.Sprintf("hero %d.jpg", i), "old", "")
			}
			return r.there("hero.jpg", "old", "").OriginalFileID
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newNameRig(t, func(o *sandbox.Options) { o.SearchPage = 2 })
			want := c.prepare(r)
			file := "sub/hero.jpg"
			if c.file != "" {
				file = c.file
			}
			r.write(file, 1000, 1)
			r.backfill()
			r.wantOriginal(file, want)
		})
	}
}

func (r *rig) remove(objectID string) {
	r.t.Helper()
	c := r.client()
	defer c.Close()
	if err := c.DeleteAsset(r.t.Context(), objectID); err != nil {
		r.t.Fatal(err)
	}
}

func TestTwoOfTheNameAreHeld(t *testing.T) {
	t.Parallel()
	r := newNameRig(t, nil)
	one, two := r.there("hero.jpg", "one", ""), r.there("hero.jpg", "two", "")
	r.write("a/hero.jpg", 1000, 1)
	r.backfill()
	e := r.entry("a/hero.jpg")
	if e.Status != journal.Held || e.Reason.Hint == "" {
		t.Fatalf("want held with a hint, got %s %+v", e.Status, e.Reason)
	}
	for _, id := range []string{one.ObjectID, two.ObjectID, "hero.jpg"} {
		if !strings.Contains(e.Reason.Message, id) {
			t.Errorf("the reason does not name %s: %s", id, e.Reason.Message)
		}
	}
	r.remove(one.ObjectID)
	r.wantResults(r.ask(desk.RequestRetry, desk.Selection{}), "requeued")
	r.backfill()
	r.wantOriginal("a/hero.jpg", two.OriginalFileID)
}

func TestTwoOfTheNameAsNew(t *testing.T) {
	t.Parallel()
	r := newNameRig(t, nil)
	r.there("hero.jpg", "one", "")
	r.there("hero.jpg", "two", "")
	r.write("a/hero.jpg", 1000, 1)
	r.backfill()
	r.wantResults(r.ask(desk.RequestRetry, desk.Selection{AsNew: true}), "requeued")
	r.backfill()
	r.wantOriginal("a/hero.jpg", "")
	r.write("a/hero.jpg", 1000, 2) // from now on its path has a history
	r.backfill()
	first := r.entries()[0]
	r.wantOriginal("a/hero.jpg", first.OriginalFileID)
	if e := r.entry("a/hero.jpg"); e.ID == first.ID {
		t.Error("the new content should be an entry of its own")
	}
}

// What the index does not show yet, the journal does.
func TestVersionByFilenameWhileTheIndexLags(t *testing.T) {
	t.Parallel()
	r := newNameRig(t, func(o *sandbox.Options) { o.IndexLag = time.Hour })
	r.write("a/hero.jpg", 1000, 1)
	r.backfill()
	r.write("b/hero.jpg", 1000, 2)
	r.backfill()
	r.wantOriginal("b/hero.jpg", r.entry("a/hero.jpg").OriginalFileID)

	r.wantResults(r.ask(desk.RequestWithdraw, desk.Selection{}), "withdrawn", "withdrawn")
	r.write("c/hero.jpg", 1000, 3)
	r.backfill()
	r.wantOriginal("c/hero.jpg", "")
}

// What the index shows still may be deleted.
func TestDeletedWhileTheIndexLags(t *testing.T) {
	t.Parallel()
	var ago atomic.Int64
	ago.Store(int64(3 * time.Hour))
	r := newNameRig(t, func(o *sandbox.Options) {
		o.IndexLag = time.Hour
		o.Clock = func() time.Time { return time.Now().Add(-time.Duration(ago.Load())) }
	})
	up := r.there("hero.jpg", "old", "")
	ago.Store(0)
	r.remove(up.ObjectID)
	r.write("hero.jpg", 1000, 1)
	r.backfill()
	r.wantOriginal("hero.jpg", "")
}

// What was ingested under the name may have another by now.
func TestRenamedInTenovosSinceItWasIngested(t *testing.T) {
	t.Parallel()
	r := newNameRig(t, nil)
	r.write("a/hero.jpg", 1000, 1)
	r.backfill()
	r.there("final.jpg", "new", r.entry("a/hero.jpg").OriginalFileID)
	r.write("b/hero.jpg", 1000, 2)
	r.backfill()
	r.wantOriginal("b/hero.jpg", "")
}

// Files of one name that come at once become versions of one asset, in the order
// in which they were found, however long the first is looked at.
func TestFilesOfOneNameAtOnce(t *testing.T) {
	t.Parallel()
	for name, slow := range map[string]bool{"all at once": false, "the first is slow": true} {
		t.Run(name, func(t *testing.T) {
			r := newNameRig(t, func(o *sandbox.Options) { o.IndexLag = time.Hour })
			r.config.Folders[0].Map = func(f file.File, at string) (dropfolder.Mapped, error) {
				for slow && f.Path == "a/hero.jpg" && !r.decided("b/hero.jpg") {
					time.Sleep(5 * time.Millisecond)
				}
				return r.mapFile(f, at)
			}
			for n, path := range []string{"a/hero.jpg", "b/hero.jpg", "c/hero.jpg", "other.jpg"} {
				r.write(path, 1000, uint64(n))
			}
			r.backfill()
			var want, got []string
			for _, e := range r.entries() {
				if e.Filename == "hero.jpg" {
					want = append(want, r.entry("a/hero.jpg").OriginalFileID+" "+r.md5(e.Path))
				}
			}
			for _, a := range available(r.sandbox.State()) {
				if a.Filename == "hero.jpg" {
					got = append(got, a.OriginalFileID+" "+a.ContentMD5)
				}
			}
			if len(want) != 3 || !slices.Equal(got, want) {
				t.Errorf("want three versions of one asset in the order of the journal\n%v, got\n%v\n%s", want, got, r.log)
			}
			r.wantNothingLeft(r.sandbox.State())
		})
	}
}

// Nor does it matter that the names of one asset are spelt otherwise on disk.
func TestSpellingsOfOneNameAtOnce(t *testing.T) {
	t.Parallel()
	r := newNameRig(t, func(o *sandbox.Options) { o.IndexLag = time.Hour })
	r.config.Folders[0].Map = func(f file.File, at string) (dropfolder.Mapped, error) {
		f.Path = norm.NFC.String(f.Path)
		return r.mapFile(f, at)
	}
	r.api = func(api ingest.API) ingest.API { return &slowSearch{API: api, r: r} }
	r.write("a/he\u0301ro.jpg", 1000, 1)
	r.write("b/h\u00e9ro.jpg", 1000, 2)
	r.backfill()
	if all := r.entries(); len(all) != 2 || all[0].OriginalFileID == "" || all[0].OriginalFileID != all[1].OriginalFileID {
		t.Errorf("want two versions of one asset, got %+v", all)
	}
}

// slowSearch answers the first search when another has begun, or when somebody
// waits for it.
type slowSearch struct {
	ingest.API
	r     *rig
	begun atomic.Int64
}

func (s *slowSearch) Search(ctx context.Context, q tenovos.Query) (tenovos.Page, error) {
	waits := func(e journal.Entry) bool { return e.Tries > 0 }
	n := s.begun.Add(1)
	for n == 1 && s.begun.Load() == 1 && !slices.ContainsFunc(s.r.entries(), waits) {
		time.Sleep(5 * time.Millisecond)
	}
	return s.API.Search(ctx, q)
}

// decided reports that an entry waits, or is beyond the question whether it does.
func (r *rig) decided(path string) bool {
	for _, e := range r.entries() {
		if e.Path == path {
			return e.Status != journal.Settled || e.Reason.Message != ""
		}
	}
	return false
}

// A search that fails is no answer.
func TestSearchThatFailsMakesNoAsset(t *testing.T) {
	t.Parallel()
	r := newNameRig(t, nil)
	original := r.there("hero.jpg", "old", "").OriginalFileID
	r.queue(sandbox.Fault{Operation: "Search", Kind: sandbox.FaultStatus, Status: 500},
		sandbox.Fault{Operation: "Search", Kind: sandbox.FaultGarbage},
		sandbox.Fault{Operation: "GetVersions", Kind: sandbox.FaultResetAfter})
	r.write("hero.jpg", 1000, 1)
	r.backfill()
	r.wantOriginal("hero.jpg", original)

	r.queue(sandbox.Fault{Operation: "Search", Kind: sandbox.FaultStatus, Status: 400, Body: `{"message":"Invalid Search Query"}`})
	r.write("other.jpg", 1000, 1)
	r.backfill()
	if e := r.entry("other.jpg"); e.Status != journal.Filed || e.Failures > 0 {
		t.Errorf("want it in after another search, got %s with %d failures: %s", e.Status, e.Failures, e.Reason.Message)
	}

	r.queue(sandbox.Fault{Operation: "Search", Kind: sandbox.FaultStatus, Status: 400, Body: `{"message":"Invalid Search Query"}`, Times: 6})
	r.write("third.jpg", 1000, 1)
	r.backfill()
	if e := r.entry("third.jpg"); e.Status != journal.Held || e.ObjectID != "" || e.Reason.Hint == "" {
		t.Errorf("want held without an asset, got %s: %+v", e.Status, e.Reason)
	}
	r.wantNothingLeft(r.sandbox.State())
}

// What lies beyond the end of a search may have the name.
func TestMoreThanASearchShows(t *testing.T) {
	t.Parallel()
	r := newNameRig(t, nil)
	r.api = func(api ingest.API) ingest.API { // an account with 20,000 assets of almost the name
		return searchOf{api, func(q tenovos.Query) (tenovos.Page, error) { return heroes(q.From, 50, 20_000), nil }}
	}
	r.write("hero.jpg", 1000, 1)
	r.backfill()
	if e := r.entry("hero.jpg"); e.Status != journal.Held || e.Reason.Hint == "" {
		t.Errorf("want held with a hint, got %s %+v", e.Status, e.Reason)
	}
}

// One that is on its way in a folder which this run does not work on may become an
// asset of the name, or not: nobody waits for it, and nothing is guessed.
func TestNamesakeOfAnotherRun(t *testing.T) {
	t.Parallel()
	r := newNameRig(t, nil)
	ctx := context.Background()
	p := r.start()
	if _, err := p.journal.Admit(ctx, []file.File{{Folder: "elsewhere", Path: "hero.jpg", Stat: file.Stat{Size: 1, Ino: 1}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.journal.Advance(ctx, journal.Move{ID: 1, From: journal.Settled, To: journal.Mapped, Asset: []byte(`{}`), Filename: "hero.jpg"}); err != nil {
		t.Fatal(err)
	}
	r.close(p)
	r.write("new/hero.jpg", 1000, 1)
	r.backfill()
	if e := r.entry("new/hero.jpg"); e.Status != journal.Held || !strings.Contains(e.Reason.Message, "elsewhere/hero.jpg") {
		t.Errorf("want held with the other named, got %s: %s", e.Status, e.Reason.Message)
	}
}

// A lost journal is no reason to make each file a version of itself.
func TestAdoptBeforeVersionsByFilename(t *testing.T) {
	t.Parallel()
	r := newNameRig(t, nil)
	for n, path := range []string{"a.jpg", "sub/c.jpg"} {
		r.write(path, 4000, uint64(n))
	}
	r.backfill()
	r.journal += ".anew"
	r.config.Adopt = true
	r.write("b/a.jpg", 4000, 7)
	r.backfill()
	if n := len(available(r.sandbox.State())); n != 3 {
		t.Errorf("want the two assets and a version of one, got %d", n)
	}
	r.wantOriginal("b/a.jpg", r.entry("a.jpg").OriginalFileID)
}
