package watcher

import (
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/sharefs"
)

// A file that another machine has replaced is found, although the client of the share
// still remembers the one that is gone.
func TestReplacedOnAShare(t *testing.T) {
	dir := t.TempDir()
	share := sharefs.Mount(t, dir)
	tr := &tree{path: dir}
	defer tr.close()
	for _, name := range []string{"f", "a/b/f"} {
		for _, how := range []func() (size int64, err error){
			func() (int64, error) { st, err := tr.look(name, true); return st.Size, err },
			func() (int64, error) {
				root, err := tr.open()
				if err != nil {
					return 0, err
				}
				info, err := root.Lstat(name)
				if err != nil {
					return 0, err
				}
				return info.Size(), nil
			},
		} {
			share.Write(name, "x")
			for _, cached := range []time.Duration{time.Hour, 0} { // the name is remembered, but not its attributes
				share.Cache(cached)
				if _, err := tr.look(name, true); err != nil {
					t.Fatal(err)
				}
			}
			share.Replace(name, "xyz")
			if size, err := how(); err != nil || size != 3 {
				t.Errorf("%s: %d bytes, %v", name, size, err)
			}
		}
	}
}
