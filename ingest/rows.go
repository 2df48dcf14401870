package ingest

import (
	"context"
	"errors"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/mounts"
	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/shelf"
	"github.com/tenovos-ingest/ingestd/journal"
)

// rowsPace is the least time between two looks for manifests whose rows are to be
// admitted, and rowsRest that between two batches of rows.
const (
	rowsPace = 500 * time.Millisecond
	rowsRest = 5 * time.Millisecond
)

// filelessRows admits what the manifests of a folder make assets of without files,
// batch by batch beside the other work. After a crash it begins a manifest anew: rows
// that are known change nothing.
type filelessRows struct {
	p        *Pipeline
	folder   dropfolder.Folder
	troubles map[string]trouble // by the path of the manifest
}

// trouble is how often the rows of a manifest could not be admitted.
type trouble struct {
	since time.Time // of the manifest as it is
	tries int
	next  time.Time
}

func newFilelessRows(p *Pipeline, f dropfolder.Folder) *filelessRows {
	return &filelessRows{p: p, folder: f, troubles: make(map[string]trouble)}
}

// run admits rows until idle closes or ctx ends. A share that hangs may hold it up for
// ever.
func (r *filelessRows) run(ctx context.Context, idle <-chan struct{}) error {
	a := r.p.alarms.set(r.folder.Name, rowsPace, journal.AboutRows)
	defer r.p.alarms.end(a)
	for {
		if more, err := a.wait(ctx, idle); !more {
			return err
		}
		due, err := r.p.journal.DueManifests(ctx, r.folder.Name, heedBatch)
		for _, c := range due {
			if err == nil && !r.p.draining() {
				err = r.manifest(ctx, c)
			}
			if t, put := r.troubles[c.Path]; put {
				a.at(t.next)
			}
		}
		if err != nil {
			return err
		}
		if len(due) == heedBatch {
			signal(a.poke)
		}
	}
}

// errEnding ends the admission of rows with the pipeline.
var errEnding = errors.New("the pipeline ends")

// manifest admits the rows of a manifest. Those that the file system keeps it from
// reading are left for another time. Its error is the journal's.
func (r *filelessRows) manifest(ctx context.Context, c journal.Companion) error {
	if t := r.troubles[c.Path]; t.since.Equal(c.Since) && r.p.now().Before(t.next) {
		return nil
	}
	admitted := 0
	err := r.folder.Companions.Rows(c.Path, func(rows []dropfolder.FilelessRow) error {
		begun := time.Now()
		absent, err := r.absent(c.Path, rows)
		if err != nil {
			return err
		}
		n, err := r.p.journal.AdmitFileless(ctx, c, absent)
		if err != nil {
			return err
		}
		if admitted += n; n > 0 {
			r.p.wake()
		}
		return r.rest(ctx, max(time.Since(begun), rowsRest)) // half of the time is for others
	})
	if err == nil {
		err = r.p.mounts.Check(r.folder.Name, 0) // else it is not known what the manifest says
	}
	tooMany := errors.Is(err, dropfolder.ErrTooManyRows)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errEnding), r.p.draining(), errors.Is(err, journal.ErrMoved):
		return nil // it is begun anew
	case errors.Is(err, journal.ErrJournal):
		return err
	case tooMany:
		r.p.log.Warn().Str("folder", c.Folder).Str("manifest", c.Path).Str("reason", reasons.Message(err)).
			Msg("a manifest has too many rows without files: none of them becomes an asset")
	case err != nil && r.later(c, err):
		return nil
	}
	delete(r.troubles, c.Path)
	if err := r.p.journal.FilelessAdmitted(ctx, c, tooMany); err != nil {
		return err
	}
	if admitted > 0 {
		r.p.log.Info().Str("folder", c.Folder).Str("manifest", c.Path).Int("rows", admitted).Msg("a manifest has rows that become assets without files")
	}
	r.p.wake()
	return nil
}

// rest waits between two batches, in which others write.
func (r *filelessRows) rest(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-r.p.drain:
		return errEnding
	case <-ctx.Done():
		return ctx.Err()
	}
}

// later puts off a manifest whose rows cannot be read, or false: a backfill must end,
// and gives it up when a file would have failed.
func (r *filelessRows) later(c journal.Companion, err error) bool {
	t := r.troubles[c.Path]
	if !t.since.Equal(c.Since) {
		t = trouble{since: c.Since}
	}
	t.tries++
	log := r.p.log.With().Str("folder", c.Folder).Str("manifest", c.Path).Str("reason", reasons.Message(err)).Logger()
	if r.p.once && t.tries >= r.p.cfg.MaxAttempts && !mounts.IsGone(err) {
		log.Warn().Str("hint", "Touch the manifest when that is over.").
			Msg("gave up reading a manifest: its rows without files become no assets")
		return false
	}
	if t.tries == 1 {
		log.Warn().Msg("the rows of a manifest cannot be read for now: tried again until they can")
	}
	t.next = r.p.now().Add(r.p.backoff(t.tries))
	r.troubles[c.Path] = t
	return true
}

// absent leaves out the rows that cannot become assets, and says why, and those whose
// file is there. The error is about the folder, where that cannot be seen.
func (r *filelessRows) absent(manifest string, rows []dropfolder.FilelessRow) (out []journal.Fileless, err error) {
	s, err := shelf.Open(r.p.mounts, r.folder.Name, 0)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	for _, row := range rows {
		if row.Err != nil {
			r.p.log.Warn().Str("folder", r.folder.Name).Str("manifest", manifest).Str("reason", reasons.Message(row.Err)).
				Msg("a manifest, or a row of it, cannot be used: correct it")
			continue
		}
		there, err := s.MayHold(row.Path)
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
