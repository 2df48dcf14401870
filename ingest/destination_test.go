package ingest_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
)

// A directory that macOS made is used under the name that it has, not made again; and
// what lies in it is not ingested.
func TestDoneAndFailedIgnoreComposition(t *testing.T) {
	t.Parallel()
	const nfc, nfd = "\u00fc", "u\u0308"
	for _, c := range []struct{ written, there string }{{nfc, nfd}, {nfd, nfc}, {nfc, nfc}} {
		r := newFilingRig(t, dropfolder.AfterMove)
		r.config.MaxFileSize = 5000
		r.config.Folders[0].Done, r.config.Folders[0].Failed = "_fertig-"+c.written+"/{folder}", "_kaputt-"+c.written
		r.config.Folders[0].Marker = "da-" + c.written
		for _, dir := range []string{"_fertig-", "_kaputt-"} {
			if err := os.Mkdir(filepath.Join(r.drop, dir+c.there), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		r.write("da-"+c.there, 0, 1)
		r.skip = []string{"_fertig-" + c.written, "_kaputt-" + c.written}
		r.write(nfd+"/a.jpg", 1000, 1)
		r.write("large.jpg", 9000, 1)
		r.backfill()
		r.backfill()
		r.wantFiles("_fertig-"+c.there+"/drop/"+nfd+"/a.jpg", "_kaputt-"+c.there+"/large.jpg", "_kaputt-"+c.there+"/large.jpg.error.txt", "da-"+c.there)
		if n := len(available(r.sandbox.State())); n != 1 {
			t.Errorf("%d assets, want 1", n)
		}
	}
}
