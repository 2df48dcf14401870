package companions

import (
	"context"
	"errors"
	"io/fs"
	"syscall"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/alarms"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/mounts"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/journal"
)

// rowsPace is the least time between two looks for manifests whose rows are to be
// admitted, and rowsRest that between two batches of rows.
const (
	rowsPace = 500 * time.Millisecond
	rowsRest = 5 * time.Millisecond
)

// rowAdmission admits what the manifests of a folder make assets of without files, batch
// by batch beside the other work. After a crash it begins a manifest anew: rows that are
// known change nothing. It is for one goroutine.
type rowAdmission struct {
	*Companions
	run      Run
	folder   dropfolder.Folder
	troubles map[string]trouble // by the path of the manifest
}

// trouble is how often the rows of a manifest could not be admitted.
type trouble struct {
	since time.Time // of the manifest as it is
	tries int
	next  time.Time
}

func newRowAdmission(cs *Companions, f dropfolder.Folder, run Run) *rowAdmission {
	return &rowAdmission{Companions: cs, run: run, folder: f, troubles: make(map[string]trouble)}
}

// loop admits rows until the run is idle or ctx ends. A share that hangs may hold it up for
// ever.
func (r *rowAdmission) loop(ctx context.Context) error {
	a := r.deps.Alarms.Set(r.folder.Name, rowsPace, journal.AboutRows)
	defer a.End()
	for {
		if more, err := a.Wait(ctx, r.run.Idle); !more {
			return err
		}
		due, err := r.journal.DueManifests(ctx, r.folder.Name, dueBatch)
		for _, c := range due {
			if err == nil && !alarms.Closed(r.run.Drain) {
				err = r.manifest(ctx, c)
			}
			if t, put := r.troubles[c.Path]; put {
				a.At(t.next)
			}
		}
		if err != nil {
			return err
		}
		if len(due) == dueBatch {
			a.LookAgain()
		}
	}
}

// errEnding ends the admission of rows with the pipeline.
var errEnding = errors.New("the pipeline ends")

// manifest admits the rows of a manifest. Those that the file system keeps it from
// reading are left for another time. Its error is the journal's.
func (r *rowAdmission) manifest(ctx context.Context, c journal.Companion) error {
	if t := r.troubles[c.Path]; t.since.Equal(c.Since) && r.deps.Now().Before(t.next) {
		return nil
	}
	admitted := 0
	err := r.folder.Companions.Rows(c.Path, func(rows []dropfolder.FilelessRow) error {
		begun := time.Now()
		absent, err := r.absent(c.Path, rows)
		if err != nil {
			return err
		}
		n, err := r.journal.AdmitRows(ctx, c, absent)
		if err != nil {
			return err
		}
		if admitted += n; n > 0 {
			r.deps.Wake()
		}
		return r.rest(ctx, max(time.Since(begun), rowsRest)) // half of the time is for others
	})
	if err == nil {
		err = r.deps.Mounts.Check(r.folder.Name, 0) // else it is not known what the manifest says
	}
	tooMany := errors.Is(err, dropfolder.ErrTooManyRows)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errEnding), alarms.Closed(r.run.Drain), errors.Is(err, journal.ErrMoved):
		return nil // it is begun anew
	case errors.Is(err, journal.ErrJournal):
		return err
	case tooMany:
		r.log.Warn().Str("folder", c.Folder).Str("manifest", c.Path).Str("reason", reasons.Message(err)).
			Msg("a manifest has too many rows without files: none of them becomes an asset")
	case err != nil && r.later(c, err):
		return nil
	}
	delete(r.troubles, c.Path)
	if err := r.journal.RowsAdmitted(ctx, c, tooMany); err != nil {
		return err
	}
	if admitted > 0 {
		r.log.Info().Str("folder", c.Folder).Str("manifest", c.Path).Int("rows", admitted).Msg("a manifest has rows that become assets without files")
	}
	r.deps.Wake()
	return nil
}

// rest waits between two batches, in which others write.
func (r *rowAdmission) rest(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-r.run.Drain:
		return errEnding
	case <-ctx.Done():
		return ctx.Err()
	}
}

// later puts off a manifest whose rows cannot be read, or false: a backfill must end,
// and gives it up when a file would have failed.
func (r *rowAdmission) later(c journal.Companion, err error) bool {
	t := r.troubles[c.Path]
	if !t.since.Equal(c.Since) {
		t = trouble{since: c.Since}
	}
	t.tries++
	log := r.log.With().Str("folder", c.Folder).Str("manifest", c.Path).Str("reason", reasons.Message(err)).Logger()
	if r.run.Backfill && t.tries >= r.deps.MaxTries && !mounts.IsGone(err) {
		log.Warn().Str("hint", "Touch the manifest when that is over.").
			Msg("gave up reading a manifest: its rows without files become no assets")
		return false
	}
	if t.tries == 1 {
		log.Warn().Msg("the rows of a manifest cannot be read for now: tried again until they can")
	}
	t.next = r.deps.Now().Add(r.deps.Backoff(t.tries))
	r.troubles[c.Path] = t
	return true
}

// absent leaves out the rows that cannot become assets, and says why, and those whose
// file is there. The error is about the folder, where that cannot be seen.
func (r *rowAdmission) absent(manifest string, rows []dropfolder.FilelessRow) (out []journal.Fileless, err error) {
	root, closeRoot, err := r.deps.Mounts.Look(r.folder.Name)
	if err != nil {
		return nil, err
	}
	defer closeRoot()
	for _, row := range rows {
		if row.Err != nil {
			r.log.Warn().Str("folder", r.folder.Name).Str("manifest", manifest).Str("reason", reasons.Message(row.Err)).
				Msg("a manifest, or a row of it, cannot be used: correct it")
			continue
		}
		there, err := mayHold(root, row.Path)
		if err != nil {
			return nil, err
		}
		if there {
			continue // the row tells of that file
		}
		kind := journal.Placeholder
		if row.ContentPath != "" {
			kind = journal.Federated
		}
		out = append(out, journal.Fileless{Path: row.Path, Kind: kind, Sign: dropfolder.SignOf(kind, row.ContentPath)})
	}
	return out, nil
}

// mayHold reports whether something lies, or may lie, at a path. The error is about
// trouble that may pass.
func mayHold(root *file.Root, rel string) (bool, error) {
	_, err := root.Lstat(rel)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ENAMETOOLONG):
		return false, nil
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.ELOOP):
		return true, nil // nobody knows, and nobody will
	}
	return err == nil, err
}
