package sources

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/mounts"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/shelf"
	"github.com/tenovos-ingest/ingestd/internal/stage"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// Paths tells of the paths of files.
type Paths interface {
	// Displaced reports whether the file of an entry was found at another path.
	Displaced(ctx context.Context, e journal.Entry) (bool, error)
}

// Deps are what is asked about files.
type Deps struct {
	Paths   Paths
	Mounts  *mounts.Mounts
	Folders []dropfolder.Folder
	Started time.Time // of this process
	// Walked reports, of a backfill, whether all that there is was admitted.
	Walked func() (done, backfill bool)
	Now    func() time.Time
	Log    zerolog.Logger
}

// Sources are the files that entries are about. Safe for concurrent use.
type Sources struct {
	Deps
	folders  map[string]dropfolder.Folder
	sought   sought
	restarts restarts
}

// New returns the files of folders.
func New(d Deps) *Sources {
	s := &Sources{Deps: d, folders: make(map[string]dropfolder.Folder, len(d.Folders))}
	for _, f := range d.Folders {
		s.folders[f.Name] = f
	}
	return s
}

// Explain returns what the error of reading an entry's file means, where a closer look tells
// more: a file that was not found may be at another path, which is waited for, and its folder
// may not be there. Any other error it returns as it is.
func (s *Sources) Explain(ctx context.Context, e journal.Entry, cause error) error {
	switch _, ofFileSystem := errors.AsType[*fs.PathError](cause); {
	case errors.Is(cause, uploader.ErrSourceGone):
		if cause = s.confirmGone(e, cause); errors.Is(cause, uploader.ErrSourceGone) {
			cause = s.seek(ctx, e, cause)
		}
	case ofFileSystem: // of the file, or of all of its folder
		cause = cmp.Or(s.Mounts.Check(e.Folder, e.ID), s.explainDenied(e, cause))
	}
	return cause
}

// confirmGone looks once more for a file that was not found, in a folder that is
// there: it may have been looked for in the empty directory that an unmounted share
// leaves. The client of a share that was asked for a name which the file has lost on
// the server may see it there all the same: then the directory's listing decides.
func (s *Sources) confirmGone(e journal.Entry, cause error) error {
	sh, err := shelf.Open(s.Mounts, e.Folder, e.ID)
	if err != nil {
		return err
	}
	defer sh.Close()
	if !sh.Holds(e.Path) {
		return cause
	}
	if there, err := sh.Lists(e.Path); err == nil && !there {
		return cause
	}
	if errors.Is(cause, syscall.EINVAL) { // of the file, whatever it is
		return fmt.Errorf("%s cannot be opened: %w", e.Path, &fs.PathError{Op: "open", Path: e.Path, Err: syscall.EINVAL})
	}
	return &stage.WaitError{Reason: reasons.Of(reasons.ClassNoFolder, cause, "")}
}

// explainDenied adds to the refusal to read an entry's file who may, and leaves any
// other error as it is.
func (s *Sources) explainDenied(e journal.Entry, err error) error {
	if !shelf.IsDenied(err) {
		return err
	}
	sh, openErr := shelf.Open(s.Mounts, e.Folder, e.ID)
	if openErr != nil {
		return openErr
	}
	defer sh.Close()
	return sh.Explain(e.Path, err)
}
