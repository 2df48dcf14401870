package journal

import (
	"context"
	"database/sql"
)

// Sending are the bytes of files on their way, as they leave. The owner of the journal
// records them for other processes; they prove nothing, and what is done with a file never
// depends on them.
type Sending struct{ j *Journal }

// SendingOf returns what a journal says of files on their way.
func SendingOf(j *Journal) Sending { return Sending{j} }

// Record replaces what is recorded: how many bytes have left for each attempt, with those
// of the parts that were stored before.
func (s Sending) Record(ctx context.Context, sent map[int64]int64) error {
	return s.j.write(ctx, "record what is sent", func(tx *session) error {
		if _, err := tx.exec(ctx, forgetSending); err != nil {
			return err
		}
		for attempt, bytes := range sent {
			// An attempt may have been forgotten meanwhile.
			if _, err := tx.exec(ctx, `INSERT INTO sending (attempt_id, sent) SELECT id, ? FROM attempts WHERE id = ?`, bytes, attempt); err != nil {
				return err
			}
		}
		return nil
	}, AboutNothing)
}

const forgetSending = `DELETE FROM sending`

// OnItsWay is a file of which bytes are being sent.
type OnItsWay struct {
	ID           int64 // of its entry
	Folder, Path string
	Size, Sent   int64 // bytes; Sent is at least what is stored, and Size at the most
	Stored       int64 // of Sent, in parts that are stored
}

// OnTheirWay are the files of which bytes are being sent, by id, as the owner of the journal
// last recorded them: those that take no longer than a second are not among them. There are
// none where no process owns the journal, for what the last one left is no news.
func OnTheirWay(ctx context.Context, r *Reader) ([]OnItsWay, error) {
	var all []OnItsWay
	err := r.ask(ctx, "list the files on their way", func(tx *session) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var f OnItsWay
			var path []byte
			err := rows.Scan(&f.ID, &f.Folder, &path, &f.Size, &f.Sent, &f.Stored)
			f.Path, f.Sent = string(path), min(max(f.Sent, f.Stored), f.Size)
			all = append(all, f)
			return err
		}, onTheirWay)
	})
	if err != nil || len(all) == 0 {
		return nil, err
	}
	if owned, err := Owned(r.path); err != nil || !owned {
		return nil, err
	}
	return all, nil
}

// An attempt that has ended, or whose file was handed over, sends no more.
const onTheirWay = `SELECT e.id, e.folder, e.path, e.size, s.sent,
		(SELECT coalesce(sum(p.size), 0) FROM parts p WHERE p.attempt_id = a.id AND p.done_at IS NOT NULL)
	FROM sending s JOIN attempts a ON a.id = s.attempt_id JOIN entries e ON e.id = a.entry_id
	WHERE a.ended_at IS NULL AND e.status = {uploading} ORDER BY e.id`
