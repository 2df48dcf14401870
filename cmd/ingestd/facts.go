package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/facts"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/manifest"
	"github.com/tenovos-ingest/ingestd/internal/mapping"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/watcher"
)

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

// companions is a Collector as the pipeline asks it.
type companions struct {
	*facts.Collector
	folder watcher.Folder // without companions
}

func newCompanions(f config.Folder, c *facts.Collector) companions {
	folder := watchedFolders([]config.Folder{f})[0]
	folder.Companion = nil
	return companions{c, folder}
}

// About implements dropfolder.Companions.
func (c companions) About(path string) (journal.Concern, bool) {
	about, ok := c.Collector.About(path)
	return journal.Concern{Path: about.Path, Dir: about.Dir}, ok
}

// Stray implements dropfolder.Companions.
func (c companions) Stray(path string) (s dropfolder.Stray, ok bool) {
	if _, is := c.Companion(path); is {
		return s, false
	}
	about, _ := c.Collector.About(path)
	return dropfolder.Stray{Of: about.Path, Wanted: watcher.Skipped(c.folder, path) == ""}, true
}

// Teller implements dropfolder.Companions.
func (c companions) Teller(were func(dir string, yield func(path string)) error) dropfolder.Teller {
	t := c.Collector.Teller(were)
	t.Skipped = func(path string) bool { return watcher.Skipped(c.folder, path) != "" }
	return teller{t}
}

// teller is a facts.Teller as the pipeline asks it.
type teller struct{ *facts.Teller }

// Lost implements dropfolder.Teller.
func (t teller) Lost(path string) (journal.Unmatched, error) {
	lost, err := t.Teller.Lost(path)
	told := journal.Unmatched{Path: metadata.Clean(path), Rows: lost.Rows, Unmatched: lost.Count, Message: lost.Message}
	for _, row := range lost.First {
		told.First = append(told.First, journal.UnmatchedRow(row))
	}
	return told, err
}

// Beside implements dropfolder.Companions.
func (c companions) Beside(path string) []dropfolder.Beside {
	var out []dropfolder.Beside
	for _, b := range c.Collector.Beside(path) {
		out = append(out, dropfolder.Beside(b))
	}
	return out
}

// Rows implements dropfolder.Companions.
func (c companions) Rows(path string, each func([]dropfolder.FilelessRow) error) error {
	err := c.Virtual(path, func(rows []manifest.Virtual, wrong []error) error {
		out := make([]dropfolder.FilelessRow, 0, len(rows)+len(wrong))
		for _, r := range rows {
			out = append(out, dropfolder.FilelessRow{Path: r.Path, ContentPath: r.ContentPath})
		}
		for _, w := range wrong {
			out = append(out, dropfolder.FilelessRow{Err: w})
		}
		return each(out)
	})
	if tooMany, ok := errors.AsType[*manifest.TooManyRowsError](err); ok {
		return fmt.Errorf("%w: %w", dropfolder.ErrTooManyRows, tooMany)
	}
	return later(err)
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

// factsOf gathers what can be known of a file, which lies at another path by now
// unless at is "".
func (a *account) factsOf(file file.File, at string) (*facts.Collection, error) {
	known, err := a.collectors[file.Folder].Collect(file, at)
	if err == nil && file.Ino == 0 { // a row of a manifest: there never was a file to look into
		known.Gone = false
		known.Gaps = slices.DeleteFunc(known.Gaps, func(g metadata.Gap) bool { return g.Source == "exif" })
	}
	return known, err
}

// mapFunc adapts a folder's rules to what the pipeline asks for.
func (a *account) mapFunc(f config.Folder) func(file.File, string) (dropfolder.Mapped, error) {
	return func(file file.File, at string) (dropfolder.Mapped, error) {
		known, err := a.factsOf(file, at)
		if err != nil {
			return dropfolder.Mapped{}, later(err)
		}
		r, err := a.names.apply(f.Name, known.Facts, file.Path)
		if errors.Is(err, mapping.ErrNoRule) {
			return dropfolder.Mapped{}, dropfolder.ErrNoRule
		}
		if err != nil {
			return dropfolder.Mapped{}, err
		}
		m := mapped(f, r, known, file.Ino == 0)
		if file.Ino == 0 {
			v, ok, err := a.collectors[f.Name].VirtualAt(file.Path)
			m.ContentPath, m.SkipTranscode = v.ContentPath, v.SkipTranscode
			_, unread := known.Unread[facts.KindManifest]
			m.NoRow = !ok && !unread && known.Contradiction == nil
			if ok {
				m.Row = kindOf(v)
			}
			return m, later(err)
		}
		return m, nil
	}
}

// kindOf is what a row makes of its path.
func kindOf(row manifest.Virtual) journal.Kind {
	if row.ContentPath != "" {
		return journal.Federated
	}
	return journal.Placeholder
}

// inherit is Overlay of a folder's rules as they are resolved when it is called.
func (a *account) inherit(folder string) func(templateID string, current, ours []tenovos.Value) []tenovos.Value {
	return func(templateID string, current, ours []tenovos.Value) []tenovos.Value {
		return a.names.mapper(folder).Overlay(templateID, current, ours)
	}
}

// mapped is what the pipeline needs to know of a result, of a file or of a row
// without one.
func mapped(f config.Folder, r mapping.Result, known *facts.Collection, fileless bool) dropfolder.Mapped {
	m := dropfolder.Mapped{Asset: r.Asset, Fails: r.Failed(), Unsure: make(map[string]bool)}
	unsure := make(map[string]bool) // by name
	for _, v := range r.Values {
		if restsOnUnread(v, known) {
			m.Unsure[v.DefinitionID], unsure[v.Attribute] = true, true
		}
	}
	_, unsure[manifestName] = unreadManifest(r, known, fileless)
	for _, p := range problemsOf(r, known, fileless) {
		m.Problems = append(m.Problems, dropfolder.Problem{Message: p.Attribute + ": " + p.Message, Hint: p.Hint, Unsure: unsure[p.Attribute]})
	}
	for _, kind := range []facts.Kind{facts.KindXMP, facts.KindSidecar} {
		if lost, ok := known.Unread[kind]; ok && restsOn(r, kind) {
			m.Missed = append(m.Missed, unreadWords(lost))
		}
	}
	if !fileless {
		m.Damaged = damagedWords(r, known)
	}
	if wait := waitOf(f, r); wait.Kind != "" && !known.Companion[wait.Kind] && !fileless {
		m.Wait, m.Waits = wait.For, waitWords[wait.Kind]
	}
	return m
}

// restsOnUnread reports whether a value may be another if what cannot be read could.
func restsOnUnread(v mapping.Explained, known *facts.Collection) bool {
	if known.Gone && v.RestsOnFile() {
		return true
	}
	for kind := range known.Unread {
		if v.RestsOn(kind) {
			return true
		}
	}
	return false
}

func restsOn(r mapping.Result, kind facts.Kind) bool {
	return slices.ContainsFunc(r.Values, func(v mapping.Explained) bool { return v.RestsOn(kind) })
}

func unreadWords(lost facts.Unread) string {
	return metadata.Clean(lost.Path) + " cannot be read: " + lost.Err.Error()
}

// damagedWords says what is damaged of the metadata in the file, or in its XMP sidecar,
// that a value may come from; "" for nothing. Of many gaps the first are told.
func damagedWords(r mapping.Result, known *facts.Collection) string {
	if known.Gone { // another file: it is looked at again
		return ""
	}
	const most = 3
	_, unread := known.Unread[facts.KindXMP]
	fromFile := slices.ContainsFunc(r.Values, mapping.Explained.RestsOnFile)
	var told []string
	more := 0
	for _, gap := range known.Gaps {
		switch gap.Source {
		case "sidecar", "manifest": // see Missed, and unreadManifest
			continue
		case "xmp-sidecar":
			if unread || !restsOn(r, facts.KindXMP) {
				continue
			}
		case "file":
			if !slices.ContainsFunc(r.Values, restsOnTime) {
				continue
			}
		default:
			if !fromFile {
				continue
			}
		}
		if len(told) == most {
			more++
			continue
		}
		told = append(told, gap.Message)
	}
	if more > 0 {
		told = append(told, fmt.Sprintf("And %d more like this.", more))
	}
	return strings.Join(told, " ")
}

// restsOnTime reports whether a value comes from the file's time, or would if that
// were known.
func restsOnTime(v mapping.Explained) bool {
	isTime := func(source string) bool { return metadata.Key(source) == facts.FileModified }
	return isTime(v.Source) || slices.ContainsFunc(v.Tried, isTime) ||
		slices.ContainsFunc(v.Cells, func(c mapping.Cell) bool { return restsOnTime(c.Explained) })
}

// manifestName stands for the attribute where a whole manifest is at fault.
const manifestName = "manifest"

// unreadManifest is the fault of a manifest that cannot be read, where the file may
// have a row in it that counts.
func unreadManifest(r mapping.Result, known *facts.Collection, fileless bool) (mapping.Fault, bool) {
	lost, ok := known.Unread[facts.KindManifest]
	if !ok || !fileless && !restsOn(r, facts.KindManifest) {
		return mapping.Fault{}, false
	}
	return mapping.Fault{Attribute: manifestName, Message: unreadWords(lost), Hint: "Correct the manifest: the file goes round again by itself."}, true
}

// problemsOf are those of the result, and what is wrong with a manifest.
func problemsOf(r mapping.Result, known *facts.Collection, fileless bool) []mapping.Fault {
	var problems []mapping.Fault
	if fault, ok := unreadManifest(r, known, fileless); ok {
		problems = append(problems, fault) // first, as others may come of it
	}
	problems = append(problems, r.Problems...)
	if known.Contradiction != nil {
		problems = append(problems, mapping.Fault{
			Attribute: manifestName, Message: known.Contradiction.Error(), Hint: "Correct the manifest: the file goes round again by itself.",
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
