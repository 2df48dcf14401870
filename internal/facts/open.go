package facts

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// openRegular opens a regular file beneath root, without waiting for anyone.
func openRegular(root *os.Root, rel string) (*os.File, fs.FileInfo, error) {
	info, err := root.Lstat(rel)
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: rel, Err: errors.New("it is no regular file")}
	}
	if err != nil {
		return nil, nil, err
	}
	opened, err := file.OpenIn(root, rel)
	if err != nil {
		return nil, nil, file.Opening(err)
	}
	if info, err = opened.Stat(); err != nil {
		_ = opened.Close() // nothing was written
		return nil, nil, err
	}
	return opened, info, nil
}

// firstOf reads the first of the files that is there; its Path is "" if none is.
func firstOf(root *os.Root, names []Beside, limit int64) (Beside, []byte, error) {
	for _, name := range names {
		data, err := readWhole(root, name.Path, limit)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ENAMETOOLONG) {
			continue
		}
		return name, data, err
	}
	return Beside{}, nil, nil
}

func readWhole(root *os.Root, name string, limit int64) ([]byte, error) {
	opened, info, err := openRegular(root, name)
	if err != nil {
		return nil, err
	}
	defer opened.Close() // nothing was written
	if info.Size() > limit {
		return nil, fmt.Errorf("%s is larger than %d MiB", Clean(name), limit>>20)
	}
	data, err := io.ReadAll(io.LimitReader(opened, limit))
	return data, file.Reading(err)
}
