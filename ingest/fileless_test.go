package ingest_test

import (
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// tellsNothing is a Teller for companions that are not read.
type tellsNothing struct{}

func (tellsNothing) Lost(string) (journal.Unmatched, error) { return journal.Unmatched{}, nil }

// rowsOf is a folder whose manifest.csv has these rows.
type rowsOf []dropfolder.FilelessRow

func (rowsOf) About(path string) (journal.Concern, bool) {
	return journal.Concern{Dir: "."}, path == "manifest.csv"
}
func (rowsOf) Stray(string) (dropfolder.Stray, bool) { return dropfolder.Stray{}, false }
func (rowsOf) Teller(func(string, func(string)) error) dropfolder.Teller {
	return tellsNothing{}
}
func (rowsOf) Beside(string) []dropfolder.Beside { return nil }
func (r rowsOf) Rows(_ string, each func([]dropfolder.FilelessRow) error) error {
	for some := range slices.Chunk(r, 2) {
		if err := each(some); err != nil {
			return err
		}
	}
	return nil
}
func (rowsOf) Forget(string) {}

// federated has a manifest make film.mov an asset whose content lies at a path, beside
// other rows.
func federated(r *rig, there string, others ...dropfolder.FilelessRow) {
	r.config.Folders[0].Companions = rowsOf(append(others, dropfolder.FilelessRow{Path: "film.mov", ContentPath: there}))
	r.config.Folders[0].Map = func(f file.File, at string) (dropfolder.Mapped, error) {
		m, err := r.mapFile(f, at)
		if f.Path == "film.mov" {
			m.ContentPath = there
		}
		return m, err
	}
	r.write("manifest.csv", 10, 1)
}

// TestFilelessAssetsAreMadeOnce loses the replies to the creates of a federated
// asset and of a placeholder: in the end there is one of each, and it is known, in
// whatever form the content path is written and told.
func TestFilelessAssetsAreMadeOnce(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault       sandbox.FaultKind
		there, told string
	}{
		"the reply lost":            {sandbox.FaultResetAfter, "s3://archive/film.mov", "none"},
		"not performed":             {sandbox.FaultResetBefore, "s3://archive/film.mov", "none"},
		"the reply cut":             {sandbox.FaultCutBody, "s3://archive/film.mov", "none"},
		"lost, a path told whole":   {sandbox.FaultResetAfter, "s3://archive/film.mov", "sent"},
		"lost, a path told as key":  {sandbox.FaultResetAfter, "s3://archive/film.mov", "key"},
		"lost, a key alone":         {sandbox.FaultResetAfter, "films/my film.mov", "none"},
		"lost, a key alone is told": {sandbox.FaultResetAfter, "films/my film.mov", "key"},
	} {
		t.Run(name, func(t *testing.T) {
			there, fault := tt.there, tt.fault
			r := newRig(t, func(o *sandbox.Options) { o.ContentPathReply = tt.told })
			federated(r, there, dropfolder.FilelessRow{Path: "coming.jpg"})
			r.queue(sandbox.Fault{Operation: "CreateAsset", Kind: fault}, sandbox.Fault{Operation: "CreateAsset", Kind: fault})
			r.backfill()
			got := available(r.sandbox.State())
			if len(got) != 2 {
				t.Errorf("%d assets, want 2\n%s", len(got), r.log)
			}
			for _, a := range got {
				e := r.entry(a.Filename)
				if e.ObjectID != a.ObjectID || e.Status != journal.Filed {
					t.Errorf("%s is %s, entry %+v", a.Filename, a.ObjectID, e)
				}
				if a.Filename == "film.mov" && a.FederatedPath != there {
					t.Errorf("the content path was sent as %q", a.FederatedPath)
				}
			}
			if e := r.entry("film.mov"); e.Kind != journal.Federated {
				t.Errorf("the film is %q", e.Kind)
			}
		})
	}
}

// sulking is a folder whose manifest cannot be read the first times.
type sulking struct {
	rowsOf
	times int
	tried *int
}

func (f sulking) Rows(path string, each func([]dropfolder.FilelessRow) error) error {
	if *f.tried++; *f.tried <= f.times {
		return &fs.PathError{Op: "read", Path: path, Err: syscall.EIO}
	}
	return f.rowsOf.Rows(path, each)
}

// TestRowsWaitForTheFileSystem has a manifest that cannot be read for a while: its
// rows become assets all the same. A backfill does not wait for ever.
func TestRowsWaitForTheFileSystem(t *testing.T) {
	t.Parallel()
	for times, want := range map[int]int{3: 1, 1000: 0} {
		r, tried := newRig(t, nil), 0
		r.config.Folders[0].Companions = sulking{rowsOf{{Path: "coming.jpg"}}, times, &tried}
		r.write("manifest.csv", 10, 1)
		r.backfill()
		if got := available(r.sandbox.State()); len(got) != want {
			t.Errorf("%d assets, want %d\n%s", len(got), want, r.log)
		}
		if told := strings.Count(r.log.String(), "tried again until they can"); told != 1 {
			t.Errorf("told %d times, want once\n%s", told, r.log)
		}
		if gave := strings.Count(r.log.String(), "gave up reading a manifest"); gave != 1-want {
			t.Errorf("gave up %d times, want %d\n%s", gave, 1-want, r.log)
		}
	}
}

func title(a sandbox.Asset) string { return string(a.Metadata[0].Value) }

// newRows makes the assets of two placeholders of one name, a federated asset and a
// placeholder, and loses the journal. The rows are titled by their paths.
func newRows(t *testing.T) *rig {
	t.Helper()
	const there = "s3://archive/film.mov"
	r := newRig(t, nil)
	r.config.Folders[0].Companions = rowsOf{
		{Path: "a/coming.jpg"}, {Path: "b/coming.jpg"}, {Path: "film.mov", ContentPath: there}, {Path: "lone.jpg"},
	}
	r.config.Folders[0].Map = func(f file.File, at string) (dropfolder.Mapped, error) {
		m, err := r.mapFile(f, at)
		if err == nil {
			m.Asset.Metadata[0] = tenovos.TextValue(m.Asset.Metadata[0].DefinitionID, f.Path)
		}
		if f.Path == "film.mov" {
			m.ContentPath = there
		}
		return m, err
	}
	r.write("manifest.csv", 10, 1)
	r.backfill()
	if n := len(available(r.sandbox.State())); n != 4 {
		t.Fatalf("%d assets, want 4\n%s", n, r.log)
	}
	r.journal += ".anew"
	r.config.Adopt = true
	return r
}

// TestAdoptFileless recognises what rows became, each its own.
func TestAdoptFileless(t *testing.T) {
	t.Parallel()
	r := newRows(t)
	r.backfill()
	got := available(r.sandbox.State())
	if len(got) != 4 {
		t.Errorf("%d assets, want the four\n%s", len(got), r.log)
	}
	for _, a := range got {
		e := r.entry(strings.Trim(title(a), `"`))
		if e.Status != journal.Filed || e.ObjectID != a.ObjectID {
			t.Errorf("%s is %s, with asset %s: %s", e.Path, e.Status, e.ObjectID, e.Reason.Message)
		}
	}
}

// TestAdoptFilelessHoldsWhatCannotBeToldApart has the metadata of the assets changed
// in Tenovos: only a placeholder without a namesake is recognised, and none made.
func TestAdoptFilelessHoldsWhatCannotBeToldApart(t *testing.T) {
	t.Parallel()
	r := newRows(t)
	p := r.start()
	for _, a := range available(r.sandbox.State()) {
		edit := tenovos.Edit{Metadata: []tenovos.Value{tenovos.TextValue(a.Metadata[0].ID, "a librarian's")}}
		if err := p.client.UpdateAsset(t.Context(), a.ObjectID, edit); err != nil {
			t.Fatal(err)
		}
	}
	r.close(p)
	r.backfill()
	if n := len(available(r.sandbox.State())); n != 4 {
		t.Errorf("%d assets, want the four\n%s", n, r.log)
	}
	for path, want := range map[string]journal.Status{
		"a/coming.jpg": journal.Held, "b/coming.jpg": journal.Held, "film.mov": journal.Held, "lone.jpg": journal.Filed,
	} {
		if e := r.entry(path); e.Status != want || want == journal.Held && !strings.Contains(e.Reason.Message, "nothing tells which") {
			t.Errorf("%s is %s: %s", path, e.Status, e.Reason.Message)
		}
	}
	r.config.Adopt = false // what is held is the operator's to decide
	r.wantResults(r.ask(desk.RequestRetry, desk.Selection{IDs: []int64{r.entry("film.mov").ID}}), "requeued")
	r.backfill()
	if n := len(available(r.sandbox.State())); n != 5 {
		t.Errorf("%d assets after the retry, want one more", n)
	}
}
