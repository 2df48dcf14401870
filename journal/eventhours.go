package journal

import (
	"context"
	"database/sql"
	"time"
)

// HourOf counts the events in which entries came to a status, in one hour.
type HourOf struct {
	Begin  time.Time
	Status Status // filed, held or failed
	Count  int
	Bytes  int64 // of the entries as they are now
}

const (
	// Events whose ids are in a range: those of a journal of any size cost what the range does.
	countedHours = `SELECT v.at / 3600000, v.kind, count(*), coalesce(sum(e.size), 0)
		FROM events v LEFT JOIN entries e ON e.id = v.entry_id
		WHERE v.id > ? AND v.id <= ? AND v.kind IN ({filed}, {held}, {failed}) AND v.kind <> v.was AND v.was <> {withdrawn} GROUP BY 1, 2`

	eventFrom = `SELECT at FROM events WHERE id >= ? ORDER BY id LIMIT 1`
)

// Hours counts, by the hour, what came to be filed, held or failed in the events behind
// one up to another, by their ids. What was withdrawn and is brought back is not filed again.
func (es Events) Hours(ctx context.Context, after, upTo int64) (out []HourOf, err error) {
	err = es.r.ask(ctx, "count events by the hour", func(tx *session) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var h HourOf
			var hour int64
			err := rows.Scan(&hour, &h.Status, &h.Count, &h.Bytes)
			h.Begin = time.UnixMilli(hour * time.Hour.Milliseconds())
			out = append(out, h)
			return err
		}, countedHours, after, upTo)
	})
	return out, err
}

// Before returns the id of the last event before a time, or 0. It seeks: events are in the
// order of their times, but for a clock that was set back.
func (es Events) Before(ctx context.Context, when time.Time) (low int64, err error) {
	err = es.r.read(ctx, "seek an event", func(tx *session) error { // in one state of the journal: events are pruned
		var high int64
		if err := tx.row(ctx, lastEvent).Scan(&high); err != nil {
			return err
		}
		for low < high { // what is up to low is before; what is above high is not
			middle := low + (high-low+1)/2
			var at int64
			if err := tx.row(ctx, eventFrom, middle).Scan(&at); err != nil { // there is one: the last
				return err
			}
			if at < ms(when) {
				low = middle
			} else {
				high = middle - 1
			}
		}
		return nil
	})
	return low, err
}
