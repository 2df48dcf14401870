package journal

import (
	"context"
	"database/sql"
	"fmt"
)

// otherCopies are the latest generations of other paths whose content is in
// Tenovos or on its way there before the entry's, and that have its size.
const otherCopies = ` FROM entries e WHERE size = ?1 AND id <> ?2 AND NOT (folder = ?3 AND path = ?4)
	AND (` + queuedSQL + ` AND id < ?2 OR ` + begunSQL + ` OR status = 'filed')
	AND NOT EXISTS (SELECT 1 FROM entries n WHERE n.folder = e.folder AND n.path = e.path
		AND n.generation > e.generation AND n.status = 'filed')`

// maxUnhashed bounds how many entries without a hash SameContent returns: each
// must be read to be compared, and gets its hash by that.
const maxUnhashed = 16

// HasSameSize reports whether another path could hold the same content as e,
// judged by the size alone: whether it is worth while to hash e's file.
func (r *Reader) HasSameSize(ctx context.Context, e Entry) (bool, error) {
	var has bool
	err := r.read(ctx, fmt.Sprintf("look for the size of entry %d", e.ID), func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1`+otherCopies+`)`, e.Size, e.ID, e.Folder, []byte(e.Path)).Scan(&has)
	})
	return has, err
}

// SameContent returns entries of other paths that hold the same content as e, or
// may hold it: first the one of its hash, if there is one, then up to maxUnhashed
// of its size that have no hash yet. Of two that wait only the earlier can be the
// original. Their Attempt is the last one, with the MD5 of each stored part.
func (r *Reader) SameContent(ctx context.Context, e Entry) ([]Entry, error) {
	var out []Entry
	err := r.read(ctx, fmt.Sprintf("look for the content of entry %d", e.ID), func(tx *sql.Tx) error {
		args := []any{e.Size, e.ID, e.Folder, []byte(e.Path), e.SHA256, maxUnhashed}
		for _, query := range []string{
			` AND sha256 = ?5 AND ?6 > 0 ORDER BY status <> 'filed', id LIMIT 1`,
			` AND sha256 IS NULL AND ?5 IS NOT NULL ORDER BY id LIMIT ?6`,
		} {
			err := each(ctx, tx, func(rows *sql.Rows) error {
				c, err := scanEntry(rows.Scan)
				out = append(out, c)
				return err
			}, `SELECT `+entryColumns+otherCopies+query, args...)
			if err != nil {
				return err
			}
		}
		for i := range out {
			if err := lastAttempt(ctx, tx, &out[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}
