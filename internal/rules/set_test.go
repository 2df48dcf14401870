package rules

import (
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/mapping"
	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// folderText is the folder of most tests; its title comes from wherever one is found.
const folderText = `
    levels: "{brand}/**"
    include: ["**/*.{jpg,json}"]
    wait_for: sidecar, 1m
    rules:
      - match: "**/*.jpg"
        template: Creative Asset
        security: [Creative Internal]
        metadata:
          Title: {from: [manifest.title, sidecar.title, xmp.title, file.stem]}
          Brand: {from: path.brand, case: title}
`

// rig is a drop folder, an account of the sandbox and the rules between them.
type rig struct {
	*Set
	t      *testing.T
	dir    string
	server *sandbox.Server
	client *tenovos.Client
	cfg    *config.Config
}

func newRig(t *testing.T, folder string, change func(*sandbox.Options)) *rig {
	t.Helper()
	options, err := sandbox.Preset("1.5")
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&options)
	}
	options.Dir = t.TempDir()
	server, err := sandbox.New(options)
	if err != nil {
		t.Fatal(err)
	}
	at := httptest.NewServer(server.Handler())
	t.Cleanup(func() { _ = server.Close(); at.Close() })
	r := &rig{t: t, dir: t.TempDir(), server: server}
	a := server.Account()
	text := "tenovos: {url: " + at.URL + server.Options().BasePath() + ", version: '1.5', api_key: " + a.APIKey + ", username: " + a.Users[0].Username +
		", password: '" + a.Users[0].Password + "', client_id: " + a.ClientID + "}\njournal: /nowhere/j.db\nfolders:\n  - name: drop\n    path: " + r.dir + folder
	name := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if r.cfg, err = config.Load(name, os.LookupEnv); err != nil {
		t.Fatal(err)
	}
	c := r.cfg.Tenovos
	r.client, err = tenovos.New(tenovos.Config{
		URL: c.URL, Version: c.Version, APIKey: c.APIKey, Username: c.Username, Password: c.Password, ClientID: c.ClientID,
		OmitAccessToken: !c.SendAccessToken, BasicLogin: c.BasicLogin,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.client.Close)
	r.Set = New(r.cfg, func(ctx context.Context) (mapping.Account, error) { return ReadAccount(ctx, r.client, r.cfg) }, nil)
	if err := r.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

// write makes a file and returns it as the watcher reports it.
func (r *rig) write(path, text string) file.File {
	r.t.Helper()
	name := filepath.Join(r.dir, path)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
	info, err := os.Lstat(name)
	if err != nil {
		r.t.Fatal(err)
	}
	return file.File{Folder: "drop", Path: path, Stat: file.StatOf(info)}
}

// mapped is what Map says of a file. Explain has to say the same.
func (r *rig) mapped(found file.File) (dropfolder.Mapped, error) {
	r.t.Helper()
	m, err := r.Map(found, "")
	e, explainErr := r.Explain(found)
	if !errors.Is(explainErr, err) {
		r.t.Errorf("%s: Map fails with %v, Explain with %v", found.Path, err, explainErr)
	}
	if diff := cmp.Diff(m, e.Mapped, cmp.AllowUnexported(tenovos.Value{})); diff != "" {
		r.t.Errorf("%s: Explain differs from Map:\n%s", found.Path, diff)
	}
	if err == nil && len(e.Problems) != len(m.Problems) {
		r.t.Errorf("%s: explained are the problems %v, the file has %v", found.Path, e.Problems, m.Problems)
	}
	return m, err
}

// title is the title that a file gets.
func (r *rig) title(found file.File) string {
	r.t.Helper()
	e, err := r.Explain(found)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, v := range e.Result.Values {
		if v.Attribute == "Title" {
			return v.Value
		}
	}
	return ""
}

// TestMap maps files with what may lie beside them: what they become, what keeps them
// back, and what is not sure.
func TestMap(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		beside  map[string]string
		path    string // a/x.jpg where it is ""
		title   string
		problem string // the first
		waits   string
		missed  string // the first
		err     error
	}{
		"alone":              {title: "x", waits: "sidecar"},
		"with a sidecar":     {beside: map[string]string{"acme/x.jpg.json": `{"title": "Beside"}`}, title: "Beside"},
		"with a row":         {beside: map[string]string{"acme/manifest.csv": "filename,title\nx.jpg,Row\n"}, title: "Row", waits: "sidecar"},
		"a damaged sidecar":  {beside: map[string]string{"acme/x.jpg.json": `{"title": `}, title: "x", waits: "sidecar", missed: "acme/x.jpg.json cannot be read: "},
		"a damaged manifest": {beside: map[string]string{"acme/manifest.csv": "filename,title\nx.jpg,\"Row\nand no end"}, problem: "manifest: acme/manifest.csv cannot be read: ", waits: "sidecar"},
		"two rows": {
			beside:  map[string]string{"acme/manifest.csv": "filename,title\nx.jpg,One\nx.jpg,Two\n"},
			problem: "manifest: manifest manifest.csv: lines 2 and 3 are both for ", waits: "sidecar",
		},
		"an unknown name": {path: "hooli/x.jpg", problem: `Brand: vocabulary "Brand" has no value "Hooli"`, waits: "sidecar"},
		"no rule":         {path: "acme/x.json", err: dropfolder.ErrNoRule},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, folderText, nil)
			for path, text := range c.beside {
				r.write(path, text)
			}
			path := "acme/x.jpg"
			if c.path != "" {
				path = c.path
			}
			found := r.write(path, "content")
			m, err := r.mapped(found)
			if !errors.Is(err, c.err) {
				t.Fatalf("it fails with %v, want %v", err, c.err)
			}
			if err != nil {
				return
			}
			first := func(texts []string) string { return append(texts, "")[0] }
			var problems []string
			for _, p := range m.Problems {
				problems = append(problems, p.Message)
			}
			if got := first(problems); c.problem == "" && got != "" || !strings.HasPrefix(got, c.problem) {
				t.Errorf("the problem is %q, want %q", got, c.problem)
			}
			if got := first(m.Missed); c.missed == "" && got != "" || !strings.HasPrefix(got, c.missed) {
				t.Errorf("missed is %q, want %q", got, c.missed)
			}
			if m.Waits != c.waits || (m.Wait == time.Minute) != (c.waits != "") {
				t.Errorf("it waits %v for %q, want %q", m.Wait, m.Waits, c.waits)
			}
			if got := r.title(found); c.title != "" && (got != c.title || m.Asset.Filename != "x.jpg" || m.Asset.Size != found.Size) {
				t.Errorf("it becomes %+v with the title %q, want %q", m.Asset, got, c.title)
			}
		})
	}
}

// TestMapWithoutTheFile maps a file that is gone: what would be read in it is not sure.
func TestMapWithoutTheFile(t *testing.T) {
	t.Parallel()
	r := newRig(t, folderText, nil)
	found := r.write("acme/x.jpg", "content")
	if m, err := r.mapped(found); err != nil || len(m.Unsure) != 0 {
		t.Errorf("while it is there: %+v, %v", m.Unsure, err)
	}
	if err := os.Remove(filepath.Join(r.dir, found.Path)); err != nil {
		t.Fatal(err)
	}
	m, err := r.mapped(found)
	if err != nil || len(m.Unsure) != 1 || m.Damaged != "" {
		t.Errorf("when it is gone: %+v, %v", m, err)
	}
}

// TestMapRow maps rows of a manifest that need no file.
func TestMapRow(t *testing.T) {
	t.Parallel()
	r := newRig(t, folderText, nil)
	r.write("acme/manifest.csv", "filename,title,content_path\nfar.jpg,Far,s3://bucket/far.jpg\nnear.jpg,Near,\n")
	row, ok, err := r.RowAt("drop", "acme/far.jpg")
	if err != nil || !ok || row.Kind != journal.Federated || row.ContentPath != "s3://bucket/far.jpg" || row.Line != 2 {
		t.Fatalf("the row is %+v, %v, %v", row, ok, err)
	}
	far := file.File{Folder: "drop", Path: row.Path, Stat: file.Stat{ModTime: dropfolder.SignOf(row.Kind, row.ContentPath)}}
	m, err := r.mapped(far)
	if err != nil || m.Row != journal.Federated || m.NoRow || m.ContentPath != row.ContentPath || m.Wait != 0 || len(m.Problems) > 0 || r.title(far) != "Far" {
		t.Errorf("it becomes %+v, %v", m, err)
	}
	m, err = r.mapped(file.File{Folder: "drop", Path: "acme/near.jpg"})
	if err != nil || !m.NoRow || m.Row != "" {
		t.Errorf("a row that only tells of a file becomes %+v, %v", m, err)
	}
	var paths []string
	err = r.Companions("drop").Rows("acme/manifest.csv", func(rows []dropfolder.FilelessRow) error {
		for _, row := range rows {
			paths = append(paths, row.Path)
		}
		return nil
	})
	if err != nil || !cmp.Equal(paths, []string{"acme/far.jpg"}) {
		t.Errorf("rows without files: %q, %v", paths, err)
	}
}

// TestStop ends the rules: a manifest is not read any more.
func TestStop(t *testing.T) {
	t.Parallel()
	r := newRig(t, folderText, nil)
	found := r.write("acme/x.jpg", "content")
	r.write("acme/manifest.csv", "filename,title\nx.jpg,Row\n")
	r.Stop()
	if _, err := r.Map(found, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("Map fails with %v", err)
	}
	if _, err := r.Explain(found); !errors.Is(err, context.Canceled) {
		t.Errorf("Explain fails with %v", err)
	}
}

// TestCompanions tells companions from files that are only named so.
func TestCompanions(t *testing.T) {
	t.Parallel()
	r := newRig(t, folderText, nil)
	r.write("acme/x.jpg", "content")
	r.write("acme/x.jpg.json", `{"title": "Beside"}`)
	r.write("acme/intro.v2.json", `{"v": 5}`)
	c := r.Companions("drop")
	if _, stray := c.Stray("acme/x.jpg.json"); !c.Is("acme/x.jpg.json") || stray {
		t.Error("the sidecar is none")
	}
	s, stray := c.Stray("acme/intro.v2.json")
	if c.Is("acme/intro.v2.json") || !stray || s != (dropfolder.Stray{Of: "acme/intro.v2", Wanted: true}) {
		t.Errorf("the file that is named like a sidecar is of %+v, %v", s, stray)
	}
	r.write("acme/y.jpg.json", `{"title": "Nobody's"}`)
	lost, err := c.Teller(func(string, func(string)) error { return nil }).Lost("acme/y.jpg.json")
	if err != nil || !strings.Contains(lost.Message, "the sidecar acme/y.jpg.json is nobody's") {
		t.Errorf("of the sidecar without a file is told %+v, %v", lost, err)
	}
	watched := Watched(r.cfg.Folders[0])
	if !watched.Companion("acme/x.jpg.json") || watched.Companion("acme/x.jpg") {
		t.Error("the watcher does not see the companions")
	}
}

// TestReadAccountAsksForNoMore counts what is asked of an account: by ids, nothing is
// listed.
func TestReadAccountAsksForNoMore(t *testing.T) {
	t.Parallel()
	byID := strings.NewReplacer("Creative Asset", sandbox.SeedID("template", "Creative Asset"), "Creative Internal", sandbox.SeedID("security", "Creative Internal"))
	for _, c := range []struct {
		folder string
		lists  int
		given  bool
	}{{folderText, 2, false}, {byID.Replace(folderText), 0, true}} {
		r := newRig(t, c.folder, func(o *sandbox.Options) {
			if c.given {
				o.Lacks = "admin,GetAllControlledVocab"
			}
		})
		requests := r.server.State().Counts.Requests
		lists := requests["GetMetadataTemplates"] + requests["GetSecurityTemplates"] + requests["GetAllControlledVocab"]
		if lists != c.lists || (len(TakenAsGiven(r.cfg)) == 1) != c.given {
			t.Errorf("%d lists were asked for, want %d; taken as given: %q", lists, c.lists, TakenAsGiven(r.cfg))
		}
	}
}
