package journal

import (
	"context"
	"database/sql"
	"path"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// Leftover says which entries are to have their files moved though they rest: those in
// one of the statuses, but for a class of those that failed.
type Leftover struct {
	Statuses []Status
	Except   string
}

// isLeftover is true of an entry e of the statuses in ?2, and not of the class ?3,
// whose file nobody has moved or is to move.
const isLeftover = `e.status IN {list ?2} AND NOT (e.status = {failed} AND e.class = ?3)
	AND e.aside = x'' AND e.kind = ''
	AND NOT EXISTS (SELECT 1 FROM chores c WHERE c.entry_id = e.id AND c.kind = '` + string(ChoreFile) + `')`

// Leftovers returns the entries whose files, which lie where they were found, are still
// to be moved.
func (f Filing) Leftovers(ctx context.Context, files []file.File, which Leftover) ([]int64, error) {
	var ids []int64
	err := f.j.reader.ask(ctx, "look for files that are still to be moved", func(tx *session) (err error) {
		ids, err = idsOf(ctx, tx, `WITH f AS MATERIALIZED {files ?1}
			SELECT e.id FROM f JOIN entries e ON e.folder = f.folder AND e.path = f.path
			WHERE e.generation = (SELECT max(generation) FROM entries l WHERE l.folder = f.folder AND l.path = f.path)
			  AND e.size = f.size AND e.mod_time = f.mod_time AND e.change_time = f.change_time AND e.dev = f.dev AND e.ino = f.ino
			  AND `+isLeftover, listFiles(files), list(which.Statuses), which.Except)
		return err
	})
	return ids, err
}

// OpenChores opens a ChoreFile for each of the entries that Leftovers would still
// return.
func (f Filing) OpenChores(ctx context.Context, ids []int64, which Leftover) error {
	return f.j.write(ctx, "have files moved that rest where they were found", func(tx *session) error {
		chores := make(map[int64]NewChore, len(ids))
		err := each(ctx, tx, func(rows *sql.Rows) error {
			var id int64
			var name []byte
			err := rows.Scan(&id, &name)
			chores[id] = NewChore{Kind: ChoreFile, Filename: path.Base(string(name))}
			return err
		}, `SELECT e.id, e.path FROM entries e WHERE e.id IN {list ?1} AND `+isLeftover,
			list(ids), list(which.Statuses), which.Except)
		if err != nil {
			return err
		}
		for _, id := range ids {
			c, ok := chores[id]
			delete(chores, id) // it may have been found twice
			if !ok {
				continue
			}
			if err := addChore(ctx, tx, id, c, f.j.now()); err != nil {
				return err
			}
		}
		return nil
	}, AboutChores)
}
