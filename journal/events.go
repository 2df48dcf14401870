package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Event is something that happened to an entry, or to a folder or all of them. Of an
// entry there is one for each move into a rest or out of one, for each move that has a
// reason, and for each new reason to wait; the middle of a life without trouble is in its
// attempts.
type Event struct {
	ID   int64 // they grow with time
	At   time.Time
	Kind EventKind
	// Was is the status that the entry had; the same as Kind where it stays and waits.
	Was    Status
	Reason Reason

	EntryID int64  // 0: it is about a folder
	Folder  string // "" where it is about all folders

	// Of its entry as it is now: the path, which a rename changes, and what it has in
	// Tenovos. Zero where the entry is forgotten.
	Path       string
	Generation int
	Status     Status
	Size       int64
	SHA256     []byte
	ObjectID   string
	FileID     string
	Original   string // the id of the original file: another one than FileID is a version
}

// EventKind is the Status that an entry has from then on, or what happened to a folder.
type EventKind string

// What happens to a folder, or to all of them. The message is why, or the drop.
const (
	EventPaused   EventKind = "paused"
	EventResumed  EventKind = "resumed"
	EventDropDone EventKind = "drop_done"
)

// The classes of events that tell what became of a path and not of a status.
const (
	ClassRenamed   = "renamed"   // the message has the former path
	ClassUnchanged = "unchanged" // the path holds the same bytes, written anew
)

// Stays reports that the entry kept its status.
func (e Event) Stays() bool { return e.Kind == EventKind(e.Was) }

// Events are what happened, in order. Reading them changes nothing.
type Events struct{ r *Reader }

// EventsOf returns the events of a journal.
func EventsOf(r *Reader) Events { return Events{r} }

const (
	insertEvent = `INSERT INTO events (at, entry_id, kind, was, class, message, hint) VALUES (?, ?, ?, ?, ?, ?, ?)`

	// newReason tells a deferral only where its reason is another one than before.
	newReason = `INSERT INTO events (at, entry_id, kind, was, class, message, hint)
		SELECT ?6, id, status, status, ?3, ?4, ?5 FROM entries
		WHERE id = ?1 AND status = ?2 AND (class <> ?3 OR message <> ?4) AND (?7 = 0 OR message = '')`

	// leaving tells of what an UPDATE is about to move: its condition, about entries e, follows.
	leaving = `INSERT INTO events (at, entry_id, kind, was, message) SELECT ?, e.id, ?, e.status, ? FROM entries e WHERE e.status <> {settled} AND `

	readEvents = `SELECT v.id, v.at, v.kind, v.was, v.class, v.message, v.hint, coalesce(v.entry_id, 0), coalesce(e.folder, v.folder),
			e.path, coalesce(e.generation, 0), coalesce(e.status, ''), coalesce(e.size, 0), e.sha256,
			coalesce(e.object_id, ''), coalesce(e.file_id, ''), coalesce(e.original_file_id, '')
		FROM events v LEFT JOIN entries e ON e.id = v.entry_id WHERE `
	eventsAfter = readEvents + `v.id > ? ORDER BY v.id LIMIT ?`
	eventsOf    = readEvents + `v.entry_id = ? ORDER BY v.id`
	lastEvent   = `SELECT coalesce(max(id), 0) FROM events`
)

// After returns the events after the one with an id, up to limit, in their order. 0 is
// before the first.
func (es Events) After(ctx context.Context, id int64, limit int) ([]Event, error) {
	return es.read(ctx, "read events", eventsAfter, id, limit)
}

// Of returns the events of an entry, in their order.
func (es Events) Of(ctx context.Context, entryID int64) ([]Event, error) {
	return es.read(ctx, fmt.Sprintf("read the events of entry %d", entryID), eventsOf, entryID)
}

// Last returns the id of the last event, 0 where there is none.
func (es Events) Last(ctx context.Context) (id int64, err error) {
	err = es.r.ask(ctx, "read the last event", func(tx *session) error {
		return tx.row(ctx, lastEvent).Scan(&id)
	})
	return id, err
}

func (es Events) read(ctx context.Context, op, query string, args ...any) (out []Event, err error) {
	err = es.r.ask(ctx, op, func(tx *session) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var e Event
			var when int64
			var path []byte
			err := rows.Scan(&e.ID, &when, &e.Kind, &e.Was, &e.Reason.Class, &e.Reason.Message, &e.Reason.Hint, &e.EntryID, &e.Folder,
				&path, &e.Generation, &e.Status, &e.Size, &e.SHA256, &e.ObjectID, &e.FileID, &e.Original)
			e.At, e.Path = at(when), string(path)
			out = append(out, e)
			return err
		}, query, args...)
	})
	return out, err
}

// RecordEvent records that something happened to a folder, or to all of them where its
// name is "". It is durable when this returns nil.
func RecordEvent(ctx context.Context, j *Journal, folder string, kind EventKind, why Reason) error {
	return j.write(ctx, "record an event of folder "+folder, func(tx *session) error {
		_, err := tx.exec(ctx, `INSERT INTO events (at, folder, kind, class, message, hint) VALUES (?, ?, ?, ?, ?, ?)`,
			j.now(), folder, kind, why.Class, why.Message, why.Hint)
		return err
	}, AboutEvents)
}

// telling reports a move that is an event.
func (m Move) telling() bool {
	return !m.To.Runnable() || !m.From.Runnable() || m.Reason.Message != "" || m.To == Cancelling
}

// tell records the event that a move is, within its transaction.
func (m Move) tell(ctx context.Context, tx *session, now int64) error {
	if !m.telling() {
		return nil
	}
	_, err := tx.exec(ctx, insertEvent, now, m.ID, m.To, m.From, m.Reason.Class, m.Reason.Message, m.Reason.Hint)
	return err
}

// Followers are those who read the events one after the other, each at its own pace: a
// receiver of messages, a receipt. How far each has come outlives the process.
type Followers struct{ j *Journal }

// FollowersOf returns the followers of a journal's events.
func FollowersOf(j *Journal) Followers { return Followers{j} }

// cursorOf is where a follower is. The ids of events that are still to come begin behind the
// last one that was ever given; who is said to be further, as in a journal that was rescued in
// pieces, would pass over events without a word.
const cursorOf = `SELECT min(event, max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0), coalesce((SELECT max(id) FROM events), 0)))
	FROM followers WHERE name = ?`

// Cursor returns the id of the last event that a follower has dealt with. One that is not
// known yet begins after the last event that there is.
func (fs Followers) Cursor(ctx context.Context, name string) (id int64, err error) {
	err = fs.j.reader.ask(ctx, "read how far "+name+" has come", func(tx *session) error {
		return tx.row(ctx, cursorOf, name).Scan(&id)
	})
	if !errors.Is(err, sql.ErrNoRows) {
		return id, err
	}
	if id, err = EventsOf(fs.j.reader).Last(ctx); err != nil {
		return 0, err
	}
	return id, fs.SetCursor(ctx, name, id)
}

// SetCursor records how far a follower has come. It is durable when this returns nil.
func (fs Followers) SetCursor(ctx context.Context, name string, id int64) error {
	return fs.j.write(ctx, "record how far "+name+" has come", func(tx *session) error {
		_, err := tx.exec(ctx, `INSERT INTO followers (name, event) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET event = excluded.event`, name, id)
		return err
	}, AboutNothing)
}

// Keep forgets all followers but those that are named: what was configured once reads no
// more.
func (fs Followers) Keep(ctx context.Context, names []string) error {
	return fs.j.write(ctx, "forget followers", func(tx *session) error {
		_, err := tx.exec(ctx, `DELETE FROM followers WHERE name NOT IN {list ?}`, list(names))
		return err
	}, AboutNothing)
}
