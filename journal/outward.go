package journal

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Outward are questions of those who tell others what became of files.
type Outward struct{ r *Reader }

// OutwardOf returns them for a journal.
func OutwardOf(r *Reader) Outward { return Outward{r} }

const (
	// The queue of the folder is read until there is one: what is on its way is a small part of
	// what a folder has.
	openBelow = `SELECT EXISTS (SELECT 1 FROM work w CROSS JOIN entries e ON e.id = w.entry_id
		WHERE w.folder = ?1 AND CASE ?2 WHEN x'' THEN instr(e.path, x'2f') = 0 ELSE e.path > ?2 || x'2f' AND e.path < ?2 || x'30' END)`

	earlierVersions = `SELECT count(*) FROM entries {using entries_filename}
		WHERE filename = ?1 AND filename <> '' AND rests = 1 AND status IN ({held}, {filed}) AND status = {filed}
		  AND original_file_id = ?2 AND id < ?3`

	lastPauses = `SELECT folder, kind, max(id) FROM events {using events_folder}
		WHERE entry_id IS NULL AND kind IN ` + pauseKinds + ` GROUP BY folder`

	pauseKinds = `('` + string(EventPaused) + `', '` + string(EventResumed) + `')`
)

// Open reports whether an entry is on its way below a directory of a folder; "" is what lies in
// the folder itself.
func (o Outward) Open(ctx context.Context, folder, dir string) (open bool, err error) {
	err = o.r.ask(ctx, "look for what is on its way below "+dir, func(tx *session) error {
		return tx.row(ctx, openBelow, folder, []byte(dir)).Scan(&open)
	})
	return open, err
}

// Version returns which version of its asset an entry became, as far as this journal made
// them: 1 for an asset of its own, 0 for one that became none.
func (o Outward) Version(ctx context.Context, e Entry) (n int, err error) {
	switch {
	case e.FileID == "":
		return 0, nil
	case e.OriginalFileID == "" || e.OriginalFileID == e.FileID:
		return 1, nil
	}
	err = o.r.ask(ctx, fmt.Sprintf("count the versions before entry %d", e.ID), func(tx *session) error {
		return tx.row(ctx, earlierVersions, e.Filename, e.OriginalFileID, e.ID).Scan(&n)
	})
	return max(n, 1) + 1, err // the asset is there before its versions, whoever made it
}

// Paused returns the folders, "" for all of them, of which the last event says that they wait.
func (o Outward) Paused(ctx context.Context) (folders []string, err error) {
	err = o.r.ask(ctx, "look which folders were said to wait", func(tx *session) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var folder string
			var kind EventKind
			var id int64
			err := rows.Scan(&folder, &kind, &id)
			if kind == EventPaused {
				folders = append(folders, folder)
			}
			return err
		}, lastPauses)
	})
	return folders, err
}

// Trouble is what keeps a follower from going on.
type Trouble struct {
	Title string    `json:"name"` // of the follower, for people
	Why   string    `json:"trouble"`
	Since time.Time `json:"since"`
}

// SetTrouble records what keeps a follower from going on, "" for nothing. It is durable when
// this returns nil; a follower that was forgotten has none.
func (fs Followers) SetTrouble(ctx context.Context, name, title, why string) error {
	return fs.j.write(ctx, "record how "+title+" does", func(tx *session) error {
		_, err := tx.exec(ctx, `UPDATE followers SET title = ?1, since = CASE WHEN ?2 = '' THEN 0 WHEN trouble = '' THEN ?3 ELSE since END, trouble = ?2
			WHERE name = ?4 AND trouble <> ?2`, title, why, fs.j.now(), name)
		return err
	}, AboutNothing)
}

// Troubles returns what keeps followers from going on, by their titles.
func (o Outward) Troubles(ctx context.Context) (out []Trouble, err error) {
	out = []Trouble{}
	err = o.r.ask(ctx, "read what keeps followers from going on", func(tx *session) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var t Trouble
			var since int64
			err := rows.Scan(&t.Title, &t.Why, &since)
			t.Since = at(since)
			out = append(out, t)
			return err
		}, `SELECT title, trouble, since FROM followers WHERE trouble <> '' ORDER BY title`)
	})
	return out, err
}
