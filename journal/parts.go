package journal

import (
	"context"
	"database/sql"
	"fmt"
)

// PartDone records that a part is stored: its ETag, MD5, whether the two were
// comparable, and when (now, if p.DoneAt is zero). ErrMoved if the attempt has
// ended or has no such part.
func (j *Journal) PartDone(ctx context.Context, attemptID int64, p Part) error {
	return j.write(ctx, fmt.Sprintf("record part %d of attempt %d", p.Number, attemptID), func(tx *sql.Tx) error {
		done := ms(p.DoneAt)
		if done == 0 {
			done = j.now()
		}
		return moved(tx.ExecContext(ctx, `UPDATE parts SET etag = ?, md5 = ?, comparable = ?, done_at = ?
			WHERE attempt_id = ? AND number = ?
			  AND EXISTS (SELECT 1 FROM attempts a WHERE a.id = attempt_id AND a.ended_at IS NULL)`,
			p.ETag, p.MD5, p.Comparable, done, attemptID, p.Number))
	})
}

// SetSHA256 records the hash of an entry's content. ErrUnknown if there is no
// such entry.
func (j *Journal) SetSHA256(ctx context.Context, id int64, sum []byte) error {
	return j.write(ctx, fmt.Sprintf("record the hash of entry %d", id), func(tx *sql.Tx) error {
		return known(tx.ExecContext(ctx, `UPDATE entries SET sha256 = ? WHERE id = ?`, sum, id))
	})
}

// known is ErrUnknown if a statement changed no row.
func known(res sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		err = ErrUnknown
	}
	return err
}
