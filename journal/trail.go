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
	Tries    []Try
	Parts    map[int][]PastPart // of each try, by its number, the stored ones by time; none of a try that has many
	Requests []PastRequest      // that were about it, of the last days, by time
	Edit     *Edit              // a correction of its metadata that is still to be made; nil is none
	Chores   []Chore            // clean-up work that is still to be done for it
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
	if t.Entry, err = r.Entry(ctx, id); err != nil {
		return t, err
	}
	if t.Events, err = EventsOf(r).Of(ctx, id); err != nil {
		return t, err
	}
	if t.Tries, err = EventsOf(r).Tries(ctx, id); err != nil {
		return t, err
	}
	err = r.read(ctx, fmt.Sprintf("read the trail of entry %d", id), func(tx *session) error {
		for _, part := range []func(context.Context, *session, int64) error{t.parts, t.requests, t.openEdit, t.openChores} {
			if err := part(ctx, tx, id); err != nil {
				return err
			}
		}
		return nil
	})
	return t, err
}

func (t *Trail) parts(ctx context.Context, tx *session, id int64) error {
	t.Parts = make(map[int][]PastPart)
	return each(ctx, tx, func(rows *sql.Rows) error {
		var p PastPart
		var try int
		var doneAt int64
		err := rows.Scan(&try, &p.Number, &p.Size, &doneAt)
		p.DoneAt = at(doneAt)
		t.Parts[try] = append(t.Parts[try], p)
		return err
	}, `SELECT a.number, p.number, p.size, p.done_at FROM attempts a JOIN parts p ON p.attempt_id = a.id
		WHERE a.entry_id = ?1 AND p.done_at IS NOT NULL AND (SELECT count(*) FROM parts m WHERE m.attempt_id = a.id AND m.done_at IS NOT NULL) <= ?2
		ORDER BY a.number, p.done_at, p.number`, id, mostParts)
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
