package facts

import (
	"path"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
	"github.com/tenovos-ingest/ingestd/internal/notes"
)

// Kind says how a companion speaks of other files.
type Kind string

// The kinds of companions.
const (
	KindXMP      Kind = "xmp"      // photo.jpg.xmp speaks of photo.jpg, photo.xmp of every photo.*
	KindSidecar  Kind = "sidecar"  // photo.jpg.json and photo.jpg.yaml speak of photo.jpg
	KindManifest Kind = "manifest" // it speaks of files in its directory and below
)

// Companions tells the files of a drop folder that only speak of others, and
// become no assets themselves, by their names.
type Companions struct {
	// Sidecars has name.ext.json, .yaml and .yml taken for sidecars.
	Sidecars bool
	// Manifests are the names of manifests: doublestar patterns of a name, in
	// which case does not count. None means that there are none.
	Manifests []string
}

// Of returns the kind of a companion, given its slash-separated path; false for
// any other file.
func (c Companions) Of(rel string) (Kind, bool) {
	name := file.Fold(path.Base(rel))
	stem, ext := metadata.SplitExt(name)
	switch ext {
	case ".xmp":
		return KindXMP, true
	case ".json", ".yaml", ".yml":
		if _, of := metadata.SplitExt(stem); c.Sidecars && of != "" {
			return KindSidecar, true
		}
	}
	if notes.Named(name) { // whatever the pattern: they are for people
		return "", false
	}
	for _, pattern := range c.Manifests {
		if doublestar.MatchUnvalidated(file.Fold(pattern), name) {
			return KindManifest, true
		}
	}
	return "", false
}

// About says which files a companion speaks of.
type About struct {
	// Path is the one file that it names, or what a dot and an extension follow in
	// the names of those that it names. "" with a manifest.
	Path string
	// Dir is the directory of a manifest, "." for the folder itself: it speaks of
	// all below. "" with others.
	Dir string
}

// About returns what a companion speaks of; false for any other file.
func (c Companions) About(rel string) (About, bool) {
	kind, ok := c.Of(rel)
	switch {
	case !ok:
		return About{}, false
	case kind == KindManifest:
		return About{Dir: path.Dir(rel)}, true
	}
	_, ext := metadata.SplitExt(path.Base(rel))
	return About{Path: strings.TrimSuffix(rel, ext)}, true
}
