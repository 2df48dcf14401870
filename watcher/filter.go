package watcher

import (
	"path"
	"slices"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// filter says which names below one folder are looked at. Paths are relative
// and slash-separated, and compared with what somebody wrote without regard to the
// composition of their letters: what is excluded stays in the house, however macOS
// writes its name. It judges a path on the assumption that the directories
// above it were not skipped, as they are never entered then.
type filter struct {
	include, exclude []string // folded
	companion        func(rel string) bool
	skip             []string
	marker           string
	ready            sentinel
}

func newFilter(f Folder) filter {
	c := filter{include: folded(f.Include), exclude: folded(f.Exclude), companion: f.Companion}
	for _, dir := range f.Skip {
		c.skip = append(c.skip, file.Fold(path.Clean(dir)))
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
	return !junkName(path.Base(rel)) && !c.skips(rel) && !matches(c.exclude, rel)
}

// file reports whether a regular file is wanted.
func (c filter) file(rel string) bool {
	if junkName(path.Base(rel)) || c.marks(rel) || c.ready.is(rel) || matches(c.exclude, rel) {
		return false
	}
	return len(c.include) == 0 || matches(c.include, rel) || c.companion != nil && c.companion(rel)
}

// skips reports whether a directory is one of those that are never entered. Their case
// does not count: where it does not on the disk either, _ingested may be shown as
// _Ingested, and what was moved there would be ingested again.
func (c filter) skips(rel string) bool { return slices.Contains(c.skip, file.Fold(rel)) }

// marks reports whether a file is the folder's marker.
func (c filter) marks(rel string) bool { return c.marker != "" && file.Same(c.marker, rel) }

// folded makes patterns ones for matches.
func folded(patterns []string) []string {
	out := make([]string, len(patterns))
	for i, p := range patterns {
		out[i] = file.Fold(p)
	}
	return out
}

// matches ignores case: cameras write IMG_1.JPG, and a rule that says *.jpg means it.
// The patterns are folded.
func matches(patterns []string, rel string) bool {
	if len(patterns) == 0 {
		return false
	}
	rel = file.Fold(rel)
	return slices.ContainsFunc(patterns, func(p string) bool { return doublestar.MatchUnvalidated(p, rel) })
}
