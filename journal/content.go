package journal

import (
	"context"
	"database/sql"
	"fmt"
)

// otherCopy is true of an entry e, not replaced, of another path whose content
// Tenovos has, or will have, as that of its path.
const otherCopy = ` e.replaced = 0 AND e.size = ?1 AND e.id <> ?2 AND NOT (e.folder = ?3 AND e.path = ?4)
	AND NOT EXISTS (SELECT 1 FROM entries n WHERE n.folder = e.folder AND n.path = e.path
		AND n.generation > e.generation AND n.status = 'filed')`

// What is asked about a size: each costs a few steps for each status, however many
// entries have the size.
const (
	anyOtherCopy = `SELECT EXISTS (SELECT 1 FROM entries e INDEXED BY entries_content WHERE status = 'filed' AND` + otherCopy + `)
		OR EXISTS (SELECT 1 FROM entries e INDEXED BY entries_content WHERE ` + begunSQL + ` AND` + otherCopy + `)
		OR EXISTS (SELECT 1 FROM entries e INDEXED BY entries_waiting WHERE ` + queuedSQL + ` AND id < ?2 AND` + otherCopy + `)
		OR EXISTS (SELECT 1` + rememberedCopy + `)`

	// SQLite sorts what is of several statuses, so that the first of each are sought alone.
	otherCopies = `WITH s (status, below) AS (VALUES ('filed', 1 << 62), ('settled', ?2), ('mapped', ?2),
			('creating', 1 << 62), ('created', 1 << 62), ('uploading', 1 << 62), ('completing', 1 << 62),
			('verifying', 1 << 62), ('verified', 1 << 62), ('cancelling', 1 << 62))
		SELECT ` + entryColumns + ` FROM s CROSS JOIN entries e ON e.id IN (
			SELECT id FROM entries e INDEXED BY entries_content
			WHERE status = s.status AND id < s.below AND sha256 IS ?5 AND` + otherCopy + ` ORDER BY id LIMIT ?6)
		ORDER BY ?5 IS NOT NULL AND e.status <> 'filed', e.id LIMIT ?6`
)

// maxUnhashed bounds how many entries without a hash SameContent returns: each
// must be read to be compared, and gets its hash by that.
const maxUnhashed = 16

// HasSameSize reports whether another path could hold the same content as e,
// judged by the size alone: whether it is worth while to hash e's file.
func (r *Reader) HasSameSize(ctx context.Context, e Entry) (bool, error) {
	var has bool
	err := r.read(ctx, fmt.Sprintf("look for the size of entry %d", e.ID), func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, anyOtherCopy, e.Size, e.ID, e.Folder, []byte(e.Path)).Scan(&has)
	})
	return has, err
}

// SameContent returns entries of other paths that hold the same content as e, or
// may hold it: first the one of its hash, if there is one, then up to maxUnhashed
// of its size that have no hash yet. Of two that wait only the earlier can be the
// original. Their Attempt is the last one, with the MD5 of each stored part. Behind them
// comes what was pruned, as far as it is remembered: it has an ID that names no entry.
func (r *Reader) SameContent(ctx context.Context, e Entry) ([]Entry, error) {
	if e.SHA256 == nil {
		return nil, nil
	}
	var out []Entry
	err := r.read(ctx, fmt.Sprintf("look for the content of entry %d", e.ID), func(tx *sql.Tx) error {
		for _, want := range []struct {
			sum   []byte
			limit int
		}{{e.SHA256, 1}, {nil, maxUnhashed}} {
			err := each(ctx, tx, func(rows *sql.Rows) error {
				c, err := scanEntry(rows.Scan)
				out = append(out, c)
				return err
			}, otherCopies, e.Size, e.ID, e.Folder, []byte(e.Path), want.sum, want.limit)
			if err != nil {
				return err
			}
		}
		for i := range out {
			if err := lastAttempt(ctx, tx, &out[i]); err != nil {
				return err
			}
		}
		pruned, err := remembered(ctx, tx, e)
		out = append(out, pruned...)
		return err
	})
	return out, err
}
