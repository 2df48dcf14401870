package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

func setIDs(ctx context.Context, tx *session, id int64, c Creation) error {
	_, err := tx.exec(ctx, `UPDATE entries SET object_id = ?, file_id = ?, original_file_id = ? WHERE id = ?`,
		c.ObjectID, c.FileID, c.OriginalFileID, id)
	return err
}

// moveAttempt opens, completes, ends or opens again the attempt that belongs to a
// move.
func moveAttempt(ctx context.Context, tx *session, m Move, e *Entry, now int64) error {
	if err := changeAttempt(ctx, tx, m, e, now); err != nil {
		return err
	}
	switch m.To {
	case Creating:
		return nil
	case Uploading:
		if e.Attempt != nil { // it is as it was created
			return nil
		}
	case Completing, Verifying:
		if err := markAttempt(ctx, tx, m, now); err != nil {
			return err
		}
	default:
		e.Attempt = nil
		return nil
	}
	if err := lastAttempt(ctx, tx, e); err != nil {
		return err
	}
	e.Sent = e.Attempt.sent()
	return nil
}

// What an ordinary move asks for of an attempt. The attempt is named by its id where the
// worker knows it, and else it is the open one of its entry.
const (
	insertAttempt = `INSERT INTO attempts (entry_id, number, intent_at)
		SELECT ?1, coalesce(max(number), 0) + 1, ?2 FROM attempts WHERE entry_id = ?1 RETURNING id, number`

	fillCreated = `UPDATE attempts SET object_id = ?1, file_id = ?2, original_file_id = ?3, upload_id = ?4, expires = ?5, part_size = ?6, created_at = ?7 WHERE `
	fillKnown   = fillCreated + `id = ?8 AND ended_at IS NULL`
	fillOpen    = fillCreated + `entry_id = ?8 AND ended_at IS NULL RETURNING id, number, intent_at`
	insertPart  = `INSERT INTO parts (attempt_id, number, "offset", size, url) VALUES (?, ?, ?, ?, ?)`

	missingParts = `SELECT EXISTS (SELECT 1 FROM attempts a JOIN parts p ON p.attempt_id = a.id
		WHERE a.entry_id = ? AND a.ended_at IS NULL AND p.done_at IS NULL)`
	openAttemptID = `SELECT coalesce(max(id), 0) FROM attempts WHERE entry_id = ? AND ended_at IS NULL`
	wipeURLs      = `UPDATE parts SET url = NULL WHERE attempt_id = ?`
	closeAttempt  = `UPDATE attempts SET ended_at = ? WHERE id = ?`
)

func changeAttempt(ctx context.Context, tx *session, m Move, e *Entry, now int64) error {
	switch {
	case m.To == Creating:
		a := Attempt{IntentAt: at(now)}
		err := tx.row(ctx, insertAttempt, m.ID, now).Scan(&a.ID, &a.Number)
		e.Attempt, e.Sent = &a, 0
		e.AttemptCount++
		return err
	case m.adopts():
		return adopt(ctx, tx, m)
	case m.Created != nil:
		if m.To == Cancelling {
			if err := setIDs(ctx, tx, m.ID, *m.Created); err != nil {
				return err
			}
		}
		return fillAttempt(ctx, tx, e, *m.Created, now)
	case m.From == Cancelling && m.To == Verifying:
		err := moved(tx.exec(ctx, `UPDATE attempts SET unconfirmed = 1
			WHERE entry_id = ? AND ended_at IS NULL AND completing_at IS NOT NULL`, m.ID))
		if errors.Is(err, ErrMoved) {
			return fmt.Errorf("%w: its upload was never to be completed", ErrIllegal)
		}
		return err
	case m.From == Creating && m.To == Mapped: // nothing came of it: it was no attempt
		_, err := tx.exec(ctx, `DELETE FROM attempts WHERE entry_id = ? AND ended_at IS NULL`, m.ID)
		return err
	case m.From.attempting() && !m.To.attempting():
		if m.From == Uploading {
			if err := whole(ctx, tx, m, e.Attempt); err != nil {
				return err
			}
		}
		return endAttempt(ctx, tx, *e, now)
	case m.From == Held && m.To == Verifying:
		return reopenAttempt(ctx, tx, m.ID)
	}
	return nil
}

// whole is ErrIllegal unless all parts of the open attempt are stored. The attempt is nil
// where it is not at hand.
func whole(ctx context.Context, tx *session, m Move, open *Attempt) error {
	missing := false
	if open != nil {
		missing = slices.ContainsFunc(open.with(m.Learned.Parts).Parts, func(p Part) bool { return p.DoneAt.IsZero() })
	} else if err := tx.row(ctx, missingParts, m.ID).Scan(&missing); err != nil {
		return err
	}
	if !missing {
		return nil
	}
	return fmt.Errorf("%w: not all of its parts are stored", ErrIllegal)
}

// markAttempt stores how sure it is that the open attempt's bytes are in place.
func markAttempt(ctx context.Context, tx *session, m Move, now int64) error {
	if m.To == Completing {
		_, err := tx.exec(ctx, `UPDATE attempts SET completing_at = ? WHERE entry_id = ? AND ended_at IS NULL`, now, m.ID)
		return err
	}
	if !m.Unconfirmed {
		return nil
	}
	_, err := tx.exec(ctx, `UPDATE attempts SET unconfirmed = 1 WHERE entry_id = ? AND ended_at IS NULL`, m.ID)
	return err
}

// adopt gives an entry an asset that the account held already, unless it is no longer
// Adoptable: ErrMoved, for a second look will show that.
func adopt(ctx context.Context, tx *session, m Move) error {
	var taken bool
	err := tx.row(ctx, `SELECT `+strangerSQL, m.Created.ObjectID, m.ID).Scan(&taken)
	if err == nil && taken {
		err = ErrMoved
	}
	if err != nil {
		return err
	}
	return setIDs(ctx, tx, m.ID, *m.Created)
}

// fillAttempt stores what was created in the open attempt.
func fillAttempt(ctx context.Context, tx *session, e *Entry, c Creation, now int64) error {
	a := Attempt{ObjectID: c.ObjectID, FileID: c.FileID, OriginalFileID: c.OriginalFileID, UploadID: c.UploadID,
		Expires: at(ms(c.Expires)), PartSize: c.PartSize}
	created := []any{c.ObjectID, c.FileID, c.OriginalFileID, c.UploadID, ms(c.Expires), c.PartSize, now}
	if known := e.Attempt; known != nil {
		a.ID, a.Number, a.IntentAt = known.ID, known.Number, known.IntentAt
		if err := moved(tx.exec(ctx, fillKnown, append(created, a.ID)...)); err != nil {
			return err
		}
	} else {
		var intentAt int64
		err := tx.row(ctx, fillOpen, append(created, e.ID)...).
			Scan(&a.ID, &a.Number, &intentAt)
		if err != nil {
			return err
		}
		a.IntentAt = at(intentAt)
	}
	for _, p := range c.Parts {
		_, err := tx.exec(ctx, insertPart,
			a.ID, p.Number, p.Offset, p.Size, []byte(p.URL.Reveal()))
		if err != nil {
			return fmt.Errorf("part %d: %w", p.Number, err)
		}
		a.Parts = append(a.Parts, Part{Number: p.Number, Offset: p.Offset, Size: p.Size, URL: p.URL})
	}
	e.Attempt = &a
	return nil
}

// endAttempt closes the open attempt and wipes its URLs.
func endAttempt(ctx context.Context, tx *session, e Entry, now int64) error {
	attempt := int64(0)
	if e.Attempt != nil {
		attempt = e.Attempt.ID
	} else if err := tx.row(ctx, openAttemptID, e.ID).Scan(&attempt); err != nil {
		return err
	}
	if _, err := tx.exec(ctx, wipeURLs, attempt); err != nil {
		return err
	}
	_, err := tx.exec(ctx, closeAttempt, now, attempt)
	return err
}

// reopenAttempt opens the last attempt again, to look once more at what it
// uploaded, if it was to upload anything. The entry still has the attempt's ids,
// unless it was cancelled.
func reopenAttempt(ctx context.Context, tx *session, entry int64) error {
	err := moved(tx.exec(ctx, `UPDATE attempts SET ended_at = NULL
		WHERE id = (SELECT id FROM attempts WHERE entry_id = ?1 ORDER BY number DESC LIMIT 1)
		  AND object_id <> '' AND object_id = (SELECT object_id FROM entries WHERE id = ?1)
		  AND (EXISTS (SELECT 1 FROM entries WHERE id = ?1 AND kind <> '')
			OR NOT EXISTS (SELECT 1 FROM parts WHERE attempt_id = attempts.id AND done_at IS NULL))`, entry))
	if errors.Is(err, ErrMoved) {
		return fmt.Errorf("%w: its bytes were never all handed over", ErrIllegal)
	}
	return err
}
