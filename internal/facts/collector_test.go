package facts

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/manifest"
	"github.com/tenovos-ingest/ingestd/internal/metadata/metadatatest"
)

// drop is a folder with a Collector that asks every source.
type drop struct {
	*Collector
	t *testing.T
}

func newDrop(t *testing.T) drop {
	return drop{t: t, Collector: NewCollector(Settings{
		Root:       t.TempDir(),
		Sources:    Sources{EXIF: true, IPTC: true, XMP: true, XMPEmbedded: true, XMPSidecar: true, Sidecar: true, Manifest: true},
		Companions: Companions{Sidecars: true, Manifests: []string{"manifest.csv", "*.list.csv"}},
	})}
}

func (d drop) write(rel, content string) {
	d.t.Helper()
	name := filepath.Join(d.Root, rel)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

func (d drop) picture(rel string) {
	d.t.Helper()
	data, err := os.ReadFile("../embedded/testdata/tagged.jpg")
	if err != nil {
		d.t.Fatal(err)
	}
	d.write(rel, string(data))
}

func (d drop) collect(rel string) *Collection {
	d.t.Helper()
	f := file.File{Folder: "drop", Path: rel}
	if info, err := os.Stat(filepath.Join(d.Root, rel)); err == nil {
		f.Stat = file.StatOf(info)
	}
	c, err := d.Collect(f, "")
	if err != nil {
		d.t.Fatal(err)
	}
	return c
}

func (c *Collection) fact(name string) string { return strings.Join(c.Facts[name].Values, "|") }

func xmpWith(properties string) string {
	return `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description
		xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/">` + properties + `</rdf:Description></rdf:RDF></x:xmpmeta>`
}

func TestSidecarGoesBeforeEmbedded(t *testing.T) {
	d := newDrop(t)
	d.picture("a/photo.jpg")
	c := d.collect("a/photo.jpg")
	if c.fact("xmp.subject") != "hills|Abendröte" || c.fact("xmp-embedded.subject") != "hills|Abendröte" || c.Companion[KindXMP] {
		t.Errorf("embedded are %q", c.fact("xmp.subject"))
	}
	// The list is taken as a whole, what the sidecar does not tell stays.
	d.write("a/photo.xmp", xmpWith(`<dc:subject><rdf:Bag><rdf:li>one</rdf:li></rdf:Bag></dc:subject>`))
	c = d.collect("a/photo.jpg")
	for name, want := range map[string]string{
		"xmp.subject": "one", "xmp.dc:subject": "one", "xmp-sidecar.subject": "one", "xmp-embedded.subject": "hills|Abendröte",
		"xmp.rating": "4", "xmp-sidecar.rating": "", "exif.make": "Müller Optik", "iptc.city": "Zürich",
	} {
		if got := c.fact(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if !c.Companion[KindXMP] || len(c.Gaps) > 0 {
		t.Errorf("companions %v, gaps %v", c.Companion, c.Gaps)
	}
	// The one of the whole name goes before the one of the stem.
	d.write("a/photo.jpg.xmp", xmpWith(`<xmp:Rating>1</xmp:Rating>`))
	if c = d.collect("a/photo.jpg"); c.fact("xmp.rating") != "1" || c.fact("xmp.subject") != "hills|Abendröte" {
		t.Errorf("the facts are %q and %q", c.fact("xmp.rating"), c.fact("xmp.subject"))
	}
	// A broken one is a gap, and leaves what is embedded.
	d.write("a/photo.jpg.xmp", `<x:xmpmeta`)
	if c = d.collect("a/photo.jpg"); len(c.Gaps) != 1 || c.Gaps[0].Source != "xmp-sidecar" || c.fact("xmp.rating") != "4" {
		t.Errorf("gaps are %v, the rating is %q", c.Gaps, c.fact("xmp.rating"))
	}
}

// TestUnreadCompanions has a companion of each kind damaged: it is not there yet for
// whoever waits for it, and what it would tell is not known, nor what embedded in a
// file that cannot be opened is.
func TestUnreadCompanions(t *testing.T) {
	for kind, c := range map[Kind]struct{ name, good, bad string }{
		KindXMP:      {"a/photo.xmp", xmpWith(`<xmp:Rating>1</xmp:Rating>`), `<x:xmpmeta`},
		KindSidecar:  {"a/photo.jpg.json", `{"who": "Åsa"}`, `{"who": "Åsa",}`},
		KindManifest: {"a/manifest.csv", "file,who\nphoto.jpg,Åsa\n", "file,who\nphoto.jpg,Åsa\n../b.jpg,Bo\n"},
	} {
		d := newDrop(t)
		d.picture("a/photo.jpg")
		d.write(c.name, c.good)
		if got := d.collect("a/photo.jpg"); !got.Companion[kind] || len(got.Unread) > 0 {
			t.Errorf("%s: companions %v, unread %v", kind, got.Companion, got.Unread)
		}
		d.write(c.name, c.bad)
		got := d.collect("a/photo.jpg")
		if lost := got.Unread[kind]; got.Companion[kind] || len(got.Unread) != 1 || lost.Path != c.name || lost.Err == nil || len(got.Gaps) != 1 {
			t.Errorf("%s: companions %v, unread %v, gaps %v", kind, got.Companion, got.Unread, got.Gaps)
		}
	}
	// What lies nearer than the row that counts may hold another; what is farther does not matter.
	d := newDrop(t)
	d.picture("a/b/photo.jpg")
	d.write("manifest.csv", "")
	d.write("a/manifest.csv", "file,who\nphoto.jpg,Åsa\n")
	if c := d.collect("a/b/photo.jpg"); len(c.Unread) > 0 {
		t.Errorf("unread %v", c.Unread)
	}
	d.write("a/b/manifest.csv", "")
	d.Forget("a/b/manifest.csv")
	if c := d.collect("a/b/photo.jpg"); c.Unread[KindManifest].Path != "a/b/manifest.csv" {
		t.Errorf("unread %v", c.Unread)
	}
	d.write("a/link.jpg", "")
	name := filepath.Join(d.Root, "a/link.jpg")
	if err := errors.Join(os.Remove(name), os.Symlink("photo.jpg", name)); err != nil {
		t.Fatal(err)
	}
	if c, err := d.Collect(file.File{Folder: "drop", Path: "a/link.jpg"}, ""); err != nil || !c.Gone {
		t.Errorf("gone %t, %v", c.Gone, err)
	}
}

func TestNearestManifestWithARowCounts(t *testing.T) {
	d := newDrop(t)
	d.write("manifest.csv", "file,who\na/b/1.jpg,far\na/b/2.jpg,far\n")
	d.write("a/b/shot.list.csv", "file,who\n1.jpg,near\n")
	for file, want := range map[string]string{"a/b/1.jpg": "near", "a/b/2.jpg": "far", "a/b/3.jpg": ""} {
		if c := d.collect(file); c.fact("manifest.who") != want || c.Companion[KindManifest] != (want != "") {
			t.Errorf("%s has %q, want %q", file, c.fact("manifest.who"), want)
		}
	}
	// What changes is noticed, what appears is when it is said, what goes is gone.
	d.write("manifest.csv", "file,who\na/b/2.jpg,changed\n")
	d.write("a/b/manifest.csv", "file,who\n3.jpg,new\n")
	d.Forget("a/b/manifest.csv")
	if err := os.Remove(filepath.Join(d.Root, "a/b/shot.list.csv")); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"a/b/1.jpg": "", "a/b/2.jpg": "changed", "a/b/3.jpg": "new"} {
		if c := d.collect(file); c.fact("manifest.who") != want {
			t.Errorf("%s has %q, want %q", file, c.fact("manifest.who"), want)
		}
	}
	d.write("a/b/manifest.csv", "file,who\n3.jpg,one\n3.jpg,two\n4.jpg,four\n")
	if c := d.collect("a/b/3.jpg"); c.Contradiction == nil || c.fact("manifest.who") != "" {
		t.Errorf("contradiction %v", c.Contradiction)
	}
	if c := d.collect("a/b/4.jpg"); c.Contradiction != nil || c.fact("manifest.who") != "four" {
		t.Errorf("contradiction %v", c.Contradiction)
	}
	d.write("a/b/manifest.csv", "nothing\nthat names a file\n")
	if c := d.collect("a/b/2.jpg"); len(c.Gaps) == 0 || c.fact("manifest.who") != "changed" {
		t.Errorf("gaps %v, %q", c.Gaps, c.fact("manifest.who"))
	}
}

// TestManifestAbsolute takes the paths of ExifTool, which writes them as it was told
// them, where they lead below the manifest's own directory.
func TestManifestAbsolute(t *testing.T) {
	d := newDrop(t)
	d.write("u/x.jpg", "x")
	d.write("u/a/y.jpg", "y")
	d.write("u/manifest.csv", fmt.Sprintf("SourceFile,FileName,Title\n%[1]s/u/x.jpg,x.jpg,X\n%[1]s/u/a/y.jpg,y.jpg,Y\n", d.Root))
	for file, want := range map[string]string{"u/x.jpg": "X", "u/a/y.jpg": "Y"} {
		if c := d.collect(file); c.fact("manifest.title") != want || len(c.Gaps) > 0 {
			t.Errorf("%s: %q, gaps %v", file, c.fact("manifest.title"), c.Gaps)
		}
	}
	for _, elsewhere := range []string{d.Root + "/v/x.jpg", d.Root + "/u", d.Root + "/u/../v/x.jpg", "/u/x.jpg"} {
		d.write("u/manifest.csv", "SourceFile,Title\n"+elsewhere+",a longer title\n")
		if c := d.collect("u/x.jpg"); c.fact("manifest.title") != "" || len(c.Gaps) == 0 {
			t.Errorf("%s: %q, gaps %v", elsewhere, c.fact("manifest.title"), c.Gaps)
		}
	}
}

func TestCollectOfAMovedFile(t *testing.T) {
	d := newDrop(t)
	d.picture("_ingested/photo.jpg")
	d.write("photo.jpg.json", `{"rights": {"holder": "Åsa"}}`)
	found := file.File{Folder: "drop", Path: "photo.jpg"}
	c, err := d.Collect(found, "_ingested/photo.jpg")
	if err != nil || c.Gone || c.fact("exif.make") != "Müller Optik" || c.fact("sidecar.rights.holder") != "Åsa" {
		t.Errorf("%v, gone %t, %q, %q", err, c.Gone, c.fact("exif.make"), c.fact("sidecar.rights.holder"))
	}
	// Another file has its name by now: that one tells nothing of it.
	d.picture("photo.jpg")
	another := file.File{Folder: "drop", Path: "photo.jpg", Stat: file.Stat{Size: 5, ModTime: time.Now().UnixNano(), Ino: 1}}
	if c, err = d.Collect(another, ""); err != nil || !c.Gone || c.fact("exif.make") != "" {
		t.Errorf("%v, gone %t, %q", err, c.Gone, c.fact("exif.make"))
	}
	if err := os.Remove(filepath.Join(d.Root, "photo.jpg")); err != nil {
		t.Fatal(err)
	}
	if c, err = d.Collect(found, ""); err != nil || !c.Gone || len(c.Gaps) == 0 || c.fact("sidecar.rights.holder") != "Åsa" {
		t.Errorf("%v, gone %t, gaps %v", err, c.Gone, c.Gaps)
	}
}

func TestCompanions(t *testing.T) {
	c := Companions{Sidecars: true, Manifests: []string{"Manifest.csv"}}
	for rel, want := range map[string]string{
		"a/photo.jpg": "", "a/photo.xmp": "a/photo", "a/photo.JPG.XMP": "a/photo.JPG", "a/photo.jpg.json": "a/photo.jpg",
		"data.json": "", "a/photo.jpg.yml": "a/photo.jpg", "a/MANIFEST.CSV": "below a", "manifest.csv": "below .", "other.csv": "",
	} {
		about, ok := c.About(rel)
		got := about.Path
		if about.Dir != "" {
			got = "below " + about.Dir
		}
		if got != want || ok != (want != "") {
			t.Errorf("%s speaks of %q, want %q", rel, got, want)
		}
	}
	if _, ok := (Companions{}).Of("a.jpg.json"); ok {
		t.Error("a sidecar where no rule asks for one")
	}
}

// BenchmarkCollectManifest50k gathers the facts of 50,000 files from one manifest.
func BenchmarkCollectManifest50k(b *testing.B) {
	d := NewCollector(Settings{Root: b.TempDir(), Sources: Sources{Manifest: true}, Companions: Companions{Manifests: []string{"manifest.csv"}}})
	var rows strings.Builder
	rows.WriteString("file,title,caption,keywords\n")
	for i := range 50_000 {
		fmt.Fprintf(&rows, "d/%05d.jpg,Picture %d,a caption of it,\"one,two\"\n", i, i)
	}
	if err := os.MkdirAll(filepath.Join(d.Root, "d"), 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.Root, "manifest.csv"), []byte(rows.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		for i := range 50_000 {
			if c, err := d.Collect(file.File{Path: fmt.Sprintf("d/%05d.jpg", i)}, ""); err != nil || len(c.Facts) < 6 {
				b.Fatal(c, err)
			}
		}
	}
}

// TestManifestsOfOneDirectory takes what they tell together, and holds a file about
// which they contradict each other.
func TestManifestsOfOneDirectory(t *testing.T) {
	d := newDrop(t)
	d.manifests.Asked = map[string]bool{"manifest.title": true, "manifest.who": true, "manifest.note": true}
	d.write("x.jpg", "x")
	d.write("manifest.csv", "filename,title,no\nx.jpg,A,1\ny.jpg,A,2\nz.jpg,Same,3\np.jpg,P,4\n")
	d.write("other.list.csv", "Path;title;who;no;placeholder\n./x.jpg;B;Åsa;7;\nz.jpg;Same;Bo;8;\np.jpg;Q;;9;yes\n")
	c := d.collect("x.jpg")
	if c.Contradiction == nil || c.fact("manifest.title") != "" {
		t.Fatalf("contradiction %v, %q", c.Contradiction, c.fact("manifest.title"))
	}
	for _, text := range []string{"manifest.csv, line 2", "other.list.csv, line 2", `"A"`, `"B"`, `"x.jpg"`, "title"} {
		if !strings.Contains(c.Contradiction.Error(), text) {
			t.Errorf("%v, want %s", c.Contradiction, text)
		}
	}
	if c = d.collect("y.jpg"); c.Contradiction != nil || c.fact("manifest.title") != "A" {
		t.Errorf("contradiction %v, %q", c.Contradiction, c.fact("manifest.title"))
	}
	if c = d.collect("z.jpg"); c.Contradiction != nil || c.fact("manifest.title") != "Same" || c.fact("manifest.who") != "Bo" {
		t.Errorf("contradiction %v, %q, %q", c.Contradiction, c.fact("manifest.title"), c.fact("manifest.who"))
	}
	var rows []manifest.Virtual
	var wrong []error
	err := d.Virtual("other.list.csv", func(some []manifest.Virtual, amiss []error) error {
		rows, wrong = append(rows, some...), append(wrong, amiss...)
		return nil
	})
	if err != nil || len(rows) != 0 || len(wrong) != 1 || !strings.Contains(wrong[0].Error(), "contradict") {
		t.Errorf("%v, %v, %v", rows, wrong, err)
	}
}

// TestSidecarWithControlCharacter: what a sidecar tells is read all the same.
func TestSidecarWithControlCharacter(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"sidecar.jpg", "sidecar.jpg.xmp"} {
		if err := os.WriteFile(filepath.Join(dir, name), readEmbedded(t, filepath.Join("field", name)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := NewCollector(Settings{Root: dir, Sources: Sources{XMP: true}}).Collect(file.File{Path: "sidecar.jpg"}, "")
	if err != nil {
		t.Fatal(err)
	}
	if title := metadatatest.First(got.Facts, "xmp.title"); title != "Side car" || len(got.Unread) > 0 || !strings.Contains(fmt.Sprint(got.Gaps), "control characters are read as spaces") {
		t.Errorf("title %q, unread %v, gaps %v", title, got.Unread, got.Gaps)
	}
}

// readEmbedded reads a file with metadata.
func readEmbedded(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../embedded/testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestManifestBeingReadHoldsUpNoSidecar has no room for a manifest: who needs it is sent
// away, and the sidecars beside it are found all the same.
func TestManifestBeingReadHoldsUpNoSidecar(t *testing.T) {
	d := newDrop(t)
	d.write("a/manifest.csv", "file,title\nx.jpg,of a\n")
	d.write("a/x.jpg.xmp", "none")
	d.Cache.Stop()
	if _, err := d.Collect(file.File{Path: "a/x.jpg"}, ""); !errors.Is(err, manifest.ErrStopped) {
		t.Errorf("the manifest was read: %v", err)
	}
	if beside := d.Beside("a/x.jpg"); len(beside) == 0 {
		t.Error("the sidecars of a are not found")
	}
}
