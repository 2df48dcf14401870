package journal

import (
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// Another device or inode alone is told from a change, of files and of companions.
func TestRenumbered(t *testing.T) {
	r := newRig(t)
	r.admit(fileAt("a", 1), fileAt("b", 1), fileAt("c", 1))
	gone := r.admit(fileAt("gone", 1))[0]
	r.ok(r.Advance(t.Context(), move(gone, Settled, Superseded)))
	if _, err := CompanionsOf(r.Journal).Admit(t.Context(), []file.File{fileAt("a.xmp", 1)}); err != nil {
		t.Fatal(err)
	}
	other := func(path string, change int) file.File {
		f := fileAt(path, change)
		f.Dev, f.Ino = f.Dev+1, f.Ino+1
		return f
	}
	asked := []file.File{other("a", 1), other("b", 2), fileAt("c", 1), other("new", 1), other("gone", 1)}
	got, err := RenumberedOf(r.Journal).Files(t.Context(), asked)
	if err != nil || len(got) != 2 || !got[0] || !got[2] {
		t.Errorf("files: %v, %v", got, err)
	}
	got, err = RenumberedOf(r.Journal).Companions(t.Context(), []file.File{other("a.xmp", 2), other("a.xmp", 1), other("b.xmp", 1)})
	if err != nil || len(got) != 1 || !got[1] {
		t.Errorf("companions: %v, %v", got, err)
	}
}
