package facts

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
)

// firstOf reads the first of the files that is there; its Path is "" if none is.
func firstOf(root *file.Root, names []Beside, limit int64) (Beside, []byte, error) {
	for _, name := range names {
		data, err := readWhole(root, name.Path, limit)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ENAMETOOLONG) {
			continue
		}
		return name, data, err
	}
	return Beside{}, nil, nil
}

func readWhole(root *file.Root, name string, limit int64) ([]byte, error) {
	opened, info, err := root.OpenRegular(name)
	if err != nil {
		return nil, err
	}
	defer opened.Close() // nothing was written
	if info.Size() > limit {
		return nil, fmt.Errorf("%s is larger than %d MiB", metadata.Clean(name), limit>>20)
	}
	data, err := io.ReadAll(io.LimitReader(opened, limit+1))
	if int64(len(data)) > limit { // it grew meanwhile
		return nil, fmt.Errorf("%s is larger than %d MiB", metadata.Clean(name), limit>>20)
	}
	return data, file.Reading(err)
}
