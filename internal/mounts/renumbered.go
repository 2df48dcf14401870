package mounts

import (
	"context"
	"path"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// Where a file system gives its files other inode numbers now and then, as CIFS does
// with noserverino and some of FUSE, another number is no change: what is known by its
// size and times is known. Else a whole archive would be read again at each poll.

// PassRenumbered drops the files that are known but for such numbers. All are of one
// directory. known is how the journal tells which these are.
func (m *Mounts) PassRenumbered(ctx context.Context, found []file.File, known func(context.Context, []file.File) (map[int]bool, error)) ([]file.File, error) {
	pass, err := known(ctx, found)
	if err != nil || len(pass) == 0 {
		return found, err
	}
	folder := found[0].Folder
	if m.Trusted(folder, path.Dir(found[0].Path)) {
		return found, nil
	}
	var rest []file.File
	for i, f := range found {
		if !pass[i] {
			rest = append(rest, f)
		}
	}
	return rest, nil
}
