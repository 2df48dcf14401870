package facts

import (
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
)

func TestGather(t *testing.T) {
	levels, err := ParseLevels("{brand}/{campaign}/**")
	if err != nil {
		t.Fatal(err)
	}
	zone := time.FixedZone("CEST", 2*60*60)
	got := Gather(file.File{
		Folder: "campaigns", Path: "Mu\u0308ller/spring\x1b[1m/raw/IMG.0001.JPG", Stat: file.Stat{Size: 42},
	}, time.Date(2026, 5, 1, 0, 30, 0, 999, zone), levels)
	want := map[string]string{
		"path.brand": "Müller", "path.campaign": "spring[1m",
		"file.name": "IMG.0001.JPG", "file.stem": "IMG.0001", "file.ext": "JPG",
		"file.size": "42", "file.modified": "2026-05-01T00:30:00+02:00", "file.folder": "campaigns",
	}
	flat := map[string]string{}
	for name, fact := range got {
		if len(fact.Values) != 1 || fact.Origin == "" {
			t.Errorf("%s: %+v, want one value and an origin", name, fact)
		}
		flat[name] = fact.Values[0]
	}
	if diff := cmp.Diff(want, flat); diff != "" {
		t.Errorf("facts differ (-want +got):\n%s", diff)
	}
}

func TestGatherLeavesOutWhatIsNotKnown(t *testing.T) {
	got := Gather(file.File{Path: "README"}, time.Time{}, Levels{})
	for _, name := range []string{FileExt, FileModified, FileFolder} {
		if fact, ok := got[name]; ok {
			t.Errorf("%s = %v, want no entry", name, fact)
		}
	}
	if got[FileSize].Values[0] != "0" {
		t.Error("an empty file has a size")
	}
}

func TestKey(t *testing.T) {
	for name, want := range map[string]string{
		"exif.DateTimeOriginal": "exif.datetimeoriginal", "xmp.dc:title[de-CH]": "xmp.dc:title[de-ch]",
		"manifest.Mu\u0308ller": "manifest.müller", "sidecar.\u212A": "sidecar.k",
	} {
		if got := metadata.Key(name); got != want || metadata.Key(got) != want {
			t.Errorf("Key(%q) = %q, and of that %q; want %q", name, got, metadata.Key(got), want)
		}
	}
	levels, err := ParseLevels("{Brand}/**")
	if err != nil {
		t.Fatal(err)
	}
	if got := Gather(file.File{Path: "acme/x.jpg"}, time.Time{}, levels)["path.brand"]; len(got.Values) != 1 || got.Values[0] != "acme" {
		t.Errorf("path.Brand is not found as path.brand: %v", got)
	}
}

func TestSplitExt(t *testing.T) {
	for name, want := range map[string][2]string{
		"a.jpg": {"a", ".jpg"}, "a.tar.gz": {"a.tar", ".gz"}, "README": {"README", ""},
		".profile": {".profile", ""}, ".a.jpg": {".a", ".jpg"}, "odd.": {"odd.", ""}, "": {"", ""},
	} {
		stem, ext := metadata.SplitExt(name)
		if got := [2]string{stem, ext}; got != want {
			t.Errorf("SplitExt(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestLevels(t *testing.T) {
	type m = map[string]string
	tests := []struct {
		pattern, path string
		want          m
	}{
		{"", "acme/x.jpg", nil},
		{"{brand}/{campaign}/**", "acme/spring/x.jpg", m{"brand": "acme", "campaign": "spring"}},
		{"{brand}/{campaign}/**", "acme/spring/raw/day 1/x.jpg", m{"brand": "acme", "campaign": "spring"}},
		{"{brand}/{campaign}/**", "acme/x.jpg", m{"brand": "acme"}},
		{"{brand}/{campaign}/**", "x.jpg", m{}},
		{"brands/{brand}/**", "other/acme/x.jpg", nil},
		{"brands/{brand}/**", "brands/acme/x.jpg", m{"brand": "acme"}},
		{"*/{season}/**", "any/ss26/x.jpg", m{"season": "ss26"}},
		{"{brand}_{year}/**", "acme_2026/x.jpg", m{"brand": "acme", "year": "2026"}},
		{"{brand}_{year}/**", "acme/x.jpg", nil},
		{"{brand}/**/{day}/*", "acme/a/b/mon/x.jpg", m{"brand": "acme", "day": "mon"}},
		{"{brand}/**/{day}/*", "acme/mon/x.jpg", m{"brand": "acme", "day": "mon"}},
		{"{brand}/**/{day}/*", "acme/x.jpg", m{"brand": "acme"}},
		{"{brand}/{sku}_{view}.jpg", "acme/4711_front.jpg", m{"brand": "acme", "sku": "4711", "view": "front"}},
		{"{brand}/{sku}_{view}.jpg", "acme/readme.txt", nil},
		{"{brand}/{sku}_{view}.jpg", "acme/deep/4711_front.jpg", nil},
		{"Mu\u0308ller/{x}/**", "Müller/a/f", m{"x": "a"}},
		{"a.b/{x}/**", "aXb/y/f", nil},
		{"{x}/**", "a\xffb/f", m{"x": "a\uFFFDb"}},
		{"{x}/**", "new\nline/f", m{"x": "newline"}},
	}
	for _, tt := range tests {
		levels, err := ParseLevels(tt.pattern)
		if err != nil {
			t.Errorf("%s: %v", tt.pattern, err)
			continue
		}
		if diff := cmp.Diff(tt.want, levels.Match(tt.path)); diff != "" {
			t.Errorf("%s on %q (-want +got):\n%s", tt.pattern, tt.path, diff)
		}
	}
}

func TestParseLevelsRefuses(t *testing.T) {
	for _, pattern := range []string{
		"/{brand}/**", "{brand}/", "{brand}//{x}", "../{brand}", "{brand/**", "brand}/**", "{}/**", "{a b}/**",
		"{brand}/{brand}/**", "{brand}/{Brand}/**", "**/{x}/**", "{a}{b}/**", "*{a}/**", "{a}*/**", "x**/f", "{{a}}/**",
	} {
		if _, err := ParseLevels(pattern); err == nil {
			t.Errorf("ParseLevels(%q) accepted it", pattern)
		}
	}
}

func FuzzLevels(f *testing.F) {
	f.Add("{brand}/{campaign}/**", "acme/spring/x.jpg")
	f.Add("{brand}/**/{sku}_{view}.*", "a/b/c/1_f.jpg")
	f.Add("*/Mu\u0308ller-{x}/**", "\xff/\x00//")
	f.Fuzz(func(t *testing.T, pattern, path string) {
		levels, err := ParseLevels(pattern)
		if err != nil {
			return
		}
		names := map[string]bool{}
		for _, name := range levels.Names() {
			names[name] = true
		}
		for name := range levels.Match(path) {
			if !names[name] {
				t.Fatalf("%q gives a level %q that it does not name", pattern, name)
			}
		}
		for name, fact := range Gather(file.File{Path: path}, time.Time{}, levels) {
			for _, v := range fact.Values {
				if v == "" || !utf8.ValidString(v) || !norm.NFC.IsNormalString(v) {
					t.Fatalf("%s = %q: empty or not clean", name, v)
				}
			}
		}
	})
}
