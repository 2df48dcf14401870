package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Duties are the chores of kind ChoreRestore: each is opened before a version is
// removed whose removal may take other versions of its asset along, and stays open
// until those were looked at. Unlike other chores they belong to no move of their entry.
type Duties struct{ j *Journal }

// DutiesOf returns the duties of a journal.
func DutiesOf(j *Journal) Duties { return Duties{j} }

// Find returns the open duty of the removal of an object; false if there is none.
func (d Duties) Find(ctx context.Context, objectID string) (Chore, bool, error) {
	c := Chore{NewChore: NewChore{Kind: ChoreRestore, ObjectID: objectID}}
	found := false
	err := d.j.reader.ask(ctx, "find the duty of a removal", func(tx *session) error {
		var until int64
		err := tx.row(ctx, `SELECT id, entry_id, file_id, filename, spec, until, tries FROM chores
			WHERE kind = ? AND object_id = ? ORDER BY id LIMIT 1`, ChoreRestore, objectID).
			Scan(&c.ID, &c.EntryID, &c.FileID, &c.Filename, &c.Spec, &until, &c.Tries)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		c.Until, found = at(until), err == nil
		return err
	})
	return c, found, err
}

// Sparing returns the open duties of other removals that name an object.
func (d Duties) Sparing(ctx context.Context, objectID string) ([]Chore, error) {
	var out []Chore
	err := d.j.reader.ask(ctx, "find the duties that spare a version", func(tx *session) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			c := Chore{NewChore: NewChore{Kind: ChoreRestore}}
			err := rows.Scan(&c.ID, &c.EntryID, &c.ObjectID, &c.FileID, &c.Spec)
			out = append(out, c)
			return err
		}, `SELECT id, entry_id, object_id, file_id, spec FROM chores WHERE kind = ?1 AND object_id <> ?2 AND replace(spec, ?2, '') <> spec`,
			ChoreRestore, objectID)
	})
	return out, err
}

// Open stores a duty of an entry and returns its id. It is durable when that is returned.
func (d Duties) Open(ctx context.Context, entry int64, c NewChore) (id int64, err error) {
	err = d.j.write(ctx, fmt.Sprintf("store what a removal for entry %d must spare", entry), func(tx *session) error {
		if err := addChore(ctx, tx, entry, c, d.j.now()); err != nil {
			return err
		}
		return tx.row(ctx, `SELECT last_insert_rowid()`).Scan(&id)
	}, AboutChores)
	return id, err
}

// Learn stores what has become known of a duty. ErrUnknown if it is not open.
func (d Duties) Learn(ctx context.Context, id int64, spec string) error {
	return d.j.write(ctx, fmt.Sprintf("store what is known of chore %d", id), func(tx *session) error {
		return known(tx.exec(ctx, `UPDATE chores SET spec = ? WHERE id = ?`, spec, id))
	}, AboutNothing)
}

// PutOff has a duty looked at again at a time. ErrUnknown if it is not open.
func (d Duties) PutOff(ctx context.Context, id int64, until time.Time) error {
	return ChoresOf(d.j).PutOff(ctx, id, until)
}

// End closes a duty. ErrUnknown if it is not open.
func (d Duties) End(ctx context.Context, id int64) error { return ChoresOf(d.j).Done(ctx, id) }

// Remark adds a sentence to the reason that an entry rests with, unless it stands there
// already. One that rests without a reason, or does not rest, is left alone.
func (d Duties) Remark(ctx context.Context, entry int64, text string) error {
	return d.j.write(ctx, fmt.Sprintf("add a remark to entry %d", entry), func(tx *session) error {
		_, err := tx.exec(ctx, `UPDATE entries SET message = message || '; ' || ?1 WHERE id = ?2 AND message <> ''
			AND status IN ({failed}, {held}, {cancelled}, {superseded}, {withdrawn}) AND replace(message, ?1, '') = message`, text, entry)
		return err
	})
}
