package journal

import (
	"context"
	"database/sql"
	"errors"
	"slices"
)

// Named is what the journal knows of a filename.
type Named struct {
	// Originals are the original file ids of the assets that hold content under that
	// name, as far as the last maxOriginals entries in each status tell.
	Originals []string
	// Waits is the first entry that is on its way to an asset of that name, without
	// its Attempt; nil if there is none.
	Waits *Entry
}

// maxOriginals bounds Named.Originals: what was ingested longer ago the index of
// Tenovos shows, too.
const maxOriginals = 100

// What is asked about a filename. Neither reads the filed entries of the name,
// however many there are, but for the latest.
const (
	namedWaits = `SELECT ` + entryColumns + ` FROM work w JOIN entries e ON e.id = w.entry_id
		WHERE w.filename = ?1 AND w.filename <> '' AND w.entry_id <> ?2 AND e.status <> {verified}
		  AND (e.status <> {settled} OR w.entry_id < ?2 AND w.folder IN {list ?3})
		ORDER BY w.entry_id LIMIT 1`

	namedOriginals = `SELECT original_file_id FROM entries {using entries_filename}
		WHERE filename = ?1 AND filename <> '' AND id <> ?2 AND rests = 1 AND status = ?3 AND status IN ({held}, {filed})
		  AND original_file_id <> '' AND (status <> {held} OR class = '` + ClassUnverified + `')
		ORDER BY id DESC LIMIT ?4`

	verifiedOriginals = `SELECT e.original_file_id FROM work w JOIN entries e ON e.id = w.entry_id
		WHERE w.filename = ?1 AND w.filename <> '' AND w.status = {verified} AND w.entry_id <> ?2 AND e.original_file_id <> ''
		ORDER BY w.entry_id DESC LIMIT ?4`
)

// Named looks up a filename for the entry called id. On its way is what is mapped
// or begun in any folder, and what is settled in one of the folders, has its name
// recorded (see Learned) and was admitted before id: of two that wait only the
// earlier goes first.
func (r *Reader) Named(ctx context.Context, filename string, id int64, folders []string) (Named, error) {
	var n Named
	err := r.read(ctx, "look for entries named "+filename, func(tx *session) error {
		e, err := scanEntry(tx.row(ctx, namedWaits, filename, id, list(folders)).Scan)
		switch {
		case err == nil:
			n.Waits = &e
		case !errors.Is(err, sql.ErrNoRows):
			return err
		}
		for _, status := range []Status{Verified, Held, Filed} {
			query := namedOriginals
			if status == Verified {
				query = verifiedOriginals
			}
			err := each(ctx, tx, func(rows *sql.Rows) error {
				var original string
				err := rows.Scan(&original)
				if !slices.Contains(n.Originals, original) {
					n.Originals = append(n.Originals, original)
				}
				return err
			}, query, filename, id, status, maxOriginals)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}
