package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// mixed are the files of a tree with every kind of size and name, and what their
// assets must say after the content.
var mixed = []struct {
	path  string // below the drop folder
	name  string // of the asset; "" is the file's
	size  int64
	large bool
	says  string
}{
	{path: "Acme/empty.jpg", size: 0,
		says: "Creative Asset | Title=empty; Description=Acme: empty.jpg; Brand=Acme; Channels=Web + Social; Shot Date=03/05/2024 | Creative Internal"},
	{path: "mueller/spring sale/300 kB – über Größe.jpg", size: 300_000,
		says: "Creative Asset | Title=300 kB – über Größe; Description=mueller: 300 kB – über Größe.jpg; Brand=Müller & Söhne; Channels=Web + Social; Shot Date=03/05/2024 | Creative Internal"},
	{path: "Globex/decomposed a\u0308.tif", name: "decomposed ä.tif", size: 6 * mib, // as a Mac writes it
		says: "Creative Asset | Title=decomposed ä; Description=Globex: decomposed ä.tif; Brand=Globex; Channels=Web + Social; Shot Date=03/05/2024 | Creative Internal"},
	{path: "Globex/🎉/#1 100% a&b?c+d.tif", size: 6*mib + 1,
		says: "Creative Asset | Title=#1 100% a&b?c+d; Description=Globex: #1 100% a&b?c+d.tif; Brand=Globex; Channels=Web + Social; Shot Date=03/05/2024 | Creative Internal"},
	{path: "Umbrella/exactly 100 MiB.mov", size: 100 * mib, large: true,
		says: "Video | Title=exactly 100 MiB; Brand=Umbrella; Release Date=05/03/2024 | Creative Public, Agency Restricted"},
	{path: "Umbrella/🎬 & one byte more?.mov", size: 100*mib + 1, large: true,
		says: "Video | Title=🎬 & one byte more?; Brand=Umbrella; Release Date=05/03/2024 | Creative Public, Agency Restricted"},
	{path: "Initech/a%20b+c#ü.mov", size: 230 * mib, large: true,
		says: "Video | Title=a%20b+c#ü; Brand=Initech; Release Date=05/03/2024 | Creative Public, Agency Restricted"},
}

// TestMixedTree backfills one tree into either version of the API.
func TestMixedTree(t *testing.T) {
	t.Parallel()
	drop := t.TempDir()
	sums := map[string]string{} // by the name of the asset
	want := map[string]string{}
	var bytes int64
	for _, f := range mixed {
		if f.large && testing.Short() {
			continue
		}
		if f.name == "" {
			f.name = filepath.Base(f.path)
		}
		sums[f.name] = makeFile(t, filepath.Join(drop, f.path), f.size)
		want[f.name] = f.says
		bytes += f.size
	}
	for _, version := range []string{"1.5", "1.0"} {
		t.Run(version, func(t *testing.T) {
			s := newStand(t, version, nil)
			r := newRoom(t, s)
			r.env["DROP"], r.env["SETTLE"], r.env["VERIFY"], r.env["EMPTY"] = drop, "20ms", "asset", "ingest"
			got := r.backfill()
			if got["seen"] != float64(len(want)) || got["ingested"] != float64(len(want)) || got["bytes"] != float64(bytes) {
				t.Errorf("the first run says %v", got)
			}
			seen := map[string]bool{}
			for _, a := range s.assets() {
				if seen[a.Filename] || want[a.Filename] == "" {
					t.Errorf("%s should not be there, or not twice", s.describe(a))
					continue
				}
				seen[a.Filename] = true
				if a.ContentMD5 != sums[a.Filename] {
					t.Errorf("%s: want MD5 %s", s.describe(a), sums[a.Filename])
				}
				if says := s.describe(a); !strings.HasSuffix(says, " | v1/1 | "+want[a.Filename]) {
					t.Errorf("%s\nwant: %s", says, want[a.Filename])
				}
			}
			for name := range want {
				if !seen[name] {
					t.Errorf("%s is missing", name)
				}
			}
			for _, u := range s.State().Uploads {
				if u.URLs < 2 {
					t.Errorf("the upload of %s has %d parts: a small file was sent in parts", u.Key, u.URLs)
				}
			}
			if b := r.books(); b.Filed != len(want) || b.Seen != len(want) {
				t.Errorf("books are %+v", b)
			}

			before := s.State().Counts.Requests
			got = r.backfill()
			if got["seen"] != float64(len(want)) || got["ingested"] != 0 || got["bytes"] != 0 {
				t.Errorf("the second run says %v", got)
			}
			after := s.State().Counts.Requests
			for _, op := range []string{"CreateAsset", "FinishUpload", "PutObject", "PutPart", "DeleteAsset", "UpdateAsset"} {
				if after[op] != before[op] {
					t.Errorf("the second run did %d more of %s", after[op]-before[op], op)
				}
			}
			s.complain(t)
		})
	}
}

// backfill runs one that must leave nothing behind, and returns its summary.
func (r *room) backfill() map[string]float64 {
	r.t.Helper()
	code, stdout, _ := r.run("backfill", "--json")
	if code != 0 {
		r.t.Fatalf("backfill: exit code %d", code)
	}
	var sum map[string]float64
	if err := json.Unmarshal([]byte(stdout), &sum); err != nil {
		r.t.Fatalf("backfill printed %q: %v", stdout, err)
	}
	return sum
}
