package main

import (
	"errors"
	"time"

	"github.com/tenovos-ingest/ingestd/ingest"
	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/facts"
	"github.com/tenovos-ingest/ingestd/internal/mapping"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/watcher"
)

// usualManifests are what people call the table that comes with a drop.
var usualManifests = []string{"manifest.csv", "metadata.csv"}

// newCollector makes what gathers the facts that a folder's rules ask for.
func newCollector(f config.Folder) *facts.Collector {
	needs, waits := f.Rules.Needs(), map[facts.Kind]bool{f.WaitFor.Kind: true}
	for _, rule := range f.Rules.Rules {
		waits[rule.WaitFor.Kind] = true
	}
	s := facts.Settings{
		Root: f.Path, Levels: f.Rules.Levels, Languages: f.Languages,
		Sources: facts.Sources{
			EXIF: needs.Exif, IPTC: needs.IPTC, XMP: needs.XMP, XMPEmbedded: needs.XMPEmbedded,
			XMPSidecar: needs.XMPSidecar || waits[facts.KindXMP],
			Sidecar:    needs.Sidecar || waits[facts.KindSidecar],
			Manifest:   needs.Manifest || waits[facts.KindManifest] || len(f.Manifests) > 0,
		},
		Companions:      facts.Companions{Manifests: f.Manifests},
		ManifestOptions: facts.ManifestOptions{MatchCase: f.MatchCase, Asked: needs.Names},
	}
	s.Companions.Sidecars = s.Sources.Sidecar
	if len(s.Manifests) == 0 && s.Sources.Manifest {
		s.Manifests = usualManifests
	}
	return facts.NewCollector(s)
}

// companions is a Collector as the pipeline asks it.
type companions struct{ *facts.Collector }

// About implements ingest.Companions.
func (c companions) About(path string) (journal.Concern, bool) {
	about, ok := c.Collector.About(path)
	return journal.Concern(about), ok
}

// Rows implements ingest.Companions.
func (c companions) Rows(path string) ([]ingest.FilelessRow, error) {
	rows, wrong, err := c.Virtual(path)
	out := make([]ingest.FilelessRow, 0, len(rows)+len(wrong))
	for _, r := range rows {
		out = append(out, ingest.FilelessRow{Path: r.Path, ContentPath: r.ContentPath})
	}
	for _, w := range wrong {
		out = append(out, ingest.FilelessRow{Err: w})
	}
	return out, err
}

// factsOf gathers what can be known of a file, which lies at another path by now
// unless at is "".
func (a *account) factsOf(file watcher.File, at string) (*facts.Collection, error) {
	f := facts.File{Folder: file.Folder, Path: file.Path, Size: file.Size}
	if file.Ino != 0 { // else a row of a manifest without a file
		f.ModTime = time.Unix(0, file.ModTime)
	}
	return a.collectors[file.Folder].Collect(f, at)
}

// mapFunc adapts a folder's rules to what the pipeline asks for.
func (a *account) mapFunc(f config.Folder) func(watcher.File, string) (ingest.Mapped, error) {
	return func(file watcher.File, at string) (ingest.Mapped, error) {
		known, err := a.factsOf(file, at)
		if err != nil {
			return ingest.Mapped{}, err
		}
		r, err := a.names.apply(f.Name, known.Facts, file.Path)
		if errors.Is(err, mapping.ErrNoRule) {
			return ingest.Mapped{}, ingest.ErrNoRule
		}
		if err != nil {
			return ingest.Mapped{}, err
		}
		m := mapped(f, r, known)
		if file.Ino == 0 { // there never was a file to look into
			m.Unsure, m.Wait = nil, 0
			v, _, err := a.collectors[f.Name].VirtualAt(file.Path)
			m.ContentPath, m.SkipTranscode = v.ContentPath, v.SkipTranscode
			return m, err
		}
		return m, nil
	}
}

// inherit is Overlay of a folder's rules as they are resolved when it is called.
func (a *account) inherit(folder string) func(templateID string, current, ours []tenovos.Value) []tenovos.Value {
	return func(templateID string, current, ours []tenovos.Value) []tenovos.Value {
		return a.names.mapper(folder).Overlay(templateID, current, ours)
	}
}

// mapped is what the pipeline needs to know of a result.
func mapped(f config.Folder, r mapping.Result, known *facts.Collection) ingest.Mapped {
	m := ingest.Mapped{Asset: r.Asset, Fails: r.Failed()}
	for _, p := range problemsOf(r, known) {
		m.Problems = append(m.Problems, ingest.Problem{Message: p.Attribute + ": " + p.Message, Hint: p.Hint})
	}
	if wait := waitOf(f, r); wait.Kind != "" && !known.Companion[wait.Kind] {
		m.Wait, m.Waits = wait.For, waitWords[wait.Kind]
	}
	if known.Gone {
		m.Unsure = make(map[string]bool)
		for _, v := range r.Values {
			if v.RestsOnFile() {
				m.Unsure[v.DefinitionID] = true
			}
		}
	}
	return m
}

// problemsOf are those of the result, and what a manifest contradicts itself in.
func problemsOf(r mapping.Result, known *facts.Collection) []mapping.Fault {
	problems := r.Problems
	if known.Contradiction != nil {
		problems = append(problems, mapping.Fault{
			Attribute: "manifest", Message: known.Contradiction.Error(), Hint: "Correct the manifest: the file goes round again by itself.",
		})
	}
	return problems
}

// waitOf is what a file waits for: its rule's wish goes before the folder's.
func waitOf(f config.Folder, r mapping.Result) mapping.WaitFor {
	if r.WaitFor.Kind != "" {
		return r.WaitFor
	}
	return f.WaitFor
}

var waitWords = map[facts.Kind]string{
	facts.KindXMP: "XMP sidecar", facts.KindSidecar: "sidecar", facts.KindManifest: "row in a manifest",
}
