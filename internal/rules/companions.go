package rules

import (
	"errors"
	"fmt"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/facts"
	"github.com/tenovos-ingest/ingestd/internal/manifest"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/watcher"
)

// Companions tells the files of a folder that only speak of others. It implements
// dropfolder.Companions.
type Companions struct {
	collector *facts.Collector
	files     watcher.Folder // the folder as if it had no companions
}

// Companions returns what tells the companions of a folder.
func (s *Set) Companions(folder string) Companions {
	f := s.folders[folder]
	return Companions{f.collector, files(f.config)}
}

// Kind returns what kind of companion has such a name; false for any other file.
func (c Companions) Kind(path string) (facts.Kind, bool) { return c.collector.Of(path) }

// Is reports whether a file is a companion: it is named so, and where that may be chance,
// the file that it speaks of is there.
func (c Companions) Is(path string) bool {
	_, is := c.collector.Companion(path)
	return is
}

// Skipped says why a file is none of the folder's whatever its name says of companions;
// "" where it is.
func (c Companions) Skipped(path string) string { return watcher.Skipped(c.files, path) }

// Forget implements dropfolder.Companions.
func (c Companions) Forget(path string) { c.collector.Forget(path) }

// About implements dropfolder.Companions.
func (c Companions) About(path string) (journal.Concern, bool) {
	about, ok := c.collector.About(path)
	return journal.Concern{Path: about.Path, Dir: about.Dir}, ok
}

// Stray implements dropfolder.Companions.
func (c Companions) Stray(path string) (s dropfolder.Stray, ok bool) {
	if c.Is(path) {
		return s, false
	}
	about, _ := c.collector.About(path)
	return dropfolder.Stray{Of: about.Path, Wanted: c.Skipped(path) == ""}, true
}

// Teller implements dropfolder.Companions.
func (c Companions) Teller(were func(dir string, yield func(path string)) error) dropfolder.Teller {
	t := c.collector.Teller(were)
	t.Skipped = func(path string) bool { return c.Skipped(path) != "" }
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
func (c Companions) Beside(path string) []dropfolder.Beside {
	var out []dropfolder.Beside
	for _, b := range c.collector.Beside(path) {
		out = append(out, dropfolder.Beside(b))
	}
	return out
}

// Rows implements dropfolder.Companions.
func (c Companions) Rows(path string, each func([]dropfolder.FilelessRow) error) error {
	err := c.collector.Virtual(path, func(rows []manifest.Virtual, wrong []error) error {
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
