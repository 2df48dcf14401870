package journal

import (
	"context"
	"database/sql"
	"fmt"
)

// otherCopy is true of an entry e, not replaced, of another path whose content
// Tenovos has, or will have, as that of its path.
const otherCopy = ` e.replaced = 0 AND e.size = ?1 AND e.id <> ?2 AND NOT (e.folder = ?3 AND e.path = ?4)
	AND NOT EXISTS (SELECT 1 FROM entries n WHERE n.folder = e.folder AND n.path = e.path
		AND n.generation > e.generation AND n.status = {filed})`

// setReplaced finds out which of an entry and the one that was filed before it are
// replaced, once the entry became filed or is it no longer. Of the filed generations of a
// path only the last is not replaced, so that one step down from a change is enough; no
// generation ever passes another one that is filed.
func setReplaced(ctx context.Context, tx *session, id int64) error {
	_, err := tx.exec(ctx, replace+`id = ?1 OR id = (SELECT o.id FROM entries n JOIN entries o
		ON o.folder = n.folder AND o.path = n.path AND o.generation < n.generation
		WHERE n.id = ?1 AND o.status = {filed} ORDER BY o.generation DESC LIMIT 1)`, id)
	return err
}

// replaceAll does so with all generations of a path, or of a folder if path is nil.
func replaceAll(ctx context.Context, tx *session, folder string, path []byte) error {
	_, err := tx.exec(ctx, replace+`folder = ?1 AND (?2 IS NULL OR path = ?2) AND (replaced <> 0 OR status = {filed})`, folder, path)
	return err
}

const replace = `UPDATE entries AS e SET replaced = e.status = {filed} AND EXISTS (SELECT 1 FROM entries n
		WHERE n.folder = e.folder AND n.path = e.path AND n.generation > e.generation AND n.status = {filed})
	WHERE `

// What is asked about a size: each costs a few steps for each status, however many
// entries have the size.
const (
	anyOtherCopy = `SELECT EXISTS (SELECT 1 FROM entries e WHERE e.status = {filed} AND` + otherCopy + `)
		OR EXISTS (SELECT 1 FROM work w JOIN entries e ON e.id = w.entry_id WHERE w.size = ?1 AND w.lane = 2 AND` + otherCopy + `)
		OR EXISTS (SELECT 1 FROM work w JOIN entries e ON e.id = w.entry_id WHERE w.size = ?1 AND w.entry_id < ?2 AND` + otherCopy + `)
		OR EXISTS (SELECT 1` + rememberedCopy + `)`
)

// otherCopies finds first the copy of a hash, then those of the size that have none.
var otherCopies = `SELECT ` + entryColumns + ` FROM (
		SELECT id, 0 AS kind, behind FROM (` + copiesWith(`= ?5`, `1`, `1`) + `)
		UNION ALL SELECT id, 1, behind FROM (` + copiesWith(`IS NULL`, `0`, `?6`) + `)) c
	JOIN entries e ON e.id = c.id ORDER BY c.kind, c.behind, e.id`

// copiesWith yields the ids of the copies with some hash, up to a limit, by id; those that
// are not filed come behind the others if so asked. What waits or was begun is sought lane
// by lane: of those that wait only the earlier can be the original.
func copiesWith(hash, behind, limit string) string {
	waiting := func(which string) string {
		return ` UNION ALL SELECT * FROM (SELECT e.id, ` + behind + ` FROM work w JOIN entries e ON e.id = w.entry_id
			WHERE w.size = ?1 AND w.sha256 ` + hash + ` AND ` + which + ` AND` + otherCopy + ` ORDER BY w.entry_id LIMIT ` + limit + `)`
	}
	return `SELECT id, behind FROM (
		SELECT * FROM (SELECT e.id, 0 AS behind FROM entries e
			WHERE e.status = {filed} AND e.sha256 ` + hash + ` AND` + otherCopy + ` ORDER BY e.id LIMIT ` + limit + `)` +
		waiting(`w.lane = 0 AND w.entry_id < ?2`) + waiting(`w.lane = 1 AND w.entry_id < ?2`) + waiting(`w.lane = 2`) + `)
		ORDER BY behind, id LIMIT ` + limit
}

// maxUnhashed bounds how many entries without a hash SameContent returns: each
// must be read to be compared, and gets its hash by that.
const maxUnhashed = 16

// HasSameSize reports whether another path could hold the same content as e,
// judged by the size alone: whether it is worth while to hash e's file.
func (r *Reader) HasSameSize(ctx context.Context, e Entry) (bool, error) {
	var has bool
	err := r.ask(ctx, fmt.Sprintf("look for the size of entry %d", e.ID), func(tx *session) error {
		return tx.row(ctx, anyOtherCopy, e.Size, e.ID, e.Folder, []byte(e.Path)).Scan(&has)
	})
	return has, err
}

// SameContent returns entries of other paths that hold the same content as e, or
// may hold it: first the one of its hash, if there is one, then up to maxUnhashed
// of its size that have no hash yet. Of two that wait only the earlier can be the
// original. Their Attempt is the last one, with the MD5 of each stored part. Behind them
// comes what was pruned, as far as it is remembered: it has an ID that names no entry.
func (r *Reader) SameContent(ctx context.Context, e Entry) ([]Entry, error) {
	if e.SHA256 == nil {
		return nil, nil
	}
	var out []Entry
	err := r.read(ctx, fmt.Sprintf("look for the content of entry %d", e.ID), func(tx *session) error {
		err := each(ctx, tx, func(rows *sql.Rows) error {
			c, err := scanEntry(rows.Scan)
			out = append(out, c)
			return err
		}, otherCopies, e.Size, e.ID, e.Folder, []byte(e.Path), e.SHA256, maxUnhashed)
		if err != nil {
			return err
		}
		for i := range out {
			if err := lastAttempt(ctx, tx, &out[i]); err != nil {
				return err
			}
		}
		pruned, err := remembered(ctx, tx, e)
		out = append(out, pruned...)
		return err
	})
	return out, err
}
