package journal

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"math"
)

// lane says how an entry that does not rest is found in the table work.
type lane int

const (
	laneReady    lane = iota // it waits for its turn in the order of its folder
	laneDeferred             // it waits for a time, and then for its turn
	laneBegun                // something of it may exist remotely: it goes before the others
)

// laneOf is the lane of an entry in a status that does not rest.
func laneOf(s Status, notBefore int64) lane {
	switch {
	case s.Active():
		return laneBegun
	case notBefore > 0:
		return laneDeferred
	}
	return laneReady
}

// The row of work that an entry has. Whatever changes what is copied there changes it, too.
const (
	enqueueEntry = `INSERT INTO work (entry_id, lane, not_before, folder, status, sort_key, size, sha256, filename, queued_at)
		SELECT id, ?2, ?3, folder, status, ?4, size, sha256, filename, since FROM entries WHERE id = ?1
		ON CONFLICT (entry_id) DO UPDATE SET lane = excluded.lane, not_before = excluded.not_before, folder = excluded.folder, status = excluded.status,
			sort_key = excluded.sort_key, size = excluded.size, sha256 = excluded.sha256, filename = excluded.filename`

	dequeueEntry = `DELETE FROM work WHERE entry_id = ?`

	statusOfWork = `UPDATE work SET status = ?2 WHERE entry_id = ?1`

	// moveWork changes no index where lane and time stay, as for most moves.
	moveWork = `UPDATE work SET lane = ?2, not_before = ?3 WHERE entry_id = ?1 AND (lane <> ?2 OR not_before <> ?3)`

	refreshWork = `UPDATE work SET folder = e.folder, size = e.size, sha256 = e.sha256, filename = e.filename, sort_key = ?2
		FROM entries e WHERE e.id = ?1 AND work.entry_id = ?1`

	nameWork = `UPDATE work SET lane = ?2, not_before = ?3, status = ?4, filename = ?5 WHERE entry_id = ?1`

	whatToEnqueue = `SELECT e.status, e.path, e.size, e.mod_time, coalesce(f.sort, '') FROM entries e JOIN folders f ON f.name = e.folder WHERE e.id = ?`
)

// sortKeyOf returns the status of an entry and its place in the order of its folder.
func sortKeyOf(ctx context.Context, tx *session, id int64) (status Status, key []byte, err error) {
	var path []byte
	var size, modTime int64
	var by Order
	err = tx.row(ctx, whatToEnqueue, id).Scan(&status, &path, &size, &modTime, &by)
	return status, sortKey(by, path, size, modTime), err
}

// enqueue gives an entry the row of work that belongs to its status, not to be run before
// a time, or none if it rests.
func enqueue(ctx context.Context, tx *session, id, notBefore int64) error {
	status, key, err := sortKeyOf(ctx, tx, id)
	if err != nil {
		return err
	}
	if !status.Runnable() {
		_, err := tx.exec(ctx, dequeueEntry, id)
		return err
	}
	_, err = tx.exec(ctx, enqueueEntry, id, laneOf(status, notBefore), notBefore, key)
	return err
}

// enqueueAll does so with entries that may be run at once.
func enqueueAll(ctx context.Context, tx *session, ids []int64) error {
	for _, id := range ids {
		if err := enqueue(ctx, tx, id, 0); err != nil {
			return err
		}
	}
	return nil
}

// refresh copies anew what the row of work of an entry has of the entry, if it has one.
func refresh(ctx context.Context, tx *session, ids ...int64) error {
	for _, id := range ids {
		_, key, err := sortKeyOf(ctx, tx, id)
		if err != nil {
			return err
		}
		if _, err := tx.exec(ctx, refreshWork, id, key); err != nil {
			return err
		}
	}
	return nil
}

// idsOf returns the ids that a statement yields, one that changes entries for example.
func idsOf(ctx context.Context, tx *session, text string, args ...any) (ids []int64, err error) {
	err = each(ctx, tx, func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	}, text, args...)
	return ids, err
}

// sortKey is the place of an entry in an order: the bytes of its key compare as the
// entries do. Numbers become big-endian; a time, which may be before 1970, has its sign
// bit turned over first.
func sortKey(by Order, path []byte, size, modTime int64) []byte {
	number := func(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
	oldest := uint64(modTime) ^ (1 << 63)
	switch by {
	case OrderSize, OrderMixed:
		return number(uint64(size))
	case OrderOldest:
		return number(oldest)
	case OrderNewest:
		return number(math.MaxUint64 - oldest)
	case OrderPath:
		return bytes.Clone(path)
	}
	return []byte{}
}
