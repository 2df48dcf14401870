package journal

import (
	"context"
	"database/sql"
	"fmt"
)

// Learned are facts about an entry, its file and its attempt that change no status. The
// zero value of a field is a fact that was not learned.
type Learned struct {
	// SHA256 is that of the entry's content.
	SHA256 []byte
	// Filename is the name that the asset of a settled entry will have, so that
	// Reader.Named shows it to the entries after it. ErrMoved if it is not settled.
	Filename string
	// Touched is the change time, in unix nanoseconds, of the file of a settled entry that was
	// merely touched since it was seen: nothing was sent of it, so that it is what it is now.
	// What was known of its content is forgotten. ErrMoved if the entry is not settled, or not
	// the latest generation of its path.
	Touched int64
	// Compared is a change time of the file, in unix nanoseconds, at which its bytes were
	// found to be those that were sent.
	Compared int64
	// Attempt is the id of the attempt that the following fields are about; 0 is the
	// open one. ErrMoved if there is none.
	Attempt int64
	// Parts are those that were stored: Number, ETag, MD5, Proven, Contradicted and DoneAt
	// (now, if it is zero) of each. One that is contradicted makes the attempt
	// Unconfirmed. ErrMoved if the attempt has ended or has no such part.
	Parts []Part
	// Proven says that the content of the attempt, ended or not, was seen to hold the
	// bytes of all its parts.
	Proven bool
	// NeverCompleted says that the upload of the attempt was open until it was cancelled:
	// the complete call, which may have happened for all that was known, had no effect.
	NeverCompleted bool
}

// What is recorded of an attempt, a stored part, and the hash of an entry's content.
const (
	storePart = `UPDATE parts SET etag = ?, md5 = ?, comparable = ?, done_at = ? WHERE attempt_id = ? AND number = ?
		AND EXISTS (SELECT 1 FROM attempts a WHERE a.id = attempt_id AND a.ended_at IS NULL)`
	doubtAttempt = `UPDATE attempts SET unconfirmed = 1 WHERE id = ?`
	proveParts   = `UPDATE parts SET comparable = 1 WHERE attempt_id = ?`
	neverDone    = `UPDATE attempts SET completing_at = NULL WHERE id = ?`

	hashEntry = `UPDATE entries SET sha256 = ? WHERE id = ?`
	hashWork  = `UPDATE work SET sha256 = ? WHERE entry_id = ?`
)

// Learn records facts about an entry whatever its status is. It is one transaction,
// durable when it returns nil. ErrUnknown if there is no such entry.
func (j *Journal) Learn(ctx context.Context, id int64, l Learned) error {
	return j.write(ctx, fmt.Sprintf("record what was learned of entry %d", id), func(tx *session) error {
		if err := l.ofAttempt(ctx, tx, id, l.Attempt, j.now()); err != nil {
			return err
		}
		return l.ofEntry(ctx, tx, id, j.now())
	}, l.about())
}

// ofEntry records what was learned of an entry itself.
func (l Learned) ofEntry(ctx context.Context, tx *session, id, now int64) error {
	if l.SHA256 != nil {
		if err := known(tx.exec(ctx, hashEntry, l.SHA256, id)); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, hashWork, l.SHA256, id); err != nil {
			return err
		}
	}
	if l.Touched != 0 {
		if err := touched(ctx, tx, id, l.Touched, now); err != nil {
			return err
		}
	}
	if l.Compared != 0 {
		if err := compared(ctx, tx, id, l.Compared); err != nil {
			return err
		}
	}
	if l.Filename == "" {
		return nil
	}
	err := moved(tx.exec(ctx, `UPDATE entries SET filename = ? WHERE id = ? AND status = {settled}`, l.Filename, id))
	if err == nil {
		_, err = tx.exec(ctx, `UPDATE work SET filename = ? WHERE entry_id = ?`, l.Filename, id)
	}
	return err
}

// about is what the facts change for others: only a filename is waited for.
func (l Learned) about() Topic {
	if l.Filename != "" || l.Compared != 0 || l.Touched != 0 {
		return AboutEntries
	}
	return AboutNothing
}

// ofAttempt records what was learned of an attempt.
func (l Learned) ofAttempt(ctx context.Context, tx *session, id, attempt, now int64) error {
	if len(l.Parts) == 0 && !l.Proven && !l.NeverCompleted {
		return nil
	}
	if attempt == 0 {
		if err := tx.row(ctx, openAttemptID, id).Scan(&attempt); err != nil {
			return err
		}
	}
	for _, p := range l.Parts {
		done := ms(p.DoneAt)
		if done == 0 {
			done = now
		}
		if err := moved(tx.exec(ctx, storePart, p.ETag, p.MD5, p.Proven, done, attempt, p.Number)); err != nil {
			return err
		}
		if p.Contradicted {
			if _, err := tx.exec(ctx, doubtAttempt, attempt); err != nil {
				return err
			}
		}
	}
	if l.Proven {
		if _, err := tx.exec(ctx, proveParts, attempt); err != nil {
			return err
		}
	}
	if l.NeverCompleted {
		_, err := tx.exec(ctx, neverDone, attempt)
		return err
	}
	return nil
}

// touched has a settled entry take the change time of its file.
func touched(ctx context.Context, tx *session, id, changeTime, now int64) error {
	e, err := readEntry(ctx, tx, id)
	if err != nil {
		return err
	}
	e.ChangeTime = changeTime
	m := Move{ID: id, From: Settled, To: Settled, Stay: Stay{Rehint: &e.File}}
	return stay(ctx, tx, m, now)
}

// compared has an entry take a change time of its file.
func compared(ctx context.Context, tx *session, id, changeTime int64) error {
	e, err := readEntry(ctx, tx, id)
	if err != nil {
		return err
	}
	e.ChangeTime = changeTime
	mark := markOf(e.File)
	_, err = tx.exec(ctx, `UPDATE entries AS e SET change_time = ?, mark = CASE WHEN EXISTS (SELECT 1 FROM entries n
		WHERE n.folder = e.folder AND n.path = e.path AND n.generation > e.generation) THEN NULL ELSE ? END WHERE id = ?`, changeTime, mark, id)
	return err
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
