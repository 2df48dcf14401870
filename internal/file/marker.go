package file

import (
	"fmt"
	"io/fs"
)

// NoMarker is the error of a marker in whose place lies something else than a file: what
// anyone's mistake makes of the name does not tell that a share is mounted.
type NoMarker struct{ Mode fs.FileMode }

func (e *NoMarker) Error() string {
	return fmt.Sprintf("in the place of the marker lies %s; make it a file", What(e.Mode))
}

// Marked says why the marker of a folder is not there: a regular file, as marker names it
// below the root. dir is the root's path.
func (r *Root) Marked(dir, marker string) error {
	info, err := r.Lstat(OnDisk(dir, marker))
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return &NoMarker{info.Mode()}
	}
	return nil
}
