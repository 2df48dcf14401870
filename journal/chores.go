package journal

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// ChoreKind says what a chore does.
type ChoreKind string

// The kinds of chores.
const (
	ChoreCancel ChoreKind = "cancel" // cancel a multipart upload that was given up
	ChoreDelete ChoreKind = "delete" // soft-delete an empty asset of ours
	ChoreTwin   ChoreKind = "twin"   // search again for a late empty twin
	ChoreFile   ChoreKind = "file"   // move the file of an entry that rests
	// ChoreRestore looks at the versions that the removal of one may have taken along,
	// and restores them. See Duties.
	ChoreRestore ChoreKind = "restore"
)

// NewChore is clean-up work that outlives the status of its entry.
type NewChore struct {
	Kind             ChoreKind
	ObjectID, FileID string
	Filename         string
	Spec             string    // JSON for the worker; no secret
	Until            time.Time // when to give up; zero is never
	NotBefore        time.Time // when to try first; zero is at once
}

// Chore is an open chore.
type Chore struct {
	ID, EntryID int64
	NewChore
	Since   time.Time
	Tries   int    // how often it was deferred
	Message string // why it was deferred last
}

// Chores are the open chores of a journal.
type Chores struct{ j *Journal }

// ChoresOf returns the chores of a journal.
func ChoresOf(j *Journal) Chores { return Chores{j} }

func addChore(ctx context.Context, tx *session, entry int64, c NewChore, now int64) error {
	_, err := tx.exec(ctx, `INSERT INTO chores (entry_id, kind, object_id, file_id, filename, spec, until, not_before, since)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		entry, c.Kind, c.ObjectID, c.FileID, c.Filename, c.Spec, ms(c.Until), ms(c.NotBefore), now)
	return err
}

const hasChore = `SELECT EXISTS (SELECT 1 FROM chores WHERE entry_id = ? AND kind = '` + string(ChoreFile) + `')`

// HasChore reports whether the file of an entry is still to be moved by a ChoreFile.
func (f Filing) HasChore(ctx context.Context, id int64) (has bool, err error) {
	err = f.j.reader.ask(ctx, fmt.Sprintf("look whether the file of entry %d is to be moved", id), func(tx *session) error {
		return tx.row(ctx, hasChore, id).Scan(&has)
	})
	return has, err
}

// Due returns up to limit open chores that are due, longest due first: those
// of ChoreFile for a folder, or all others where folder is "".
func (c Chores) Due(ctx context.Context, now time.Time, folder string, limit int) ([]Chore, error) {
	var out []Chore
	err := c.j.reader.ask(ctx, "claim chores", func(tx *session) (err error) {
		out, err = choresOf(ctx, tx, dueChores(folder), folder, ms(now), limit)
		return err
	})
	return out, err
}

// choresOf returns the open chores for which a condition holds.
func choresOf(ctx context.Context, tx *session, which string, args ...any) (out []Chore, err error) {
	err = each(ctx, tx, func(rows *sql.Rows) error {
		var chore Chore
		var until, notBefore, since int64
		err := rows.Scan(&chore.ID, &chore.EntryID, &chore.Kind, &chore.ObjectID, &chore.FileID, &chore.Filename, &chore.Spec,
			&until, &notBefore, &since, &chore.Tries, &chore.Message)
		chore.Until, chore.NotBefore, chore.Since = at(until), at(notBefore), at(since)
		out = append(out, chore)
		return err
	}, `SELECT id, entry_id, kind, object_id, file_id, filename, spec, until, not_before, since, tries, message FROM chores WHERE `+which, args...)
	return out, err
}

// Defer leaves a chore until a later time, with the reason why (no
// secret), and counts the try. ErrUnknown if it is not open.
func (c Chores) Defer(ctx context.Context, id int64, until time.Time, message string) error {
	return c.j.write(ctx, fmt.Sprintf("defer chore %d", id), func(tx *session) error {
		return known(tx.exec(ctx, `UPDATE chores SET not_before = ?, message = ?, tries = tries + 1 WHERE id = ?`,
			ms(until), message, id))
	}, AboutChores)
}

// PutOff leaves a chore until a later time without a try. ErrUnknown if it is not
// open.
func (c Chores) PutOff(ctx context.Context, id int64, until time.Time) error {
	return c.j.write(ctx, fmt.Sprintf("put off chore %d", id), func(tx *session) error {
		return known(tx.exec(ctx, `UPDATE chores SET not_before = ? WHERE id = ?`, ms(until), id))
	}, AboutChores)
}

// Done closes a chore. ErrUnknown if it is not open.
func (c Chores) Done(ctx context.Context, id int64) error {
	return c.j.write(ctx, fmt.Sprintf("close chore %d", id), func(tx *session) error {
		return known(tx.exec(ctx, `DELETE FROM chores WHERE id = ?`, id))
	}, AboutNothing)
}

// ChoreReader counts open chores.
type ChoreReader struct{ r *Reader }

// ChoreReaderOf returns what a reader tells of chores.
func ChoreReaderOf(r *Reader) ChoreReader { return ChoreReader{r} }

// CleanUps counts the chores that are still to be done, without the searches for late
// twins, which only look, and end by themselves. It reads all of them, which are few: an
// index of their kinds would be taken where those of their entries and times belong.
func (c ChoreReader) CleanUps(ctx context.Context) (n int, err error) {
	err = c.r.ask(ctx, "count clean-up work", func(tx *session) error {
		return tx.row(ctx, `SELECT count(*) FROM chores WHERE kind <> ?`, ChoreTwin).Scan(&n)
	})
	return n, err
}
