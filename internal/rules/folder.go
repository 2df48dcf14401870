package rules

import (
	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/facts"
	"github.com/tenovos-ingest/ingestd/internal/manifest"
	"github.com/tenovos-ingest/ingestd/internal/notes"
	"github.com/tenovos-ingest/ingestd/watcher"
)

// Watched is a drop folder as its watcher is to see it: what is in it, and which of its
// files only speak of others.
func Watched(f config.Folder) watcher.Folder {
	w := files(f)
	companions := companionsOf(f)
	w.Companion = func(rel string) bool { _, is := companions.Of(rel); return is }
	return w
}

// files is Watched without companions: what is named like one is a file as any other.
func files(f config.Folder) watcher.Folder {
	return watcher.Folder{
		Name: f.Name, Path: f.Path, Include: f.Include, Exclude: f.Exclude, Skip: f.Kept(),
		Settle: f.Settle, Rescan: f.Rescan, PollInterval: f.PollInterval,
		Mode: watcher.Mode(f.Watch), Marker: f.Marker, Ready: f.Ready, Patience: f.Patience,
		Drops: f.Batch == "all", Texts: watcher.Texts{Named: notes.Named, Ours: notes.Ours, Head: notes.Head},
	}
}

// usualManifests are what people call the table that comes with a drop.
var usualManifests = []string{"manifest.csv", "metadata.csv"}

// newCollector makes what gathers the facts that a folder's rules ask for.
func newCollector(f config.Folder, tables *manifest.Cache, virtual int) *facts.Collector {
	return facts.NewCollector(facts.Settings{
		Cache: tables, VirtualRows: virtual,
		Root: f.Path, Levels: f.Rules.Levels, Languages: f.Languages,
		Sources: sourcesOf(f), Companions: companionsOf(f),
		ManifestOptions: manifest.Options{
			FileColumns: fileColumns(f), Encoding: f.Encoding, MatchCase: f.MatchCase, Asked: f.Rules.Needs().Names,
		},
	})
}

// fileColumns are the names of the column that names the file in a folder's manifests.
func fileColumns(f config.Folder) []string {
	if f.FileColumn == "" {
		return nil
	}
	return append([]string{f.FileColumn}, manifest.FileColumns()...)
}

// sourcesOf are the sources of facts that a folder's rules ask for.
func sourcesOf(f config.Folder) facts.Sources {
	needs, waits := f.Rules.Needs(), map[facts.Kind]bool{f.WaitFor.Kind: true}
	for _, rule := range f.Rules.Rules {
		waits[rule.WaitFor.Kind] = true
	}
	return facts.Sources{
		EXIF: needs.Exif, IPTC: needs.IPTC, XMP: needs.XMP, XMPEmbedded: needs.XMPEmbedded,
		Image: needs.Image, Video: needs.Video, PDF: needs.PDF, Office: needs.Office, PNG: needs.PNG,
		XMPSidecar: needs.XMPSidecar || waits[facts.KindXMP],
		Sidecar:    needs.Sidecar || waits[facts.KindSidecar],
		Manifest:   needs.Manifest || waits[facts.KindManifest] || len(f.Manifests) > 0,
	}
}

// companionsOf tells a folder's companions by their names.
func companionsOf(f config.Folder) facts.Companions {
	s := sourcesOf(f)
	c := facts.Companions{Sidecars: s.Sidecar, Manifests: f.Manifests}
	if len(c.Manifests) == 0 && s.Manifest {
		c.Manifests = usualManifests
	}
	return c
}
