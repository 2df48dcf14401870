package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Move is one change of status and the facts that belong to it.
type Move struct {
	ID       int64
	From, To Status
	// Reason and Outcome replace those of the entry; empty clears them. Outcome is
	// required with To == Cancelling and not allowed otherwise.
	Reason  Reason
	Outcome Status
	// NotBefore is when the entry may run again; zero is at once.
	NotBefore time.Time
	// Asset (JSON) and Filename are stored with To == Mapped: required from
	// Settled, otherwise the ones stored earlier stay when they are empty.
	Asset    []byte
	Filename string
	// FactsAt is when the facts for Asset began to be gathered, with To == Mapped: what
	// a companion told later is not in it. MappedAt is the entry's as it was read before:
	// ErrMoved if a companion has told something since. Two times are not compared, for
	// a clock may be set back.
	FactsAt, MappedAt time.Time
	// Previous is the id of what Journal.Previous found when the asset was decided on, 0
	// for nothing, with To == Mapped from Settled; nil if that does not matter. ErrMoved
	// if it is another by now.
	Previous *int64
	// ChangeTime is the entry's as it was when its content was looked at: ErrMoved if its
	// file was touched since, for then it may hold other bytes, and its hash was wiped;
	// nil if that does not matter.
	ChangeTime *int64
	// Created is required from Creating to Created. From Creating to Cancelling it
	// gives the ids of our own empty asset, if one was found; from Mapped to
	// Verified, where it is required too, those of the asset that the account holds
	// already.
	Created *Creation
	// Fills is required from Mapped to Created: the placeholder, filed, whose asset gets
	// the entry's content through the URL that it kept.
	Fills int64
	// CountFailure and CountExpiry add one to the entry's counters, ResetCounts
	// sets both to zero.
	CountFailure, CountExpiry, ResetCounts bool
	// AsNew is stored with ResetCounts: the entry is to become an asset of its own.
	AsNew bool
	// Unconfirmed is stored with To == Verifying: nobody answered for the bytes, so
	// they must be seen.
	Unconfirmed bool
	// Chores are opened in the same transaction.
	Chores []NewChore
}

// Creation is what the creation of an asset returned, and the plan made of it.
type Creation struct {
	ObjectID, FileID, OriginalFileID string
	UploadID                         string    // "" for a single PUT
	Expires                          time.Time // when the first URL dies; zero if unknown
	PartSize                         int64     // bytes
	Parts                            []Part
}

// check refuses what no state of the journal can make right.
func (m Move) check() error {
	illegal := func(why string) error {
		return fmt.Errorf("move entry %d from %s to %s: %w: %s", m.ID, m.From, m.To, ErrIllegal, why)
	}
	switch {
	case !CanAdvance(m.From, m.To):
		return fmt.Errorf("move entry %d from %s to %s: %w", m.ID, m.From, m.To, ErrIllegal)
	case m.To == Cancelling && (!CanAdvance(Cancelling, m.Outcome) || m.Outcome == Verifying):
		return illegal(fmt.Sprintf("%q is no outcome of a cancel", m.Outcome))
	case m.To != Cancelling && m.Outcome != "":
		return illegal("only a cancel has an outcome")
	case m.From == Settled && m.To == Mapped && (len(m.Asset) == 0 || m.Filename == ""):
		return illegal("the asset to create or its file name is missing")
	case m.fills() != (m.Fills != 0):
		return illegal("what is filled is missing, or nothing is")
	case (m.To == Created && !m.fills() || m.adopts()) && m.Created == nil:
		return illegal("what was created is missing")
	case m.Created != nil && !m.adopts() && (m.From != Creating || m.To != Created && m.To != Cancelling):
		return illegal("nothing is created by it")
	}
	return nil
}

// adopts reports a move that takes over an asset which the account holds already.
func (m Move) adopts() bool { return m.From == Mapped && m.To == Verified }

// queues reports a move into the queue. Meanwhile its folder may have got another
// order.
func (m Move) queues() bool {
	return m.To.Runnable() && !m.To.Active() && (m.From.Active() || !m.From.Runnable())
}

// Advance moves an entry from one status to another; nothing else does. It is
// one transaction, durable when it returns nil.
//
// To Creating opens an attempt; to Created stores its ids, URLs and plan; from
// Creating back to Mapped it is forgotten, because nothing came of it. An
// attempt ends, and its URLs are wiped, when the entry leaves the statuses from
// Creating to Verifying and Cancelling. From Held to Verifying opens the last
// one again, without URLs; it is legal only if that one's bytes were all handed
// over. Leaving Cancelling and going back to Settled clear the entry's ids, but
// not from Cancelling to Verifying: what was to be cancelled proved complete.
// Going back to Settled forgets where its file was moved to: it is back. From Failed
// that, and being superseded, has the asset removed that a ClassMismatch left.
//
// The attempt of a placeholder keeps its URL beyond Verified for a file that comes,
// see Move.Fills; when that file is Verified, the placeholder is superseded.
//
// Errors: ErrIllegal if the table has no such move or a fact is missing,
// ErrMoved if the entry is not in From (somebody else moved it), ErrNameBusy if
// another entry with the same Filename is in Creating. None of them changes
// anything.
func (j *Journal) Advance(ctx context.Context, m Move) error {
	if err := m.check(); err != nil {
		return err
	}
	op := fmt.Sprintf("move entry %d from %s to %s", m.ID, m.From, m.To)
	return j.write(ctx, op, func(tx *sql.Tx) error { return advance(ctx, tx, m, j.now()) }, m.about())
}

// about is what a move changes.
func (m Move) about() Topic {
	if len(m.Chores) > 0 || m.From == Failed { // a mismatch opens one, too
		return AboutEntries | AboutChores
	}
	return AboutEntries
}

// advance is a move that was checked, within a transaction.
func advance(ctx context.Context, tx *sql.Tx, m Move, now int64) error {
	if m.From == Failed && (m.To == Settled || m.To == Superseded) {
		if err := removeMismatch(ctx, tx, m.ID, now); err != nil {
			return err
		}
	}
	if err := checkPrevious(ctx, tx, m); err != nil {
		return err
	}
	if err := setStatus(ctx, tx, m, now); err != nil {
		return err
	}
	if err := moveAttempt(ctx, tx, m, now); err != nil {
		return err
	}
	for _, c := range m.Chores {
		if err := addChore(ctx, tx, m.ID, c, now); err != nil {
			return err
		}
	}
	return nil
}

// checkPrevious is ErrMoved if a decision rests on what another path has by now.
func checkPrevious(ctx context.Context, tx *sql.Tx, m Move) error {
	if m.Previous == nil {
		return nil
	}
	var folder string
	var path []byte
	var generation int
	err := tx.QueryRowContext(ctx, `SELECT folder, path, generation FROM entries WHERE id = ?`, m.ID).Scan(&folder, &path, &generation)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrMoved
	}
	if err != nil {
		return err
	}
	var previous int64
	err = tx.QueryRowContext(ctx, `SELECT id`+beforeSQL, folder, path, generation).Scan(&previous)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if previous != *m.Previous {
		return ErrMoved
	}
	return nil
}

// setStatus changes the entry itself.
func setStatus(ctx context.Context, tx *sql.Tx, m Move, now int64) error {
	var asset, filename string
	if m.To == Mapped {
		asset, filename = string(m.Asset), m.Filename
	}
	res, err := tx.ExecContext(ctx, `UPDATE entries SET
			status = ?, outcome = ?, class = ?, message = ?, hint = ?, not_before = ?, since = ?, tries = 0, updated = ?,
			asset = coalesce(nullif(?, ''), asset), filename = coalesce(nullif(?, ''), filename),
			failures = iif(?, 0, failures + ?), expiries = iif(?, 0, expiries + ?), as_new = iif(?, ?, as_new),
			mapped_at = iif(?, ?, mapped_at),
			sort_key = iif(?, `+sortKey+`, sort_key), mark = iif(?, NULL, mark), aside = iif(?, x'', aside), moved_to = iif(?, x'', moved_to),
			batch = iif(?, NULL, batch)
		WHERE id = ? AND status = ? AND (? = 0 OR mapped_at = ?) AND (? IS NULL OR change_time = ?)`,
		m.To, m.Outcome, m.Reason.Class, m.Reason.Message, m.Reason.Hint, ms(m.NotBefore), now, now,
		asset, filename,
		m.ResetCounts, m.CountFailure, m.ResetCounts, m.CountExpiry, m.ResetCounts, m.AsNew,
		asset != "", ms(m.FactsAt),
		m.queues(), m.To == Superseded || m.Outcome == Superseded, m.To == Settled, m.To == Settled, m.To.Active(),
		m.ID, m.From, ms(m.FactsAt), ms(m.MappedAt), m.ChangeTime, m.ChangeTime)
	if violatesUnique(err) {
		return ErrNameBusy // entries_creating is the only unique index that a move touches
	}
	if err := moved(res, err); err != nil {
		return err
	}
	if m.To == Withdrawn { // nobody edits what is in the recycle bin
		if _, err := tx.ExecContext(ctx, `DELETE FROM edits WHERE entry_id = ?`, m.ID); err != nil {
			return err
		}
	}
	if m.To == Verified {
		if err := supersedePlaceholder(ctx, tx, m.ID, now); err != nil {
			return err
		}
	}
	if m.From == Cancelling && m.To != Verifying || m.To == Settled {
		return setIDs(ctx, tx, m.ID, Creation{})
	}
	return nil
}

// moved is ErrMoved if a statement changed no row.
func moved(res sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		err = ErrMoved
	}
	return err
}

func setIDs(ctx context.Context, tx *sql.Tx, id int64, c Creation) error {
	_, err := tx.ExecContext(ctx, `UPDATE entries SET object_id = ?, file_id = ?, original_file_id = ? WHERE id = ?`,
		c.ObjectID, c.FileID, c.OriginalFileID, id)
	return err
}

// moveAttempt opens, fills, ends or opens again the attempt that belongs to a
// move.
func moveAttempt(ctx context.Context, tx *sql.Tx, m Move, now int64) (err error) {
	if m.To == Completing || m.To == Verifying {
		defer func() {
			if err == nil {
				err = markAttempt(ctx, tx, m, now)
			}
		}()
	}
	switch {
	case m.To == Creating:
		_, err := tx.ExecContext(ctx, `INSERT INTO attempts (entry_id, number, intent_at)
			SELECT ?1, coalesce(max(number), 0) + 1, ?2 FROM attempts WHERE entry_id = ?1`, m.ID, now)
		return err
	case m.adopts():
		return adopt(ctx, tx, m)
	case m.fills():
		return fill(ctx, tx, m, now)
	case m.Created != nil:
		return fillAttempt(ctx, tx, m.ID, *m.Created)
	case m.From == Cancelling && m.To == Verifying:
		err := moved(tx.ExecContext(ctx, `UPDATE attempts SET unconfirmed = 1
			WHERE entry_id = ? AND ended_at IS NULL AND (completing_at IS NOT NULL OR fills > 0)`, m.ID))
		if errors.Is(err, ErrMoved) {
			return fmt.Errorf("%w: its upload was never to be completed", ErrIllegal)
		}
		return err
	case m.From == Creating && m.To == Mapped: // nothing came of it: it was no attempt
		_, err := tx.ExecContext(ctx, `DELETE FROM attempts WHERE entry_id = ? AND ended_at IS NULL`, m.ID)
		return err
	case m.From.attempting() && !m.To.attempting():
		return endAttempt(ctx, tx, m.ID, m.To, now)
	case m.From == Held && m.To == Verifying:
		return reopenAttempt(ctx, tx, m.ID)
	}
	return nil
}

// markAttempt stores how sure it is that the open attempt's bytes are in place.
func markAttempt(ctx context.Context, tx *sql.Tx, m Move, now int64) error {
	set := `completing_at = ?`
	value := any(now)
	if m.To == Verifying {
		set, value = `unconfirmed = max(unconfirmed, ?)`, m.Unconfirmed
	}
	_, err := tx.ExecContext(ctx, `UPDATE attempts SET `+set+` WHERE entry_id = ? AND ended_at IS NULL`, value, m.ID)
	return err
}

// adopt gives an entry an asset that the account held already, unless it is no longer
// Adoptable: ErrMoved, for a second look will show that.
func adopt(ctx context.Context, tx *sql.Tx, m Move) error {
	var taken bool
	err := tx.QueryRowContext(ctx, `SELECT `+strangerSQL, m.Created.ObjectID, m.ID).Scan(&taken)
	if err == nil && taken {
		err = ErrMoved
	}
	if err != nil {
		return err
	}
	return setIDs(ctx, tx, m.ID, *m.Created)
}

// fillAttempt stores what was created in the open attempt and its ids in the
// entry.
func fillAttempt(ctx context.Context, tx *sql.Tx, entry int64, c Creation) error {
	var attempt int64
	err := tx.QueryRowContext(ctx, `UPDATE attempts SET object_id = ?, file_id = ?, original_file_id = ?, upload_id = ?,
			expires = ?, part_size = ? WHERE entry_id = ? AND ended_at IS NULL RETURNING id`,
		c.ObjectID, c.FileID, c.OriginalFileID, c.UploadID, ms(c.Expires), c.PartSize, entry).Scan(&attempt)
	if err != nil {
		return err
	}
	insert, err := tx.PrepareContext(ctx, `INSERT INTO parts (attempt_id, number, "offset", size, url) VALUES (?, ?, ?, ?, ?)`)
	if err != nil {
		return err
	}
	defer insert.Close()
	for _, p := range c.Parts {
		if _, err := insert.ExecContext(ctx, attempt, p.Number, p.Offset, p.Size, []byte(p.URL.Reveal())); err != nil {
			return fmt.Errorf("part %d: %w", p.Number, err)
		}
	}
	return setIDs(ctx, tx, entry, c)
}

// endAttempt closes the open attempt and wipes its URLs, but for the one that a
// placeholder keeps.
func endAttempt(ctx context.Context, tx *sql.Tx, entry int64, to Status, now int64) error {
	if to == Verified {
		if kept, err := keepVacancy(ctx, tx, entry, now); kept || err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, `UPDATE parts SET url = NULL WHERE attempt_id IN
		(SELECT id FROM attempts WHERE entry_id = ? AND ended_at IS NULL)`, entry)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE attempts SET ended_at = ? WHERE entry_id = ? AND ended_at IS NULL`, now, entry)
	return err
}

// reopenAttempt opens the last attempt again, to look once more at what it
// uploaded, if it was to upload anything. The entry still has the attempt's ids,
// unless it was cancelled.
func reopenAttempt(ctx context.Context, tx *sql.Tx, entry int64) error {
	err := moved(tx.ExecContext(ctx, `UPDATE attempts SET ended_at = NULL
		WHERE id = (SELECT id FROM attempts WHERE entry_id = ?1 ORDER BY number DESC LIMIT 1)
		  AND object_id <> '' AND object_id = (SELECT object_id FROM entries WHERE id = ?1)
		  AND (EXISTS (SELECT 1 FROM entries WHERE id = ?1 AND kind <> '')
			OR NOT EXISTS (SELECT 1 FROM parts WHERE attempt_id = attempts.id AND done_at IS NULL))`, entry))
	if errors.Is(err, ErrMoved) {
		return fmt.Errorf("%w: its bytes were never all handed over", ErrIllegal)
	}
	return err
}

// Defer leaves an entry in its status until a later time, with the reason why,
// and counts the try, and a failure too if asked to. ErrMoved if it is no longer in that
// status, ErrIllegal if nobody runs an entry in that status anyway.
func (j *Journal) Defer(ctx context.Context, id int64, in Status, until time.Time, r Reason, countFailure bool) error {
	op := fmt.Sprintf("defer entry %d", id)
	if !in.Runnable() {
		return fmt.Errorf("%s: %w: an entry that is %s does not run", op, ErrIllegal, in)
	}
	return j.write(ctx, op, func(tx *sql.Tx) error {
		return moved(tx.ExecContext(ctx, `UPDATE entries SET class = ?, message = ?, hint = ?, not_before = ?, updated = ?,
			tries = tries + 1, failures = failures + ? WHERE id = ? AND status = ?`,
			r.Class, r.Message, r.Hint, ms(until), j.now(), countFailure, id, in))
	})
}
