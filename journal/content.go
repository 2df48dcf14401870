package journal

import (
	"context"
	"database/sql"
	"fmt"
)

// otherCopies are the latest generations of other paths whose content is in
// Tenovos or on its way there, and that have the size of an entry.
const otherCopies = ` FROM entries e WHERE size = ?1 AND id <> ?2 AND NOT (folder = ?3 AND path = ?4)
	AND (` + queuedSQL + ` OR ` + begunSQL + ` OR status = 'filed')
	AND NOT EXISTS (SELECT 1 FROM entries n WHERE n.folder = e.folder AND n.path = e.path
		AND n.generation > e.generation AND n.status = 'filed')`

// HasSameSize reports whether another path could hold the same content as e,
// judged by the size alone: whether it is worth while to hash e's file.
func (j *Journal) HasSameSize(ctx context.Context, e Entry) (bool, error) {
	var has bool
	err := j.reader.read(ctx, fmt.Sprintf("look for the size of entry %d", e.ID), func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1`+otherCopies+`)`, e.Size, e.ID, e.Folder, []byte(e.Path)).Scan(&has)
	})
	return has, err
}

// SameContent returns, by id, the entries of other paths that hold the same
// content as e, or may hold it: those of its size whose hash is that of e or is
// not known. Their Attempt is the last one, with the MD5 of each stored part.
func (j *Journal) SameContent(ctx context.Context, e Entry) ([]Entry, error) {
	var out []Entry
	err := j.reader.read(ctx, fmt.Sprintf("look for the content of entry %d", e.ID), func(tx *sql.Tx) error {
		err := each(ctx, tx, func(rows *sql.Rows) error {
			c, err := scanEntry(rows.Scan)
			out = append(out, c)
			return err
		}, `SELECT `+entryColumns+otherCopies+` AND (sha256 = ?5 OR sha256 IS NULL) ORDER BY id`,
			e.Size, e.ID, e.Folder, []byte(e.Path), e.SHA256)
		if err != nil {
			return err
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
