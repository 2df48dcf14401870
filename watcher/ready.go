package watcher

import (
	"errors"
	"path"
	"strings"
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
func (s sentinel) of(rel string) string {
	dir, name := path.Split(rel)
	if s.stem {
		name = stem(name)
	}
	return dir + s.before + name + s.after
}

// is reports whether rel is named like a sentinel.
func (s sentinel) is(rel string) bool {
	if !s.used() {
		return false
	}
	name := path.Base(rel)
	return len(name) > len(s.before)+len(s.after) && strings.HasPrefix(name, s.before) && strings.HasSuffix(name, s.after)
}

// file returns the file that the sentinel at rel is for. Of a stem there may be
// several, and that is not known from the name.
func (s sentinel) file(rel string) (string, bool) {
	dir, name := path.Split(rel)
	return dir + name[len(s.before):len(name)-len(s.after)], !s.stem
}

// stem is name without its extension. A leading dot begins none.
func stem(name string) string {
	if ext := path.Ext(name); len(ext) < len(name) {
		return strings.TrimSuffix(name, ext)
	}
	return name
}
