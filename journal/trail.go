package journal

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Trail is what the journal keeps of the life of one entry.
type Trail struct {
	Entry    Entry
	Events   []Event
	Attempts []PastAttempt // by number
	Requests []PastRequest // that were about it, of the last days, by time
	Edit     *Edit         // a correction of its metadata that is still to be made; nil is none
	Chores   []Chore       // clean-up work that is still to be done for it
}

// PastAttempt is an attempt, open or ended, as it is told of.
type PastAttempt struct {
	Number                           int
	IntentAt, CreatedAt              time.Time // zero is never, or not known
	CompletingAt, EndedAt            time.Time
	ObjectID, FileID, OriginalFileID string
	Single                           bool // one PUT, not a multipart upload
	Unconfirmed                      bool
	Parts                            []PastPart // the stored ones, by time; the first of them
	Stored, Planned                  int        // parts
	StoredBytes                      int64
	LastStored                       time.Time
}

// PastPart is a part that is stored.
type PastPart struct {
	Number int
	Size   int64
	DoneAt time.Time
}

// PastRequest is what an operator asked for, with what came of it for the entry.
type PastRequest struct {
	ID                  int64
	Kind                string
	AskedAt, AnsweredAt time.Time
	Result, Detail      string
}

// mostParts bounds the parts of an attempt that are told one by one.
const mostParts = 20

// TrailOf returns the trail of an entry; ErrUnknown if there is no such entry. It costs what
// the entry did, and a look at the answers of some days.
func TrailOf(ctx context.Context, r *Reader, id int64) (t Trail, err error) {
	if t.Events, err = EventsOf(r).Of(ctx, id); err != nil {
		return t, err
	}
	err = r.read(ctx, fmt.Sprintf("read the trail of entry %d", id), func(tx *session) error {
		if t.Entry, err = readEntry(ctx, tx, id); err != nil {
			return err
		}
		for _, part := range []func(context.Context, *session, int64) error{t.attempts, t.requests, t.openEdit, t.openChores} {
			if err := part(ctx, tx, id); err != nil {
				return err
			}
		}
		return nil
	})
	return t, err
}

func (t *Trail) attempts(ctx context.Context, tx *session, id int64) error {
	var ids []int64
	err := each(ctx, tx, func(rows *sql.Rows) error {
		var a PastAttempt
		var attempt, intentAt, createdAt int64
		var completingAt, endedAt, lastStored sql.NullInt64
		err := rows.Scan(&attempt, &a.Number, &intentAt, &createdAt, &completingAt, &endedAt, &a.ObjectID, &a.FileID, &a.OriginalFileID,
			&a.Single, &a.Unconfirmed, &a.Planned, &a.Stored, &a.StoredBytes, &lastStored)
		a.IntentAt, a.CreatedAt, a.CompletingAt, a.EndedAt, a.LastStored = at(intentAt), at(createdAt), at(completingAt.Int64), at(endedAt.Int64), at(lastStored.Int64)
		t.Attempts, ids = append(t.Attempts, a), append(ids, attempt)
		return err
	}, `SELECT a.id, a.number, a.intent_at, a.created_at, a.completing_at, a.ended_at, a.object_id, a.file_id, a.original_file_id,
			a.upload_id = '', a.unconfirmed, count(p.number), count(p.done_at), coalesce(sum(CASE WHEN p.done_at IS NOT NULL THEN p.size END), 0), max(p.done_at)
		FROM attempts a LEFT JOIN parts p ON p.attempt_id = a.id WHERE a.entry_id = ? GROUP BY a.id ORDER BY a.number`, id)
	for i, attempt := range ids {
		a := &t.Attempts[i]
		if err != nil || a.Stored > mostParts {
			continue
		}
		err = each(ctx, tx, func(rows *sql.Rows) error {
			var p PastPart
			var doneAt int64
			err := rows.Scan(&p.Number, &p.Size, &doneAt)
			p.DoneAt = at(doneAt)
			a.Parts = append(a.Parts, p)
			return err
		}, `SELECT number, size, done_at FROM parts WHERE attempt_id = ? AND done_at IS NOT NULL ORDER BY done_at, number`, attempt)
	}
	return err
}

func (t *Trail) requests(ctx context.Context, tx *session, id int64) error {
	return each(ctx, tx, func(rows *sql.Rows) error {
		var q PastRequest
		var askedAt, answeredAt int64
		err := rows.Scan(&q.ID, &q.Kind, &askedAt, &answeredAt, &q.Result, &q.Detail)
		q.AskedAt, q.AnsweredAt = at(askedAt), at(answeredAt)
		t.Requests = append(t.Requests, q)
		return err
	}, `SELECT r.id, r.kind, r.asked_at, r.answered_at, coalesce(o.value ->> 'result', ''), coalesce(o.value ->> 'detail', '')
		FROM requests r, json_each(CASE WHEN json_valid(r.answer) AND json_type(r.answer) = 'array' THEN r.answer ELSE '[]' END) o
		WHERE r.answered_at IS NOT NULL AND o.type = 'object' AND o.value ->> 'id' = ? ORDER BY r.answered_at, r.id`, id)
}

func (t *Trail) openEdit(ctx context.Context, tx *session, id int64) error {
	return each(ctx, tx, func(rows *sql.Rows) error {
		e, err := scanEdit(rows.Scan)
		t.Edit = &e
		return err
	}, `SELECT `+editColumns+` FROM edits d WHERE d.entry_id = ?`, id)
}

func (t *Trail) openChores(ctx context.Context, tx *session, id int64) (err error) {
	t.Chores, err = choresOf(ctx, tx, `entry_id = ? ORDER BY id`, id)
	return err
}
