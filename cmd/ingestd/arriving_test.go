package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/sandbox"
)

// What comes in pieces, by programs that close the file in between, is taken once and
// whole, though the folder moves what it takes.
func TestFilesThatAreStillArriving(t *testing.T) {
	t.Parallel()
	r := newRoom(t, newStand(t, "1.5", nil))
	r.env["AFTER"] = "move"
	daemon := r.start("run")
	daemon.says("running")
	piece := bytes.Repeat([]byte("0123456789abcdef"), 4096)
	whole := bytes.Repeat(piece, 4)
	fills := append([]byte("another, for a copy would be a duplicate: "), whole...)
	direct := append(bytes.Clone(whole), " and a third"...)

	// A producer that makes the file, closes it, and comes back by its path.
	r.write("acme/filled.mov", "")
	// Firefox: an empty file of the name, the content beside it.
	r.write("acme/firefox.mov", "")
	r.write("acme/firefox.mov.part", "")
	// aria2: all of the space at once, filled in pieces; what it has stands beside it.
	r.write("acme/aria2.mov.aria2", "0")
	r.write("acme/aria2.mov", strings.Repeat("\x00", len(whole)))

	begun := time.Now()
	for i := range 4 {
		time.Sleep(time.Until(begun.Add(time.Duration(i+1) * 2 * time.Second)))
		for name, at := range map[string]int{"firefox.mov.part": i * len(piece), "aria2.mov": i * len(piece)} {
			f, err := os.OpenFile(filepath.Join(r.drop, "acme", name), os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.WriteAt(piece, int64(at)); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if i == 1 {
			eventually(t, "status says what they wait for", func() bool {
				_, out, _ := r.run("status")
				return strings.Contains(out, "has 2 files that wait for a transfer under way beside them: acme/aria2.mov.aria2") &&
					strings.Contains(out, "has 1 empty file that waits for its content, some minutes at most: acme/filled.mov")
			})
		}
	}
	r.write("acme/filled.mov", string(fills))
	r.write("acme/firefox.mov.part", string(direct))
	if err := os.Rename(filepath.Join(r.drop, "acme/firefox.mov.part"), filepath.Join(r.drop, "acme/firefox.mov")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(r.drop, "acme/aria2.mov.aria2")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]byte{"filled.mov": fills, "firefox.mov": direct, "aria2.mov": whole} {
		r.oneAsset(name, want, 1)
		eventually(t, name+" is moved", func() bool {
			got, err := os.ReadFile(filepath.Join(r.drop, "_ingested/acme", name))
			return err == nil && bytes.Equal(got, want)
		})
	}
	eventually(t, "the books are closed", func() bool { b := r.books(); return b.Seen == 3 && b.Filed == 3 })
	daemon.terminate()
	r.stand.complain(t)
}

// oneAsset waits until all of a filename that Tenovos has is versions of one asset, the
// current one with this content, and then fails if there are more than so many of them.
func (r *room) oneAsset(filename string, want []byte, versions int) {
	r.t.Helper()
	eventually(r.t, filename+" is in, whole", func() bool {
		for _, a := range r.stand.named(filename) {
			if a.Current && content(r.t, a) == string(want) {
				return true
			}
		}
		return false
	})
	originals := map[string]bool{}
	var all []sandbox.Asset
	for _, a := range r.stand.assets() {
		if a.Filename == filename && !a.Deleted {
			originals[a.OriginalFileID] = true
			all = append(all, a)
		}
	}
	if len(originals) != 1 || len(all) > versions {
		r.t.Errorf("%s is %d assets in %d versions, want one in %d at most", filename, len(originals), len(all), versions)
	}
}
