package facts

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/sharefs"
)

// What another client has locked on a share may pass: neither the file nor what speaks
// of it counts as one that tells nothing.
func TestLockIsNoMissingFact(t *testing.T) {
	jpeg, err := os.ReadFile("../embedded/testdata/tagged.jpg")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := sharefs.Mount(t, dir)
	contents := map[string]string{
		"a.jpg": string(jpeg), "a.jpg.xmp": `<x:xmpmeta xmlns:x="adobe:ns:meta/"/>`, "a.jpg.json": `{"k": "v"}`, "all.csv": "filename,k\na.jpg,v\n",
	}
	for name, content := range contents {
		s.Write(name, content)
	}
	for name := range contents {
		for how, lock := range map[string]func(syscall.Errno){
			"a range": func(on syscall.Errno) { s.RefuseRead(name, on&syscall.EACCES) },
			"whole":   func(on syscall.Errno) { s.RefuseOpen(name, on&syscall.EBUSY) },
		} {
			c := NewCollector(Settings{
				Root: dir, Sources: Sources{EXIF: true, XMP: true, Sidecar: true, Manifest: true}, Companions: Companions{Sidecars: true, Manifests: []string{"*.csv"}},
			})
			f := file.File{Folder: "drop", Path: "a.jpg", Stat: file.Stat{Size: int64(len(jpeg))}}
			lock(^syscall.Errno(0))
			if _, err := c.Collect(f, ""); !errors.Is(err, file.ErrLocked) {
				t.Errorf("%s locked, %s: %v", name, how, err)
			}
			lock(0)
			got, err := c.Collect(f, "")
			if err != nil || got.Facts["manifest.k"].Values == nil || got.Facts["sidecar.k"].Values == nil || got.Facts["exif.model"].Values == nil {
				t.Errorf("%s released, %s: %v, %+v", name, how, err, got)
			}
		}
	}
}
