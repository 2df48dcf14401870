package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// manifest writes a manifest with a row a file, by row.
func (r *room) manifest(files int, row func(i int) string) {
	r.t.Helper()
	var b strings.Builder
	b.WriteString("filename,title,keywords,brand\n")
	for i := range files {
		fmt.Fprintf(&b, "picture-%04d.jpg,%s\n", i, row(i))
	}
	r.write("manifest.csv", b.String())
}

// manyAssets is how many assets one correction is for.
var manyAssets = 500

// TestCorrectionOfManyAssets corrects 500 assets in the same way, through the
// manifest that they came with: that takes a handful of bulk edits, and one that
// is corrected otherwise an edit of its own. Nothing is uploaded again.
//
// The race detector sees fewer of them.
func TestCorrectionOfManyAssets(t *testing.T) {
	t.Parallel()
	files := manyAssets
	s := newStand(t, "1.5", nil)
	r := newRoom(t, s)
	r.config, r.env["SETTLE"] = "testdata/manifest.yaml", "20ms"
	for i := range files {
		r.write(fmt.Sprintf("picture-%04d.jpg", i), fmt.Sprint(i))
	}
	r.manifest(files, func(i int) string { return fmt.Sprintf("Picture %d,first,Acme", i) })
	if code, out, _ := r.run("backfill"); code != 0 || !strings.HasPrefix(out, fmt.Sprintf("%d files seen: %[1]d ingested", files)) {
		t.Fatalf("exit code %d: %s", code, out)
	}
	before := s.State().Counts.Requests

	r.manifest(files, func(i int) string {
		if i == 7 {
			return "Picture 7 corrected,second,Acme"
		}
		return fmt.Sprintf("Picture %d,second,Acme", i)
	})
	if code, out, _ := r.run("backfill"); code != 0 || !strings.Contains(out, " 0 ingested") {
		t.Fatalf("exit code %d: %s", code, out)
	}
	after := s.State().Counts.Requests
	count := func(op string) int { return after[op] - before[op] }
	if n := count("EditAssets"); n < 1 || n > 5 {
		t.Errorf("%d bulk edits, want a handful", n)
	}
	if n := count("UpdateAsset"); n != 1 {
		t.Errorf("%d assets were updated by themselves, want 1", n)
	}
	if n := count("CreateAsset") + count("PutObject"); n != 0 {
		t.Errorf("%d creates and uploads", n)
	}
	for _, a := range s.State().Assets {
		title := fmt.Sprintf("Picture %d", number(t, a.Filename))
		if title == "Picture 7" {
			title += " corrected"
		}
		if got := s.describe(a); !strings.Contains(got, "Title="+title+"; Keywords=second; Brand=Acme") {
			t.Errorf("%s", got)
		}
	}

	// The same again changes nothing.
	before = after
	r.manifest(files, func(i int) string {
		if i == 7 {
			return "Picture 7 corrected,second,Acme"
		}
		return fmt.Sprintf("Picture %d,second,Acme", i)
	})
	if code, out, _ := r.run("backfill"); code != 0 {
		t.Fatalf("exit code %d: %s", code, out)
	}
	after = s.State().Counts.Requests
	if n := count("EditAssets") + count("UpdateAsset"); n != 0 {
		t.Errorf("%d edits of what does not differ", n)
	}
	s.complain(t)
}

func number(t *testing.T, filename string) (n int) {
	t.Helper()
	if _, err := fmt.Sscanf(filepath.Base(filename), "picture-%d.jpg", &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestHeldUntilTheManifestIsRight has a daemon hold a file whose value the account
// does not have, and let it go when the manifest is corrected.
func TestHeldUntilTheManifestIsRight(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	r := newRoom(t, s)
	r.config, r.env["SETTLE"], r.env["AFTER"] = "testdata/manifest.yaml", "100ms", "delete"
	r.manifest(1, func(int) string { return "First,one,Acne" })
	r.write("picture-0000.jpg", "first")
	daemon := r.start("run")
	daemon.says(`"running"`) // from then on the journal has the folder
	eventually(t, "the file is held", func() bool { return r.books().Held == 1 })
	if n := len(s.named("picture-0000.jpg")); n != 0 {
		t.Errorf("%d assets of a file that is held", n)
	}
	r.manifest(1, func(int) string { return "First,one,Acme" })
	eventually(t, "the file is in", func() bool { return r.books().Filed == 1 })

	// Its file is gone by now, and the manifest is corrected once more.
	r.manifest(1, func(int) string { return "Second,one,Acme" })
	eventually(t, "the asset is corrected", func() bool {
		got := s.named("picture-0000.jpg")
		return len(got) == 1 && strings.Contains(s.describe(got[0]), "Title=Second")
	})
	if b := r.books(); b.Seen != 1 {
		t.Errorf("the books are %+v: companions are no files", b)
	}
	daemon.terminate()
	s.complain(t)
}

// TestSidecarsGoWithTheirFile has files moved away with the sidecars that are
// theirs alone, and a late one correct an asset whose file was moved.
func TestSidecarsGoWithTheirFile(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	r := newRoom(t, s)
	r.config, r.env["SETTLE"], r.env["AFTER"] = "testdata/sidecars.yaml", "200ms", "move"
	const xmp = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description
		xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" photoshop:Headline="%s"/></rdf:RDF></x:xmpmeta>`
	r.write("a.jpg.xmp", fmt.Sprintf(xmp, "Of a"))
	r.write("a.jpg.json", `{"keywords": ["one", "two"]}`)
	r.write("b.xmp", fmt.Sprintf(xmp, "Of b"))
	r.write("a.jpg", "a")
	r.write("b.tif", "b")
	daemon := r.start("run")
	there := func(rel string) bool { _, err := os.Lstat(filepath.Join(r.drop, rel)); return err == nil }
	for _, name := range []string{"a.jpg", "a.jpg.xmp", "a.jpg.json", "b.tif", "b.xmp"} {
		eventually(t, name+" is moved", func() bool { return there("_ingested/"+name) && !there(name) })
	}
	for name, want := range map[string]string{"a.jpg": "Title=Of a; Keywords=one, two", "b.tif": "Title=Of b"} {
		if got := s.named(name); len(got) != 1 || !strings.Contains(s.describe(got[0]), want) {
			t.Errorf("%s is %d assets: %s", name, len(got), s.describe(got[0]))
		}
	}
	// One waits for its sidecar, as its rule says, and is ingested with what that tells.
	r.write("waits/c.jpg", "c")
	eventually(t, "it waits, and says so", func() bool {
		_, out, _ := r.run("status")
		return strings.Contains(out, "it waits for its XMP sidecar")
	})
	r.write("waits/c.xmp", fmt.Sprintf(xmp, "Of c"))
	eventually(t, "it is in", func() bool { return len(s.named("c.jpg")) == 1 && s.named("c.jpg")[0].HasContent })
	if got := s.describe(s.named("c.jpg")[0]); !strings.Contains(got, "Title=Of c") {
		t.Errorf("c.jpg is %s", got)
	}
	// A late one.
	r.write("b.tif.xmp", fmt.Sprintf(xmp, "Late"))
	eventually(t, "the asset is corrected", func() bool { return strings.Contains(s.describe(s.named("b.tif")[0]), "Title=Late") })
	daemon.terminate()
	s.complain(t)
}
