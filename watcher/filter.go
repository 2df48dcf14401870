package watcher

import (
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// filter says which names below one folder are looked at. Paths are relative
// and slash-separated. It judges a path on the assumption that the directories
// above it were not skipped, as they are never entered then.
type filter struct {
	include, exclude []string
	companion        func(rel string) bool
	skip             []string
	marker           string
	ready            sentinel
}

func newFilter(f Folder) filter {
	c := filter{include: f.Include, exclude: f.Exclude, companion: f.Companion}
	for _, dir := range f.Skip {
		c.skip = append(c.skip, path.Clean(dir))
	}
	if f.Marker != "" {
		c.marker = path.Clean(f.Marker)
	}
	c.ready, _ = parseSentinel(f.Ready) // checked by New
	return c
}

// dir reports whether a directory is to be entered. An exclude pattern that
// matches the directory excludes all that is in it, as in a .gitignore.
func (c filter) dir(rel string) bool {
	return !junkName(path.Base(rel)) && !slices.Contains(c.skip, rel) && !matches(c.exclude, rel)
}

// file reports whether a regular file is wanted.
func (c filter) file(rel string) bool {
	if junkName(path.Base(rel)) || rel == c.marker || c.ready.is(rel) || matches(c.exclude, rel) {
		return false
	}
	return len(c.include) == 0 || matches(c.include, rel) || c.companion != nil && c.companion(rel)
}

// matches ignores case: cameras write IMG_1.JPG, and a rule that says *.jpg means it.
func matches(patterns []string, rel string) bool {
	rel = strings.ToLower(rel)
	return slices.ContainsFunc(patterns, func(p string) bool {
		return doublestar.MatchUnvalidated(strings.ToLower(p), rel)
	})
}
