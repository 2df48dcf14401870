package journal

import (
	"context"
	"database/sql"
)

// RestingFile is what must be known of an entry that rests without an asset to tell
// whether its file is still there.
type RestingFile struct {
	ID                   int64
	Path, Aside, MovedTo string // as those of Entry
	Dev                  uint64
	Status               Status
	Message              string // of its Reason
}

// RestsWithoutAsset are the statuses in which an entry is about a file alone: when
// that is gone, nothing is left of it. What is filed or withdrawn is about an asset.
func RestsWithoutAsset() []Status { return []Status{Held, Failed, Ignored, Cancelled, Duplicate} }

// ofFileSQL leaves out entries that are not about their file alone: rows of manifests,
// assets that nobody has verified, and duplicates that were moved to where people may
// take them away.
const ofFileSQL = `kind = '' AND NOT (status = {held} AND class = '` + ClassUnverified + `') AND NOT (status = {duplicate} AND aside <> x'')`

const (
	restingColumns = `SELECT id, path, aside, moved_to, dev, status, message `

	restingIn = restingColumns + `FROM entries {using entries_status}
		WHERE rests = 1 AND status = ? AND folder = ? AND id > ? AND ` + ofFileSQL + ` ORDER BY id LIMIT ?`

	restingAt = `WITH p (wanted) AS MATERIALIZED {paths ?1} ` + restingColumns + `
		FROM p CROSS JOIN entries ON folder = ?2 AND path = wanted
		WHERE status IN {list ?3} AND ` + ofFileSQL

	restingBelow = restingColumns + `FROM entries
		WHERE folder = ?1 AND path > ?2 AND path < ?3 AND status IN {list ?4} AND ` + ofFileSQL + ` ORDER BY path LIMIT ?5`

	restsStill = `SELECT EXISTS (SELECT 1 FROM entries WHERE id = ? AND status = ? AND path = ? AND aside = ? AND moved_to = ? AND ` + ofFileSQL + `)`
)

// Resting are the entries of a journal that rest without an asset.
type Resting struct{ j *Journal }

// RestingOf returns the entries of a journal that rest without an asset.
func RestingOf(j *Journal) Resting { return Resting{j} }

// In returns up to limit of the files of a folder whose entries rest in a
// status of RestsWithoutAsset and have an id above after, by id.
func (r Resting) In(ctx context.Context, folder string, in Status, after int64, limit int) ([]RestingFile, error) {
	return r.list(ctx, restingIn, in, folder, after, limit)
}

// At returns those whose paths are among the given ones.
func (r Resting) At(ctx context.Context, folder string, paths []string) ([]RestingFile, error) {
	return r.list(ctx, restingAt, listPaths(paths), folder, list(RestsWithoutAsset()))
}

// Below returns up to limit of those whose paths are below a directory and come
// after another path, by path. After none that is the directory's own.
func (r Resting) Below(ctx context.Context, folder, dir, after string, limit int) ([]RestingFile, error) {
	from, to := max(dir+"/", after), dir+"0" // which comes after the slash
	return r.list(ctx, restingBelow, folder, []byte(from), []byte(to), list(RestsWithoutAsset()), limit)
}

func (r Resting) list(ctx context.Context, query string, args ...any) ([]RestingFile, error) {
	var out []RestingFile
	err := r.j.reader.ask(ctx, "list files whose entries rest", func(tx *session) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var f RestingFile
			var path, aside, movedTo []byte
			var dev int64
			err := rows.Scan(&f.ID, &path, &aside, &movedTo, &dev, &f.Status, &f.Message)
			f.Path, f.Aside, f.MovedTo, f.Dev = string(path), string(aside), string(movedTo), uint64(dev)
			out = append(out, f)
			return err
		}, query, args...)
	})
	return out, err
}

// Vanished supersedes entries whose files are gone, in one transaction, each for the
// reason that why gives. One that is not as it was read any more is left: whoever
// changed it may have moved its file. It returns those that are superseded now.
func (r Resting) Vanished(ctx context.Context, gone []RestingFile, why func(RestingFile) Reason) ([]RestingFile, error) {
	var done []RestingFile
	err := r.j.write(ctx, "supersede entries whose files are gone", func(tx *session) error {
		now := r.j.now()
		for _, f := range gone {
			var still bool
			err := tx.row(ctx, restsStill, f.ID, f.Status, []byte(f.Path), []byte(f.Aside), []byte(f.MovedTo)).Scan(&still)
			if err != nil {
				return err
			}
			if !still {
				continue
			}
			m := Move{ID: f.ID, From: f.Status, To: Superseded, Reason: why(f)}
			if err := m.check(); err != nil {
				return err
			}
			if _, err := advance(ctx, tx, m, now); err != nil {
				return err
			}
			done = append(done, f)
		}
		return nil
	}, AboutEntries, AboutEvents, AboutChores, AboutNotes)
	return done, err
}
