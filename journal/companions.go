package journal

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// Companion is a file that speaks of others, as it was found.
type Companion struct {
	file.File
	Since time.Time // when it was found like this
}

// CompanionReader reads what the journal knows of companions, and of the paths that they
// speak of.
type CompanionReader struct{ r *Reader }

// CompanionReaderOf returns the companions of a journal for reading.
func CompanionReaderOf(r *Reader) CompanionReader { return CompanionReader{r} }

// Companions are the sidecars and manifests that a journal has recorded.
type Companions struct {
	CompanionReader
	j *Journal
}

// CompanionsOf returns the companions of a journal.
func CompanionsOf(j *Journal) Companions { return Companions{CompanionReader{j.reader}, j} }

// Admit records companions in one transaction, and that what they tell
// is to be acted on where they are new or changed. It returns how many are.
func (cs Companions) Admit(ctx context.Context, found []file.File) (int, error) {
	fresh, err := cs.Unknown(ctx, found)
	if err != nil || len(fresh) == 0 {
		return 0, err
	}
	return len(fresh), cs.j.write(ctx, "admit companions", func(tx *session) error {
		now := cs.j.now()
		for _, f := range fresh {
			_, err := tx.exec(ctx, `INSERT INTO companions
					(folder, path, size, mod_time, change_time, dev, ino, place, mark, since, due) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)
				ON CONFLICT (folder, path) DO UPDATE SET size = excluded.size, mod_time = excluded.mod_time,
					change_time = excluded.change_time, dev = excluded.dev, ino = excluded.ino,
					mark = excluded.mark, since = excluded.since, due = 1, tell = 1`,
				f.Folder, []byte(f.Path), f.Size, f.ModTime, f.ChangeTime, int64(f.Dev), int64(f.Ino),
				placeOf(f.Folder, f.Path), markOf(f), now)
			if err != nil {
				return err
			}
		}
		return nil
	}, AboutCompanions)
}

// Unknown is Reader.Unknown for companions.
func (cs CompanionReader) Unknown(ctx context.Context, found []file.File) (fresh []file.File, err error) {
	err = cs.r.read(ctx, "look up companions", func(tx *session) (err error) {
		fresh, err = unmarked(ctx, tx, found, companionMarks)
		return err
	})
	return fresh, err
}

// Due returns up to limit companions of the folders that are to be acted
// on, in the order in which they were found.
func (cs CompanionReader) Due(ctx context.Context, folders []string, limit int) ([]Companion, error) {
	return cs.due(ctx, 1, folders, limit)
}

// DueManifests returns up to limit manifests of a folder whose rows without files
// are to be admitted.
func (cs CompanionReader) DueManifests(ctx context.Context, folder string, limit int) ([]Companion, error) {
	return cs.due(ctx, rowsDue, []string{folder}, limit)
}

// The partial index holds the few that are due; its order is that of the answer.
const (
	dueCompanions = `SELECT folder, path, size, mod_time, change_time, dev, ino, since FROM companions {using companions_due}
		WHERE due = ? AND due > 0 AND folder IN {list ?} ORDER BY since, folder, path LIMIT ?`
	countCompanions = `SELECT count(*) FROM companions {using companions_due}
		WHERE due > 0 AND due < 3 AND folder IN {list ?}`
)

func (cs CompanionReader) due(ctx context.Context, due int, folders []string, limit int) ([]Companion, error) {
	var out []Companion
	err := cs.r.ask(ctx, "read the companions to act on", func(tx *session) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var c Companion
			var path []byte
			var dev, ino, since int64
			err := rows.Scan(&c.Folder, &path, &c.Size, &c.ModTime, &c.ChangeTime, &dev, &ino, &since)
			c.Path, c.Dev, c.Ino, c.Since = string(path), uint64(dev), uint64(ino), at(since)
			out = append(out, c)
			return err
		}, dueCompanions, due, list(folders), limit)
	})
	return out, err
}

// Concern says which paths a companion speaks of: one, with those that begin with
// it and a dot, or all below a directory.
type Concern struct {
	Path string
	Dir  string // "." for the whole folder; "" with a Path
	// Also are paths that a companion with a Path speaks of as well, because it is
	// spelt otherwise.
	Also []string
}

// where is the concern as SQL and its arguments, of a table called e. It is one range
// of paths, which the index narrows by: an OR of two would be read as the whole folder.
func (c Concern) where() (string, []any) {
	switch c.Dir {
	case ".":
		return `e.path >= ? AND TRUE`, []any{[]byte{}}
	case "":
		path := []byte(c.Path)
		return `e.path >= ? AND e.path < ? AND (e.path = ? OR e.path >= ?)`, []any{path, []byte(c.Path + "/"), path, []byte(c.Path + ".")}
	}
	return `e.path >= ? AND e.path < ?`, []any{[]byte(c.Dir + "/"), []byte(c.Dir + "0")} // 0 follows / in ASCII
}

// What ActOn does to the entries of a Concern, whose where completes them.
const (
	reopenResting = `UPDATE entries AS e SET status = {settled}, rests = 0, class = '', message = '', hint = '',
			since = ?, updated = ?, tries = 0, failures = 0
		WHERE ` + reopened + ` AND `
	reopened      = `(status IN ({held}, {failed}) AND class = '` + ClassMetadata + `' AND aside = x'' OR status = {mapped} AND mapped_at <= ?) AND e.folder = ?`
	reopenSettled = `UPDATE entries AS e SET mapped_at = CASE WHEN mapped_at > ?1 THEN mapped_at ELSE ?1 END + 1
		WHERE status = {settled} AND e.folder = ? AND `
	reopenDeferred = `UPDATE work SET not_before = 0, lane = 0 WHERE lane = 1 AND entry_id IN (SELECT e.id FROM entries e
		WHERE e.status = {settled} AND e.folder = ? AND `
	reopenBegun = `INSERT INTO edits (entry_id, asked_at) SELECT e.id, ? FROM entries e
		WHERE (status IN {begun} OR status = {filed}) AND mapped_at <= ? AND e.folder = ? AND `
)

// ActOn acts on a companion, in one transaction. Of the entries that it speaks of,
// those that rest because of their metadata and those that wait to be created go
// round again; for those that have an asset, or are getting one, an edit is opened
// if they were mapped before the companion was found. It returns how many of each
// there are.
func (cs Companions) ActOn(ctx context.Context, c Companion, about Concern) (released, edits int, err error) {
	err = cs.j.write(ctx, "act on "+strings.ToValidUTF8(c.Path, "\uFFFD"), func(tx *session) error {
		all := []Concern{about}
		for _, path := range about.Also {
			all = append(all, Concern{Path: path})
		}
		for _, about := range all {
			again, open, err := cs.reopen(ctx, tx, c, about)
			if err != nil {
				return err
			}
			released, edits = released+again, edits+open
		}
		left := 0
		if about.Dir != "" { // a manifest may have rows that have no file
			left = rowsDue
		}
		_, err = tx.exec(ctx, `UPDATE companions SET due = ? WHERE folder = ? AND path = ? AND mark = ?`,
			left, c.Folder, []byte(c.Path), markOf(c.File))
		return err
	}, AboutEntries, AboutEvents, AboutNotes, AboutEdits, AboutRows)
	return released, edits, err
}

// reopen has the entries of one concern looked at again.
func (cs Companions) reopen(ctx context.Context, tx *session, c Companion, about Concern) (released, edits int, err error) {
	which, args := about.where()
	args = append([]any{c.Folder}, args...)
	now := cs.j.now()
	told := append([]any{now, Settled, "there is news of it in " + strings.ToValidUTF8(c.Path, "\uFFFD"), ms(c.Since)}, args...)
	if _, err := tx.exec(ctx, leaving+reopened+` AND `+which, told...); err != nil {
		return 0, 0, err
	}
	again, err := idsOf(ctx, tx, reopenResting+which+` RETURNING id`, append([]any{now, now, ms(c.Since)}, args...)...)
	if err != nil {
		return 0, 0, err
	}
	if err := enqueueAll(ctx, tx, again); err != nil {
		return 0, 0, err
	}
	// What is being mapped now is mapped once more.
	if _, err = affect(ctx, tx, reopenSettled+which, append([]any{now}, args...)...); err != nil {
		return 0, 0, err
	}
	if _, err = affect(ctx, tx, reopenDeferred+which+`)`, args...); err != nil {
		return 0, 0, err
	}
	edits, err = affect(ctx, tx, reopenBegun+which+latestIngested+openEdit, append([]any{now, ms(c.Since)}, args...)...)
	return len(again), edits, err
}

// In returns the companions in a directory of a folder, "." for the folder
// itself, that are wanted, and not any below. What is wanted must show from the path: to
// look at a share that hangs would keep others from the journal.
func (cs CompanionReader) In(ctx context.Context, folder, dir string, wanted func(path string) bool) ([]string, error) {
	var found []string
	err := cs.r.ask(ctx, "look for a manifest", func(tx *session) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var path []byte
			if err := rows.Scan(&path); err != nil {
				return err
			}
			if wanted(string(path)) {
				found = append(found, string(path))
			}
			return nil
		}, `SELECT path FROM companions {using companions_mark} WHERE place = ? AND folder = ?`, placeOf(folder, dir+"/x"), folder)
	})
	return found, err
}

// HasEntries reports whether there are entries that a concern is about.
func (cs CompanionReader) HasEntries(ctx context.Context, folder string, about Concern) (there bool, err error) {
	err = cs.r.ask(ctx, "look for what a companion speaks of", func(tx *session) error {
		which, args := about.where()
		return tx.row(ctx, `SELECT EXISTS (SELECT 1 FROM entries e WHERE e.folder = ? AND `+which+`)`,
			append([]any{folder}, args...)...).Scan(&there)
	})
	return there, err
}

// PathsIn calls yield with every path of a folder that lies in a directory, "." for
// the folder itself, and not below another, whatever became of its content.
func (cs CompanionReader) PathsIn(ctx context.Context, folder, dir string, yield func(path string)) error {
	prefix := dir + "/"
	if dir == "." {
		prefix = ""
	}
	return cs.PathsBelow(ctx, folder, dir, func(path string) {
		if !strings.Contains(path[len(prefix):], "/") {
			yield(path)
		}
	})
}

// PathsBelow is PathsIn with what lies below other directories.
func (cs CompanionReader) PathsBelow(ctx context.Context, folder, dir string, yield func(path string)) error {
	return cs.r.ask(ctx, "list the paths of a directory", func(tx *session) error {
		which, args := Concern{Dir: dir}.where()
		return each(ctx, tx, func(rows *sql.Rows) error {
			var path sql.RawBytes
			if err := rows.Scan(&path); err != nil {
				return err
			}
			yield(string(path))
			return nil
		}, pathsBelow(which), slices.Repeat(append([]any{folder}, args...), 2)...)
	})
}

// pathsBelow lists the paths that entries have, or had before they were pruned.
func pathsBelow(which string) string {
	return `SELECT e.path FROM entries e WHERE e.folder = ? AND ` + which + ` UNION SELECT e.path FROM pruned e WHERE e.folder = ? AND ` + which + ` ORDER BY 1`
}

// latestIngested leaves out entries whose path has newer content in Tenovos, or
// on its way there.
const latestIngested = ` AND NOT EXISTS (SELECT 1 FROM entries l WHERE l.folder = e.folder AND l.path = e.path
	AND l.generation > e.generation AND (l.status IN {begun} OR l.status = {filed}))`

// openEdit opens an edit, or begins an open one anew.
const openEdit = ` ON CONFLICT (entry_id) DO UPDATE SET asked_at = CASE WHEN excluded.asked_at > edits.asked_at THEN excluded.asked_at ELSE edits.asked_at + 1 END, not_before = 0, tries = 0, message = '',
	asset = '', changes = '', alike = NULL, sent_at = NULL`

// CountPending counts the companions of folders that are to be acted on, and the
// open edits of filed entries.
func (cs CompanionReader) CountPending(ctx context.Context, companions, edits []string) (int, error) {
	var n int
	err := cs.r.ask(ctx, "count open edits", func(tx *session) error {
		return tx.row(ctx, `SELECT (`+countCompanions+`) + (`+countEdits+`)`, list(companions), list(edits)).Scan(&n)
	})
	return n, err
}
