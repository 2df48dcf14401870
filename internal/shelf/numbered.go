package shelf

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"syscall"
	"unicode/utf8"
)

const (
	// maxNumber bounds the names that are tried where a name is taken.
	maxNumber = 10_000

	// longestName is how many bytes of a name nearly all file systems take.
	longestName = 255

	// shortestName is what is not cut any further where one takes fewer.
	shortestName = 63
)

// MoveNumbered is Move to the first free of rel, "name (2).ext", "name (3).ext".
// before, unless it is nil, is called with each name before that is tried.
func (s *Shelf) MoveNumbered(from, rel string, before func(to string) error) (string, error) {
	ext := path.Ext(rel)
	if ext == path.Base(rel) {
		ext = ""
	}
	return firstName(rel, ext, func(to string) error {
		if before != nil {
			if err := before(to); err != nil {
				return err
			}
		}
		return s.Move(from, to)
	})
}

// firstName calls try with rel, then with a number before its ext, until the
// answer is another than fs.ErrExist, and returns the name with that.
func firstName(rel, ext string, try func(name string) error) (string, error) {
	limit := longestName
	for n := 1; n <= maxNumber; n++ {
		name := numbered(rel, ext, n, limit)
		err := try(name)
		for errors.Is(err, syscall.ENAMETOOLONG) && limit > shortestName { // eCryptfs takes 143
			limit /= 2
			name = numbered(rel, ext, n, limit)
			err = try(name)
		}
		if !errors.Is(err, fs.ErrExist) {
			return name, err
		}
	}
	return "", fmt.Errorf("%d files of the name %q lie there already: clear them away", maxNumber, rel)
}

// numbered is rel, from the second on with a number before its ext. A name of more
// than limit bytes is cut before them, and one that is little else than ext at its
// end.
func numbered(rel, ext string, n, limit int) string {
	dir, name := path.Split(rel)
	number := ""
	if n > 1 {
		number = fmt.Sprintf(" (%d)", n)
	}
	stem := cut(strings.TrimSuffix(name, ext), limit-len(number)-len(ext))
	if stem == "" {
		stem, ext = cut(name, limit-len(number)), ""
	}
	return dir + stem + number + ext
}

// cut returns the first bytes of a name, at most n, without half a character at
// their end. A name need not be UTF-8.
func cut(name string, n int) string {
	n = max(n, 0)
	if len(name) <= n {
		return name
	}
	for i := n; i >= max(n-utf8.UTFMax+1, 0); i-- {
		if utf8.RuneStart(name[i]) {
			return name[:i]
		}
	}
	return name[:n]
}
