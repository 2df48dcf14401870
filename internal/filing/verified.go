package filing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/mounts"
	"github.com/tenovos-ingest/ingestd/internal/proof"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/secret"
	"github.com/tenovos-ingest/ingestd/journal"
)

// Stay is until when a verified entry stays, because its file could not be moved away yet,
// and why.
type Stay struct {
	Until  time.Time
	Reason journal.Reason
}

// retryWait is the wait before the n-th try to move a file away.
func retryWait(n int) time.Duration { return min(2*time.Second<<min(n, 10), 10*time.Minute) }

// FileAway does with the source of a verified entry what the folder asks for. It returns
// nil when that is done, and a Stay if it could not: then it is to be tried again, without
// end. Its error is the journal's, or of a drop folder that is not there.
func (f *Filer) FileAway(ctx context.Context, e journal.Entry) (*Stay, error) {
	folder := f.folders[e.Folder]
	if (folder.After.Keeps() || folder.Resumes()) && !e.Taken() || e.Kind != journal.File {
		return nil, nil
	}
	var err error
	if folder.After.Keeps() { // the configuration changed in the middle of it
		err = f.undo(ctx, e)
	} else {
		if !e.Taken() {
			err = f.Proof.OfVerified(ctx, e)
		}
		if err == nil {
			_, err = f.takeAway(ctx, e, folder.After == dropfolder.AfterDelete, folder.Done)
		}
	}
	if err == nil || errors.Is(err, journal.ErrJournal) || errors.Is(err, journal.ErrMoved) {
		return nil, err
	}
	if mounts.IsGone(err) { // said of the folder
		return nil, err
	}
	if later, ok := errors.AsType[*NotYetError](err); ok {
		return &Stay{Until: later.Until, Reason: reasons.Sought}, nil
	}
	if e.Tries == 0 {
		dropfolder.LogEntry(f.Log.Warn(), e).Str("reason", secret.Sentence(err)).Msg("the file was uploaded but cannot be moved away yet: tried again until it can")
	}
	return &Stay{Until: f.Now().Add(retryWait(e.Tries)), Reason: whyItStays(err)}, nil
}

func whyItStays(err error) journal.Reason {
	if unproven, ok := errors.AsType[*proof.UnprovenError](err); ok {
		return reasons.Of(journal.ClassFiling, unproven, "Look at the asset in Tenovos. It is tried again until its checksum, or its content, is the file's.")
	}
	return reasons.Of(journal.ClassFiling, fmt.Errorf("its content is in Tenovos, but the file cannot be moved away: %w", err),
		"Clear away what it names, or let the daemon's user write in the drop folder. It is tried again until it succeeds.")
}
