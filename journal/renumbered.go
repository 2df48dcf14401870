package journal

import (
	"context"
	"database/sql"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// renumbered yields the numbers of the files, given as JSON, of which a condition holds.
func renumbered(condition string) string {
	return `WITH f AS MATERIALIZED {files ?1}
		SELECT key FROM f WHERE EXISTS (` + condition + `) ORDER BY key`
}

// They are about the latest generation of a path, as unknownFiles is, and about a
// companion.
var (
	renumberedFiles = renumbered(`SELECT 1 FROM entries e WHERE e.folder = f.folder AND e.path = f.path
		AND e.generation = (SELECT max(generation) FROM entries l WHERE l.folder = f.folder AND l.path = f.path)
		AND e.size = f.size AND e.mod_time = f.mod_time AND e.change_time = f.change_time
		AND e.status <> {superseded} AND (e.status <> {cancelling} OR e.outcome <> {superseded})`)
	renumberedCompanions = renumbered(`SELECT 1 FROM companions c WHERE c.folder = f.folder AND c.path = f.path
		AND c.size = f.size AND c.mod_time = f.mod_time AND c.change_time = f.change_time`)
)

// Renumbered tells which files are known as they are but for device and inode.
type Renumbered struct{ j *Journal }

// RenumberedOf asks a journal.
func RenumberedOf(j *Journal) Renumbered { return Renumbered{j} }

// Files returns which of the files, by their places, are known as they are but
// for device and inode. Where such numbers change by themselves that is no change of
// the file.
func (r Renumbered) Files(ctx context.Context, found []file.File) (map[int]bool, error) {
	return r.known(ctx, renumberedFiles, found)
}

// Companions is Files for companions.
func (r Renumbered) Companions(ctx context.Context, found []file.File) (map[int]bool, error) {
	return r.known(ctx, renumberedCompanions, found)
}

func (r Renumbered) known(ctx context.Context, query string, found []file.File) (map[int]bool, error) {
	if len(found) == 0 {
		return nil, nil
	}
	out := make(map[int]bool)
	err := r.j.reader.ask(ctx, "look up files with other numbers", func(tx *session) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var i int
			err := rows.Scan(&i)
			out[i] = true
			return err
		}, query, listFiles(found))
	})
	return out, err
}
