package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// answersKept is how long an answered request stays: long enough for any
// command that waits for it.
const answersKept = 7 * 24 * time.Hour

// Request is something an operator asks of the daemon that owns the journal.
type Request struct {
	ID      int64
	Kind    string
	Args    []byte // JSON; no secret
	AskedAt time.Time
}

// Ask leaves a request in the journal at path, for its owner to find, and
// returns the id under which Answers.To gives the answer. It needs no
// lock; any process may ask. Errors as with OpenReader.
func Ask(ctx context.Context, path, kind string, args []byte) (id int64, err error) {
	err = besideOwner(ctx, path, "leave a request in journal "+path, func(db *sql.DB) error {
		res, err := db.ExecContext(ctx, `INSERT INTO requests (kind, args, asked_at) VALUES (?, ?, ?)`, kind, string(args), ms(time.Now()))
		if err != nil {
			return err
		}
		id, err = res.LastInsertId()
		return err
	})
	if err == nil {
		ring(path)
	}
	return id, err
}

// Requests are the requests in the journal that its owner answers.
type Requests struct{ j *Journal }

// RequestsOf returns the requests of a journal.
func RequestsOf(j *Journal) Requests { return Requests{j} }

// Answers are what became of requests, for those who asked.
type Answers struct{ r *Reader }

// AnswersOf returns the answers in a journal that is read.
func AnswersOf(r *Reader) Answers { return Answers{r} }

// Open returns the requests that are not yet answered, oldest first. A
// request is returned until it is answered, so a crash in between lets it be
// carried out twice: requests must be idempotent.
func (q Requests) Open(ctx context.Context) ([]Request, error) {
	var out []Request
	err := q.j.reader.ask(ctx, "read requests", func(tx *session) (err error) {
		out, err = requestsOf(ctx, tx, `SELECT id, kind, args, asked_at FROM requests WHERE answered_at IS NULL ORDER BY id`)
		return err
	})
	return out, err
}

// requestsOf returns the requests that a query yields.
func requestsOf(ctx context.Context, tx *session, query string, args ...any) (out []Request, err error) {
	err = each(ctx, tx, func(rows *sql.Rows) error {
		var r Request
		var asked int64
		err := rows.Scan(&r.ID, &r.Kind, &r.Args, &asked)
		r.AskedAt = at(asked)
		out = append(out, r)
		return err
	}, query, args...)
	return out, err
}

// Answer closes a request with an answer (JSON) or with the text of an error,
// neither with a secret, and forgets answers that are a week old. ErrUnknown if
// the request is not open.
func (q Requests) Answer(ctx context.Context, id int64, answer []byte, errText string) error {
	return q.j.write(ctx, fmt.Sprintf("answer request %d", id), func(tx *session) error {
		now := q.j.clock()
		err := known(tx.exec(ctx, `UPDATE requests SET answer = ?, error = ?, answered_at = ? WHERE id = ? AND answered_at IS NULL`,
			string(answer), errText, ms(now), id))
		if err != nil {
			return err
		}
		_, err = tx.exec(ctx, `DELETE FROM requests WHERE answered_at IS NOT NULL AND answered_at < ?`, ms(now.Add(-answersKept)))
		return err
	}, AboutNothing)
}

// To returns the answer to a request, or the text of the error it ended
// with; done is false while it is open. ErrUnknown if there is no such request.
func (a Answers) To(ctx context.Context, id int64) (answer []byte, errText string, done bool, err error) {
	err = a.r.ask(ctx, fmt.Sprintf("read the answer to request %d", id), func(tx *session) error {
		err := tx.row(ctx, `SELECT answer, error, answered_at IS NOT NULL FROM requests WHERE id = ?`, id).
			Scan(&answer, &errText, &done)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrUnknown
		}
		return err
	})
	return answer, errText, done, err
}
