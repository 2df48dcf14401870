package facts

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func titled(title, attributes string) string {
	return `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description
		xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" photoshop:Headline="` + title + `" ` + attributes + `/></rdf:RDF></x:xmpmeta>`
}

// TestSidecarsSpeltOtherwise finds the sidecars of files in whatever way they are
// spelt, where the file system tells the ways apart.
func TestSidecarsSpeltOtherwise(t *testing.T) {
	const composed, decomposed = "M\u00fcller", "Mu\u0308ller"
	for name, c := range map[string]struct {
		files map[string]string // XMP sidecars by name, and the headline of each; other files have ""
		want  map[string]string // headlines by file
	}{
		"stem in another case":       {map[string]string{"img_1.xmp": "a"}, map[string]string{"IMG_1.JPG": "a"}},
		"extension in another case":  {map[string]string{"a.Xmp": "a"}, map[string]string{"a.jpg": "a"}},
		"whole name in another case": {map[string]string{"A.JPG.xMP": "a"}, map[string]string{"a.jpg": "a"}},
		"decomposed sidecar":         {map[string]string{decomposed + ".xmp": "a"}, map[string]string{composed + ".jpg": "a"}},
		"composed sidecar":           {map[string]string{composed + ".jpg.xmp": "a"}, map[string]string{decomposed + ".jpg": "a"}},
		"case and form":              {map[string]string{strings.ToUpper(decomposed) + ".XMP": "a"}, map[string]string{composed + ".jpg": "a"}},
		"the exact file has it":      {map[string]string{"img_1.xmp": "a", "img_1.jpg": ""}, map[string]string{"IMG_1.JPG": "", "img_1.jpg": "a"}},
		"the exact whole name":       {map[string]string{"img_1.jpg.xmp": "a", "img_1.jpg": ""}, map[string]string{"IMG_1.JPG": "", "img_1.jpg": "a"}},
		"the exact sidecar counts":   {map[string]string{"a.xmp": "a", "A.xmp": "b", "A.XMP": "c"}, map[string]string{"a.jpg": "a"}},
		"the first of others":        {map[string]string{"iMG.xmp": "b", "IMg.xmp": "a"}, map[string]string{"img.jpg": "a"}},
		"the whole name first":       {map[string]string{"a.xmp": "a", "A.JPG.xmp": "b"}, map[string]string{"a.jpg": "b"}},
	} {
		d := newDrop(t)
		for file, headline := range c.files {
			d.write(file, titled(headline, ""))
		}
		for file := range c.want {
			d.write(file, "x")
		}
		for file, want := range c.want {
			if got := d.collect(file).fact("xmp.headline"); got != want {
				t.Errorf("%s: %s has %q, want %q", name, file, got, want)
			}
		}
	}
	d := newDrop(t)
	d.write("IMG_1.MOV", "x")
	d.write("img_1.mov.Json", `{"who": "Åsa"}`)
	if got := d.collect("IMG_1.MOV").fact("sidecar.who"); got != "Åsa" {
		t.Errorf("the JSON sidecar tells %q", got)
	}
}

// TestSidecarForExtension takes a stem's sidecar for files of its extension alone.
func TestSidecarForExtension(t *testing.T) {
	d := newDrop(t)
	for _, file := range []string{"x.jpg", "x.nef", "y.jpg", "y.nef", "z.jpg"} {
		d.write(file, "x")
	}
	d.write("x.xmp", titled("raw", `photoshop:SidecarForExtension="NEF"`))
	d.write("y.xmp", titled("both", ""))
	d.write("z.XMP", titled("raw", `photoshop:SidecarForExtension="nef"`))
	d.write("Z.xmp", titled("picture", `photoshop:SidecarForExtension=".JPG"`))
	d.write("v.jpg", "x")
	d.write("v.xmp", titled("Bed & Breakfast", `photoshop:SidecarForExtension="NEF"`)) // amiss, and of another
	if got := d.collect("v.jpg"); len(got.Gaps) != 0 {
		t.Errorf("v.jpg has gaps %v", got.Gaps)
	}
	d.write("w.jpg", "x")
	d.write("w.jpg.xmp", titled("whole", `photoshop:SidecarForExtension="NEF"`)) // its name says more
	for file, want := range map[string]string{"x.jpg": "", "x.nef": "raw", "y.jpg": "both", "y.nef": "both", "z.jpg": "picture", "w.jpg": "whole"} {
		if got := d.collect(file).fact("xmp.headline"); got != want {
			t.Errorf("%s has %q, want %q", file, got, want)
		}
	}
	if all := d.Beside("x.jpg"); slices.ContainsFunc(all, func(b Beside) bool { return b.Path == "x.xmp" }) {
		t.Errorf("beside x.jpg lie %v", all)
	}
	if all := d.Beside("x.nef"); !slices.Contains(all, Beside{Path: "x.xmp", Stem: true, Alone: true}) {
		t.Errorf("beside x.nef lie %v", all)
	}
}

// TestCompanionOnlyBesideItsFile takes .json and .yaml for sidecars only where the file
// that they name is.
func TestCompanionOnlyBesideItsFile(t *testing.T) {
	d := newDrop(t)
	for _, file := range []string{"intro.v2.json", "a/clip.mov", "a/clip.mov.json", "a/Clip.MOV.yaml", "data.min.yml", "a/photo.jpg.xmp", "manifest.csv"} {
		d.write(file, "{}")
	}
	if err := os.Mkdir(filepath.Join(d.Root, "dir.d"), 0o755); err != nil {
		t.Fatal(err)
	}
	d.write("dir.d.json", "{}")
	for file, want := range map[string]Kind{
		"intro.v2.json": "", "data.min.yml": "", "dir.d.json": "", "a/clip.mov": "",
		"a/clip.mov.json": KindSidecar, "a/Clip.MOV.yaml": KindSidecar, "a/photo.jpg.xmp": KindXMP, "manifest.csv": KindManifest,
	} {
		if got, ok := d.Companion(file); got != want || ok != (want != "") {
			t.Errorf("%s is %q, want %q", file, got, want)
		}
	}
}

// TestLost tells rows without a file and sidecars that are nobody's, with the one file
// that may be meant.
func TestLost(t *testing.T) {
	d := newDrop(t)
	for _, file := range []string{"u/x.jpg", "u/My Photo.jpg", "u/sub/deep.jpg", "u/a b.tif", "u/Ä.jpg", "u/two.jpg", "u/two.png", "u/has.jpg", "u/cover art.png"} {
		d.write(file, "x")
	}
	d.write("u/manifest.csv", "filename,title,placeholder\n"+strings.Join([]string{
		"has.jpg,1,", "x,2,", "My%20Photo.jpg,3,", "old/place/deep.jpg,4,", "A_B.TIFF,5,", "two,6,", "gone.jpg,7,", "coming.mov,8,yes", ",9,", "was.jpg,10,", "Cover-Art.PNG,11,", "x.jpg.jpg,12,",
	}, "\n"))
	were := func(dir string, yield func(string)) error {
		if dir == "u" {
			yield("u/was.jpg") // it was moved away
		}
		return nil
	}
	lost, err := d.Teller(were).Lost("u/manifest.csv")
	if err != nil {
		t.Fatal(err)
	}
	const want = "9 of 12 rows of u/manifest.csv matched no file: line 3 `x` (perhaps `x.jpg`), line 4 `My%20Photo.jpg` (perhaps `My Photo.jpg`), " +
		"line 5 `old/place/deep.jpg` (perhaps `sub/deep.jpg`), line 6 `A_B.TIFF` (perhaps `a b.tif`), line 7 `two`, line 8 `gone.jpg`, line 10 names none, " +
		"line 12 `Cover-Art.PNG` (perhaps `cover art.png`), line 13 `x.jpg.jpg` (perhaps `x.jpg`)"
	if lost.Message != want || lost.Count != 9 || lost.Rows != 12 {
		t.Errorf("told is %+v, want\n%s", lost, want)
	}
	for file, want := range map[string]string{
		"u/HAS.xmp":       "",
		"u/was.jpg.xmp":   "",
		"u/My_Photo.xmp":  "the sidecar u/My_Photo.xmp is nobody's: there is no file `My_Photo` (perhaps `My Photo.jpg`)",
		"u/none.jpg.xmp":  "the sidecar u/none.jpg.xmp is nobody's: there is no file `none.jpg`",
		"u/two.XMP":       "", // of both
		"u/x.xmp":         "the sidecar u/x.xmp is nobody's: it is for files with the extension NEF, and there is no such file `x` (perhaps `x.jpg`)",
		"u/not there.xmp": "",
		"u/has.jpg":       "",
	} {
		if want != "" || strings.HasSuffix(strings.ToLower(file), ".xmp") && !strings.Contains(file, "not there") {
			attributes := ""
			if file == "u/x.xmp" {
				attributes = `photoshop:SidecarForExtension="NEF"`
			}
			d.write(file, titled("t", attributes))
		}
		lost, err := d.Teller(were).Lost(file)
		if err != nil || lost.Message != want || (lost.Count == 1) != (want != "") {
			t.Errorf("%s: %+v, %v; want %q", file, lost, err, want)
		}
	}
	// Neither a sidecar nor a file that was moved away is what a row means, and a
	// directory is no file of a sidecar.
	d.write("moved/manifest.csv", "filename,title\ny,1\nz,2\n")
	for _, file := range []string{"moved/y.jpg", "moved/y.xmp", "moved/_ingested/today/z.jpg", "moved/set/1.jpg"} {
		d.write(file, "x")
	}
	d.write("moved/set.xmp", titled("t", ""))
	teller := d.Teller(func(dir string, yield func(string)) error {
		if dir == "moved" {
			yield("moved/z.jpg")
		}
		return nil
	})
	teller.Skipped = func(path string) bool { return strings.HasPrefix(path, "moved/_ingested/") }
	for file, want := range map[string]string{
		"moved/manifest.csv": "2 of 2 rows of moved/manifest.csv matched no file: line 2 `y` (perhaps `y.jpg`), line 3 `z` (perhaps `z.jpg`)",
		"moved/set.xmp":      "the sidecar moved/set.xmp is nobody's: there is no file `set`",
	} {
		if lost, err := teller.Lost(file); err != nil || lost.Message != want {
			t.Errorf("%s: %q, %v; want %q", file, lost.Message, err, want)
		}
	}
	// Of two that differ in case one counts, and the other is told.
	d.write("u/Has.xmp", titled("t", ""))
	d.Forget("u/Has.xmp")
	passed, err := d.Teller(were).Lost("u/Has.xmp")
	if err != nil || passed.Message != "the sidecar u/Has.xmp is passed over: HAS.xmp, which is spelt almost alike, counts for `has.jpg`" {
		t.Errorf("%+v, %v", passed, err)
	}
	// Many rows are counted, and the first are named.
	d.write("many/manifest.csv", "file\n"+strings.Repeat("a.jpg\nb.jpg\n", 100))
	if lost, err := d.Teller(were).Lost("many/manifest.csv"); err != nil || lost.Count != 200 || len(lost.First) != 10 || !strings.HasSuffix(lost.Message, ", and 190 more") {
		t.Errorf("%+v, %v", lost, err)
	}
}
