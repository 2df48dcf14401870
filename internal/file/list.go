package file

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
)

// OpenRegular opens a regular file, and says what it is, without waiting for anyone.
func (r *Root) OpenRegular(rel string) (*os.File, fs.FileInfo, error) {
	info, err := r.Lstat(rel)
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: rel, Err: errors.New("it is no regular file")}
	}
	if err != nil {
		return nil, nil, err
	}
	opened, err := r.Open(rel)
	if err != nil {
		return nil, nil, Opening(err)
	}
	if info, err = opened.Stat(); err != nil {
		_ = opened.Close() // nothing was written
		return nil, nil, err
	}
	return opened, info, nil
}

// List calls yield with the paths of the regular files in a directory, and with deep
// also below it. It holds no directory as a whole, which may have very many. One that is
// not there, or may not be listed, has none: the error is about Passing trouble.
func (r *Root) List(dir string, deep bool, yield func(path string)) error {
	opened, err := r.OpenDir(dir)
	if err != nil {
		return IfPassing(err)
	}
	defer opened.Close() // nothing was written
	var dirs []string
	for {
		entries, err := opened.ReadDir(1024)
		for _, e := range entries {
			rel := path.Join(dir, e.Name())
			switch {
			case deep && e.IsDir():
				dirs = append(dirs, rel)
			case e.Type().IsRegular():
				yield(rel)
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return IfPassing(err)
		}
		if err != nil {
			break
		}
	}
	for _, sub := range dirs {
		if err := r.List(sub, true, yield); err != nil {
			return err
		}
	}
	return nil
}

// Below returns the slash-separated path of a file below one of its directories, of
// which "." is the root.
func Below(rel, dir string) string {
	if dir == "." {
		return rel
	}
	return rel[len(dir)+1:]
}
