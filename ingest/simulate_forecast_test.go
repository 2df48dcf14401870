package ingest_test

import (
	"fmt"
	"os"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/intake"
	"github.com/tenovos-ingest/ingestd/journal"
)

// foretold is what was foretold of a file at a quiet point.
type foretold struct {
	life *simLife
	file file.File
	intake.Forecast
}

// quiet reports whether the life that runs has nothing left to do but for one file that
// was just written, and nothing is to go wrong.
func (s *sim) quiet(path string) bool {
	if s.life == nil || s.life.hasEnded() || s.armed() || len(s.sandbox.UnusedFaults()) > 0 || s.unfinished() != "" {
		return false
	}
	var others []file.File
	for _, rel := range s.files() {
		info, err := os.Lstat(s.at(rel))
		if err == nil && rel != path && !s.isNote(rel) {
			others = append(others, file.File{Folder: "drop", Path: rel, Stat: file.StatOf(info)})
		}
	}
	fresh, err := s.life.journal.Reader().Unknown(background, others)
	return err == nil && len(fresh) == 0
}

// armed reports whether a crash, or a change that the watcher has not told, is to come.
func (s *sim) armed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.where != "" || len(s.due) > 0
}

// foretell says what would become of a file that was just written, if the point is a quiet
// one, and nobody does anything before it is in.
func (s *sim) foretell(step simStep) *foretold {
	if step.wait() < 4*simSettle || step.Seen == "never" || !s.quiet(step.Path) {
		return nil
	}
	info, err := os.Lstat(s.at(step.Path))
	if err != nil {
		return nil
	}
	f := &foretold{life: s.life, file: file.File{Folder: "drop", Path: step.Path, Stat: file.StatOf(info)}}
	c := intake.NewForecaster(intake.Config{Folders: s.config.Folders, MaxFileSize: s.config.MaxFileSize}, s.life.journal.Reader(), s.life.client)
	if f.Forecast, err = c.Forecast(background, f.file, journal.File); err != nil {
		s.t.Errorf("what would become of %s cannot be foretold: %v", step.Path, err)
		return nil
	}
	return f
}

// wantForetold fails unless what became of a file is what was foretold of it. It is not
// asked while there is still something to be done.
func (s *sim) wantForetold(f *foretold) {
	if f == nil || s.life != f.life || s.armed() || s.unfinished() != "" {
		return
	}
	e, ok, err := s.life.journal.Reader().Latest(background, f.file.Folder, f.file.Path)
	if err != nil || !ok || !e.Describes(f.file) {
		return // it was not seen, or is not what it was
	}
	became := string(e.Status)
	if e.Status == journal.Filed {
		became += fmt.Sprintf(" as a version of %s", e.OriginalFileID)
		if e.OriginalFileID == e.FileID {
			became = "filed as an asset"
		}
	}
	if want := wantOf(f, e); became != want {
		s.t.Errorf("%s: foretold as %s (%s), it became %s: %+v", f.file.Path, want, f.Kind, became, e.Reason)
	}
}

// wantOf is what a forecast says in the words of wantForetold.
func wantOf(f *foretold, e journal.Entry) string {
	m := f.Move
	switch {
	case f.Known.ID != 0:
		return string(f.Known.Status)
	case m.Stay.Unchanged || m.Stay.Renamed != nil:
		if e.ID != f.Of.ID {
			return fmt.Sprintf("entry %d", f.Of.ID)
		}
		return filedAs(f.Of.FileID, f.Of.OriginalFileID)
	case m.To == journal.Mapped:
		asset, err := dropfolder.StoredAsset(journal.Entry{File: f.file, Asset: m.Asset})
		if err != nil {
			return err.Error()
		}
		return filedAs("", asset.OriginalFileID)
	}
	return string(m.To)
}

func filedAs(fileID, original string) string {
	if original == fileID {
		return "filed as an asset"
	}
	return "filed as a version of " + original
}
