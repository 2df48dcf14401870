package facts

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
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
	file, err := root.OpenFile(rel, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	if info, err = file.Stat(); err != nil {
		_ = file.Close() // nothing was written
		return nil, nil, err
	}
	return file, info, nil
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
	file, info, err := openRegular(root, name)
	if err != nil {
		return nil, err
	}
	defer file.Close() // nothing was written
	if info.Size() > limit {
		return nil, fmt.Errorf("%s is larger than %d MiB", Clean(name), limit>>20)
	}
	return io.ReadAll(io.LimitReader(file, limit))
}
