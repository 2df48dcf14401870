package watcher

import (
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// sentinel is a name that a producer makes beside a file when the file is
// complete: before, the file's name or its stem, after. The zero value is none.
type sentinel struct {
	before, after string
	stem          bool
}

// parseSentinel reads Folder.Ready.
func parseSentinel(pattern string) (sentinel, error) {
	if pattern == "" {
		return sentinel{}, nil
	}
	s := sentinel{}
	var found bool
	if s.before, s.after, found = strings.Cut(pattern, "{name}"); !found {
		s.before, s.after, s.stem = strings.Cut(pattern, "{stem}")
	}
	switch {
	case !found && !s.stem:
		return sentinel{}, errors.New("it must hold {name} or {stem}, as in {name}.done")
	case s.before+s.after == "":
		return sentinel{}, errors.New("it must differ from the file's own name, as in {name}.done")
	case strings.ContainsAny(s.before+s.after, "{}/\x00"):
		return sentinel{}, errors.New("it must be a plain name around one {name} or {stem}")
	}
	return s, nil
}

func (s sentinel) used() bool { return s != sentinel{} }

// of returns the sentinel of the file at rel.
func (s sentinel) of(rel string) string { return s.all(rel)[0] }

// all returns the names that the sentinel of the file at rel may have: who makes it
// may compose its letters in another way than who makes the file.
func (s sentinel) all(rel string) []string {
	dir, name := path.Split(rel)
	if s.stem {
		name = stem(name)
	}
	names := []string{dir + s.before + name + s.after}
	for _, before := range file.Forms(s.before) {
		for _, of := range file.Forms(name) {
			for _, after := range file.Forms(s.after) {
				if n := dir + before + of + after; !slices.Contains(names, n) {
					names = append(names, n)
				}
			}
		}
	}
	return names
}

// is reports whether rel is named like a sentinel.
func (s sentinel) is(rel string) bool {
	_, is := s.inner(path.Base(rel))
	return s.used() && is
}

// file returns the file that the sentinel at rel is for. Of a stem there may be
// several, and that is not known from the name.
func (s sentinel) file(rel string) (string, bool) {
	dir, name := path.Split(rel)
	of, _ := s.inner(name)
	return dir + of, !s.stem
}

// inner returns what stands in a sentinel's name for the file.
func (s sentinel) inner(name string) (string, bool) {
	for _, before := range file.Forms(s.before) {
		for _, after := range file.Forms(s.after) {
			if len(name) > len(before)+len(after) && strings.HasPrefix(name, before) && strings.HasSuffix(name, after) {
				return name[len(before) : len(name)-len(after)], true
			}
		}
	}
	return "", false
}

// stem is name without its extension. A leading dot begins none.
func stem(name string) string {
	if ext := path.Ext(name); len(ext) < len(name) {
		return strings.TrimSuffix(name, ext)
	}
	return name
}
