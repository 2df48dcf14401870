package ingest

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/shelf"
	"github.com/tenovos-ingest/ingestd/internal/stage"
	"github.com/tenovos-ingest/ingestd/journal"
)

// confirmGone looks once more for a file that was not found, in a folder that is
// there: it may have been looked for in the empty directory that an unmounted share
// leaves. The client of a share that was asked for a name which the file has lost on
// the server may see it there all the same: then the directory's listing decides.
func (p *Pipeline) confirmGone(e journal.Entry, cause error) error {
	s, err := shelf.Open(p.mounts, e.Folder, e.ID)
	if err != nil {
		return err
	}
	defer s.Close()
	if !s.Holds(e.Path) {
		return cause
	}
	if there, err := s.Lists(e.Path); err == nil && !there {
		return cause
	}
	if errors.Is(cause, syscall.EINVAL) { // of the file, whatever it is
		return fmt.Errorf("%s cannot be opened: %w", e.Path, &fs.PathError{Op: "open", Path: e.Path, Err: syscall.EINVAL})
	}
	return &stage.WaitError{After: 0, Reason: reasons.Of(reasons.ClassNoFolder, cause, "")}
}
