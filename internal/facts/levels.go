package facts

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/metadata"
)

// Levels names the directories of a path by a pattern such as
// "{brand}/{campaign}/**". Its zero value names none. Levels is immutable.
//
// Each part of the pattern stands for one part of the path, from the drop folder
// down: {name} for a text that gets that name, * for any text, anything else for
// itself; "{brand}_{year}" takes one part to pieces. ** (once) stands for any
// number of directories. The last part stands for the file's name, except that a
// final ** leaves the file's name alone.
//
// A file that lies less deep than the pattern follows it as far as its
// directories go: acme/x.jpg has a brand and no campaign. A path that contradicts
// the pattern has none of its levels.
type Levels struct {
	pattern string
	names   []string
	head    []segment // directories from the top
	tail    []segment // directories from the bottom, after a **
	deep    bool      // a ** stands between head and tail
	file    *segment  // the file's name; nil when the pattern ends in **
}

// segment is the pattern of one part of a path.
type segment struct {
	re    *regexp.Regexp
	names []string
}

var levelName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

// ParseLevels compiles a pattern. The empty pattern names no levels. The error
// names the part of the pattern that is wrong.
func ParseLevels(pattern string) (Levels, error) {
	l := Levels{pattern: pattern}
	if pattern == "" {
		return l, nil
	}
	parts := strings.Split(pattern, "/")
	for i, part := range parts {
		switch {
		case part == "":
			return Levels{}, fmt.Errorf("levels %q have an empty part; write it like {brand}/{campaign}/**, without a slash at either end", pattern)
		case part == "." || part == "..":
			return Levels{}, fmt.Errorf("levels %q: %q cannot be part of a path below the folder", pattern, part)
		case part == "**":
			if l.deep {
				return Levels{}, fmt.Errorf("levels %q have more than one **", pattern)
			}
			l.deep = true
			continue
		}
		seg, err := parseSegment(part)
		if err != nil {
			return Levels{}, fmt.Errorf("levels %q: %w", pattern, err)
		}
		for _, name := range seg.names {
			if slices.ContainsFunc(l.names, func(n string) bool { return metadata.Key(n) == metadata.Key(name) }) {
				return Levels{}, fmt.Errorf("levels %q name {%s} twice", pattern, name)
			}
			l.names = append(l.names, name)
		}
		switch {
		case i == len(parts)-1:
			l.file = &seg
		case l.deep:
			l.tail = append(l.tail, seg)
		default:
			l.head = append(l.head, seg)
		}
	}
	return l, nil
}

// parseSegment compiles one part of a pattern.
func parseSegment(part string) (segment, error) {
	var seg segment
	var re strings.Builder
	re.WriteString("^(?s)")
	open := false // a placeholder or * ended just before: another would have no border
	for rest := part; rest != ""; {
		i := strings.IndexAny(rest, "{}*")
		if i < 0 {
			i = len(rest)
		}
		if i > 0 {
			re.WriteString(regexp.QuoteMeta(metadata.Clean(rest[:i])))
			rest, open = rest[i:], false
			continue
		}
		if open {
			return seg, fmt.Errorf("%q: nothing separates the parts that may vary", part)
		}
		open = true
		switch rest[0] {
		case '*':
			if strings.HasPrefix(rest, "**") {
				return seg, fmt.Errorf("%q: ** must stand alone between slashes", part)
			}
			re.WriteString(".*?")
			rest = rest[1:]
		case '{':
			name, after, closed := strings.Cut(rest[1:], "}")
			if !closed {
				return seg, fmt.Errorf("%q: { is not closed", part)
			}
			if !levelName.MatchString(name) {
				return seg, fmt.Errorf("%q: {%s} is no name; use letters, digits, _ and -", part, name)
			}
			re.WriteString("(.+?)")
			seg.names = append(seg.names, name)
			rest = after
		default:
			return seg, fmt.Errorf("%q: } without {", part)
		}
	}
	re.WriteString("$")
	var err error
	seg.re, err = regexp.Compile(re.String())
	return seg, err
}

// String returns the pattern.
func (l Levels) String() string { return l.pattern }

// Names returns the names that the pattern gives, in its order.
func (l Levels) Names() []string { return append([]string(nil), l.names...) }

// Match returns the text of each level of a slash-separated path that is known;
// nil when the path contradicts the pattern.
func (l Levels) Match(path string) map[string]string {
	if l.pattern == "" {
		return nil
	}
	parts := strings.Split(path, "/")
	dirs, file := parts[:len(parts)-1], parts[len(parts)-1]

	found := make(map[string]string, len(l.names))
	for i, seg := range l.head[:min(len(l.head), len(dirs))] {
		if !seg.match(dirs[i], found) {
			return nil
		}
	}
	spare := len(dirs) - len(l.head) - len(l.tail)
	if spare < 0 {
		return found
	}
	if spare > 0 && !l.deep {
		return nil
	}
	for i, seg := range l.tail {
		if !seg.match(dirs[len(dirs)-len(l.tail)+i], found) {
			return nil
		}
	}
	if l.file != nil && !l.file.match(file, found) {
		return nil
	}
	return found
}

// match adds the texts of one part of a path to found.
func (s segment) match(part string, found map[string]string) bool {
	groups := s.re.FindStringSubmatch(metadata.Clean(part))
	if groups == nil {
		return false
	}
	for i, name := range s.names {
		found[name] = groups[i+1]
	}
	return true
}
