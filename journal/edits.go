package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Edit is metadata of an asset that exists which is to be worked out again, and to
// be sent where it differs.
type Edit struct {
	EntryID int64
	AskedAt time.Time
	Tries   int
	Message string // why it waits

	Asset   []byte    // JSON of the asset as it is to be; nil until it is worked out
	Changes []byte    // JSON of what differs; nil until then
	Alike   []byte    // a hash of template and changes: such edits can be one
	SentAt  time.Time // when a bulk edit was sent whose effect is not seen yet
}

// OpenEdits are the open edits of a journal, to be looked at.
type OpenEdits struct{ r *Reader }

// OpenEditsOf returns the open edits of a journal that is read.
func OpenEditsOf(r *Reader) OpenEdits { return OpenEdits{r} }

// Edits are the open edits of a journal, to be opened, put off and closed: each belongs
// to an entry that is filed and is no move of it.
type Edits struct {
	OpenEdits
	j *Journal
}

// EditsOf returns the edits of a journal.
func EditsOf(j *Journal) Edits { return Edits{OpenEditsOf(j.reader), j} }

// Open opens an edit for each of the entries that is filed; an open one
// begins anew. It returns how many there are.
func (d Edits) Open(ctx context.Context, entries []int64) (n int, err error) {
	err = d.j.write(ctx, "open edits", func(tx *session) error {
		n, err = affect(ctx, tx, `INSERT INTO edits (entry_id, asked_at) SELECT e.id, ? FROM entries e
			WHERE e.id IN {list ?} AND status = {filed}`+latestIngested+openEdit, d.j.now(), list(entries))
		return err
	}, AboutEdits)
	return n, err
}

const editColumns = `d.entry_id, d.asked_at, d.tries, d.message, d.asset, d.changes, d.alike, d.sent_at`

func scanEdit(scan func(...any) error) (Edit, error) {
	var e Edit
	var askedAt int64
	var sentAt sql.NullInt64
	err := scan(&e.EntryID, &askedAt, &e.Tries, &e.Message, &e.Asset, &e.Changes, &e.Alike, &sentAt)
	e.AskedAt, e.SentAt = at(askedAt), at(sentAt.Int64)
	return e, err
}

// Stage is how far an edit is.
type Stage string

// The stages of an edit.
const (
	ToMap  Stage = "map"  // the metadata is to be worked out
	ToSend Stage = "send" // what differs is to be sent
	ToSee  Stage = "see"  // a bulk edit was sent, and is to be seen in the asset
)

var stageSQL = map[Stage]string{
	ToMap:  `d.asset = ''`,
	ToSend: `d.asset <> '' AND d.sent_at IS NULL`,
	ToSee:  `d.sent_at IS NOT NULL`,
}

var orderSQL = map[Stage]string{ToMap: `d.entry_id`, ToSend: `d.alike, d.entry_id`, ToSee: `d.entry_id`}

// There are few edits and many entries: CROSS JOIN is SQLite's word for reading the
// edits first. Left to itself it reads every filed entry of a folder.
const (
	openEdits = `edits d CROSS JOIN entries e ON e.id = d.entry_id`

	countEdits = `SELECT count(*) FROM ` + openEdits + `
		WHERE e.status = {filed} AND e.folder IN {list ?}`
)

// dueEdits asks for the edits of a stage.
func dueEdits(s Stage) string {
	return `SELECT ` + editColumns + ` FROM ` + openEdits + `
		WHERE ` + stageSQL[s] + ` AND d.not_before <= ?1 AND e.status = {filed} AND e.folder = ?2
		ORDER BY ` + orderSQL[s] + ` LIMIT ?3`
}

// Due returns up to limit open edits of filed entries of a folder at a stage
// that are due; of those to be sent, those that are alike come together.
func (d Edits) Due(ctx context.Context, s Stage, now time.Time, folder string, limit int) ([]Edit, error) {
	var out []Edit
	err := d.r.ask(ctx, "read the edits to "+string(s), func(tx *session) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			e, err := scanEdit(rows.Scan)
			out = append(out, e)
			return err
		}, dueEdits(s), ms(now), folder, limit)
	})
	return out, err
}

// nextEdit reads the few edits, not the many entries, see openEdits.
const nextEdit = `SELECT min(CASE WHEN e.status = {filed} THEN d.not_before END), coalesce(max(e.status <> {filed}), 0)
	FROM ` + openEdits + ` WHERE e.folder = ?`

// Next returns when the edit is due that is due first, of those that Due returns
// for a folder; false if there is none. waiting says that there are edits of entries
// which are not filed yet.
func (d Edits) Next(ctx context.Context, folder string) (due time.Time, ok, waiting bool, err error) {
	err = d.r.ask(ctx, "find the next edit due", func(tx *session) error {
		var notBefore sql.NullInt64
		err := tx.row(ctx, nextEdit, folder).Scan(&notBefore, &waiting)
		due, ok = at(notBefore.Int64), notBefore.Valid
		return err
	})
	return due, ok, waiting, err
}

// Of returns the open edit of an entry; false if there is none.
func (d OpenEdits) Of(ctx context.Context, entry int64) (e Edit, ok bool, err error) {
	err = d.r.ask(ctx, fmt.Sprintf("read the edit of entry %d", entry), func(tx *session) (err error) {
		e, err = scanEdit(tx.row(ctx, `SELECT `+editColumns+` FROM edits d WHERE d.entry_id = ?`, entry).Scan)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		ok = err == nil
		return err
	})
	return e, ok, err
}

// Bulk counts the edits whose bulk edit was sent and is not seen yet, of the
// entries and the folders that are given; none means all. It also tells when the first
// of these was sent.
func (d OpenEdits) Bulk(ctx context.Context, entries []int64, folders []string) (n int, since time.Time, err error) {
	err = d.r.ask(ctx, "count the bulk edits under way", func(tx *session) error {
		var sent sql.NullInt64
		err := tx.row(ctx, `SELECT count(*), min(d.sent_at) FROM `+openEdits+`
			WHERE `+stageSQL[ToSee]+` AND e.status = {filed}
			  AND (?1 = '[]' OR e.id IN {list ?1})
			  AND (?2 = '[]' OR e.folder IN {list ?2})`, list(entries), list(folders)).Scan(&n, &sent)
		since = at(sent.Int64)
		return err
	})
	return n, since, err
}

// Mapped stores what an edit is to send. An edit that was asked for again
// since e was read is left as it is.
func (d Edits) Mapped(ctx context.Context, e Edit) error {
	return d.j.write(ctx, fmt.Sprintf("record the edit of entry %d", e.EntryID), func(tx *session) error {
		_, err := tx.exec(ctx, `UPDATE edits SET asset = ?, changes = ?, alike = ?, message = '', tries = 0 WHERE entry_id = ? AND asked_at = ?`,
			string(e.Asset), string(e.Changes), e.Alike, e.EntryID, ms(e.AskedAt))
		return err
	}, AboutEdits)
}

// Sent records that one bulk edit with these edits was sent.
func (d Edits) Sent(ctx context.Context, edits []Edit, see time.Time) error {
	return d.j.write(ctx, "record a bulk edit", func(tx *session) error {
		for _, e := range edits {
			_, err := tx.exec(ctx, `UPDATE edits SET sent_at = ?, not_before = ?, tries = 0 WHERE entry_id = ? AND asked_at = ?`,
				d.j.now(), ms(see), e.EntryID, ms(e.AskedAt))
			if err != nil {
				return err
			}
		}
		return nil
	}, AboutEdits)
}

// Defer leaves an edit until a later time, with the reason why (no secret),
// and counts the try. With again it is sent anew, on its own.
func (d Edits) Defer(ctx context.Context, e Edit, until time.Time, message string, again bool) error {
	return d.j.write(ctx, fmt.Sprintf("defer the edit of entry %d", e.EntryID), func(tx *session) error {
		_, err := tx.exec(ctx, `UPDATE edits SET not_before = ?1, message = ?2, tries = tries + 1, sent_at = CASE ?3 WHEN 0 THEN sent_at END,
			alike = CASE ?3 WHEN 0 THEN alike END WHERE entry_id = ?4 AND asked_at = ?5`, ms(until), message, again, e.EntryID, ms(e.AskedAt))
		return err
	}, AboutEdits)
}

// PutOff lets an edit wait, which is no try of it.
func (d Edits) PutOff(ctx context.Context, e Edit, until time.Time, message string) error {
	return d.j.write(ctx, fmt.Sprintf("put off the edit of entry %d", e.EntryID), func(tx *session) error {
		_, err := tx.exec(ctx, `UPDATE edits SET not_before = ?, message = ? WHERE entry_id = ? AND asked_at = ?`,
			ms(until), message, e.EntryID, ms(e.AskedAt))
		return err
	}, AboutEdits)
}

// Done closes an edit. With an asset that is what the entry's asset holds from
// now on; r says why it does not hold what it should, and is empty otherwise.
func (d Edits) Done(ctx context.Context, e Edit, asset json.RawMessage, r Reason) error {
	return d.j.write(ctx, fmt.Sprintf("close the edit of entry %d", e.EntryID), func(tx *session) error {
		err := moved(tx.exec(ctx, `DELETE FROM edits WHERE entry_id = ? AND asked_at = ?`, e.EntryID, ms(e.AskedAt)))
		if errors.Is(err, ErrMoved) { // it was asked for again meanwhile: what was sent was sent
			_, err = tx.exec(ctx, `UPDATE entries SET asset = coalesce(nullif(?, ''), asset) WHERE id = ? AND status = {filed}`,
				string(asset), e.EntryID)
			return err
		}
		if err != nil {
			return err
		}
		_, err = tx.exec(ctx, `UPDATE entries SET asset = coalesce(nullif(?, ''), asset), mapped_at = ?,
				class = ?, message = ?, hint = ?, updated = ? WHERE id = ? AND status = {filed}`,
			string(asset), ms(e.AskedAt), r.Class, r.Message, r.Hint, d.j.now(), e.EntryID)
		return err
	}, AboutEdits)
}
