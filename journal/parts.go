package journal

import (
	"context"
	"database/sql"
	"fmt"
)

// What is recorded of a part that is stored, and of its file's hash.
const (
	storePart = `UPDATE parts SET etag = ?, md5 = ?, comparable = ?, done_at = ? WHERE attempt_id = ? AND number = ?
		AND EXISTS (SELECT 1 FROM attempts a WHERE a.id = attempt_id AND a.ended_at IS NULL)`

	itsEntry     = `(SELECT entry_id FROM attempts WHERE id = ?)`
	hashItsEntry = `UPDATE entries SET sha256 = ? WHERE id = ` + itsEntry
	hashItsWork  = `UPDATE work SET sha256 = ? WHERE entry_id = ` + itsEntry
)

// PartDone records that a part is stored: its ETag, MD5, whether that proves its bytes,
// and when (now, if p.DoneAt is zero); with it the hash of the whole content, if that is
// known by then. One that is contradicted makes its attempt Unconfirmed. ErrMoved if the
// attempt has ended or has no such part.
func (j *Journal) PartDone(ctx context.Context, attemptID int64, p Part) error {
	return j.write(ctx, fmt.Sprintf("record part %d of attempt %d", p.Number, attemptID), func(tx *session) error {
		done := ms(p.DoneAt)
		if done == 0 {
			done = j.now()
		}
		err := moved(tx.exec(ctx, storePart, p.ETag, p.MD5, p.Proven, done, attemptID, p.Number))
		if err == nil && p.Contradicted {
			_, err = tx.exec(ctx, `UPDATE attempts SET unconfirmed = 1 WHERE id = ?`, attemptID)
		}
		if err != nil || p.Content == nil {
			return err
		}
		if _, err = tx.exec(ctx, hashItsEntry, p.Content, attemptID); err != nil {
			return err
		}
		_, err = tx.exec(ctx, hashItsWork, p.Content, attemptID)
		return err
	}, AboutNothing)
}

// Proven records that the content of an attempt, ended or not, was seen to hold the
// bytes of all its parts.
func (j *Journal) Proven(ctx context.Context, attemptID int64) error {
	return j.write(ctx, fmt.Sprintf("record that attempt %d is proved", attemptID), func(tx *session) error {
		_, err := tx.exec(ctx, `UPDATE parts SET comparable = 1 WHERE attempt_id = ?`, attemptID)
		return err
	}, AboutNothing)
}

// SetSHA256 records the hash of an entry's content. ErrUnknown if there is no
// such entry.
func (j *Journal) SetSHA256(ctx context.Context, id int64, sum []byte) error {
	return j.write(ctx, fmt.Sprintf("record the hash of entry %d", id), func(tx *session) error {
		err := known(tx.exec(ctx, `UPDATE entries SET sha256 = ? WHERE id = ?`, sum, id))
		if err == nil {
			_, err = tx.exec(ctx, `UPDATE work SET sha256 = ? WHERE entry_id = ?`, sum, id)
		}
		return err
	}, AboutNothing)
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
