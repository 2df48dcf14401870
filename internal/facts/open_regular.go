package facts

import (
	"errors"
	"io/fs"
	"os"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// openRegular opens a regular file beneath root, without waiting for anyone.
func openRegular(root *file.Root, rel string) (*os.File, fs.FileInfo, error) {
	info, err := root.Lstat(rel)
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: rel, Err: errors.New("it is no regular file")}
	}
	if err != nil {
		return nil, nil, err
	}
	opened, err := root.Open(rel)
	if err != nil {
		return nil, nil, file.Opening(err)
	}
	if info, err = opened.Stat(); err != nil {
		_ = opened.Close() // nothing was written
		return nil, nil, err
	}
	return opened, info, nil
}
