package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// companionRoom is a room whose titles come from companions.
func companionRoom(t *testing.T) *room {
	t.Helper()
	r := newRoom(t, newStand(t, "1.5", nil))
	r.config = "testdata/companions.yaml"
	r.env["SETTLE"], r.env["ENCODING"] = "20ms", "auto"
	return r
}

// foretold is what explain says of one path.
func (r *room) foretold(rel string) forecast {
	r.t.Helper()
	_, out, stderr := r.run("explain", "--json", filepath.Join(r.drop, rel))
	var all []forecast
	if err := json.Unmarshal([]byte(out), &all); err != nil || len(all) != 1 {
		r.t.Fatalf("explain %s: %v: %s%s", rel, err, out, stderr)
	}
	return all[0]
}

func (f forecast) title() string {
	if f.Result == nil {
		return ""
	}
	for _, v := range f.Result.Values {
		if v.Attribute == "Title" {
			return v.Value
		}
	}
	return ""
}

// TestCompanionsAsPeopleMakeThem explains files with the manifests and sidecars that
// people put beside them.
func TestCompanionsAsPeopleMakeThem(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, title, becomes, says, told string }{
		"sign":            {file: "x.jpg", title: "Acme™", becomes: "asset"},
		"quotes":          {file: "x.jpg", title: "The “Hello” campaign", becomes: "asset"},
		"no-extension":    {file: "x.jpg", title: "x", becomes: "asset", told: "1 of 1 rows of manifest.csv matched no file: line 2 `x` (perhaps `x.jpg`)"},
		"percent":         {file: "My Photo.jpg", title: "My Photo", becomes: "asset", told: "1 of 1 rows of manifest.csv matched no file: line 2 `My%20Photo.jpg` (perhaps `My Photo.jpg`)"},
		"two-manifests":   {file: "x.jpg", becomes: "held", says: "manifest manifest.csv, line 2, and manifest metadata.csv, line 2, are both for \"x.jpg\" and contradict each other"},
		"other-extension": {file: "x.jpg", title: "JPEG's own title", becomes: "asset"},
		"other-case":      {file: "IMG_1.JPG", title: "Sidecar", becomes: "asset"},
		"extension-case":  {file: "a.jpg", title: "Sidecar", becomes: "asset"},
		"cyrillic":        {file: "x.jpg", becomes: "held", says: "say which one it is with `encoding` of the folder"},
		"json-asset":      {file: "intro.v2.json", title: "intro.v2", becomes: "asset"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := companionRoom(t)
			if err := os.CopyFS(r.drop, os.DirFS(filepath.Join("testdata/companions", name))); err != nil {
				t.Fatal(err)
			}
			f := r.foretold(c.file)
			if f.Becomes != c.becomes || c.title != "" && f.title() != c.title || !strings.Contains(f.Why, c.says) {
				t.Errorf("%s becomes %s (%s) with the title %q, want %s with %q", c.file, f.Becomes, f.Why, f.title(), c.becomes, c.title)
			}
			if c.told != "" {
				if m := r.foretold("manifest.csv"); m.Becomes != "companion" || m.Unmatched == nil || m.Unmatched.Message != c.told {
					t.Errorf("of the manifest is told %+v, want %s", m.Unmatched, c.told)
				}
			}
		})
	}
}

// TestEncodingOfAFolder reads manifests in the encoding that the folder says, and files
// in the column that it names.
func TestEncodingOfAFolder(t *testing.T) {
	t.Parallel()
	r := companionRoom(t)
	r.env["ENCODING"] = "CP1251"
	r.write("x.jpg", "x")
	r.write("manifest.csv", "name;bild_nr;title\nn;x.jpg;Moscow \xcc\xee\xf1\xea\xe2\xe0\n")
	if f := r.foretold("x.jpg"); f.title() != "Moscow Москва" {
		t.Errorf("%s (%s) with the title %q", f.Becomes, f.Why, f.title())
	}
	r.env["ENCODING"] = "windows-1215"
	if code, _, stderr := r.run("check", "--offline"); code != 2 || !strings.Contains(stderr, `did you mean "windows-1251"?`) {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

// TestToldOfCompanions has a backfill, and then a daemon, tell which rows and which
// sidecars no file has, until the files come. A file that was moved away was there.
func TestToldOfCompanions(t *testing.T) {
	t.Parallel()
	r := companionRoom(t)
	r.env["AFTER"] = "move"
	r.write("u/manifest.csv", "filename,title\na.jpg,A\nmissing one.jpg,B\n../nothing\n")
	r.write("u/manifest.csv", "SourceFile,title\n./a.jpg,A\n./missing one.jpg,B\n")
	r.write("u/a.jpg", "a")
	code, out, stderr := r.run("backfill", "--after", "move")
	const told = "1 of 2 rows of u/manifest.csv matched no file: line 3 `missing one.jpg`"
	if code != 0 || !strings.Contains(out, told+"\n") || !strings.Contains(stderr, told) {
		t.Errorf("exit code %d: %s%s", code, out, stderr)
	}
	if _, out, _ = r.run("status"); !strings.Contains(out, "folder drop: "+told) {
		t.Errorf("status: %s", out)
	}
	if m := r.foretold("u/manifest.csv"); m.Unmatched == nil || m.Unmatched.Message != told || m.Unmatched.Rows != 2 {
		t.Errorf("explain: %+v", m.Unmatched)
	}
	daemon := r.start("run")
	daemon.says(`"running"`)
	r.write("u/Missing_One.xmp", "<x:xmpmeta/>")
	unmatched := func() (n int, messages string) {
		_, out, _ := r.run("status", "--json")
		var s struct {
			Folders []struct {
				Unmatched      int
				UnmatchedFirst []struct{ Message string } `json:"unmatched_first"`
			}
		}
		if err := json.Unmarshal([]byte(out), &s); err != nil || len(s.Folders) != 1 {
			return -1, ""
		}
		for _, m := range s.Folders[0].UnmatchedFirst {
			messages += m.Message + "\n"
		}
		return s.Folders[0].Unmatched, messages
	}
	eventually(t, "the sidecar is told", func() bool {
		n, messages := unmatched()
		return n == 2 && strings.Contains(messages, "the sidecar u/Missing_One.xmp is nobody's: there is no file `Missing_One`")
	})
	daemon.says("the sidecar u/Missing_One.xmp is nobody's")
	r.write("u/missing one.jpg", "b")
	eventually(t, "the row has its file", func() bool {
		n, messages := unmatched()
		return n == 1 && strings.Contains(messages, "(perhaps `missing one.jpg`)")
	})
	if err := os.Remove(filepath.Join(r.drop, "u/Missing_One.xmp")); err != nil {
		t.Fatal(err)
	}
	r.write("u/another.jpg", "c")
	eventually(t, "nothing is told any more", func() bool { n, _ := unmatched(); return n == 0 })
	daemon.terminate()
}

// TestSidecarsSpeltOtherwise corrects the asset of a file whose sidecar comes late and
// is spelt otherwise, and moves it along with its file.
func TestSidecarsSpeltOtherwise(t *testing.T) {
	t.Parallel()
	r := companionRoom(t)
	const xmp = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description
		xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" photoshop:Headline="Late"/></rdf:RDF></x:xmpmeta>`
	r.write("a/IMG_1.JPG", "one")
	r.write("a/Mu\u0308ller.jpg", "two") // decomposed
	daemon := r.start("run")
	daemon.says(`"running"`)
	late := func(name, title string) func() bool {
		return func() bool {
			got := r.stand.named(name)
			return len(got) == 1 && strings.Contains(r.stand.describe(got[0]), "Title="+title)
		}
	}
	eventually(t, "IMG_1.JPG is in", late("IMG_1.JPG", "IMG_1"))
	eventually(t, "the other is in", late("Müller.jpg", "Müller"))
	r.write("a/img_1.Xmp", xmp)
	r.write("a/M\u00fcller.JPG.xmp", xmp) // composed
	eventually(t, "IMG_1.JPG is corrected", late("IMG_1.JPG", "Late"))
	eventually(t, "the other is corrected", late("Müller.jpg", "Late"))
	daemon.terminate()

	r.env["AFTER"] = "move"
	r.write("b/IMG_2.JPG", "three")
	r.write("b/img_2.xmp", xmp)
	daemon = r.start("run")
	eventually(t, "the sidecar goes along", func() bool {
		_, err := os.Lstat(filepath.Join(r.drop, "_ingested/b/IMG_2.xmp"))
		return err == nil
	})
	daemon.terminate()
}

// TestJSONIsAFileUnlessItsFileIsThere makes an asset of a JSON file that speaks of
// nothing, where include takes it, and a companion of one whose file is, or was, there.
func TestJSONIsAFileUnlessItsFileIsThere(t *testing.T) {
	t.Parallel()
	r := companionRoom(t)
	r.env["AFTER"] = "move"
	r.write("intro.v2.json", `{"v": "5.5"}`)
	r.write("clip.mov", "clip")
	r.write("clip.mov.json", `{"title": "Clip"}`)
	if code, out, _ := r.run("backfill", "--after", "move"); code != 0 || !strings.HasPrefix(out, "2 files seen: 2 ingested") {
		t.Fatalf("exit code %d: %s", code, out)
	}
	if got := r.stand.named("intro.v2.json"); len(got) != 1 {
		t.Errorf("%d assets of the JSON file that is no sidecar", len(got))
	}
	if got := r.stand.named("clip.mov"); len(got) != 1 || !strings.Contains(r.stand.describe(got[0]), "Title=Clip") {
		t.Fatalf("clip.mov is %v", got)
	}
	// Its file was moved away: what comes now still corrects the asset.
	r.write("clip.mov.json", `{"title": "Clip, corrected"}`)
	if f := r.foretold("clip.mov.json"); f.Becomes != "companion" {
		t.Errorf("clip.mov.json becomes %s (%s)", f.Becomes, f.Why)
	}
	if code, out, _ := r.run("backfill", "--after", "move"); code != 0 || len(r.stand.named("clip.mov.json")) != 0 {
		t.Errorf("exit code %d: %s", code, out)
	}
	if got := r.stand.named("clip.mov"); len(got) != 1 || !strings.Contains(r.stand.describe(got[0]), "Title=Clip, corrected") {
		t.Errorf("clip.mov is %s", r.stand.describe(got[0]))
	}
}
