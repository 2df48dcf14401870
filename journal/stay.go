package journal

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// Stay is what happens to an entry that a worker leaves in its status: Move.To is
// Move.From.
type Stay struct {
	// ForDrop leaves a mapped entry waiting until its drop is released, or until
	// Move.NotBefore. It counts no try, and a reason that the drop told already stays.
	// ErrMoved if the entry is in no drop.
	ForDrop bool
	// Rehint tells a settled entry that its path holds something else than what was
	// found: the entry is about that from now on. ErrMoved if it is no longer the latest
	// generation of its path.
	Rehint *file.File
	// Unchanged merges an entry that was proved to hold the same bytes as its Previous into
	// that: that one takes over the hint (and the hash, if it has none), the entry is
	// forgotten, and the folder has seen one less. If generations lie between the two, the
	// previous one moves up to the entry's place, so that the latest generation of the path
	// is the one that describes the file. Move.Chores are opened for it. ErrUnknown if
	// nothing was ingested before.
	Unchanged bool
	// Renamed merges a settled entry that was proved to be the file of this earlier entry
	// under a new name into that: the earlier entry and the generations of the old path
	// before it are the new path's from now on, it takes over the hint, and the new entry
	// is forgotten. What the new path had before comes before them. Move.Chores are opened
	// for the earlier entry.
	//
	// An earlier entry whose upload was begun is run at once, and keeps its change time:
	// what was sent is compared with the file as after a Touch.
	//
	// ErrMoved if the earlier entry is not under the path and in the status that it had when
	// it was read, or got a version there meanwhile.
	Renamed *Entry
}

// merges reports that the entry is forgotten by it.
func (s Stay) merges() bool { return s.Unchanged || s.Renamed != nil }

const (
	deferEntry = `UPDATE entries SET class = ?3, message = ?4, hint = ?5, updated = ?6,
		tries = tries + 1, failures = failures + ?7 WHERE id = ?1 AND status = ?2`

	deferForDrop = `UPDATE entries SET updated = ?6, class = CASE message WHEN '' THEN ?3 ELSE class END,
		message = CASE message WHEN '' THEN ?4 ELSE message END, hint = CASE message WHEN '' THEN ?5 ELSE hint END, failures = failures + ?7
		WHERE id = ?1 AND status = ?2 AND batch IS NOT NULL`

	rehintEntry = `UPDATE entries AS e SET size = ?3, mod_time = ?4, change_time = ?5, dev = ?6, ino = ?7,
			sha256 = NULL, updated = ?8, mark = ?9
		WHERE id = ?1 AND status = ?2 AND NOT EXISTS (SELECT 1 FROM entries n
			WHERE n.folder = e.folder AND n.path = e.path AND n.generation > e.generation)`
)

// stay carries out a move that leaves its entry in its status, within a transaction.
func stay(ctx context.Context, tx *session, m Move, now int64) error {
	switch s := m.Stay; {
	case s.Unchanged:
		return mergeUnchanged(ctx, tx, m, now)
	case s.Renamed != nil:
		return mergeRenamed(ctx, tx, m, now)
	case s.Rehint != nil:
		f := *s.Rehint
		err := moved(tx.exec(ctx, rehintEntry, m.ID, m.From, f.Size, f.ModTime, f.ChangeTime, int64(f.Dev), int64(f.Ino), now, markOf(f)))
		if err != nil {
			return err
		}
		return enqueue(ctx, tx, m.ID, ms(m.NotBefore))
	}
	text := deferEntry
	if m.Stay.ForDrop {
		text = deferForDrop
	}
	if m.Reason.Message != "" {
		if _, err := tx.exec(ctx, newReason, m.ID, m.From, m.Reason.Class, m.Reason.Message, m.Reason.Hint, now, m.Stay.ForDrop); err != nil {
			return err
		}
	}
	if err := moved(tx.exec(ctx, text, m.ID, m.From, m.Reason.Class, m.Reason.Message, m.Reason.Hint, now, m.CountFailure)); err != nil {
		return err
	}
	_, err := tx.exec(ctx, moveWork, m.ID, laneOf(m.From, ms(m.NotBefore)), ms(m.NotBefore))
	return err
}

// mergeRenamed is a move with Stay.Renamed.
func mergeRenamed(ctx context.Context, tx *session, m Move, now int64) error {
	earlier := *m.Stay.Renamed
	var to []byte
	var top int
	err := tx.row(ctx, `SELECT n.path,
			(SELECT max(generation) FROM entries l WHERE l.folder = n.folder AND l.path = n.path)
		FROM entries n JOIN entries e ON e.folder = n.folder
		WHERE n.id = ?1 AND n.status = {settled} AND e.id = ?2 AND e.status = ?4 AND e.path = ?3 AND e.aside = x'' AND NOT `+hasVersion+``,
		m.ID, earlier.ID, []byte(earlier.Path), earlier.Status).Scan(&to, &top)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrMoved
	}
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `UPDATE entries SET path = ?, place = ?, mark = NULL, generation = generation + ?
		WHERE folder = ? AND path = ? AND generation <= ?`,
		to, placeOf(earlier.Folder, string(to)), top, earlier.Folder, []byte(earlier.Path), earlier.Generation)
	if err == nil {
		err = setBatches(ctx, tx, `SELECT id, path FROM entries WHERE folder = ? AND path = ? AND batch IS NOT NULL`, earlier.Folder, to)
	}
	if err == nil {
		err = replaceAll(ctx, tx, earlier.Folder, to)
	}
	if err == nil {
		err = refreshPath(ctx, tx, earlier.Folder, to)
	}
	if err != nil {
		return err
	}
	for _, c := range m.Chores {
		if err := addChore(ctx, tx, earlier.ID, c, now); err != nil {
			return err
		}
	}
	var place int
	if err := tx.row(ctx, `SELECT generation FROM entries WHERE id = ?`, earlier.ID).Scan(&place); err != nil {
		return err
	}
	former := Reason{Class: ClassRenamed, Message: "its file was " + strings.ToValidUTF8(earlier.Path, "\uFFFD") + " before"}
	if err := merge(ctx, tx, m.ID, earlier.ID, place, former, now); err != nil || !earlier.Status.Active() {
		return err
	}
	_, err = tx.exec(ctx, `UPDATE entries SET change_time = ?, mark = NULL WHERE id = ?`, earlier.ChangeTime, earlier.ID)
	if err != nil {
		return err
	}
	return enqueue(ctx, tx, earlier.ID, 0)
}

// mergeUnchanged is a move with Stay.Unchanged.
func mergeUnchanged(ctx context.Context, tx *session, m Move, now int64) error {
	var folder string
	var path []byte
	var generation int
	err := tx.row(ctx, `SELECT folder, path, generation FROM entries WHERE id = ? AND status = ?`, m.ID, m.From).
		Scan(&folder, &path, &generation)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrMoved
	}
	if err != nil {
		return err
	}
	var previous int64
	var place int
	err = tx.row(ctx, `SELECT id, generation`+beforeSQL, folder, path, generation).Scan(&previous, &place)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrUnknown
	}
	if err != nil {
		return err
	}
	if place+1 < generation {
		place = generation
	}
	for _, c := range m.Chores {
		if err := addChore(ctx, tx, previous, c, now); err != nil {
			return err
		}
	}
	return merge(ctx, tx, m.ID, previous, place, Reason{Class: ClassUnchanged, Message: "its file was written anew with the same content"}, now)
}
