package rules

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/facts"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/manifest"
	"github.com/tenovos-ingest/ingestd/internal/mapping"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// Set is the rules of all folders of one configuration, and what they need to be applied.
type Set struct {
	*Names
	tables  *manifest.Cache // what the collectors hold of manifests
	folders map[string]folderRules
}

// folderRules is what the rules of one folder are applied with.
type folderRules struct {
	config    config.Folder
	collector *facts.Collector
}

// New makes the rules of a configuration. read reads what the account has, see
// [ReadAccount]; resized is told how many bytes the manifests take when that changes.
func New(cfg *config.Config, read func(context.Context) (mapping.Account, error), resized func(tables int64)) *Set {
	s := &Set{
		Names: newNames(cfg, read), tables: manifest.NewCache(cfg.Manifests.Memory),
		folders: make(map[string]folderRules, len(cfg.Folders)),
	}
	s.tables.Resized = resized
	for _, f := range cfg.Folders {
		s.folders[f.Name] = folderRules{f, newCollector(f, s.tables, cmp.Or(cfg.Manifests.RowsWithoutFiles, -1))}
	}
	return s
}

// Stop ends what waits for a manifest to be read, and every later wait, with
// context.Canceled.
func (s *Set) Stop() { s.tables.Stop() }

// Patiently calls do until a manifest that it asks for can be read.
func (s *Set) Patiently(do func() error) error { return s.tables.Patiently(do) }

// applied is what the rules of a folder made of a file, and of which facts.
type applied struct {
	result mapping.Result
	known  *facts.Collection
	row    bool // of a manifest, see isRow
}

// isRow reports that a path stands for a row of a manifest: there is no file, and never
// was.
func isRow(found file.File) bool { return found.Ino == 0 }

// collect gathers what can be known of a file, or of a row.
func (r folderRules) collect(found file.File, at string) (*facts.Collection, error) {
	known, err := r.collector.Collect(found, at)
	if err == nil && isRow(found) { // there is nothing that could be gone, or be read inside
		known.Gone = false
		known.Gaps = slices.DeleteFunc(known.Gaps, func(g metadata.Gap) bool { return g.Source == "exif" })
	}
	return known, err
}

// Map says what a file is to become, which lies at another path by now unless at is "". The
// error is dropfolder.ErrNoRule, a *dropfolder.LaterError, context.Canceled where the
// process ends meanwhile, or trouble in reading that may pass.
func (s *Set) Map(found file.File, at string) (dropfolder.Mapped, error) {
	e, err := s.explain(found, at)
	return e.Mapped, err
}

// Explanation is what the rules make of a file, with all that led there.
type Explanation struct {
	// Mapped is what Map says.
	Mapped dropfolder.Mapped
	// Result has each value and where it comes from; nil where no rule matches.
	Result *mapping.Result
	// Problems are those of the result, and what is wrong with a manifest.
	Problems []mapping.Fault
	// Gaps are sources of facts that could not be read.
	Gaps []metadata.Gap
}

// Explain is Map with what led there, also to dropfolder.ErrNoRule. It waits for manifests,
// so that no *dropfolder.LaterError comes of it.
func (s *Set) Explain(found file.File) (e Explanation, err error) {
	err = s.Patiently(func() (err error) {
		e, err = s.explain(found, "")
		return err
	})
	return e, err
}

func (s *Set) explain(found file.File, at string) (e Explanation, err error) {
	f, a := s.folders[found.Folder], applied{row: isRow(found)}
	if a.known, err = f.collect(found, at); err != nil {
		return e, later(err)
	}
	e.Gaps = a.known.Gaps
	a.result, err = s.apply(found.Folder, a.known.Facts, found.Path)
	switch {
	case errors.Is(err, mapping.ErrNoRule):
		return e, dropfolder.ErrNoRule
	case err != nil:
		return e, err
	}
	e.Result, e.Problems, e.Mapped = &a.result, a.problems(), a.mapped(f.config)
	if !a.row {
		return e, nil
	}
	row, ok, err := f.collector.VirtualAt(found.Path)
	e.Mapped.ContentPath, e.Mapped.SkipTranscode = row.ContentPath, row.SkipTranscode
	_, unread := a.known.Unread[facts.KindManifest]
	e.Mapped.NoRow = !ok && !unread && a.known.Contradiction == nil
	if ok {
		e.Mapped.Row = kindOf(row)
	}
	return e, later(err)
}

// Inherit returns what makes the metadata of a new version in a folder, by the rules as
// they are resolved when it is called, see dropfolder.Folder.
func (s *Set) Inherit(folder string) func(templateID string, current, ours []tenovos.Value) []tenovos.Value {
	return func(templateID string, current, ours []tenovos.Value) []tenovos.Value {
		return s.Mapper(folder).Overlay(templateID, current, ours)
	}
}

// Row is a row of a manifest that becomes an asset although its path has no file.
type Row struct {
	Path        string
	ContentPath string // where the content of a federated asset lies; "" for a placeholder
	Line        int    // of the manifest
	Kind        journal.Kind
}

// RowAt returns the row for a path that has no file; false if there is none. It waits for
// manifests.
func (s *Set) RowAt(folder, path string) (Row, bool, error) {
	var v manifest.Virtual
	var ok bool
	err := s.Patiently(func() (err error) {
		v, ok, err = s.folders[folder].collector.VirtualAt(path)
		return err
	})
	return Row{Path: v.Path, ContentPath: v.ContentPath, Line: v.Line, Kind: kindOf(v)}, ok && err == nil, err
}

// kindOf is what a row makes of its path.
func kindOf(row manifest.Virtual) journal.Kind {
	if row.ContentPath != "" {
		return journal.Federated
	}
	return journal.Placeholder
}

// later translates that a manifest cannot be looked at just now.
func later(err error) error {
	if notYet, ok := errors.AsType[*manifest.NotYetError](err); ok {
		return &dropfolder.LaterError{Err: err, After: notYet.After}
	}
	if errors.Is(err, manifest.ErrStopped) {
		return fmt.Errorf("%w: %w", context.Canceled, err)
	}
	return err
}
