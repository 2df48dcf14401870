package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Advance moves an entry from one status to another; nothing else does. It is
// one transaction, durable when it returns nil. It returns the entry as the move left
// it, as Entry would in that moment: what others change from then on, such as a Touch,
// Companions.ActOn or the release of a batch, is not in it, as it is in nothing that was read.
//
// To Creating opens an attempt; from there to Uploading stores its ids, URLs and plan; from
// Creating back to Mapped it is forgotten, because nothing came of it. An
// attempt ends, and its URLs are wiped, when the entry leaves the statuses from
// Creating to Verifying and Cancelling. From Held to Verifying opens the last
// one again, without URLs; it is legal only if that one's bytes were all handed
// over. Leaving Cancelling and going back to Settled clear the entry's ids, but
// not from Cancelling to Verifying: what was to be cancelled proved complete.
// Going back to Settled forgets where its file was moved to: it is back. From Failed
// that, and being superseded, has the asset removed that a ClassMismatch left.
//
// With To == From the entry stays, see Stay; one that is merged into another is gone then,
// and the zero Entry is returned.
//
// Errors: ErrIllegal if the table has no such move or a fact is missing,
// ErrMoved if the entry is not in From (somebody else moved it) or what was learned does
// not fit it any more, ErrNameBusy if
// another entry with the same Filename is in Creating. None of them changes
// anything.
func (j *Journal) Advance(ctx context.Context, m Move) (Entry, error) {
	if err := m.check(); err != nil {
		return Entry{}, err
	}
	var e Entry
	op := fmt.Sprintf("move entry %d from %s to %s", m.ID, m.From, m.To)
	err := j.write(ctx, op, func(tx *session) (err error) {
		now := j.now()
		if e, err = advance(ctx, tx, m, now); err == nil && !m.ordinary() && !m.Stay.merges() {
			e, err = readEntry(ctx, tx, m.ID)
		}
		return err
	}, m.about())
	if err != nil {
		return Entry{}, err
	}
	return e, nil
}

// about is what a move changes.
func (m Move) about() Topic {
	about := AboutEntries
	if len(m.Chores) > 0 || m.From == Failed || m.Stay.merges() { // a mismatch opens one, too
		about |= AboutChores
	}
	if m.To != m.From && (m.From == Held || m.From == Failed || m.To == Held || m.To == Failed) {
		about |= AboutNotes
	}
	if m.telling() || m.Stay.merges() {
		about |= AboutEvents
	}
	return about
}

// advance is a move that was checked, within a transaction. It returns the entry as the
// move left it if that is ordinary.
func advance(ctx context.Context, tx *session, m Move, now int64) (e Entry, err error) {
	if m.From == Failed && (m.To == Settled || m.To == Superseded) {
		if err := removeMismatch(ctx, tx, m.ID, now); err != nil {
			return e, err
		}
	}
	if err := m.Learned.ofAttempt(ctx, tx, m.ID, m.Learned.Attempt, now); err != nil {
		return e, err
	}
	if m.stays() {
		if err := stay(ctx, tx, m, now); err != nil || m.Stay.merges() {
			return e, err
		}
		return e, m.Learned.ofEntry(ctx, tx, m.ID, now)
	}
	if e, err = setStatus(ctx, tx, m, now); err != nil {
		return e, err
	}
	if err := moveAttempt(ctx, tx, m, &e, now); err != nil {
		return e, err
	}
	for _, c := range m.Chores {
		if err := addChore(ctx, tx, m.ID, c, now); err != nil {
			return e, err
		}
	}
	return e, nil
}

// checkPrevious is ErrMoved if a decision rests on what another path has by now.
func checkPrevious(ctx context.Context, tx *session, m Move) error {
	if m.Previous == nil {
		return nil
	}
	var previous int64
	err := tx.row(ctx, previousID, m.ID).Scan(&previous)
	if errors.Is(err, sql.ErrNoRows) || err == nil && previous != *m.Previous {
		return ErrMoved
	}
	return err
}

// What a move changes of the entry itself: each kind of move sets the columns that it
// needs. A move is of one row that is still in the old status.
const (
	moveEntry = `UPDATE entries SET status = ?3, outcome = ?4, class = ?5, message = ?6, hint = ?7, since = ?8, updated = ?8, tries = 0, rests = ?14`
	movedRow  = ` WHERE id = ?1 AND status = ?2 AND (?9 IS NULL OR change_time = ?9)`

	moveOn    = moveEntry + movedRow
	moveBegun = moveEntry + `, batch = NULL` + movedRow
	asMapped  = `, asset = coalesce(nullif(?10, ''), asset), filename = coalesce(nullif(?11, ''), filename),
			mapped_at = CASE WHEN ?10 <> '' THEN ?12 ELSE mapped_at END`
	mappedRow  = movedRow + ` AND (?12 = 0 OR mapped_at = ?13)`
	moveMapped = moveEntry + asMapped + mappedRow
	moveMade   = moveEntry + asMapped + mappedRow + ` AND batch IS NULL` // from settled at once: what is in a drop waits as mapped
	moveAnew   = moveEntry + `, aside = x'', moved_to = x'', object_id = '', file_id = '', original_file_id = ''` + movedRow
	moveFilled = moveEntry + `, object_id = ?10, file_id = ?11, original_file_id = ?12` + movedRow
	moveDone   = moveEntry + `, sha256 = coalesce(?10, sha256), replaced = EXISTS (` + laterFiled + `)` + movedRow
	moveAway   = moveEntry + `, mark = NULL` + movedRow // it no longer describes its path

	countMove = `UPDATE entries SET failures = failures + ?2, expiries = expiries + ?3 WHERE id = ?1`
	countAnew = `UPDATE entries SET failures = ?2, expiries = ?3, as_new = ?4 WHERE id = ?1`
)

// setStatus changes the entry itself, and returns it as it is then, but for its attempt.
func setStatus(ctx context.Context, tx *session, m Move, now int64) (Entry, error) {
	args := append(make([]any, 0, moveArgs+knownArgs),
		m.ID, m.From, m.To, m.Outcome, m.Reason.Class, m.Reason.Message, m.Reason.Hint, now, m.ChangeTime, nil, nil, nil, nil, !m.To.Runnable())
	text := moveOn
	switch {
	case m.To == Mapped, m.From == Settled && m.To == Creating:
		if text = moveMapped; m.To == Creating {
			text = moveMade
		}
		args[9], args[10], args[11], args[12] = string(m.Asset), m.Filename, ms(m.FactsAt), ms(m.MappedAt)
	case m.From == Creating && m.To == Uploading:
		text = moveFilled
		args[9], args[10], args[11] = m.Created.ObjectID, m.Created.FileID, m.Created.OriginalFileID
	case m.To == Settled:
		text = moveAnew
	case m.To == Filed:
		text, args[9] = moveDone, nilIfNone(m.Learned.SHA256)
	case m.To == Superseded || m.Outcome == Superseded:
		text = moveAway
	case m.To.Active() && !m.From.Active():
		text = moveBegun
	}
	e, known, err := setKnown(ctx, tx, m, text, args, now)
	if err == nil && !known {
		err = checkPrevious(ctx, tx, m)
	}
	if err == nil && !known {
		e, err = scanEntry(tx.row(ctx, text+movedNow, args...).Scan)
	}
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return e, ErrMoved
	case violatesUnique(err):
		return e, ErrNameBusy // entries_creating is the only unique index that a move touches
	case err != nil:
		return e, err
	}
	if err := countTry(ctx, tx, m); err != nil {
		return e, err
	}
	if err := setWork(ctx, tx, m); err != nil {
		return e, err
	}
	if err := m.tell(ctx, tx, now); err != nil {
		return e, err
	}
	learned := m.Learned
	if text == moveDone { // which has stored the hash
		learned.SHA256 = nil
	}
	if err := learned.ofEntry(ctx, tx, m.ID, now); err != nil {
		return e, err
	}
	if m.Learned.SHA256 != nil {
		e.SHA256 = m.Learned.SHA256
	}
	e.NotBefore = at(ms(m.NotBefore))
	return e, setMore(ctx, tx, m, e, now)
}

// setMore changes what else depends on the status of an entry.
func setMore(ctx context.Context, tx *session, m Move, e Entry, now int64) error {
	if m.To == Filed && e.Generation > 1 || m.From == Filed {
		if err := setReplaced(ctx, tx, m.ID); err != nil {
			return err
		}
	}
	if m.To == Withdrawn { // nobody edits what is in the recycle bin
		if _, err := tx.exec(ctx, `DELETE FROM edits WHERE entry_id = ?`, m.ID); err != nil {
			return err
		}
	}
	if m.From == Cancelling && m.To != Verifying && m.To != Settled {
		return setIDs(ctx, tx, m.ID, Creation{})
	}
	return nil
}

// nilIfNone is a hash as a statement takes it.
func nilIfNone(sum []byte) any {
	if sum == nil {
		return nil
	}
	return sum
}

// countTry counts a move against the entry, or begins to count anew.
func countTry(ctx context.Context, tx *session, m Move) (err error) {
	switch {
	case m.ResetCounts:
		_, err = tx.exec(ctx, countAnew, m.ID, 0, 0, m.AsNew)
	case m.CountFailure || m.CountExpiry:
		_, err = tx.exec(ctx, countMove, m.ID, m.CountFailure, m.CountExpiry)
	}
	return err
}

// setWork moves the entry within the queue, into it or out of it.
func setWork(ctx context.Context, tx *session, m Move) (err error) {
	notBefore := ms(m.NotBefore)
	switch {
	case !m.To.Runnable():
		_, err = tx.exec(ctx, dequeueEntry, m.ID)
	case !m.From.Runnable():
		err = enqueue(ctx, tx, m.ID, notBefore)
	case (m.To == Mapped || m.To == Creating) && m.Filename != "":
		_, err = tx.exec(ctx, nameWork, m.ID, laneOf(m.To, notBefore), notBefore, m.To, m.Filename)
	default:
		if _, err = tx.exec(ctx, statusOfWork, m.ID, m.To); err == nil {
			_, err = tx.exec(ctx, moveWork, m.ID, laneOf(m.To, notBefore), notBefore)
		}
	}
	return err
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
