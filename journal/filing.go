package journal

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// Filing is what the journal keeps of files on their way out of their folders: the
// intents, and the chores that move them.
type Filing struct{ j *Journal }

// FilingOf returns the filing of a journal.
func FilingOf(j *Journal) Filing { return Filing{j} }

// Set stores where the file of an entry that came to its end is to go,
// before anything is done: the hidden name beside it that it gets first, and its
// place in the end, both below the folder; without a movedTo it is to be deleted.
// Two empty names take the intent back. ErrMoved if the entry is not in status in.
func (f Filing) Set(ctx context.Context, id int64, in Status, aside, movedTo string) error {
	return f.j.write(ctx, fmt.Sprintf("record where the file of entry %d goes", id), func(tx *session) error {
		return moved(tx.exec(ctx, `UPDATE entries SET aside = ?, moved_to = ?, updated = ? WHERE id = ? AND status = ?`,
			[]byte(aside), []byte(movedTo), f.j.now(), id, in))
	})
}

// hasVersion is true of an entry e of whose path a later generation became, or is to
// become, a version of its asset. One that waits is not decided yet.
const hasVersion = `EXISTS (SELECT 1 FROM entries l WHERE l.folder = e.folder AND l.path = e.path AND l.generation > e.generation
	AND l.original_file_id IN (e.original_file_id, '') AND l.status NOT IN ({settled}, {superseded}))`

// SameFile returns entries that describe the same file as e under another path
// of its folder, judged by device, inode, size and modification time: those whose
// content is in Tenovos with the source kept, or on its way there, or was handed over
// and never seen right. One whose asset has a later version is none of them. Their
// Attempt is the last one. One whose file is on its way out of the folder belongs to
// them until that is done.
func (r *Reader) SameFile(ctx context.Context, e Entry) ([]Entry, error) {
	var out []Entry
	err := r.read(ctx, fmt.Sprintf("look for the earlier path of entry %d", e.ID), func(tx *session) error {
		err := each(ctx, tx, func(rows *sql.Rows) error {
			same, err := scanEntry(rows.Scan)
			out = append(out, same)
			return err
		}, `SELECT `+entryColumns+` FROM entries e {using entries_inode}
			WHERE ino = ?1 AND size = ?2 AND dev = ?3 AND mod_time = ?4 AND folder = ?5 AND path <> ?6
			  AND (status IN {begun} OR status = {filed} OR status = {held} AND class = '`+ClassUnverified+`') AND (aside = x'' OR status = {verified}
				OR EXISTS (SELECT 1 FROM chores c WHERE c.entry_id = e.id AND c.kind = '`+string(ChoreFile)+`'))
			  AND NOT `+hasVersion+`
			ORDER BY id LIMIT 8`, int64(e.Ino), e.Size, int64(e.Dev), e.ModTime, e.Folder, []byte(e.Path))
		if err != nil {
			return err
		}
		for i := range out {
			if err := lastAttempt(ctx, tx, &out[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// FormerPaths returns the other paths of its folder under which the journal knew a file,
// judged by device, inode, size and modification time, whatever became of it there; a
// few at the most, the latest first.
func (r *Reader) FormerPaths(ctx context.Context, f file.File) ([]string, error) {
	var out []string
	err := r.ask(ctx, "look for the former paths of a file", func(tx *session) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var path []byte
			err := rows.Scan(&path)
			out = append(out, string(path))
			return err
		}, `SELECT path FROM entries {using entries_inode}
			WHERE ino = ? AND size = ? AND dev = ? AND mod_time = ? AND folder = ? AND path <> ? ORDER BY id DESC LIMIT 16`,
			int64(f.Ino), f.Size, int64(f.Dev), f.ModTime, f.Folder, []byte(f.Path))
	})
	return out, err
}

// Displaced reports whether the file of an entry was found lately under another
// path of its folder, as SameFile judges. A path that it had before, as a second
// name of one file, is none.
func (r *Reader) Displaced(ctx context.Context, e Entry) (bool, error) {
	var found bool
	err := r.ask(ctx, fmt.Sprintf("look for the new path of entry %d", e.ID), func(tx *session) error {
		return tx.row(ctx, `SELECT EXISTS (SELECT 1 FROM entries e {using entries_inode}
			WHERE ino = ?1 AND size = ?2 AND dev = ?3 AND mod_time = ?4 AND folder = ?5 AND path <> ?6 AND status = {settled}
			  AND NOT EXISTS (SELECT 1 FROM entries o WHERE o.folder = ?5 AND o.path = e.path AND o.id <> e.id AND o.ino = ?1 AND o.dev = ?3 AND o.status <> {superseded}))`,
			int64(e.Ino), e.Size, int64(e.Dev), e.ModTime, e.Folder, []byte(e.Path)).Scan(&found)
	})
	return found, err
}

// refreshPath refreshes the work of all generations of a path.
func refreshPath(ctx context.Context, tx *session, folder string, path []byte) error {
	ids, err := idsOf(ctx, tx, `SELECT w.entry_id FROM entries e JOIN work w ON w.entry_id = e.id WHERE e.folder = ? AND e.path = ?`, folder, path)
	if err != nil {
		return err
	}
	return refresh(ctx, tx, ids...)
}
